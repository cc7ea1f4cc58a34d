"""Losses as functions of a sum over models: the general form against each special one."""

from __future__ import annotations

import numpy as np
import pytest

from genomes.targets import Target, as_target, tasks
from genomes.targets.pooled_loss import LossOfMean

CASES = [
    (task, loss, pooling)
    for task in ("binary", "multiclass", "multilabel", "regression")
    for loss in as_target(task).losses
    if loss not in as_target(task).calibrated_losses
    for pooling in as_target(task).poolings
    # the Brier score of a geometric mean is replaced by the log loss, the median by the mean
    if (loss, pooling) != ("brier", "geometric")
]


def given(task: str) -> tuple[Target, list[np.ndarray], np.ndarray]:
    target, rng = as_target(task), np.random.default_rng(0)
    if task == "multiclass":
        return target, [rng.dirichlet(np.ones(4), 30).astype(np.float32) for _ in range(3)], rng.integers(0, 4, 30)
    width = 1 if task == "binary" else 3
    predictions = [rng.uniform(0.05, 0.95, (30, width)).astype(np.float32) for _ in range(3)]
    return target, predictions, rng.integers(0, 2, (30, width)).astype(np.float32)


def test_all_kinds_of_the_package_are_here() -> None:
    assert {task for task, _, _ in CASES} <= set(tasks())


@pytest.mark.parametrize(("task", "loss", "pooling"), CASES)
def test_special_forms_agree_with_the_general_one(task: str, loss: str, pooling: str) -> None:
    target, predictions, targets = given(task)
    special = target.pooled_loss(loss, pooling)
    general = Target.pooled_loss(target, loss, pooling)
    assert isinstance(general, LossOfMean) and not isinstance(special, LossOfMean)
    weights = np.array([0.5, 0.3, 0.2])

    def sums(function):
        terms = np.stack([function.terms(one, targets) for one in predictions]).astype(np.float64)
        assert terms.shape[-1] == function.width(predictions[0].shape[1])
        return np.tensordot(weights, terms, axes=1)

    scale = {"rmse": 1.0, "mae": 1.0, "error": 1.0, "log_loss": 1.0, "brier": 2.0}[loss]
    if task == "multiclass" and loss == "brier":
        scale = predictions[0].shape[1]  # summed over classes, where the special form takes their mean
    expected = general.rows(sums(general)[None], targets)[0]
    np.testing.assert_allclose(scale * special.rows(sums(special)[None], targets)[0], expected, rtol=1e-5, atol=1e-6)
    if not special.smooth:
        with pytest.raises(ValueError, match="no gradient"):
            special.slope(sums(special), targets)
        return

    # along the simplex of weights: what the first model gains, the second loses
    def gradient(function) -> np.ndarray:
        direction = function.terms(predictions[0], targets) - function.terms(predictions[1], targets)
        slope = function.slope(sums(function), targets) * direction
        return slope.mean(axis=1) if function.averaged else slope.sum(axis=1)

    np.testing.assert_allclose(scale * gradient(special), gradient(general), rtol=1e-3, atol=1e-4)
