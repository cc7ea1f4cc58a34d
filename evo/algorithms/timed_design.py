"""The initial design under a budget of time: nothing that takes too long, the cheapest first."""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set

import numpy as np

from evo.algorithms.initial import POOL, drawn, spread
from evo.algorithms.phenotypes import Keys
from evo.algorithms.problem import Problem
from evo.algorithms.reduction import reduced
from evo.algorithms.toolbox import Candidate
from evo.core.history import History
from genomes.genome import Genome

#: Which of some genomes a budget of time can pay for: booleans, shape (genomes,).
Affordable = Callable[[Sequence[Genome]], np.ndarray]

#: What the first one that is not the smallest costs, as a share of the space's default; each next one twice as much.
_FIRST = 1 / 64
#: Of so many of the cheapest one is chosen where none is affordable.
_FEWEST = 4


def timed_design(
    problem: Problem,
    keys: Keys,
    history: History,
    known: Set[str],
    affordable: Affordable | None,
) -> Candidate | None:
    """The next genome of the initial design; None if no new phenotype can be drawn.

    First the space's smallest. Until something has been timed,
    reductions of the space's default, the cheapest first. Then the default if it is
    affordable, otherwise every second genome is the default reduced until it is. All others
    are random ones among the affordable, spread as in :func:`evo.algorithms.initial.initial_design`.
    To be called within :func:`evo.algorithms.toolbox.deap_random`.

    Args:
        problem: what is searched.
        keys: phenotypes of genomes.
        history: trials so far.
        known: phenotypes so far.
        affordable: what the budget of time can pay for; None while nothing has been timed.
    """
    default, smallest = problem.space.default(), problem.space.smallest()
    if keys(smallest) not in known:
        return Candidate(smallest, origin="initial")
    candidate = None
    if affordable is None:
        limit = _FIRST * 2.0 ** max(0, len(known) - 1) * problem.space.cost(default).flops
        candidate = reduced(problem, default, lambda g: problem.space.cost(g).flops <= limit and keys(g) not in known)
    elif affordable([default])[0]:
        candidate = Candidate(default, origin="initial") if keys(default) not in known else None
    elif len(known) % 2:
        candidate = reduced(problem, default, lambda g: bool(affordable([g])[0]) and keys(g) not in known)
    if candidate is not None:
        return candidate
    pool = drawn(problem, keys, known, POOL if affordable is None else 4 * POOL)
    if not pool:
        return None
    can = [False] * len(pool) if affordable is None else affordable([c.genome for c in pool])
    paid = [c for c, may in zip(pool, can, strict=True) if may]
    if not paid:
        paid = sorted(pool, key=lambda c: problem.space.cost(c.genome).flops)[:_FEWEST]
    pool = paid[:POOL]
    return spread(problem, pool, history, known)
