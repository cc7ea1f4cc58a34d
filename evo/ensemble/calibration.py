"""Temperature: how confident probabilities are, apart from what they say."""

from __future__ import annotations

from typing import Any

import numpy as np

from evo.ensemble.arguments import as_target
from genomes.targets import Target

#: Pull of :func:`calibrated` towards leaving probabilities alone: a temperature of 1.65 or 0.6 costs half a nat.
_PRIOR = 2.0
#: Groups of rows that :func:`reliability` compares.
_BINS = 10
#: Most rows that one model's temperature is fitted on.
_ROWS = 2000


def apply_temperature(probabilities: np.ndarray, temperature: float, target: Target | str) -> np.ndarray:
    """``p ** (1 / temperature)``, normalised; above 1 makes softer, below 1 makes sharper."""
    return as_target(target).tempered(probabilities, temperature)


def fit_temperature(probabilities: np.ndarray, targets: np.ndarray, target: Target | str, prior: float = 0.0) -> float:
    """The temperature in [0.2, 5] of the least log loss (Guo et al. 2017), to 1%.

    Args:
        probabilities: (rows, outputs).
        targets: as :func:`evo.ensemble.arguments.as_targets` returns them.
        target: what is predicted, or the name of its task; one that gives probabilities.
        prior: pull towards 1, by ``prior * log(temperature) ** 2`` on the summed loss: few rows, or rows that
            are all right, tell no temperature.
    """
    from scipy.optimize import minimize_scalar

    tempered = as_target(target).tempered_loss(probabilities, targets)

    def loss(log_temperature: float) -> float:
        return tempered(np.exp(-log_temperature)) + prior * log_temperature**2 / len(targets)

    found = minimize_scalar(loss, bounds=(np.log(0.2), np.log(5.0)), method="bounded", options={"xatol": 0.01})
    return float(np.exp(found.x)) if found.fun < loss(0.0) else 1.0


def calibrated(probabilities: np.ndarray, targets: np.ndarray, target: Target | str) -> np.ndarray:
    """Probabilities at their best temperature on the same rows, float32 (rows, outputs).

    What is left of the log loss then is what a model does not know; how sure it pretends to be (label smoothing, say)
    no longer counts (Berta et al. 2025, "Rethinking Early Stopping: Refine, Then Calibrate").

    Args:
        probabilities: (rows, outputs).
        targets: as :func:`evo.ensemble.arguments.as_targets` returns them.
        target: what is predicted, or the name of its task; one that gives probabilities.
    """
    step = -(-len(targets) // _ROWS)
    temperature = fit_temperature(probabilities[::step], targets[::step], target, _PRIOR)
    return apply_temperature(probabilities.astype(np.float64), temperature, target).astype(np.float32)


def reliability(
    probabilities: np.ndarray, targets: np.ndarray, target: Target | str, weight: np.ndarray | None = None
) -> list[dict[str, Any]]:
    """How often a model is right, by how sure it is (the reliability diagram: Murphy & Winkler 1977).

    Rows are put into ten groups by the probability of the class that is predicted.

    Args:
        probabilities: (rows, outputs).
        targets: as :func:`evo.ensemble.arguments.as_targets` returns them.
        target: what is predicted, or the name of its task.
        weight: weight of each row, or None.

    Returns:
        Per group that has rows, the least sure first: ``sure`` and ``right``, its mean probability and the share that
        is right, and ``rows``. Empty where nothing is decided row by row: for numbers, and for several labels a row.
    """
    target = as_target(target)
    sure = target.confidence(probabilities)
    if sure is None:
        return []
    sure = np.clip(sure.astype(np.float64), 0.0, 1.0)
    right = 1.0 - target.row_losses("error", probabilities, targets)
    weights = np.ones(len(sure)) if weight is None else np.asarray(weight, dtype=np.float64)
    groups = np.minimum((sure * _BINS).astype(int), _BINS - 1)
    found = []
    for group in np.unique(groups):
        rows = groups == group
        if (total := float(weights[rows].sum())) > 0:
            means = (float(values[rows] @ weights[rows]) / total for values in (sure, right))
            found.append(dict(zip(("sure", "right"), means, strict=True)) | {"rows": int(rows.sum())})
    return found
