"""Regularized evolution: the oldest die, not the worst."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from evo.algorithms.algorithm import Algorithm, Step
from evo.algorithms.breeding import children
from evo.algorithms.ladder import Ladder
from evo.algorithms.new_phenotypes import NewPhenotypes
from evo.algorithms.phenotypes import Keys, PhenotypeFold
from evo.algorithms.problem import Problem
from evo.algorithms.ranking import evaluated
from evo.algorithms.toolbox import Candidate, Operators
from evo.core.checks import number, whole_number
from evo.core.history import History
from evo.core.trial import Proposal


@dataclass(frozen=True)
class AgingEvolution(Algorithm):
    """Regularized evolution (Real et al. 2019, arXiv 1802.01548): the oldest die, not the worst.

    Args:
        initial: genomes to train first.
        population: how many of the newest phenotypes are alive.
        sample: how many of them are drawn; the best of those is the parent.
        crossover: probability of a crossover instead of a mutation (0 in the paper).
    """

    population: int = 100
    sample: int = 25
    crossover: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        whole_number(self.population, "population", 2)
        whole_number(self.sample, "sample", 1, self.population)
        number(self.crossover, "crossover", 0, 1)

    def bind(self, problem: Problem) -> Step:
        """The callable that proposes random genomes, then a child of the living for each trial; it never waits."""
        keys, ladder = Keys(problem.space), Ladder((problem.epochs,))
        phenotypes = PhenotypeFold(keys)

        def propose(history: History, rng: np.random.Generator) -> Proposal | None:
            new = NewPhenotypes(problem.space, keys, history, phenotypes(history).keys())
            candidate = new.given(self.initial)
            if candidate is None:
                completed = [trial.number for trial in history.completed() if _finite(history, trial.number)]
                alive = completed[-self.population :]
                with problem.operators(history, rng) as operators:
                    if len(history) >= self.population and alive:
                        candidate = new.bred(lambda: [self._child(operators, history, alive)])
                    candidate = candidate or new.drawn(operators)
            return new.proposal(candidate, ladder.start)

        return propose

    def _child(self, operators: Operators, history: History, alive: list[int]) -> Candidate:
        """A child of the best of a sample of the living; where there is a crossover, with a random other one."""
        rng = operators.rng
        drawn = rng.choice(len(alive), size=min(self.sample, len(alive)), replace=False)
        parents = operators.survive([evaluated(history, alive[i]) for i in drawn], 1)
        if rng.random() < self.crossover:
            other = alive[int(rng.integers(len(alive)))]
            if other != parents[0].number:
                parents = [*parents, evaluated(history, other)]
        return next(children(operators, parents, crossover=1.0, second=0.0))


def _finite(history: History, number: int) -> bool:
    return all(map(math.isfinite, history.fitness(number)))
