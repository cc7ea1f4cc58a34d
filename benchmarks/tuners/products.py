"""What a run delivers: models judged on the test rows after the search, and how they are judged."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.tasks import Task


@dataclass
class Product:
    """One row of ``products.csv``.

    Attributes:
        product: ``best`` (the incumbent by validation), ``average`` (plain average of the top k), ``ensemble``.
        validation_error: by :meth:`benchmarks.tasks.Task.error`.
        test_error: likewise, on rows that nobody saw.
        test_loss: mean cross-entropy, or mean squared error in units of the training targets' variance.
        members: number of models.
        parameters: of all members together.
        seconds: spent after the search to make it (choosing, weighting), without predicting test rows.
    """

    product: str
    validation_error: float
    test_error: float
    test_loss: float
    members: int = 1
    parameters: int | None = None
    seconds: float = 0.0


def loss(task: Task, y: np.ndarray, predictions: np.ndarray) -> float:
    """Mean cross-entropy (probabilities clipped to 1e-7), or mean squared error of standardised targets."""
    predictions = np.asarray(predictions, np.float64)
    if not np.isfinite(predictions).all():
        return math.inf
    if task.target == "regression":
        return float(np.mean((predictions.reshape(-1) - y) ** 2))
    if predictions.ndim == 1 or predictions.shape[1] == 1:
        one = predictions.reshape(-1, 1)
        predictions = np.concatenate([1 - one, one], axis=1)
    chosen = predictions[np.arange(len(y)), np.asarray(y, int)]
    return float(-np.mean(np.log(np.clip(chosen, 1e-7, 1.0))))


def judge(
    task: Task,
    product: str,
    validation: np.ndarray,
    test: np.ndarray,
    members: int = 1,
    parameters: int | None = None,
    seconds: float = 0.0,
) -> Product:
    """A product from its predictions on validation and test rows."""
    return Product(
        product,
        task.error(task.y_validation, validation),
        task.error(task.y_test, test),
        loss(task, task.y_test, test),
        members,
        parameters,
        seconds,
    )


def best_and_average(
    task: Task, validation: Sequence[np.ndarray], test: Sequence[np.ndarray], parameters: Sequence[int]
) -> list[Product]:
    """The incumbent, and the plain average of all models given.

    Args:
        task: the task.
        validation: predictions of the top k on validation rows, best model first.
        test: likewise on test rows.
        parameters: of each model.
    """
    found = [judge(task, "best", validation[0], test[0], parameters=parameters[0])]
    found.append(
        judge(
            task,
            "average",
            np.mean(validation, axis=0),
            np.mean(test, axis=0),
            members=len(test),
            parameters=sum(parameters),
        )
    )
    return found
