"""Losses and metrics of pooled predictions, per row and over all rows; NumPy only."""

from __future__ import annotations

import numpy as np

from evo.ensemble.arguments import as_target
from evo.ensemble.calibration import calibrated
from genomes.targets import Target


def row_losses(loss: str, target: Target | str, predictions: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """The loss of every row, float64 (rows,).

    Args:
        loss: one of the target's losses; calibrated ones are taken at the best temperature of these rows. The rows of
            ``rmse`` are *squared* errors; rows of several outputs are averaged.
        target: what is predicted, or the name of its task.
        predictions: (rows, outputs), probabilities for classifiers.
        targets: as :func:`evo.ensemble.arguments.as_targets` returns them.
    """
    target = as_target(target)
    plain = target.calibrated_losses.get(loss)
    if plain is not None:
        return target.row_losses(plain, calibrated(predictions, targets, target), targets)
    return target.row_losses(loss, predictions, targets)


def mean_and_error(
    loss: str, target: Target | str, rows: np.ndarray, weight: np.ndarray | None = None
) -> tuple[float, float]:
    """The loss over all rows and its standard error (delta method for roots of means).

    Args:
        loss: one of the target's losses.
        target: what is predicted, or the name of its task.
        rows: of :func:`row_losses`.
        weight: weight of each row, or None.
    """
    w = np.full(len(rows), 1 / len(rows)) if weight is None else weight / weight.sum()
    mean = float(w @ rows)
    error = float(np.sqrt(np.sum(w**2 * (rows - mean) ** 2) * len(rows) / max(1, len(rows) - 1)))
    if loss in as_target(target).rooted:
        root = float(np.sqrt(mean))
        return root, error / (2 * root) if root > 0 else 0.0
    return mean, error


def evaluate(
    target: Target | str, predictions: np.ndarray, targets: np.ndarray, weight: np.ndarray | None = None
) -> dict[str, float]:
    """All metrics of a task.

    Args:
        target: what is predicted, or the name of its task.
        predictions: (rows, outputs), probabilities for classifiers.
        targets: as :func:`evo.ensemble.arguments.as_targets` returns them.
        weight: weight of each row, or None.

    Returns:
        Classifiers: ``accuracy``, ``log_loss`` (natural logarithm), ``brier`` (0 to 2), and
        ``calibration_error`` (expected calibration error of the predicted
        class, 15 bins of equal width; not for multilabel). Regression: ``rmse``, ``mae``, ``r2``.
    """
    return as_target(target).evaluate(predictions, targets, weight)
