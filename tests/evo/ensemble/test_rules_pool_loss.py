"""Each loss of a pool on few rows, by hand; and that a pool of weights is what its parts add up to."""

from __future__ import annotations

import math

import numpy as np
import pytest

from evo.ensemble.selection import pool_loss
from evo.ensemble.selection.pool_loss import PoolLoss
from genomes.targets import pooled_loss

KINDS = {
    "log": (pooled_loss.LogLoss, pooled_loss.ClassLogLoss),
    "logistic": (pooled_loss.LogisticLoss,),
    "softmax": (pooled_loss.SoftmaxLoss,),
    "squared": (pooled_loss.SquaredError, pooled_loss.ClassSquaredError),
    "absolute": (pooled_loss.AbsoluteError,),
    "wrong_sign": (pooled_loss.WrongSign,),
    "wrong_class": (pooled_loss.WrongClass,),
}


def column(*values: float) -> np.ndarray:
    return np.array(values, np.float32)[:, None]


def log(*values: float) -> float:
    return -float(np.mean(np.log(values)))


BINARY = [column(0.8, 0.3), column(0.4, 0.1)]
BINARY_Y = column(1, 0)
CLASSES = [
    np.array([[0.7, 0.2, 0.1], [0.2, 0.3, 0.5]], np.float32),
    np.array([[0.1, 0.5, 0.4], [0.1, 0.8, 0.1]], np.float32),
]
CLASSES_Y = np.array([0, 2])
NUMBERS = [column(1.0, 2.0), column(3.0, -1.0)]
NUMBERS_Y = column(2.0, 0.0)
LABELS = [np.array([[0.8, 0.4], [0.3, 0.9]], np.float32), np.array([[0.6, 0.2], [0.1, 0.5]], np.float32)]
LABELS_Y = np.array([[1, 0], [0, 1]], np.float32)


def by_task(task: str) -> tuple[list[np.ndarray], np.ndarray]:
    return {
        "binary": (BINARY, BINARY_Y),
        "multiclass": (CLASSES, CLASSES_Y),
        "multilabel": (LABELS, LABELS_Y),
        "regression": (NUMBERS, NUMBERS_Y),
    }[task]


@pytest.mark.parametrize(
    ("task", "loss", "first", "second", "mixed"),
    [
        ("binary", "log_loss", log(0.8, 0.7), log(0.4, 0.9), log(0.6, 0.8)),
        ("binary", "error", 0.0, 0.5, 0.0),
        ("binary", "brier", (0.04 + 0.09) / 2, (0.36 + 0.01) / 2, (0.16 + 0.04) / 2),
        ("multiclass", "log_loss", log(0.7, 0.5), log(0.1, 0.1), log(0.4, 0.3)),
        ("multiclass", "error", 0.0, 1.0, 0.5),
        (
            "multiclass",
            "brier",
            (0.09 + 0.04 + 0.01 + 0.04 + 0.09 + 0.25) / 6,
            (0.81 + 0.25 + 0.16 + 0.01 + 0.64 + 0.81) / 6,
            (0.36 + 0.1225 + 0.0625 + 0.0225 + 0.3025 + 0.49) / 6,
        ),
        ("multilabel", "log_loss", log(0.8, 0.6, 0.7, 0.9), log(0.6, 0.8, 0.9, 0.5), log(0.7, 0.7, 0.8, 0.7)),
        ("multilabel", "error", 0.0, 0.25, 0.0),
        ("regression", "rmse", (1 + 4) / 2, (1 + 1) / 2, (0 + 0.25) / 2),
        ("regression", "mae", (1 + 2) / 2, (1 + 1) / 2, (0 + 0.5) / 2),
    ],
)
def test_loss_of_the_arithmetic_mean(task: str, loss: str, first: float, second: float, mixed: float) -> None:
    predictions, y = by_task(task)
    pool = PoolLoss(predictions, y, task, "arithmetic", loss)
    assert pool.singles() == pytest.approx([first, second], abs=1e-6)
    assert pool.of_weights(np.array([0.5, 0.5])) == pytest.approx(mixed, abs=1e-6)


def test_loss_of_the_geometric_mean() -> None:
    odds = math.sqrt(0.8 / 0.2 * 0.4 / 0.6), math.sqrt(0.3 / 0.7 * 0.1 / 0.9)
    pool = PoolLoss(BINARY, BINARY_Y, "binary", "geometric")
    expected = log(odds[0] / (1 + odds[0]), 1 / (1 + odds[1]))
    assert pool.of_weights(np.array([0.5, 0.5])) == pytest.approx(expected, abs=1e-6)
    assert pool.singles() == pytest.approx([log(0.8, 0.7), log(0.4, 0.9)], abs=1e-6)
    mean = np.sqrt(CLASSES[0] * CLASSES[1])
    mean /= mean.sum(axis=1, keepdims=True)
    classes = PoolLoss(CLASSES, CLASSES_Y, "multiclass", "geometric")
    assert classes.of_weights(np.array([0.5, 0.5])) == pytest.approx(log(mean[0, 0], mean[1, 2]), abs=1e-6)


