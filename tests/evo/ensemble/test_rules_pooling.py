"""Each rule of pooling, of temperature, of calibration and of stacking, on few rows."""

from __future__ import annotations

import math

import numpy as np
import pytest

from evo.ensemble import calibration
from evo.ensemble.arguments import as_predictions, as_target, as_targets, check_loss, check_pooling
from evo.ensemble.calibration import apply_temperature, calibrated, fit_temperature
from evo.ensemble.metrics import evaluate, row_losses
from evo.ensemble.pooling import pool
from evo.ensemble.stacking import Stacker, features, fit_stacker
from evo.errors import EnsembleError
from genomes.targets.probabilities import FLOOR, logit, sigmoid, softmax
from genomes.targets.weighted_median import weighted_median

TASKS = ("binary", "multiclass", "multilabel", "regression")
POOLINGS = {task: as_target(task).poolings for task in TASKS}
LOSSES = {task: as_target(task).losses for task in TASKS}


def column(*values: float) -> np.ndarray:
    return np.array(values, np.float32)[:, None]


def near(expected: object, within: float = 1e-6) -> object:
    return pytest.approx(np.array(expected), abs=within)


TWO = [column(0.2, 0.9), column(0.6, 0.5)]
WEIGHTS = np.array([0.75, 0.25])
CLASSES = [np.array([[0.2, 0.5, 0.3]], np.float32), np.array([[0.6, 0.1, 0.3]], np.float32)]


# -- pooling -----------------------------------------------------------------------
def test_defaults_of_pooling_and_what_each_task_knows() -> None:
    for task, known in POOLINGS.items():
        assert check_pooling(task, None) == "arithmetic" == known[0]
        assert known[1] == ("median" if task == "regression" else "geometric")
        assert [check_pooling(task, name) for name in known] == list(known)
    assert check_pooling("regression", "mean") == "arithmetic"
    for task, wrong in (("binary", "median"), ("regression", "geometric"), ("binary", "mean"), ("multiclass", "max")):
        with pytest.raises(EnsembleError, match="pooling"):
            check_pooling(task, wrong)


def test_arithmetic_is_the_weighted_mean() -> None:
    for task in POOLINGS:
        found = pool(TWO, WEIGHTS, "arithmetic", task)
        assert found == near([[0.3], [0.8]]) and found.dtype == np.float32


def test_one_member_alone_is_what_it_is_and_each_member_needs_a_weight() -> None:
    for pooling in ("arithmetic", "geometric"):
        assert pool(TWO[:1], np.array([1.0]), pooling, "binary") == near(TWO[0])
        with pytest.raises(ValueError, match="zip"):
            pool(TWO, np.array([1.0]), pooling, "binary")


def test_geometric_is_the_mean_of_log_odds_for_outputs_that_stand_alone() -> None:
    odds = (0.2 / 0.8) ** 0.75 * (0.6 / 0.4) ** 0.25, (0.9 / 0.1) ** 0.75
    for task in ("binary", "multilabel"):
        assert pool(TWO, WEIGHTS, "geometric", task) == near([[odds[0] / (1 + odds[0])], [odds[1] / (1 + odds[1])]])


def test_geometric_is_the_normalised_mean_of_logarithms_for_classes() -> None:
    mean = CLASSES[0] ** 0.75 * CLASSES[1] ** 0.25
    assert pool(CLASSES, WEIGHTS, "geometric", "multiclass") == near(mean / mean.sum())


def test_geometric_counts_no_probability_below_the_floor() -> None:
    sure = [np.array([[1.0, 0.0]], np.float32), np.array([[0.5, 0.5]], np.float32)]
    expected = math.sqrt(FLOOR * 0.5) / (math.sqrt(0.5) + math.sqrt(FLOOR * 0.5))
    assert pool(sure, np.array([0.5, 0.5]), "geometric", "multiclass")[0, 1] == pytest.approx(expected, rel=1e-3)
    assert FLOOR == 1e-7


