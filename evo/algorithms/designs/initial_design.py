"""The initial design: what is trained before anything is known."""

from __future__ import annotations

import math
from typing import Protocol

import numpy as np

from evo.algorithms.new_phenotypes import NewPhenotypes
from evo.algorithms.toolbox import Candidate, Operators
from evo.core.history import History


class DesignPolicy(Protocol):
    """What an initial design begins with, and which random genomes it may choose from."""

    def size(self, wanted: int, history: History) -> int:
        """Phenotypes of the design, ``wanted`` or fewer."""

    def anchor(self, new: NewPhenotypes, operators: Operators) -> Candidate | None:
        """The next genome that is not random, such as the space's default; None if the next one is random."""

    def pool(self, new: NewPhenotypes, operators: Operators) -> list[Candidate]:
        """Random genomes to choose from; empty if no new phenotype can be drawn."""


class InitialDesign:
    """Genomes to train before anything is known: those that the policy begins with, then a spread of random ones.

    Args:
        wanted: number of phenotypes, unless the policy wants fewer.
        policy: whether it looks at what trainings cost.
    """

    def __init__(self, wanted: int, policy: DesignPolicy) -> None:
        self.wanted, self.policy = wanted, policy

    def size(self, history: History) -> int:
        """Phenotypes of the design, as far as the history tells."""
        return self.policy.size(self.wanted, history)

    def next(self, new: NewPhenotypes, operators: Operators) -> Candidate | None:
        """The next genome of the design; None if no new phenotype can be drawn.

        Args:
            new: the phenotypes that are not in the history.
            operators: with the proposal's random numbers.
        """
        anchor = self.policy.anchor(new, operators)
        if anchor is not None:
            return anchor
        pool = self.policy.pool(new, operators)
        return spread(pool, new) if pool else None


def spread(pool: list[Candidate], new: NewPhenotypes) -> Candidate:
    """Of one stratum of the pool by parameters, the genome whose features are farthest from all in the history.

    The strata are taken in van der Corput's order; distances are sums of absolute differences.

    Args:
        pool: one candidate at least; it is sorted.
        new: the phenotypes that are not in the history.
    """
    space = new.space
    pool.sort(key=lambda c: space.cost_without_building(c.genome).parameters)
    centre = _van_der_corput(len(new.known)) * len(pool)
    width = max(1.0, len(pool) / 8)
    stratum = pool[max(0, math.floor(centre - width)) : math.ceil(centre + width)]
    if new.known:
        seen = np.array([space.features(trial.genome) for trial in new.history])
        features = np.array([space.features(c.genome) for c in stratum])
        apart = np.abs(features[:, None] - seen[None]).sum(axis=2).min(axis=1)
        chosen = stratum[int(np.argmax(apart))]
    else:
        chosen = stratum[0]
    chosen.origin = "initial"
    return chosen


def _van_der_corput(index: int) -> float:
    """The base-2 van der Corput sequence: 1/2, 1/4, 3/4, 1/8, ..."""
    value, scale, index = 0.0, 0.5, index + 1
    while index:
        value += scale * (index & 1)
        index >>= 1
        scale /= 2
    return value