def test_error_of_the_geometric_mean() -> None:
    # arithmetic: 0.45 and wrong; geometric: the sure one prevails
    predictions = [column(0.999), column(0.2), column(0.15)]
    weights = np.full(3, 1 / 3)
    y = column(1)
    assert PoolLoss(predictions, y, "binary", "arithmetic", "error").of_weights(weights) == 1
    assert PoolLoss(predictions, y, "binary", "geometric", "error").of_weights(weights) == 0
    classes = [np.hstack([1 - p, p]) for p in predictions]
    one = np.array([1])
    assert PoolLoss(classes, one, "multiclass", "arithmetic", "error").of_weights(weights) == 1
    assert PoolLoss(classes, one, "multiclass", "geometric", "error").of_weights(weights) == 0


@pytest.mark.parametrize(
    ("task", "pooling", "loss", "kind"),
    [
        ("binary", "arithmetic", "log_loss", "log"),
        ("multiclass", "arithmetic", "log_loss", "log"),
        ("multilabel", "geometric", "log_loss", "logistic"),
        ("multiclass", "geometric", "log_loss", "softmax"),
        ("binary", "arithmetic", "brier", "squared"),
        ("multiclass", "arithmetic", "brier", "squared"),
        ("binary", "geometric", "brier", "logistic"),
        ("multiclass", "geometric", "brier", "softmax"),
        ("binary", "geometric", "error", "wrong_sign"),
        ("multiclass", "arithmetic", "error", "wrong_class"),
        ("regression", "arithmetic", "rmse", "squared"),
        ("regression", "median", "rmse", "squared"),
        ("regression", "median", "mae", "absolute"),
    ],
)
def test_kind_follows_task_pooling_and_loss(task: str, pooling: str, loss: str, kind: str) -> None:
    """The Brier score of a geometric mean is selected by log loss, and a median by the arithmetic mean."""
    predictions, y = by_task(task)
    pool = PoolLoss(predictions, y, task, pooling, loss)
    assert type(pool.function) in KINDS[kind] and pool.smooth == (not kind.startswith("wrong"))
    assert pool.terms.shape == (2, 2, 1 if kind == "log" and task == "multiclass" else predictions[0].shape[1])
    assert pool.candidates == 2


def test_log_loss_and_arithmetic_mean_are_the_defaults() -> None:
    assert type(PoolLoss(BINARY, BINARY_Y, "binary").function) is pooled_loss.LogLoss


def test_a_confident_mistake_costs_the_floor() -> None:
    sure = [column(0.0), column(1.0)]
    assert PoolLoss(sure, column(1), "binary").singles() == pytest.approx([-math.log(1e-7), 0])
    assert PoolLoss(sure, column(1), "binary", "geometric").singles() == pytest.approx([-math.log(1e-7), 0], abs=1e-6)
    classes = [np.array([[1.0, 0.0]], np.float32), np.array([[0.0, 1.0]], np.float32)]
    for pooling in ("arithmetic", "geometric"):
        found = PoolLoss(classes, np.array([1]), "multiclass", pooling).singles()
        assert found == pytest.approx([-math.log(1e-7), 0], abs=1e-6)


def test_undecided_is_wrong() -> None:
    assert list(PoolLoss([column(0.5)], column(1), "binary", loss="error").singles()) == [1]
    assert list(PoolLoss([column(0.51)], column(1), "binary", loss="error").singles()) == [0]


def test_rows_count_by_their_weights() -> None:
    pool = PoolLoss(NUMBERS, NUMBERS_Y, "regression", loss="rmse", row_weight=np.array([3.0, 1.0]))
    assert pool.singles() == pytest.approx([(3 * 1 + 4) / 4, 1])
    classes = PoolLoss(CLASSES, CLASSES_Y, "multiclass", loss="error", row_weight=np.array([0.0, 1.0]))
    assert list(classes.singles()) == [0, 1]
    soft = PoolLoss(CLASSES, CLASSES_Y, "multiclass", "geometric", row_weight=np.array([1.0, 0.0]))
    assert soft.singles() == pytest.approx([log(0.7), log(0.1)], abs=1e-6)


def test_some_rows_are_those_rows_with_their_weights_and_may_repeat() -> None:
    pool = PoolLoss(NUMBERS, NUMBERS_Y, "regression", loss="rmse", row_weight=np.array([3.0, 1.0]))
    assert pool.subset(np.array([1])).singles() == pytest.approx([4, 1])
    assert pool.subset(np.array([1, 0, 1, 1])).singles() == pytest.approx([(3 * 4 + 3 * 1) / 6, 1])
    classes = PoolLoss(CLASSES, CLASSES_Y, "multiclass", "geometric").subset(np.array([1, 1]))
    assert classes.singles() == pytest.approx([log(0.5), log(0.1)], abs=1e-6)
    assert type(classes.function) is pooled_loss.SoftmaxLoss
    assert list(classes.targets) == [2, 2]