def test_median_is_where_the_weights_pass_one_half() -> None:
    values = np.array([[1.0], [2.0], [10.0]])
    assert weighted_median(values, np.array([0.2, 0.2, 0.6])) == near([10])
    assert weighted_median(values, np.array([0.2, 0.6, 0.2])) == near([2])
    assert weighted_median(values[::-1], np.array([0.2, 0.2, 0.6])) == near([1])
    assert weighted_median(values, np.array([2, 1, 1.5])) == near([2])  # weights need not sum to one


def test_median_is_the_mean_of_the_two_in_the_middle_where_weights_meet_one_half() -> None:
    values = np.array([[1.0], [2.0], [10.0]])
    assert weighted_median(values, np.array([0.25, 0.25, 0.5])) == near([6])
    assert weighted_median(values, np.array([0.5, 0.25, 0.25])) == near([1.5])
    assert weighted_median(values, np.array([0.5, 0.25, 0.25]) + np.array([4e-7, 0, -4e-7])) == near([1.5])
    assert weighted_median(values, np.array([0.5, 0.25, 0.25]) - np.array([4e-7, 0, -4e-7])) == near([1.5])
    assert weighted_median(values, np.array([0.5, 0.25, 0.25]) + np.array([4e-6, 0, -4e-6])) == near([1])
    assert weighted_median(values, np.array([0.5, 0.25, 0.25]) - np.array([4e-6, 0, -4e-6])) == near([2])


def test_median_is_taken_output_by_output() -> None:
    parts = [np.array([[1.0, 9.0]]), np.array([[2.0, 5.0]]), np.array([[3.0, 7.0]])]
    found = pool([p.astype(np.float32) for p in parts], np.full(3, 1 / 3), "median", "regression")
    assert found == near([[2, 7]]) and found.dtype == np.float32


# -- temperature -------------------------------------------------------------------
def test_temperature_comes_after_pooling() -> None:
    softer = pool(TWO, WEIGHTS, "arithmetic", "binary", 2.0)
    expected = [[math.sqrt(p) / (math.sqrt(p) + math.sqrt(1 - p))] for p in (0.3, 0.8)]
    assert softer == near(expected)
    sharper = pool(CLASSES, WEIGHTS, "arithmetic", "multiclass", 0.5)
    mean = (0.75 * CLASSES[0] + 0.25 * CLASSES[1]) ** 2
    assert sharper == near(mean / mean.sum())
    geometric = pool(CLASSES, WEIGHTS, "geometric", "multiclass", 0.5)
    mean = (CLASSES[0] ** 0.75 * CLASSES[1] ** 0.25) ** 2
    assert geometric == near(mean / mean.sum())
    odds = ((0.2 / 0.8) ** 0.75 * (0.6 / 0.4) ** 0.25) ** 0.5
    assert pool(TWO, WEIGHTS, "geometric", "binary", 2.0)[0, 0] == pytest.approx(odds / (1 + odds), abs=1e-6)


def test_temperature_of_one_changes_nothing() -> None:
    for task in ("binary", "multiclass"):
        p = np.array([[0.0, 1.0]])
        assert apply_temperature(p, 1.0, task) is p


def test_temperature_counts_no_probability_below_the_floor() -> None:
    assert apply_temperature(np.array([[0.0]]), 2.0, "binary")[0, 0] == pytest.approx(math.sqrt(FLOOR), rel=1e-3)
    assert apply_temperature(np.array([[0.0, 1.0]]), 2.0, "multiclass")[0, 0] == pytest.approx(
        math.sqrt(FLOOR), rel=1e-3
    )


