"""Random search: every trial another phenotype, trained to the full length."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass

import numpy as np

from evo.algorithms.breeding import exhausted, fresh
from evo.algorithms.phenotypes import Keys
from evo.algorithms.problem import Algorithm, Problem, Step
from evo.algorithms.toolbox import Candidate, deap_random
from evo.core.history import History
from evo.core.trial import Proposal


def whole(problem: Problem, candidate: Candidate) -> Proposal:
    """The proposal that trains a candidate from the start to the full length."""
    return Proposal(
        genome=candidate.genome,
        last_epoch=problem.epochs,
        parents=candidate.parents,
        origin=candidate.origin,
        final=True,
    )


def next_initial(algorithm: Algorithm, keys: Keys, known: Set[str]) -> Candidate | None:
    """The first genome of ``initial`` that is not known yet."""
    for genome in algorithm.initial:
        if keys(genome) not in known:
            return Candidate(genome, origin="initial")
    return None


@dataclass(frozen=True)
class RandomSearch(Algorithm):
    """Genomes drawn from the space, never the same phenotype twice, each trained to the full length.

    Args:
        initial: genomes to train first.
    """

    def bind(self, problem: Problem) -> Step:
        """See :meth:`Algorithm.bind`."""
        keys = Keys(problem.space)

        def propose(history: History, rng: np.random.Generator) -> Proposal | None:
            known = {keys(trial.genome) for trial in history}
            candidate = next_initial(self, keys, known)
            if candidate is None:
                with deap_random(rng):
                    candidate = fresh(problem, keys, known)
            if candidate is None:
                return exhausted(problem, history, len(known))
            return whole(problem, candidate)

        return propose
