"""Making a genome cheaper by mutations, for budgets of time that a space's default does not fit into."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from evo.algorithms.toolbox import Candidate, Operators
from genomes.genome import Genome
from genomes.spaces.base import Space

#: Mutants that each step chooses from.
_MUTANTS = 24
#: Share of the floating-point operations that a step should leave, at most.
_STEP = 0.75
#: Steps after which the walk is given up.
_STEPS = 60


def reduced(space: Space, operators: Operators, genome: Genome, enough: Callable[[Genome], bool]) -> Candidate | None:
    """The first genome that is cheap ``enough`` on a walk of mutations.

    Each step saves a quarter of the operations or more, but as little as possible: the result is a few mutations
    away from ``genome``.

    Args:
        space: gives floating-point operations.
        operators: ``mutate`` and ``clone`` are called.
        genome: to begin from.
        enough: whether a genome is cheap enough.

    Returns:
        None if mutation does not get there.
    """
    found, now = Candidate(genome, origin="initial"), float(space.cost_without_building(genome).flops)
    for _ in range(_STEPS):
        if enough(found.genome):
            found.origin, found.parents = "initial", ()
            return found
        with operators:
            mutants = [operators.mutate(operators.clone(found))[0] for _ in range(_MUTANTS)]
        flops = np.array([space.cost_without_building(mutant.genome).flops for mutant in mutants], float)
        steps = np.where(flops <= _STEP * now, flops, -np.inf)
        chosen = int(np.argmax(steps)) if np.isfinite(steps.max()) else int(np.argmin(flops))
        if flops[chosen] < now:
            found, now = mutants[chosen], flops[chosen]
    return None
