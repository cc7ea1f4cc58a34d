"""How large an ensemble may be, and what each model adds to its size."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evo.core.errors import EnsembleError
from evo.ensemble.library import LibraryModel


@dataclass(frozen=True)
class SizeLimits:
    """How large an ensemble may be; None for no limit.

    Attributes:
        members: most distinct members.
        parameters: most parameters, summed over members.
        latency: most seconds per batch, summed over members (one device runs them in turn).
    """

    members: int | None = None
    parameters: int | None = None
    latency: float | None = None

    def __post_init__(self) -> None:
        for name, value in (("members", self.members), ("parameters", self.parameters), ("latency", self.latency)):
            if value is not None and not value > 0:
                raise EnsembleError(f"max_{name}: expected a positive number, got {value!r}")


class Costs:
    """What each candidate adds to an ensemble's size, against the limits.

    Args:
        candidates: all candidates; every one must know its cost for each limit that is set.
        limits: the limits.
    """

    def __init__(self, candidates: Sequence[LibraryModel], limits: SizeLimits) -> None:
        self.limits = limits
        bounds: list[float] = []
        columns: list[list[float]] = []
        if limits.members is not None:
            bounds.append(limits.members)
            columns.append([1.0] * len(candidates))
        for name in ("parameters", "latency"):
            bound = getattr(limits, name)
            if bound is None:
                continue
            values = [getattr(c, name) for c in candidates]
            if all(value is None for value in values):
                raise EnsembleError(f"max_{name}: no candidate knows its {name}; measure it or drop the limit")
            bounds.append(float(bound))
            columns.append([math.inf if value is None else float(value) for value in values])
        self.bounds = np.asarray(bounds)
        self.costs = np.asarray(columns, dtype=np.float64).reshape(len(bounds), len(candidates))

    def fits(self, chosen: np.ndarray) -> bool:
        """Whether these candidates (indices) together stay within the limits."""
        total = self.costs[:, chosen].sum(axis=1)
        return bool(np.all(total <= self.bounds * (1 + 1e-12)))

    def open(self, chosen: np.ndarray) -> np.ndarray:
        """Mask of the candidates that may be taken next: those chosen already, and those that still fit."""
        total = self.costs[:, chosen].sum(axis=1, keepdims=True)
        mask = np.all(total + self.costs <= self.bounds[:, None] * (1 + 1e-12), axis=0)
        mask[chosen] = True
        return np.asarray(mask)

    def restricted(self, candidates: np.ndarray) -> Costs:
        """The same limits for some of the candidates."""
        part = object.__new__(Costs)
        part.limits, part.bounds, part.costs = self.limits, self.bounds, self.costs[:, candidates]
        return part