@pytest.mark.parametrize("task", ["binary", "multiclass", "multilabel"])
@pytest.mark.parametrize("prior", [0.0, 2.0])
def test_temperature_is_that_of_the_least_log_loss_within_bounds(task: str, prior: float) -> None:
    """Against a grid; the prior counts its squared logarithm once for all rows."""
    right = np.array([1, 1, 1, 0, 0, 1, 1, 0])
    chance = 0.8  # claimed in every row; five of eight are right
    if task == "multiclass":
        p, y = np.tile([1 - chance, chance], (8, 1)), right
    else:
        p, y = np.full((8, 1), chance), right[:, None].astype(np.float32)
    grid = np.linspace(np.log(0.2), np.log(5), 4001)
    tempered = 1 / (1 + np.exp(-np.log(chance / (1 - chance)) / np.exp(grid)))
    losses = -(5 * np.log(tempered) + 3 * np.log(1 - tempered)) / 8 + prior * grid**2 / 8
    best = float(np.exp(grid[np.argmin(losses)]))
    assert 1.2 < best < 4.5
    assert fit_temperature(p, y, task, prior) == pytest.approx(best, rel=0.011)
    if not prior:
        assert fit_temperature(p, y, task) == pytest.approx(best, rel=0.011)


def test_temperature_lies_between_a_fifth_and_five() -> None:
    y = np.array([1, 0, 1, 0])
    right, wrong = np.where(y == 1, 0.6, 0.4)[:, None], np.where(y == 1, 0.3, 0.7)[:, None]
    assert fit_temperature(right, y[:, None], "binary") == pytest.approx(0.2, rel=0.02)
    assert fit_temperature(wrong, y[:, None], "binary") == pytest.approx(5.0, rel=0.02)


def test_temperature_stays_one_where_another_is_no_better() -> None:
    half = np.full((4, 1), 0.5)
    assert fit_temperature(half, np.array([[1], [0], [1], [0]]), "binary") == 1.0


# -- calibration -------------------------------------------------------------------
def test_calibrated_is_at_the_best_temperature_of_the_same_rows_with_a_pull_to_one() -> None:
    assert calibration._PRIOR == 2.0
    y = np.array([1, 1, 1, 0, 0, 1, 1, 0])
    p = np.linspace(0.55, 0.95, 8)[:, None].astype(np.float32)
    temperature = fit_temperature(p, y[:, None], "binary", 2.0)
    assert temperature != 1.0
    found = calibrated(p, y[:, None], "binary")
    assert found.dtype == np.float32
    assert found == near(apply_temperature(p.astype(float), temperature, "binary"))
    two = np.hstack([1 - p, p])
    classes = calibrated(two, y, "multiclass")
    temperature = fit_temperature(two, y, "multiclass", 2.0)
    assert classes == near(apply_temperature(two.astype(float), temperature, "multiclass"))
    assert not np.allclose(classes, two)


def test_calibrated_looks_at_most_at_2000_rows_evenly_spread() -> None:
    assert calibration._ROWS == 2000
    random = np.random.default_rng(0)
    for rows, step in ((2000, 1), (2001, 2), (4001, 3)):
        p = random.uniform(0.02, 0.98, size=(rows, 1)).astype(np.float32)
        y = (random.uniform(size=(rows, 1)) < p**2).astype(np.float32)
        temperature = fit_temperature(p[::step], y[::step], "binary", 2.0)
        assert np.array_equal(
            calibrated(p, y, "binary"), apply_temperature(p.astype(float), temperature, "binary").astype(np.float32)
        )


def test_odds_and_chances_are_each_others_inverse_and_never_overflow() -> None:
    p = np.array([0.0, 1e-3, 0.5, 0.9, 1.0])
    assert logit(p)[1:4] == near(np.log(p[1:4] / (1 - p[1:4])))
    assert logit(p)[0] == pytest.approx(math.log(FLOOR), abs=1e-6) and logit(p)[4] == pytest.approx(-logit(p)[0])
    assert sigmoid(logit(p)) == near(np.clip(p, FLOOR, 1 - FLOOR))
    with np.errstate(all="raise", under="ignore"):
        assert list(sigmoid(np.array([-1e4, 0.0, 1e4]))) == [0, 0.5, 1]
        assert softmax(np.array([[1e4, 1e4, -1e4]])) == near([[0.5, 0.5, 0]])
    assert softmax(np.log(CLASSES[0])) == near(CLASSES[0])


