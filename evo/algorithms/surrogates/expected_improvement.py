"""How much better than the best a genome is expected to be."""

from __future__ import annotations

import math

import numpy as np


def expected_improvement(mean: np.ndarray, deviation: np.ndarray, best: float) -> np.ndarray:
    """The expectation of ``max(0, y - best)`` for normal y (Mockus 1978; Jones et al. 1998, equation 15).

    Args:
        mean: of y, float64 of shape (n,).
        deviation: standard deviations of y, float64 of shape (n,), not negative.
        best: what is to be surpassed.

    Returns:
        float64 of shape (n,), not negative.
    """
    from scipy.special import ndtr  # takes as long to import as all of evo

    gain = mean - best
    scaled = gain / np.maximum(deviation, 1e-12)
    density = np.exp(-(scaled**2) / 2) / math.sqrt(2 * math.pi)
    return np.maximum(gain * ndtr(scaled) + deviation * density, 0.0)
