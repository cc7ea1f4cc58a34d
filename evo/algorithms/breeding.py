"""Finding a genome that has not been trained: draws and offspring without known phenotypes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Set

from evo.algorithms.phenotypes import Keys
from evo.algorithms.problem import Problem
from evo.algorithms.toolbox import Candidate
from evo.core.errors import SpaceExhaustedError
from evo.core.history import History
from evo.core.trial import Proposal

#: Draws after which a space counts as used up, at least.
_LEAST_DRAWS = 1000
#: Draws per phenotype of the space: the last one is missed with a probability of exp(-12).
_DRAWS_PER_PHENOTYPE = 12
_MOST_DRAWS = 200_000


def fresh(problem: Problem, keys: Keys, known: Set[str]) -> Candidate | None:
    """A random genome whose phenotype is not ``known``; None if there seems to be none left.

    To be called within :func:`evo.algorithms.toolbox.deap_random`.
    """
    size = problem.space.size()
    seen = len(known)
    if size is not None and seen >= size:
        return None
    draws = min(max(_LEAST_DRAWS, _DRAWS_PER_PHENOTYPE * (size or seen)), _MOST_DRAWS)
    for _ in range(draws):
        candidate: Candidate = problem.toolbox.individual()
        candidate.origin = "random"
        if keys(candidate.genome) not in known:
            return candidate
    return None


def exhausted(problem: Problem, history: History, known: int) -> Proposal | None:
    """What to answer when no new phenotype was found.

    Returns:
        None (wait) while trials are pending.

    Raises:
        SpaceExhaustedError: nothing is pending either.
    """
    if history.pending():
        return None
    size = problem.space.size()
    of = f"all {size}" if size is not None and known >= size else "no further one could be drawn"
    raise SpaceExhaustedError(
        f"the space is used up: {known} different phenotypes have been trained, {of}. "
        "Widen the domains of the space, or end with this result."
    )


def vary(
    problem: Problem, parents: list[Candidate], crossover: float, second: float, draw: Callable[[], float]
) -> Iterator[Candidate]:
    """Children of the parents, one after another, without end.

    To be called within :func:`evo.algorithms.toolbox.deap_random`.

    Args:
        problem: its toolbox's ``select``, ``clone``, ``mate`` and ``mutate`` are called.
        parents: with valid fitness.
        crossover: probability of a crossover instead of a mutation.
        second: probability of one more mutation.
        draw: uniform numbers in [0, 1).
    """
    toolbox = problem.toolbox
    while True:
        if len(parents) > 1 and draw() < crossover:
            first = toolbox.select(parents, 1)[0]
            second_parent = toolbox.select([p for p in parents if p is not first], 1)[0]
            child, _ = toolbox.mate(toolbox.clone(first), toolbox.clone(second_parent))
        else:
            (child,) = toolbox.mutate(toolbox.clone(toolbox.select(parents, 1)[0]))
        if draw() < second:
            origin = child.origin
            (child,) = toolbox.mutate(child)
            child.origin = origin
        yield child
