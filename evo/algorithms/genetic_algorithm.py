"""The generational genetic algorithm."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evo.algorithms.algorithm import Algorithm, Step
from evo.algorithms.ladder import Ladder
from evo.algorithms.new_phenotypes import NewPhenotypes
from evo.algorithms.phenotypes import Keys, phenotypes
from evo.algorithms.problem import Problem
from evo.algorithms.ranking import evaluated
from evo.algorithms.toolbox import Candidate, Operators
from evo.core.checks import number, whole_number
from evo.core.errors import SettingsError
from evo.core.history import History
from evo.core.trial import Proposal


@dataclass(frozen=True)
class GeneticAlgorithm(Algorithm):
    """The generational genetic algorithm of DEAP's ``varAnd`` or ``varOr``, made elitist.

    The first generation is random. Every further one is bred from the best
    ``size`` phenotypes of all before it (mu + lambda), and is proposed when the
    one before it has come back completely. Children whose phenotype is known are bred again.

    Args:
        initial: genomes of the first generation.
        size: individuals per generation.
        crossover: probability of mating.
        mutation: probability of mutating.
        variation: ``and``: a child may be mated and mutated (``varAnd``);
            ``or``: one of the two (``varOr``; the probabilities may then add up to 1 at most).
    """

    size: int = 20
    crossover: float = 0.5
    mutation: float = 0.5
    variation: str = "and"

    def __post_init__(self) -> None:
        super().__post_init__()
        whole_number(self.size, "size", 2)
        number(self.crossover, "crossover", 0, 1)
        number(self.mutation, "mutation", 0, 1)
        if self.variation not in ("and", "or"):
            raise SettingsError(f"variation: expected 'and' or 'or', got {self.variation!r}")
        if self.variation == "or" and self.crossover + self.mutation > 1:
            raise SettingsError(
                "crossover, mutation: expected to add up to at most 1 with variation='or', "
                f"got {self.crossover} and {self.mutation}"
            )

    def bind(self, problem: Problem) -> Step:
        """The callable that proposes generation after generation; it waits for the end of each."""
        keys, ladder = Keys(problem.space), Ladder((problem.epochs,))

        def propose(history: History, rng: np.random.Generator) -> Proposal | None:
            new = NewPhenotypes(problem.space, keys, history)
            end = len(history) - len(history) % self.size  # of the generation before
            if not end:
                candidate = new.given(self.initial) or new.drawn(problem.operators(history, rng))
                return new.proposal(candidate, ladder.start)
            if any(history[n].pending for n in range(end)):
                return None
            with problem.operators(history, rng) as operators:
                population = survivors_of(operators, keys, history, end, self.size)
                child = new.bred(lambda: self._brood(operators, population)) if population else None
                return new.proposal(child or new.drawn(operators), ladder.start)

        return propose

    def _brood(self, operators: Operators, population: list[Candidate]) -> list[Candidate]:
        """As many children as a generation has, or a few less."""
        from deap import algorithms  # it loads moocore

        chosen = [operators.clone(parent) for parent in self._parents(operators, population)]
        if self.variation == "and":
            return operators.call(algorithms.varAnd, chosen, operators, self.crossover, self.mutation)
        return operators.call(algorithms.varOr, chosen, operators, self.size, self.crossover, self.mutation)

    def _parents(self, operators: Operators, population: list[Candidate]) -> list[Candidate]:
        """The parents of one generation, with repetitions."""
        return operators.select(population, self.size)


def survivors_of(operators: Operators, keys: Keys, history: History, end: int, size: int) -> list[Candidate]:
    """What the toolbox's ``survive`` leaves of the phenotypes that completed in the trials below ``end``.

    Args:
        operators: ``survive`` is called.
        keys: phenotypes of genomes.
        history: the trials.
        end: number of the first trial that does not count.
        size: how many survive at most.
    """
    candidates = [
        evaluated(history, p.best)
        for p in phenotypes(history, keys).values()
        if p.best is not None and p.best < end and not p.failed
    ]
    return operators.survive(candidates, size)
