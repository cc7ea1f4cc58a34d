"""Losses and metrics of pooled predictions, per row and over all rows; numpy only."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np

from evo.core.errors import EnsembleError
from evo.ensemble.calibration import FLOOR, calibrated

Task = Literal["binary", "multiclass", "multilabel", "regression"]
TASKS: tuple[str, ...] = get_args(Task)

#: Losses by task; the first is the default.
LOSSES: dict[str, tuple[str, ...]] = {
    "binary": ("log_loss", "calibrated_log_loss", "brier", "error"),
    "multiclass": ("log_loss", "calibrated_log_loss", "brier", "error"),
    "multilabel": ("log_loss", "calibrated_log_loss", "brier", "error"),
    "regression": ("rmse", "mae"),
}


def check_task(task: str) -> Task:
    """The task, or :class:`EnsembleError` for an unknown one."""
    if task not in TASKS:
        raise EnsembleError(f"task: expected one of {TASKS}, got {task!r}")
    return task  # type: ignore[return-value]


def check_loss(task: str, loss: str | None) -> str:
    """The loss, the task's default for None, or :class:`EnsembleError`."""
    if loss is None:
        return LOSSES[task][0]
    if loss not in LOSSES[task]:
        raise EnsembleError(f"loss: a {task} task knows {LOSSES[task]}, got {loss!r}")
    return loss


def as_predictions(predictions: np.ndarray, task: str, name: str = "predictions") -> np.ndarray:
    """Predictions as a finite float32 array of shape (rows, outputs).

    A one-dimensional array is one output; of the two columns of a binary
    classifier the second is kept.
    """
    array = np.asarray(predictions)
    if array.dtype != np.float32:
        array = array.astype(np.float32)
    if array.ndim == 1:
        array = array[:, None]
    elif array.ndim > 2:
        array = array.reshape(len(array), -1)
    if task == "binary" and array.shape[1] == 2:
        array = array[:, 1:]
    if task == "binary" and array.shape[1] != 1:
        raise EnsembleError(f"{name}: a binary classifier has one output, got shape {array.shape}")
    if task == "multiclass" and array.shape[1] < 2:
        raise EnsembleError(f"{name}: a multiclass classifier has two or more outputs, got {array.shape}")
    return array


def as_targets(y: np.ndarray, task: str, outputs: int | None = None, name: str = "y") -> np.ndarray:
    """Targets in one form per task.

    Args:
        y: labels of shape (rows,) or (rows, 1), one-hot rows (rows, classes), 0/1
            per label, or numbers.
        task: the kind of task.
        outputs: outputs of the models, to check the labels against; None if not known.
        name: the argument's name, for messages.

    Returns:
        int64 (rows,) for multiclass; float32 (rows, outputs) else.

    Raises:
        EnsembleError: labels out of range, not finite, or of another width.
    """
    array = np.asarray(y)
    if array.dtype.kind not in "biuf":
        raise EnsembleError(f"{name}: expected numbers, got dtype {array.dtype}")
    if not np.all(np.isfinite(array)):
        raise EnsembleError(f"{name}: expected finite numbers, got NaN or infinity")
    if task == "multiclass":
        if array.ndim == 2 and array.shape[1] > 1:
            if outputs is not None and array.shape[1] != outputs:
                raise EnsembleError(f"{name}: {array.shape[1]} one-hot columns, but the models have {outputs} outputs")
            array = array.argmax(axis=1)
        labels = array.reshape(-1).astype(np.int64)
        if len(labels) and (labels.min() < 0 or (outputs is not None and labels.max() >= outputs)):
            raise EnsembleError(
                f"{name}: labels must lie in 0 .. {'classes' if outputs is None else outputs - 1}, "
                f"got {labels.min()} .. {labels.max()}"
            )
        return labels
    array = array.astype(np.float32)
    if array.ndim == 1:
        array = array[:, None]
    elif array.ndim > 2:
        array = array.reshape(len(array), -1)
    if task == "binary" and array.shape[1] == 2:
        array = array[:, 1:]
    if outputs is not None and array.shape[1] != outputs:
        raise EnsembleError(f"{name}: {array.shape[1]} columns, but the models have {outputs} outputs")
    if task in ("binary", "multilabel") and len(array) and not np.all((array == 0) | (array == 1)):
        raise EnsembleError(f"{name}: a {task} task has targets 0 and 1, got {np.unique(array)[:5].tolist()}")
    return array


