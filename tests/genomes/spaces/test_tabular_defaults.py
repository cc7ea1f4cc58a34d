"""The default net for tables, and the scale of numbers that it is made for."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from genomes import Choice, Space, spaces
from genomes.spaces.robust_scaling import robust_scale, robust_scaled, robust_scaled_tensor

NUMBERS = arrays(np.float32, (25, 3), elements=st.floats(-1e6, 1e6, width=32))


def quantiles(x: np.ndarray) -> np.ndarray:
    return np.quantile(x.astype(np.float64), np.linspace(0, 1, 33), axis=0).T.astype(np.float32)


@given(x=NUMBERS)
def test_scale_is_scikit_learns_robust_one_softly_limited(x: np.ndarray) -> None:
    from sklearn.preprocessing import RobustScaler

    knots = quantiles(x)
    apart = knots[:, 24] - knots[:, 8] > 1e-3
    z = RobustScaler().fit(x.astype(np.float64)).transform(x.astype(np.float64))[:, apart]
    limited = z / np.sqrt(1 + (z / 3) ** 2)
    np.testing.assert_allclose(robust_scaled(x, knots)[:, apart], limited, rtol=1e-3, atol=2e-3)


def test_half_the_range_where_quartiles_are_one_and_nothing_where_all_are() -> None:
    x = np.array([[0.0, 7.0]] * 30 + [[4.0, 7.0]], np.float32)
    centre, factor = robust_scale(quantiles(x))
    np.testing.assert_allclose(centre, [0, 7])
    np.testing.assert_allclose(factor, [0.5, 0])


@given(x=NUMBERS, places=st.sets(st.integers(0, 74)))
def test_model_and_encoding_scale_alike(x: np.ndarray, places: set[int]) -> None:
    knots = quantiles(x)
    holes = x.copy()
    holes.reshape(-1)[list(places)] = np.nan
    found = robust_scaled(holes, knots)
    assert np.abs(found).max() <= 3.0001 and not found[np.isnan(holes)].any()
    np.testing.assert_allclose(robust_scaled_tensor(holes, knots), found, rtol=1e-5, atol=1e-5)


def test_greatest_numbers_do_no_harm() -> None:
    x = np.array([[0.0], [1.0], [3e38], [-3e38], [np.nan]], np.float32)
    found = robust_scaled(x, np.linspace(0, 1, 33, dtype=np.float32)[None])
    np.testing.assert_allclose(found[2:, 0], [3, -3, 0], rtol=1e-6)


def test_a_table_stored_before_is_scaled_as_it_was() -> None:
    x = np.random.default_rng(0).normal(3, 2, (60, 2)).astype(np.float32)
    json: dict[str, Any] = spaces.tabular(2, outputs=1).to_json()
    del json["arguments"]["options"]["scaling"]
    before = Space.from_json(json)
    found = before.adapt(x, x[:, 0])
    encoded = before.encode(x, found)
    np.testing.assert_allclose(encoded[:, :2], (x - x.mean(axis=0)) / x.std(axis=0), rtol=1e-3, atol=1e-4)
    genome = before.default()
    raw, inside = (
        np.asarray(before.build(genome, found, seed=1, encoded=e)(v)) for e, v in ((False, x), (True, encoded))
    )
    np.testing.assert_allclose(raw, inside, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("target", "activation", "rate"), [({"outputs": 1}, "mish", 0.2), ({"classes": 3}, "selu", 0.04)]
)
def test_default_is_realmlps(target: dict[str, int], activation: str, rate: float) -> None:
    """Table A.1 of arXiv 2407.04491; learning rate and decay in units of the genes' own factor, 50."""
    genome = spaces.tabular(6, **target).default()  # type: ignore[arg-type]
    first, *rest = genome.genes
    assert type(first).__name__ == "PeriodicEmbedding"
    assert (first.frequencies, first.width, first.sigma, first.scale) == (16, 4, 0.1, True)
    classes = target != {"outputs": 1}
    dense, dropout = (rest[::2], rest[1::2]) if classes else (rest, [])
    assert [(g.units, g.activation, g.parametric) for g in dense] == 3 * [(256, activation, True)]
    assert [g.rate for g in dropout] == (3 * [0.15] if classes else [])
    settings = genome.training
    assert settings is not None
    assert 50 * settings.learning_rate == pytest.approx(rate)
    assert settings.learning_rate * settings.weight_decay == pytest.approx(rate * 0.02)
    assert (settings.schedule, settings.second_momentum, settings.batch_size) == ("log-cosine", 0.95, 256)
    assert settings.label_smoothing == (0.1 if classes else 0)


@pytest.mark.parametrize("columns", [300, 3000, 20_000])
def test_a_wide_table_has_a_default_within_the_limits(columns: int) -> None:
    space = spaces.tabular(columns, classes=2)
    assert space.cost(space.default()).parameters <= 2_000_000
    space.validate(space.default())


def test_small_limits_and_narrow_domains_have_a_default() -> None:
    small = spaces.tabular(5, classes=2, parameters=3000)
    assert small.cost(small.default()).parameters <= 3000
    narrow = spaces.tabular(5, classes=2, units=16, domains={"Training": {"batch_size": Choice([8, 16])}})
    assert narrow.default().training is not None
    assert narrow.default().training.batch_size == 8
