"""How the predictions of several models become one: means, the median, temperature."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from evo.ensemble.metrics import FLOOR
from evo.errors import EnsembleError

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


def logits(probabilities: np.ndarray) -> np.ndarray:
    """Log-odds of probabilities clipped to [FLOOR, 1 - FLOOR]."""
    clipped = np.clip(probabilities, FLOOR, 1 - FLOOR)
    return np.asarray(np.log(clipped) - np.log1p(-clipped))


def _softmax(scores: np.ndarray) -> np.ndarray:
    scores = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(scores / scores.sum(axis=1, keepdims=True))


def _sigmoid(scores: np.ndarray) -> np.ndarray:
    # exp of a non-positive number never overflows
    small = np.exp(-np.abs(scores))
    return np.where(scores >= 0, 1 / (1 + small), small / (1 + small))


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
        total = _softmax(total / temperature) if task == "multiclass" else _sigmoid(total / temperature)
    elif temperature != 1.0:
        total = apply_temperature(total, temperature, task)
    return total.astype(np.float32)


def apply_temperature(probabilities: np.ndarray, temperature: float, task: str) -> np.ndarray:
    """``p ** (1 / temperature)``, normalised; above 1 makes softer, below 1 makes sharper."""
    if temperature == 1.0:
        return probabilities
    if task == "multiclass":
        return _softmax(np.log(np.clip(probabilities, FLOOR, None)) / temperature)
    return _sigmoid(logits(probabilities) / temperature)


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


def fit_temperature(probabilities: np.ndarray, targets: np.ndarray, task: str) -> float:
    """The temperature in [0.2, 5] of the least log loss (Guo et al. 2017, on pooled probabilities).

    Temperature after pooling, not before: calibrated members pool to an
    under-confident ensemble (Rahaman & Thiery 2021).

    Args:
        probabilities: pooled, (rows, outputs).
        targets: as :func:`evo.ensemble.metrics.as_targets` returns them.
        task: ``binary``, ``multiclass`` or ``multilabel``.
    """
    from scipy.optimize import minimize_scalar

    scores = probabilities.astype(np.float64)
    if task == "multiclass":
        scores = np.log(np.clip(scores, FLOOR, None))
        seen = scores[np.arange(len(scores)), targets]
    else:
        scores = logits(scores) * np.where(targets > 0.5, 1.0, -1.0)

    def loss(log_temperature: float) -> float:
        inverse = np.exp(-log_temperature)
        if task == "multiclass":
            top = scores.max(axis=1)
            normaliser = top * inverse + np.log(np.exp((scores - top[:, None]) * inverse).sum(axis=1))
            return float(np.mean(normaliser - seen * inverse))
        return float(np.mean(np.logaddexp(0, -scores * inverse)))

    found = minimize_scalar(loss, bounds=(np.log(0.2), np.log(5.0)), method="bounded")
    return float(np.exp(found.x)) if found.fun < loss(0.0) else 1.0