# -- losses by row -----------------------------------------------------------------
def test_losses_of_each_task_and_their_defaults() -> None:
    for task in ("binary", "multiclass", "multilabel"):
        assert LOSSES[task] == ("log_loss", "calibrated_log_loss", "brier", "error")
    assert LOSSES["regression"] == ("rmse", "mae")
    for task, known in LOSSES.items():
        assert as_target(task).task == task and check_loss(task, None) == known[0]
        assert [check_loss(task, loss) for loss in known] == list(known)
    with pytest.raises(EnsembleError, match="task"):
        as_target("clustering")
    with pytest.raises(EnsembleError, match="loss"):
        check_loss("regression", "log_loss")


def test_losses_by_row() -> None:
    y = column(1, 0)
    assert row_losses("log_loss", "binary", TWO[0], y) == near([-math.log(0.2), -math.log(0.1)])
    assert row_losses("error", "binary", TWO[0], y) == near([1, 1])
    assert row_losses("error", "binary", column(0.5, 0.5), y) == near([1, 0])
    assert row_losses("brier", "binary", TWO[0], y) == near([2 * 0.64, 2 * 0.81])
    assert row_losses("rmse", "regression", TWO[0], y) == near([0.64, 0.81])
    assert row_losses("mae", "regression", TWO[0], y) == near([0.8, 0.9])
    label = np.array([1])
    assert row_losses("log_loss", "multiclass", CLASSES[0], label) == near([-math.log(0.5)])
    assert row_losses("error", "multiclass", CLASSES[0], label) == near([0])
    assert row_losses("error", "multiclass", CLASSES[1], label) == near([1])
    assert row_losses("brier", "multiclass", CLASSES[0], label) == near([0.04 + 0.25 + 0.09])
    two = np.array([[0.2, 0.6]], np.float32)
    assert row_losses("log_loss", "multilabel", two, np.array([[1, 0]])) == near([-math.log(0.2 * 0.4) / 2])
    assert row_losses("error", "multilabel", two, np.array([[1, 1]])) == near([0.5])
    assert row_losses("mae", "regression", two, np.array([[1, 0]])) == near([0.7])
    assert row_losses("log_loss", "binary", column(0.0), column(1)) == near([-math.log(FLOOR)])


def test_calibrated_log_loss_is_the_log_loss_after_the_best_temperature_of_these_rows() -> None:
    y = np.array([1, 1, 1, 0, 0, 1, 1, 0])[:, None]
    p = np.linspace(0.55, 0.95, 8)[:, None].astype(np.float32)
    expected = row_losses("log_loss", "binary", calibrated(p, y, "binary"), y)
    assert np.array_equal(row_losses("calibrated_log_loss", "binary", p, y), expected)
    assert not np.allclose(expected, row_losses("log_loss", "binary", p, y))


def test_metrics_of_a_test() -> None:
    found = evaluate("regression", column(1, 3), column(1, 1))
    assert found["rmse"] == pytest.approx(math.sqrt(2)) and found["mae"] == 1 and math.isnan(found["r2"])
    assert evaluate("regression", column(1, 2), column(1, 3))["r2"] == pytest.approx(0.5)
    found = evaluate("binary", column(0.8, 0.9), column(1, 0))
    assert found["accuracy"] == 0.5 and found["log_loss"] == pytest.approx(-math.log(0.8 * 0.1) / 2, rel=1e-5)
    assert found["brier"] == pytest.approx(0.04 + 0.81)
    assert found["calibration_error"] == pytest.approx((0.2 + 0.9) / 2, rel=1e-5)
    assert "calibration_error" not in evaluate("multilabel", column(0.8), column(1))
    half = evaluate("binary", column(0.8, 0.9), column(1, 0), np.array([1.0, 0.0]))
    assert half["accuracy"] == 1 and half["calibration_error"] == pytest.approx(0.2, rel=1e-5)


