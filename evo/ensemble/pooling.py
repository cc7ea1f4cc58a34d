"""How the predictions of several models become one: means and the median."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from evo.core.errors import EnsembleError
from evo.ensemble.calibration import FLOOR, apply_temperature, logits, sigmoid, softmax

#: Ways of pooling by task; the first is the default.
POOLINGS: dict[str, tuple[str, ...]] = {
    "binary": ("arithmetic", "geometric"),
    "multiclass": ("arithmetic", "geometric"),
    "multilabel": ("arithmetic", "geometric"),
    "regression": ("arithmetic", "median"),
}


def check_pooling(task: str, pooling: str | None) -> str:
    """The pooling, the task's default for None, or :class:`EnsembleError`."""
    if pooling is None:
        return POOLINGS[task][0]
    if pooling == "mean" and task == "regression":
        return "arithmetic"
    if pooling not in POOLINGS[task]:
        raise EnsembleError(f"pooling: a {task} task knows {POOLINGS[task]}, got {pooling!r}")
    return pooling


def pool(
    predictions: Sequence[np.ndarray],
    weights: np.ndarray,
    pooling: str,
    task: str,
    temperature: float = 1.0,
) -> np.ndarray:
    """Pooled predictions, float32 (rows, outputs); computed in float64.

    Args:
        predictions: one array (rows, outputs) per member.
        weights: (members,), non-negative, summing to 1.
        pooling: ``arithmetic``: the weighted mean. ``geometric``: the normalised
            weighted geometric mean of probabilities (of odds, for outputs that stand alone).
            ``median``: the weighted median (regression), which is the plain
            median for equal weights.
        task: the kind of task.
        temperature: after pooling, probabilities become ``p ** (1 / temperature)``, normalised.
    """
    if pooling == "median":
        return weighted_median(np.stack(predictions).astype(np.float64), weights).astype(np.float32)
    total = np.zeros(predictions[0].shape, dtype=np.float64)
    for weight, one in zip(weights, predictions, strict=True):
        if pooling == "arithmetic":
            total += weight * one.astype(np.float64)
        elif task == "multiclass":
            total += weight * np.log(np.clip(one.astype(np.float64), FLOOR, None))
        else:
            total += weight * logits(one.astype(np.float64))
    if pooling == "geometric":
        total = softmax(total / temperature) if task == "multiclass" else sigmoid(total / temperature)
    elif temperature != 1.0:
        total = apply_temperature(total, temperature, task)
    return total.astype(np.float32)


def weighted_median(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The weighted median over the first axis.

    The value at which the weights of the sorted values pass one half; the mean of the
    two neighbours where they meet it exactly (so that equal weights give the plain median).

    Args:
        values: (members, ...).
        weights: (members,), non-negative, with a positive sum.
    """
    order = np.argsort(values, axis=0, kind="stable")
    ordered = np.take_along_axis(values, order, axis=0)
    shares = np.cumsum(weights[order], axis=0) / np.sum(weights)
    tolerance = 1e-6  # sums of equal weights meet one half only up to rounding (float32 in the Keras model)
    lower = (shares >= 0.5 - tolerance).argmax(axis=0)
    upper = (shares > 0.5 + tolerance).argmax(axis=0)
    both = [np.take_along_axis(ordered, at[None], axis=0)[0] for at in (lower, upper)]
    return np.asarray((both[0] + both[1]) / 2)
