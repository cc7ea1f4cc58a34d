"""Forecasts as a space: windows that leak nothing, predictions that do not depend on the series' level."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from genomes import GenomeError, Space, spaces
from genomes.targets import Forecast, Target


def steps(count: int, channels: int = 1) -> np.ndarray:
    """Values that tell where they stand: step + 1000 * channel."""
    return np.arange(count)[:, None] + 1000.0 * np.arange(channels)


def test_windows_hold_what_came_before_what_is_predicted() -> None:
    space = spaces.timeseries((6, 2), horizon=3, predicted=[0])
    x, y = space.windows(steps(20, 2))
    assert x.shape == (12, 6, 2) and y.shape == (12, 3)
    for row in range(12):
        assert x[row, :, 0].tolist() == list(range(row, row + 6))
        assert y[row].tolist() == [row + 6, row + 7, row + 8]


def test_no_window_before_a_border_reaches_beyond_it() -> None:
    space = spaces.timeseries((6, 1), horizon=3)
    for border in range(12, 30):
        x, y = space.windows(steps(40), last=border)
        kept, later = space.windows(steps(40), first=border)
        assert x.max() < border and y.max() == border - 1
        assert later.min() == border and kept[0].max() == border - 1


def test_of_steps_to_come_only_what_is_known_beforehand_is_seen() -> None:
    space = spaces.timeseries((4, 3), horizon=2, known=[2])
    x, y = space.windows(steps(10, 3))
    assert x.shape == (5, 6, 3) and y.shape == (5, 2, 2)
    assert np.isnan(x[:, 4:, :2]).all() and not np.isnan(x[:, :, 2]).any()
    full = np.where(np.isnan(x), 7.0, x)
    assert np.isnan(space.prepare(full)[:, 4:, :2]).all(), "what is not known beforehand reached the model"


def test_windows_to_predict_what_is_not_known_are_left_out() -> None:
    series = steps(30)
    series[15] = np.nan
    x, y = spaces.timeseries((4, 1), horizon=2).windows(series)
    assert np.isfinite(y).all() and len(y) == 25 - 2 and np.isnan(x).any()


def model_of(space: Any, series: np.ndarray) -> tuple[Any, np.ndarray]:
    x, y = space.windows(series)
    preprocessing = space.adapt(x, y)
    return space.build(space.default(), preprocessing, seed=3), x


def test_a_forecast_moves_with_the_level() -> None:
    series = np.random.default_rng(0).normal(size=200).cumsum()
    space = spaces.timeseries((8, 1), horizon=3, units=16)
    model, x = model_of(space, series)
    there = model.predict(x[:50], verbose=0)
    moved = model.predict(x[:50] + 1024.0, verbose=0)
    assert np.allclose(there + 1024.0, moved, atol=1e-2)


def test_a_window_without_values_still_gives_numbers() -> None:
    space = spaces.timeseries((8, 1), horizon=3, units=16)
    model, x = model_of(space, 50 + np.sin(np.arange(100.0)))
    x[0] = np.nan
    assert np.isfinite(model.predict(x[:2], verbose=0)).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"horizon": 0}, "horizon: expected a whole number"),
        ({"horizon": 3, "classes": 2}, "horizon: says what is predicted"),
        ({"horizon": 3, "known": [0, 1]}, "predicted: at least one channel"),
        ({"horizon": 3, "predicted": [2]}, "predicted: expected a whole number from 0 to 1"),
        ({"horizon": 3, "known": [1, 1]}, "known: each channel may be named once"),
        ({"classes": 2, "known": [1]}, "need horizon"),
    ],
)
def test_wrong_arguments_are_named(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(GenomeError, match=message):
        spaces.timeseries((8, 2), **arguments)


def test_too_short_series_are_refused() -> None:
    space = spaces.timeseries((8, 1), horizon=4)
    with pytest.raises(GenomeError, match="11 steps are too few for a window of 8 and the 4 after it"):
        space.windows(np.arange(11.0))
    with pytest.raises(GenomeError, match=r"expected shape \(steps, 1\), got \(20, 2\)"):
        space.windows(np.zeros((20, 2)))


def test_the_target_gives_steps_and_series() -> None:
    target = Forecast(6, series=2)
    y = np.arange(24.0).reshape(4, 3, 2)
    target.check(y)
    prepared = target.prepare(y)
    assert prepared.shape == (4, 6) and (target.decode(prepared) == y).all() and target.horizon == 3
    assert Target.from_json(target.to_json()) == target and not target.is_named_fully
    with pytest.raises(GenomeError, match="expected shape"):
        target.check(np.zeros((4, 3)))
    with pytest.raises(GenomeError, match="multiple of 2 series"):
        Forecast(5, series=2)
    assert Target.infer(outputs=6).task == "regression"


def test_a_space_with_a_horizon_comes_back_from_json() -> None:
    space = spaces.timeseries((8, 3), horizon=2, known=[1])
    again = Space.from_json(space.to_json())
    assert again.fingerprint == space.fingerprint and again.target == Forecast(4, series=2)  # type: ignore[comparison-overlap]