# -- forms -------------------------------------------------------------------------
def test_predictions_in_one_form() -> None:
    assert as_predictions(np.array([0.1, 0.9]), "binary").shape == (2, 1)
    assert as_predictions(np.array([[0.1, 0.9]]), "binary") == near([[0.9]])
    assert as_predictions(np.zeros((2, 3, 4)), "regression").shape == (2, 12)
    kept = np.zeros((2, 3), np.float32)
    assert as_predictions(kept, "multiclass") is kept
    assert as_predictions(np.zeros((2, 2)), "multiclass").dtype == np.float32
    for task, wrong in (("binary", np.zeros((2, 3))), ("multiclass", np.zeros((2, 1)))):
        with pytest.raises(EnsembleError):
            as_predictions(wrong, task)


def test_targets_in_one_form() -> None:
    assert list(as_targets(np.array([[0, 1], [1, 0]]), "multiclass", 2)) == [1, 0]
    assert list(as_targets(np.array([[2], [0]]), "multiclass", 3)) == [2, 0]
    assert as_targets(np.array([0, 1]), "binary") == near([[0], [1]])
    assert as_targets(np.array([[0, 1]]), "binary") == near([[1]])
    assert as_targets(np.zeros((2, 2, 2)), "regression").shape == (2, 4)
    for y, task, outputs in (
        (np.array([0, 3]), "multiclass", 3),
        (np.array([-1]), "multiclass", 3),
        (np.eye(3), "multiclass", 4),
        (np.array([0, 2]), "binary", 1),
        (np.array([0.5]), "multilabel", 1),
        (np.zeros((2, 2)), "regression", 3),
        (np.array([np.nan]), "regression", 1),
        (np.array(["a"]), "multiclass", 2),
    ):
        with pytest.raises(EnsembleError, match="^y: "):
            as_targets(y, task, outputs)


# -- stacking ----------------------------------------------------------------------
def test_stacking_sees_log_chances_log_odds_or_numbers() -> None:
    assert features(CLASSES, "multiclass") == near(np.log(np.hstack(CLASSES)))
    assert features(TWO, "binary") == near(np.log(np.hstack(TWO) / (1 - np.hstack(TWO))))
    assert features(TWO, "regression") == near(np.hstack(TWO))


def test_stacking_gives_chances_or_numbers() -> None:
    stacker = Stacker(np.array([[2.0], [-1.0]]), np.array([0.5]))
    x = np.hstack(TWO)
    assert stacker.predict(TWO, "regression") == near((2 * x[:, 0] - x[:, 1] + 0.5)[:, None])
    odds = np.log(x / (1 - x))
    scores = 2 * odds[:, 0] - odds[:, 1] + 0.5
    for task in ("binary", "multilabel"):
        assert stacker.predict(TWO, task) == near((1 / (1 + np.exp(-scores)))[:, None])
    classes = Stacker(np.vstack([np.eye(3), -np.eye(3)]), np.array([0.0, 1.0, 0.0]))
    expected = CLASSES[0] / CLASSES[1] * np.exp([0, 1, 0])
    assert classes.predict(CLASSES, "multiclass") == near(expected / expected.sum())


def test_stacking_weight_of_a_member_is_its_share_of_all_coefficients() -> None:
    assert Stacker(np.array([[3.0], [-1.0]]), np.zeros(1)).member_weights(2) == near([0.75, 0.25])
    assert Stacker(np.array([[3.0, -1], [0, 0], [1, 1], [-2, 0]]), np.zeros(2)).member_weights(2) == near([0.5, 0.5])
    assert Stacker(np.zeros((4, 1)), np.zeros(1)).member_weights(4) == near([0.25] * 4)


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_stacking_with_a_strong_penalty_is_the_plain_mean(task: str) -> None:
    random = np.random.default_rng(0)
    if task == "multiclass":
        parts = [random.dirichlet(np.ones(3), 20).astype(np.float32) for _ in range(2)]
        y = random.integers(0, 3, 20)
    else:
        parts = [random.uniform(0.1, 0.9, size=(20, 1)).astype(np.float32) for _ in range(2)]
        y = (random.uniform(size=(20, 1)) < 0.5).astype(np.float32)
    stacker = fit_stacker(parts, y, task, penalty=1e9)
    outputs = parts[0].shape[1]
    assert stacker.coefficients == near(np.vstack([np.eye(outputs)] * 2) / 2, 1e-3)


