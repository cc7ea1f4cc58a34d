"""Making a genome cheaper by mutation: where the default of a space takes longer than the time allows."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from evo.algorithms.problem import Problem
from evo.algorithms.toolbox import Candidate
from genomes.genome import Genome

#: Mutants among which each step chooses.
_MUTANTS = 24
#: A step is to leave this share of the floating-point operations, or less.
_STEP = 0.75
#: Steps after which it is given up.
_STEPS = 60


def reduced(problem: Problem, genome: Genome, enough: Callable[[Genome], bool]) -> Candidate | None:
    """The first genome that is cheap ``enough`` on a walk of mutations that each save as little as they may.

    So it differs from ``genome`` in a few mutations. To be called within
    :func:`evo.algorithms.toolbox.deap_random`.

    Args:
        problem: its toolbox mutates.
        genome: to begin from.
        enough: whether a genome is cheap enough.

    Returns:
        None if mutation does not get there.
    """
    toolbox = problem.toolbox
    found, now = Candidate(genome, origin="initial"), float(problem.space.cost(genome).flops)
    for _ in range(_STEPS):
        if enough(found.genome):
            found.origin, found.parents = "initial", ()
            return found
        mutants = [toolbox.mutate(toolbox.clone(found))[0] for _ in range(_MUTANTS)]
        flops = np.array([problem.space.cost(mutant.genome).flops for mutant in mutants], float)
        steps = np.where(flops <= _STEP * now, flops, -np.inf)
        chosen = int(np.argmax(steps)) if np.isfinite(steps.max()) else int(np.argmin(flops))
        if flops[chosen] < now:
            found, now = mutants[chosen], flops[chosen]
    return None
