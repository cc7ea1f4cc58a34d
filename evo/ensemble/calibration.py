"""Temperature: how confident probabilities are, apart from what they say."""

from __future__ import annotations

import numpy as np

#: Probabilities below this count as this, so that one confident mistake costs a finite loss.
FLOOR = 1e-7
#: Pull of :func:`calibrated` towards leaving probabilities alone: a temperature of 1.65 or 0.6 costs half a nat.
_PRIOR = 2.0
#: Most rows that one model's temperature is fitted on.
_ROWS = 2000


def logits(probabilities: np.ndarray) -> np.ndarray:
    """Log-odds of probabilities clipped to [FLOOR, 1 - FLOOR]."""
    clipped = np.clip(probabilities, FLOOR, 1 - FLOOR)
    return np.asarray(np.log(clipped) - np.log1p(-clipped))


def softmax(scores: np.ndarray) -> np.ndarray:
    """Probabilities of classes, of scores (rows, classes)."""
    scores = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(scores / scores.sum(axis=1, keepdims=True))


def sigmoid(scores: np.ndarray) -> np.ndarray:
    """Probabilities, of log-odds."""
    # exp of a non-positive number never overflows
    small = np.exp(-np.abs(scores))
    return np.where(scores >= 0, 1 / (1 + small), small / (1 + small))


def apply_temperature(probabilities: np.ndarray, temperature: float, task: str) -> np.ndarray:
    """``p ** (1 / temperature)``, normalised; above 1 makes softer, below 1 makes sharper."""
    if temperature == 1.0:
        return probabilities
    if task == "multiclass":
        return softmax(np.log(np.clip(probabilities, FLOOR, None)) / temperature)
    return sigmoid(logits(probabilities) / temperature)


def fit_temperature(probabilities: np.ndarray, targets: np.ndarray, task: str, prior: float = 0.0) -> float:
    """The temperature in [0.2, 5] of the least log loss (Guo et al. 2017), to 1%.

    Args:
        probabilities: (rows, outputs).
        targets: as :func:`evo.ensemble.metrics.as_targets` returns them.
        task: ``binary``, ``multiclass`` or ``multilabel``.
        prior: pull towards 1, by ``prior * log(temperature) ** 2`` on the summed loss: few rows, or rows that
            are all right, tell no temperature.
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
        pull = prior * log_temperature**2 / len(scores)
        if task == "multiclass":
            top = scores.max(axis=1)
            normaliser = top * inverse + np.log(np.exp((scores - top[:, None]) * inverse).sum(axis=1))
            return float(np.mean(normaliser - seen * inverse)) + pull
        return float(np.mean(np.logaddexp(0, -scores * inverse))) + pull

    found = minimize_scalar(loss, bounds=(np.log(0.2), np.log(5.0)), method="bounded", options={"xatol": 0.01})
    return float(np.exp(found.x)) if found.fun < loss(0.0) else 1.0


def calibrated(probabilities: np.ndarray, targets: np.ndarray, task: str) -> np.ndarray:
    """Probabilities at their best temperature on the same rows, float32 (rows, outputs).

    What is left of the log loss then is what a model does not know; how sure it pretends to be (label smoothing, say)
    no longer counts (Berta et al. 2025, "Rethinking Early Stopping: Refine, Then Calibrate").

    Args:
        probabilities: (rows, outputs).
        targets: as :func:`evo.ensemble.metrics.as_targets` returns them.
        task: ``binary``, ``multiclass`` or ``multilabel``.
    """
    step = -(-len(targets) // _ROWS)
    temperature = fit_temperature(probabilities[::step], targets[::step], task, _PRIOR)
    return apply_temperature(probabilities.astype(np.float64), temperature, task).astype(np.float32)
