"""Each rule of estimates and standard errors, of the paired bootstrap, and of the folds."""

from __future__ import annotations

import numpy as np
import pytest

from evo.ensemble.metrics import mean_and_error
from evo.ensemble.selection.estimation import Estimate, PairedGain, folds, paired_gain
from genomes.targets import as_target


def rng() -> np.random.Generator:
    return np.random.default_rng(5)


# -- paired bootstrap --------------------------------------------------------------
def test_gain_is_the_mean_of_what_the_single_model_loses_more() -> None:
    gain = paired_gain(np.array([3.0, 1.0, 2.0]), np.array([1.0, 1.0, 0.0]), rng())
    assert gain.value == pytest.approx(4 / 3)


def test_gain_of_a_tie_is_none() -> None:
    same = np.array([0.3, 0.1, 0.7])
    assert paired_gain(same, same, rng()) == PairedGain(0.0, 0.0, 0.0, 0.0)
    many = np.full(3000, 0.5)
    assert paired_gain(many, many, rng()) == PairedGain(0.0, 0.0, 0.0, 0.0)


def test_gain_that_is_the_same_in_every_row_is_certain() -> None:
    for rows in (3, 2001, 3000):
        gain = paired_gain(np.full(rows, 0.75), np.full(rows, 0.5), rng())
        assert gain.value == pytest.approx(0.25) and gain.probability == 1
        assert gain.low == pytest.approx(0.25) and gain.high == pytest.approx(0.25)