def row_losses(loss: str, task: str, predictions: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """The loss of every row, float64 (rows,).

    Args:
        loss: ``log_loss``, ``calibrated_log_loss`` (after the best temperature of these rows), ``brier``,
            ``error``, ``rmse`` (its rows are *squared* errors) or ``mae``; rows of several outputs are averaged.
        task: the kind of task.
        predictions: (rows, outputs), probabilities for classifiers.
        targets: as :func:`as_targets` returns them.
    """
    p = predictions.astype(np.float64)
    if loss == "rmse":
        return np.asarray(np.mean((p - targets) ** 2, axis=1))
    if loss == "mae":
        return np.asarray(np.mean(np.abs(p - targets), axis=1))
    if loss == "calibrated_log_loss":
        return row_losses("log_loss", task, calibrated(predictions, targets, task), targets)
    if task == "multiclass":
        rows = np.arange(len(p))
        if loss == "log_loss":
            return np.asarray(-np.log(np.clip(p[rows, targets], FLOOR, None)))
        if loss == "error":
            return (p.argmax(axis=1) != targets).astype(np.float64)
        # (p - onehot)^2 summed = sum p^2 - 2 p_true + 1
        return np.asarray((p**2).sum(axis=1) - 2 * p[rows, targets] + 1)
    if loss == "log_loss":
        seen = np.where(targets > 0.5, p, 1 - p)
        return np.asarray(-np.log(np.clip(seen, FLOOR, None)).mean(axis=1))
    if loss == "error":
        return np.asarray(((p > 0.5) != (targets > 0.5)).mean(axis=1))
    return np.asarray(2 * ((p - targets) ** 2).mean(axis=1))


def finish(loss: str, mean: float) -> float:
    """The figure reported for a mean of row losses: its root for ``rmse``, itself else."""
    return float(np.sqrt(mean)) if loss == "rmse" else float(mean)


def mean_and_error(loss: str, rows: np.ndarray, weight: np.ndarray | None = None) -> tuple[float, float]:
    """The loss over all rows and its standard error (delta method for ``rmse``)."""
    w = np.full(len(rows), 1 / len(rows)) if weight is None else weight / weight.sum()
    mean = float(w @ rows)
    error = float(np.sqrt(np.sum(w**2 * (rows - mean) ** 2) * len(rows) / max(1, len(rows) - 1)))
    if loss == "rmse":
        root = float(np.sqrt(mean))
        return root, error / (2 * root) if root > 0 else 0.0
    return mean, error


def evaluate(
    task: str, predictions: np.ndarray, targets: np.ndarray, weight: np.ndarray | None = None
) -> dict[str, float]:
    """All metrics of a task.

    Returns:
        Classifiers: ``accuracy``, ``log_loss`` (natural logarithm), ``brier`` (0 to 2), and
        ``calibration_error`` (expected calibration error of the predicted
        class, 15 bins of equal width; not for multilabel). Regression: ``rmse``, ``mae``, ``r2``.
    """

    def average(rows: np.ndarray) -> float:
        return float(np.average(rows, weights=weight))

    if task == "regression":
        squared = row_losses("rmse", task, predictions, targets)
        center = np.average(targets, axis=0, weights=weight)
        spread = average(np.mean((targets - center) ** 2, axis=1))
        mse = average(squared)
        return {
            "rmse": float(np.sqrt(mse)),
            "mae": average(row_losses("mae", task, predictions, targets)),
            "r2": 1 - mse / spread if spread > 0 else float("nan"),
        }
    wrong = row_losses("error", task, predictions, targets)
    result = {
        "accuracy": 1 - average(wrong),
        "log_loss": average(row_losses("log_loss", task, predictions, targets)),
        "brier": average(row_losses("brier", task, predictions, targets)),
    }
    if task != "multilabel":
        sure = predictions.max(axis=1) if task == "multiclass" else np.abs(predictions[:, 0] - 0.5) + 0.5
        bins = np.minimum((sure * 15).astype(int), 14)
        w = np.ones(len(wrong)) if weight is None else np.asarray(weight, dtype=np.float64)
        gap = np.bincount(bins, w * (1 - wrong - sure), 15)
        result["calibration_error"] = float(np.abs(gap).sum() / w.sum())
    return result
