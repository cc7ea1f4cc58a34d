"""The operators that a campaign begins with: made of a space's pure functions, under DEAP's names."""

from __future__ import annotations

import functools
import random
from collections.abc import Callable, Sequence

import numpy as np
from deap import base

from evo.algorithms.toolbox.candidate import Candidate
from evo.algorithms.toolbox.global_random import current_generator
from genomes.genome import Genome
from genomes.spaces.base import Space


def individual(sample: Callable[[np.random.Generator], Genome]) -> Callable[[], Candidate]:
    """DEAP's ``individual`` from a pure ``sample(rng) -> genome``."""

    def new() -> Candidate:
        return Candidate(sample(current_generator()))

    return new


def mutation(
    mutate: Callable[[Genome, np.random.Generator], Genome],
) -> Callable[[Candidate], tuple[Candidate]]:
    """DEAP's ``mutate`` from a pure ``mutate(genome, rng) -> genome``."""

    @functools.wraps(mutate)
    def operator(candidate: Candidate) -> tuple[Candidate]:
        candidate.genome = mutate(candidate.genome, current_generator())
        candidate.origin = "mutation"
        return (candidate,)

    return operator


def crossover(
    mate: Callable[[Genome, Genome, np.random.Generator], tuple[Genome, Genome]],
) -> Callable[[Candidate, Candidate], tuple[Candidate, Candidate]]:
    """DEAP's ``mate`` from a pure ``crossover(a, b, rng) -> (child, child)``."""

    @functools.wraps(mate)
    def operator(first: Candidate, second: Candidate) -> tuple[Candidate, Candidate]:
        first.genome, second.genome = mate(first.genome, second.genome, current_generator())
        parents = tuple(dict.fromkeys((*first.parents, *second.parents)))
        for child in (first, second):
            child.parents, child.origin = parents, "crossover"
        return first, second

    return operator


def tournament(candidates: Sequence[Candidate], k: int, tournsize: int = 3) -> list[Candidate]:
    """``k`` winners of tournaments whose ``tournsize`` rivals are drawn *without* replacement.

    DEAP's ``selTournament`` draws them with replacement, so that in a small
    pool a candidate meets itself.
    """
    size = min(tournsize, len(candidates))
    return [max(random.sample(list(candidates), size), key=lambda c: c.fitness) for _ in range(k)]


def survive(candidates: Sequence[Candidate], k: int) -> list[Candidate]:
    """The best ``k``, best first: by fitness, or by NSGA-II where there are several objectives."""
    known = [c for c in candidates if c.fitness.valid]
    if known and len(known[0].fitness.values) > 1:
        from deap import tools  # it loads moocore

        return tools.selNSGA2(known, min(k, len(known)), nd="standard")
    return sorted(known, key=lambda c: c.fitness, reverse=True)[:k]


def make_toolbox(space: Space) -> base.Toolbox:
    """The toolbox of a campaign in ``space``, with everything the algorithms call.

    Returns:
        a ``deap.base.Toolbox`` with ``individual``, ``clone``, ``mate``,
        ``mutate``, ``select`` (tournaments of 3) and ``survive`` (elitist).
    """
    from deap import tools

    toolbox = base.Toolbox()
    toolbox.register("individual", individual(space.sample))
    toolbox.register("population", tools.initRepeat, list, lambda: toolbox.individual())
    toolbox.register("clone", Candidate.copy)
    toolbox.register("mate", crossover(space.crossover))
    toolbox.register("mutate", mutation(space.mutate))
    toolbox.register("select", tournament)
    toolbox.register("survive", survive)
    return toolbox
