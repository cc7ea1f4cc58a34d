"""The weights of a trial's best epoch, by what the campaign asks for."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from evo.training.backends.engine import Engine


class BestEpoch:
    """Watches a metric, and keeps the weights of the epoch in which it was best; of equal ones the first.

    Args:
        metric: name of the metric, ``-`` before it where less is better; None to keep nothing.

    Attributes:
        weights: of the best epoch before the last one; None where the last one is the best.
    """

    def __init__(self, metric: str | None) -> None:
        self.metric = metric
        self.weights: dict[str, np.ndarray] | None = None
        self._at_best: dict[str, np.ndarray] | None = None

    def begin(self, weights: dict[str, np.ndarray]) -> None:
        """Go on where a killed worker stopped.

        Args:
            weights: of the best epoch so far.
        """
        if self.metric is not None:
            self._at_best = self.weights = weights

    def see(self, curves: Mapping[str, Sequence[float]], engine: Engine) -> None:
        """After every epoch.

        Args:
            curves: of the trial, this epoch included.
            engine: has the weights of this epoch.
        """
        values = () if self.metric is None else curves.get(self.metric.lstrip("-"), ())
        if self.metric is None or not values:
            return
        if self._at_best is None or best_of(values, self.metric) == len(values) - 1:
            self._at_best, self.weights = engine.weights(), None
        else:
            self.weights = self._at_best


def best_of(values: Sequence[float], metric: str) -> int:
    """Place of the best of some values, of equal ones the first; values that are not finite are worse than all."""
    sign = -1.0 if metric.startswith("-") else 1.0
    signed = [sign * value if math.isfinite(value) else -math.inf for value in values]
    return signed.index(max(signed)) if signed else 0
