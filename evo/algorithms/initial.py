"""The initial design: what is trained before anything is known."""

from __future__ import annotations

import math
from collections.abc import Set

import numpy as np

from evo.algorithms.breeding import fresh
from evo.algorithms.phenotypes import Keys
from evo.algorithms.problem import Problem
from evo.algorithms.toolbox import Candidate
from evo.core.history import History

#: Random genomes among which the next one of the design is chosen.
POOL = 32


def initial_design(problem: Problem, keys: Keys, history: History, known: Set[str]) -> Candidate | None:
    """The next genome of the initial design; None if no new phenotype can be drawn.

    First the space's default and its smallest, then random ones: spread over the
    strata of parameters in van der Corput's order, and in each stratum the one whose
    features are farthest from all before it.
    To be called within :func:`evo.algorithms.toolbox.deap_random`.

    Args:
        problem: what is searched.
        keys: phenotypes of genomes.
        history: trials so far.
        known: phenotypes so far.
    """
    for genome in (problem.space.default(), problem.space.smallest()):
        if keys(genome) not in known:
            return Candidate(genome, origin="initial")
    pool = drawn(problem, keys, known, POOL)
    return spread(problem, pool, history, known) if pool else None


def drawn(problem: Problem, keys: Keys, known: Set[str], draws: int) -> list[Candidate]:
    """New phenotypes among so many random genomes; one at least, unless the space is used up."""
    found: dict[str, Candidate] = {}
    for _ in range(draws):
        candidate = problem.toolbox.individual()
        found.setdefault(keys(candidate.genome), candidate)
    pool = [candidate for key, candidate in found.items() if key not in known]
    if not pool:
        other = fresh(problem, keys, known)
        pool = [] if other is None else [other]
    return pool


def spread(problem: Problem, pool: list[Candidate], history: History, known: Set[str]) -> Candidate:
    """Of one stratum of the pool by parameters, the genome that is farthest from all in the history."""
    pool.sort(key=lambda c: problem.space.cost(c.genome).parameters)
    centre = _van_der_corput(len(known)) * len(pool)
    width = max(1.0, len(pool) / 8)
    stratum = pool[max(0, math.floor(centre - width)) : math.ceil(centre + width)]
    if known:
        seen = np.array([problem.space.features(trial.genome) for trial in history])
        features = np.array([problem.space.features(c.genome) for c in stratum])
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
