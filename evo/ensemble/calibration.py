"""Temperature: how confident probabilities are, apart from what they say."""

from __future__ import annotations

import numpy as np

from evo.ensemble.arguments import as_target
from genomes.targets import Target

#: Pull of :func:`calibrated` towards leaving probabilities alone: a temperature of 1.65 or 0.6 costs half a nat.
_PRIOR = 2.0
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
