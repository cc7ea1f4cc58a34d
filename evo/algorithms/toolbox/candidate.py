"""What DEAP calls an individual, and its fitness."""

from __future__ import annotations

import math
from collections.abc import Sequence

from deap import base

from genomes.genome import Genome


class Fitness(base.Fitness):
    """DEAP's fitness with every objective to be maximised; NaN counts as the worst value.

    Args:
        values: one per objective; none for an individual that has not been evaluated.
    """

    weights: tuple[float, ...] = (1.0,)

    def __init__(self, values: Sequence[float] = ()) -> None:
        if len(values):
            # DEAP wants the weights on the class; the number of objectives is only known here.
            self.weights = (1.0,) * len(values)
            self.values = tuple(worst_if_nan(value) for value in values)

    def __deepcopy__(self, memo: dict[int, object]) -> Fitness:
        copy = Fitness(self.values)
        if hasattr(self, "crowding_dist"):  # DEAP's own copy forgets it
            copy.crowding_dist = self.crowding_dist
        return copy


def worst_if_nan(value: float) -> float:
    """``value``, or ``-inf`` for NaN and ``+inf``: in DEAP's comparison NaN would win."""
    return value if value < math.inf else -math.inf


class Candidate:
    """What DEAP calls an individual: a genome, its fitness, and where it came from.

    Attributes:
        genome: the (immutable) genome; an operator replaces it.
        fitness: one value per objective, all maximised; invalid for offspring.
        number: the trial that the fitness was measured in; None for offspring.
        parents: trials that the genome was bred from.
        origin: ``mutation``, ``crossover``, ``random``, ...
    """

    __slots__ = ("fitness", "genome", "number", "origin", "parents")

    def __init__(
        self,
        genome: Genome,
        fitness: Sequence[float] = (),
        number: int | None = None,
        parents: tuple[int, ...] = (),
        origin: str = "random",
    ) -> None:
        self.genome = genome
        self.fitness = Fitness(fitness)
        self.number = number
        self.parents = parents
        self.origin = origin

    @property
    def ancestors(self) -> tuple[int, ...]:
        """The trials that a child of this candidate has as parents."""
        return self.parents if self.number is None else (self.number,)

    def copy(self) -> Candidate:
        """An unevaluated copy, to be changed by an operator: it remembers this one as its parent."""
        return Candidate(self.genome, (), None, self.ancestors, self.origin)

    def __repr__(self) -> str:
        return f"Candidate({self.genome}, fitness={self.fitness.values}, number={self.number})"
