"""Random search: every trial another phenotype, trained to the full length."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evo.algorithms.algorithm import Algorithm, Step
from evo.algorithms.ladder import Ladder
from evo.algorithms.new_phenotypes import NewPhenotypes
from evo.algorithms.phenotypes import Keys, PhenotypeFold
from evo.algorithms.problem import Problem
from evo.core.history import History
from evo.core.trial import Proposal


@dataclass(frozen=True)
class RandomSearch(Algorithm):
    """Genomes drawn from the space, never the same phenotype twice, each trained to the full length.

    Args:
        initial: genomes to train first.
    """

    def bind(self, problem: Problem) -> Step:
        """The callable that proposes the initial genomes, then random ones; it never waits."""
        keys, ladder = Keys(problem.space), Ladder((problem.epochs,))
        phenotypes = PhenotypeFold(keys)

        def propose(history: History, rng: np.random.Generator) -> Proposal | None:
            new = NewPhenotypes(problem.space, keys, history, phenotypes(history).keys())
            candidate = new.given(self.initial) or new.drawn(problem.operators(history, rng))
            return new.proposal(candidate, ladder.start)

        return propose
