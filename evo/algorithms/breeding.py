"""Breeding: children of parents by crossover and mutation."""

from __future__ import annotations

from collections.abc import Iterator

from evo.algorithms.toolbox import Candidate, Operators


def children(operators: Operators, parents: list[Candidate], crossover: float, second: float) -> Iterator[Candidate]:
    """Children of the parents, one after another, without end.

    Args:
        operators: ``select``, ``clone``, ``mate`` and ``mutate`` are called.
        parents: with valid fitness; one at least.
        crossover: probability of a crossover instead of a mutation; with a single parent there is none.
        second: probability of one more mutation.
    """
    draw = operators.rng.random
    while True:
        if len(parents) > 1 and draw() < crossover:
            first = operators.select(parents, 1)[0]
            other = operators.select([p for p in parents if p is not first], 1)[0]
            child, _ = operators.mate(operators.clone(first), operators.clone(other))
        else:
            (child,) = operators.mutate(operators.clone(operators.select(parents, 1)[0]))
        if draw() < second:
            origin = child.origin
            (child,) = operators.mutate(child)
            child.origin = origin
        yield child