def _losses(rows: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(1)
    return random.exponential(size=rows), random.exponential(size=rows) * 0.97


@pytest.mark.parametrize(("rows", "weighted"), [(2, False), (2, True), (30, False), (30, True), (2000, False)])
def test_gain_of_up_to_2000_rows_draws_the_rows_again(rows: int, weighted: bool) -> None:
    single, ensemble = _losses(rows)
    weight = np.linspace(0.0, 3.0, rows) if weighted else np.ones(rows)
    counts = rng().multinomial(rows, np.full(rows, 1 / rows), size=1000) * weight
    means = counts @ (single - ensemble) / np.maximum(counts.sum(axis=1), 1e-300)
    gain = paired_gain(single, ensemble, rng(), weight if weighted else None)
    assert gain.value == pytest.approx(np.average(single - ensemble, weights=weight))
    assert (gain.low, gain.high) == pytest.approx(tuple(np.quantile(means, [0.05, 0.95])))
    assert gain.probability == pytest.approx((means > 0).mean(), abs=1e-9)


@pytest.mark.parametrize("weighted", [False, True])
def test_gain_of_more_rows_draws_the_normal_limit(weighted: bool) -> None:
    single, ensemble = _losses(2001)
    share = np.linspace(0.0, 3.0, 2001) if weighted else np.ones(2001)
    share = share / share.sum()
    mean = share @ (single - ensemble)
    error = np.sqrt(np.sum((share * (single - ensemble - mean)) ** 2))
    means = rng().normal(mean, error, size=1000)
    gain = paired_gain(single, ensemble, rng(), share * 7 if weighted else None)
    assert gain.value == pytest.approx(mean)
    assert (gain.low, gain.high) == pytest.approx(tuple(np.quantile(means, [0.05, 0.95])))
    assert gain.probability == pytest.approx((means > 0).mean(), abs=1e-9)


def test_gain_takes_a_thousand_samples_or_as_many_as_asked() -> None:
    single, ensemble = _losses(30)
    assert paired_gain(single, ensemble, rng()) == paired_gain(single, ensemble, rng(), samples=1000)
    assert paired_gain(single, ensemble, rng(), samples=4).probability in (0, 0.25, 0.5, 0.75, 1)
    assert paired_gain(single, ensemble, rng(), samples=4) != paired_gain(single, ensemble, rng())


def test_gain_with_rows_of_which_one_alone_weighs() -> None:
    """A sample without that row says nothing, and is no gain."""
    gain = paired_gain(np.array([1.0, 0.0, 0.0]), np.zeros(3), rng(), np.array([2.0, 0.0, 0.0]))
    assert gain.value == 1 and gain.high == 1 and gain.low == 0
    assert gain.probability == pytest.approx(1 - (2 / 3) ** 3, abs=0.05)


# -- folds -------------------------------------------------------------------------
@pytest.mark.parametrize(("rows", "count"), [(10, 5), (13, 5), (7, 2), (9, 9)])
def test_folds_are_even(rows: int, count: int) -> None:
    sizes = np.bincount(folds(rows, count, None, rng()), minlength=count)
    assert len(sizes) == count and sizes.sum() == rows and sizes.max() - sizes.min() <= 1


def test_folds_are_drawn() -> None:
    order = rng().permutation(8)
    expected = np.empty(8, int)
    expected[order] = [0, 1, 2, 0, 1, 2, 0, 1]
    assert list(folds(8, 3, None, rng())) == list(expected)
    assert list(folds(8, 3, None, rng())) != list(folds(8, 3, None, np.random.default_rng(6)))


def test_folds_share_out_each_class() -> None:
    y = np.where(np.arange(40) % 5 == 0, 7, np.arange(40) % 2)  # row by row, one fold would take all sevens
    fold = folds(40, 5, y, rng())
    for label in (0, 1, 7):
        sizes = np.bincount(fold[y == label], minlength=5)
        assert sizes.sum() == np.sum(y == label) and sizes.max() - sizes.min() <= 1
    assert list(np.bincount(fold)) == [8] * 5


def test_folds_share_out_each_class_in_an_order_that_is_drawn() -> None:
    y = np.arange(400) % 3
    order = rng().permutation(400)
    by_class = np.concatenate([order[y[order] == label] for label in range(3)])
    expected = np.empty(400, int)
    expected[by_class] = np.arange(400) % 5
    assert np.array_equal(folds(400, 5, y, rng()), expected)


# -- estimates ---------------------------------------------------------------------
def test_standard_error_of_a_mean_is_that_of_an_unbiased_variance() -> None:
    rows = np.array([1.0, 2.0, 3.0, 6.0])
    value, error = mean_and_error("mae", "regression", rows)
    assert value == 3 and error == pytest.approx(rows.std(ddof=1) / 2)


def test_standard_error_of_one_row_is_none() -> None:
    assert mean_and_error("log_loss", "binary", np.array([0.7])) == (0.7, 0.0)


def test_standard_error_counts_row_weights() -> None:
    rows, weight = np.array([1.0, 2.0, 6.0]), np.array([1.0, 3.0, 0.0])
    value, error = mean_and_error("log_loss", "binary", rows, weight)
    assert value == pytest.approx(1.75)
    assert error == pytest.approx(np.sqrt((0.25**2 * 0.75**2 + 0.75**2 * 0.25**2) * 3 / 2))


def test_standard_error_of_a_root_is_by_the_delta_method() -> None:
    rows = np.array([1.0, 2.0, 3.0, 10.0])
    value, error = mean_and_error("rmse", "regression", rows)
    assert value == 2 and error == pytest.approx(rows.std(ddof=1) / 2 / (2 * 2))
    assert mean_and_error("rmse", "regression", np.zeros(3)) == (0.0, 0.0)


def test_only_the_root_mean_square_is_a_root() -> None:
    numbers, classes = as_target("regression"), as_target("multiclass")
    assert numbers.finish("rmse", 9.0) == 3 and numbers.finish("mae", 9.0) == 9 and classes.finish("log_loss", 9.0) == 9


def test_estimates_are_told_as_json_and_as_text() -> None:
    estimate = Estimate(0.123456, 0.0123)
    assert estimate.to_json() == {"value": 0.123456, "error": 0.0123}
    assert str(estimate) == "0.1235 ± 0.012"
    assert PairedGain(1.0, 2.0, 3.0, 4.0).to_json() == {"value": 1.0, "low": 2.0, "high": 3.0, "probability": 4.0}
