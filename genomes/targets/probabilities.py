"""Probabilities and the scales on which they add up; NumPy, and the same in Keras operations."""

from __future__ import annotations

from typing import Any

import numpy as np

#: Probabilities below this count as this, so that one confident mistake costs a finite loss.
FLOOR = 1e-7


def logit(probabilities: np.ndarray) -> np.ndarray:
    """Log-odds of probabilities clipped to [FLOOR, 1 - FLOOR]."""
    clipped = np.clip(probabilities, FLOOR, 1 - FLOOR)
    return np.asarray(np.log(clipped) - np.log1p(-clipped))


def sigmoid(scores: np.ndarray) -> np.ndarray:
    """Probabilities, of log-odds."""
    # exp of a non-positive number never overflows
    small = np.exp(-np.abs(scores))
    return np.where(scores >= 0, 1 / (1 + small), small / (1 + small))


def log_probabilities(probabilities: np.ndarray) -> np.ndarray:
    """Logarithms of probabilities, of no less than FLOOR."""
    return np.asarray(np.log(np.clip(probabilities, FLOOR, None)))


def softmax(scores: np.ndarray) -> np.ndarray:
    """Probabilities of classes, of scores (rows, classes)."""
    scores = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(scores / scores.sum(axis=1, keepdims=True))


def keras_logit(probabilities: Any) -> Any:
    """:func:`logit` of a Keras tensor."""
    from keras import ops

    clipped = ops.clip(probabilities, FLOOR, 1 - FLOOR)
    return ops.log(clipped) - ops.log1p(-clipped)


def keras_log_probabilities(probabilities: Any) -> Any:
    """:func:`log_probabilities` of a Keras tensor."""
    from keras import ops

    return ops.log(ops.maximum(probabilities, FLOOR))