def test_some_candidates_are_those_candidates_on_the_same_rows() -> None:
    pool = PoolLoss(NUMBERS, NUMBERS_Y, "regression", loss="mae", row_weight=np.array([3.0, 1.0]))
    part = pool.restricted(np.array([1]))
    assert part.candidates == 1 and part.singles() == pytest.approx(pool.singles()[1:])
    assert type(part.function) is pooled_loss.AbsoluteError and part.targets is pool.targets


@pytest.mark.parametrize("task", ["binary", "multiclass", "multilabel", "regression"])
def test_one_more_member_is_the_mean_of_all(task: str) -> None:
    """Of the running sum of two and each further one, against the weights."""
    predictions, y = by_task(task)
    for pooling in ("arithmetic", "geometric"):
        loss = "rmse" if task == "regression" else "log_loss"
        pool = PoolLoss(predictions, y, task, pooling if task != "regression" else "arithmetic", loss)
        running = pool.terms[0] + pool.terms[1]
        before = running.copy(), pool.terms.copy()
        found = pool.with_each(running, 2, np.array([1, 0, 1]))
        one, two = pool.of_weights(np.array([1 / 3, 2 / 3])), pool.of_weights(np.array([2 / 3, 1 / 3]))
        assert found == pytest.approx([one, two, one], rel=1e-5)
        assert np.array_equal(running, before[0]) and np.array_equal(pool.terms, before[1])


def test_one_more_member_is_reckoned_in_pieces_that_fit_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(0)
    predictions = [random.normal(size=(4, 1)).astype(np.float32) for _ in range(7)]
    pool = PoolLoss(predictions, np.zeros((4, 1), np.float32), "regression", loss="rmse")
    at_once = pool.singles()
    for chunk in (0, 1, 8, 12, 28, 99):
        monkeypatch.setattr(pool_loss, "_CHUNK", chunk)
        assert pool.singles() == pytest.approx(at_once, rel=1e-5)


def test_weights_of_zero_are_left_out() -> None:
    pool = PoolLoss(NUMBERS, NUMBERS_Y, "regression", loss="rmse")
    pool.terms[1] = np.nan
    assert pool.of_weights(np.array([1.0, 0.0])) == pytest.approx(2.5)


@pytest.mark.parametrize(
    ("task", "pooling", "loss"),
    [
        ("binary", "arithmetic", "log_loss"),
        ("binary", "geometric", "log_loss"),
        ("binary", "arithmetic", "brier"),
        ("multiclass", "arithmetic", "log_loss"),
        ("multiclass", "geometric", "log_loss"),
        ("multiclass", "arithmetic", "brier"),
        ("multilabel", "arithmetic", "log_loss"),
        ("multilabel", "geometric", "log_loss"),
        ("regression", "arithmetic", "rmse"),
        ("regression", "arithmetic", "mae"),
    ],
)
def test_slope_is_that_of_finite_differences_and_the_value_is_that_of_the_weights(
    task: str, pooling: str, loss: str
) -> None:
    predictions, y = by_task(task)
    pool = PoolLoss(predictions, y, task, pooling, loss, np.array([3.0, 1.0]))
    weights = np.array([0.7, 0.3])
    value, slope = pool.value_and_gradient(weights)
    assert value == pytest.approx(pool.of_weights(weights), rel=1e-6) and slope.dtype == np.float64
    pool.terms, pool.row_share = pool.terms.astype(np.float64), pool.row_share.astype(np.float64)
    for index in range(2):
        step = np.eye(2)[index] * 0.01
        sums = [np.tensordot(weights + sign * step, pool.terms, axes=1)[None] for sign in (1, -1)]
        difference = float(pool.of_sums(sums[0])[0] - pool.of_sums(sums[1])[0]) / 0.02
        assert slope[index] == pytest.approx(difference, rel=2e-3, abs=1e-4)


def test_slope_of_an_error_rate_is_refused() -> None:
    with pytest.raises(ValueError, match="WrongSign has no gradient"):
        PoolLoss(BINARY, BINARY_Y, "binary", loss="error").value_and_gradient(np.array([0.5, 0.5]))


def test_great_odds_do_not_overflow() -> None:
    sure = PoolLoss([column(1.0, 0.0), column(0.0, 1.0)], column(1, 0), "binary", "geometric")
    sure.terms *= 100
    assert sure.singles() == pytest.approx([0, 100 * -math.log(1e-7)], rel=1e-2)
