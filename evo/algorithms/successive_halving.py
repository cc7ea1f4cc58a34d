"""Asynchronous successive halving: random genomes, of which the better ones are continued."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evo.algorithms.algorithm import Algorithm, Step
from evo.algorithms.ladder import Ladder
from evo.algorithms.new_phenotypes import NewPhenotypes
from evo.algorithms.phenotypes import Keys, phenotypes
from evo.algorithms.problem import Problem
from evo.algorithms.promotion import promotable
from evo.algorithms.ranking import best_first_at
from evo.core.checks import number
from evo.core.history import History
from evo.core.trial import Proposal


@dataclass(frozen=True)
class SuccessiveHalving(Algorithm):
    """Asynchronous successive halving (ASHA: Li et al. 2020, arXiv 1810.05934) over random genomes.

    Args:
        initial: genomes to train first.
        eta: factor between the lengths of neighbouring rungs; the top ``1/eta`` of a rung is promoted.
        rungs: epochs of the rungs, the last being the full length; derived from it by ``eta`` if None.
    """

    eta: float = 3.0
    rungs: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        number(self.eta, "eta", 1.1)

    def bind(self, problem: Problem) -> Step:
        """The callable that promotes whenever it can, and otherwise proposes a random genome; it never waits."""
        keys = Keys(problem.space)
        ladder = Ladder.make(problem.epochs, self.eta, rungs=self.rungs)

        def propose(history: History, rng: np.random.Generator) -> Proposal | None:
            found = phenotypes(history, keys)
            trained = [p for p in found.values() if p.best is not None]
            chosen = promotable(ladder, trained, lambda group, epochs: best_first_at(history, group, epochs), self.eta)
            if chosen is not None:
                return ladder.promote(chosen)
            new = NewPhenotypes(problem.space, keys, history, found.keys())
            candidate = new.given(self.initial) or new.drawn(problem.operators(history, rng))
            return new.proposal(candidate, ladder.start)

        return propose