def test_stacking_of_numbers_is_penalised_least_squares_with_a_free_intercept() -> None:
    random = np.random.default_rng(0)
    parts = [random.normal(size=(30, 1)).astype(np.float32) for _ in range(2)]
    y = (2 * parts[0] - parts[1] + 7 + random.normal(size=(30, 1))).astype(np.float32)
    x = np.hstack(parts).astype(float)
    for weight in (None, np.linspace(0.5, 2, 30)):
        share = np.full(30, 1 / 30) if weight is None else weight / weight.sum()
        center, middle = share @ x, float(share @ y[:, 0])
        spread = x - center
        gram = spread.T @ (spread * share[:, None])
        pull = 1.0 / 30 * np.trace(gram) / 2
        left = y[:, 0] - middle - spread @ [0.5, 0.5]
        change = np.linalg.solve(gram + pull * np.eye(2), spread.T @ (left * share))
        stacker = fit_stacker(parts, y, "regression", row_weight=weight)
        assert stacker.coefficients[:, 0] == near(0.5 + change, 1e-5)
        assert stacker.intercept == near([middle - center @ (0.5 + change)], 1e-4)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("task", ["binary", "multiclass", "multilabel"])
def test_stacking_of_classes_is_the_penalised_optimum(task: str, weighted: bool) -> None:
    """No step from it lowers the weighted log loss plus half the squared change from the mean, in rows."""
    random = np.random.default_rng(0)
    outputs = {"binary": 1, "multiclass": 3, "multilabel": 2}[task]
    if task == "multiclass":
        parts = [random.dirichlet(np.ones(3), 30).astype(np.float32) for _ in range(2)]
        y = random.integers(0, 3, 30)
    else:
        parts = [random.uniform(0.1, 0.9, size=(30, outputs)).astype(np.float32) for _ in range(2)]
        y = (random.uniform(size=(30, outputs)) < parts[0]).astype(np.float32)
    weight = np.linspace(0.5, 2, 30) if weighted else np.ones(30)
    prior = np.vstack([np.eye(outputs)] * 2) / 2

    def objective(stacker: Stacker) -> float:
        loss = np.average(row_losses("log_loss", task, stacker.predict(parts, task), y), weights=weight)
        return float(loss + 0.5 * 1.0 / 30 * ((stacker.coefficients - prior) ** 2).sum())

    found = fit_stacker(parts, y, task, row_weight=weight if weighted else None)
    best = objective(found)
    assert best < objective(Stacker(prior, np.zeros(outputs)))
    for index in np.ndindex(*found.coefficients.shape):
        for step in (0.15, -0.15):
            changed = found.coefficients.copy()
            changed[index] += step
            assert objective(Stacker(changed, found.intercept)) > best
    for output in range(outputs):
        for step in (0.15, -0.15):
            assert objective(Stacker(found.coefficients, found.intercept + step * np.eye(outputs)[output])) > best


def test_stacker_is_the_same_after_json() -> None:
    stacker = Stacker(np.array([[2.0], [-1.0]]), np.array([0.5]))
    again = Stacker.from_json(stacker.to_json())
    assert np.array_equal(again.coefficients, stacker.coefficients)
    assert np.array_equal(again.intercept, stacker.intercept)
    assert stacker.to_json() == {"coefficients": [[2.0], [-1.0]], "intercept": [0.5]}
