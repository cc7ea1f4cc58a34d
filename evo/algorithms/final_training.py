"""The final trainings: survivors are trained to the full length, and the best again with other seeds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from evo.algorithms.algorithm import Step
from evo.algorithms.phenotypes import Keys, Phenotype, phenotypes
from evo.algorithms.population import survivors
from evo.algorithms.problem import Problem
from evo.algorithms.ranking import best_first
from evo.core.checks import whole_number
from evo.core.history import History
from evo.core.trial import Proposal


@dataclass(frozen=True)
class FinalTraining:
    """Continues the best to the full length, then trains the best ones with other seeds.

    The best are those of the highest score, however long they were trained: who is as good after fewer
    epochs has more to gain. With several objectives they are the survivors.

    It is no :class:`Algorithm`: it searches nothing, and cannot be chosen as one. What :meth:`bind` makes is called
    like one. Best come first, so that a budget that ends in between was spent on the best.

    Args:
        size: number of survivors to finish.
        replicates: how often each may be trained again with another seed, from the start.

    Raises:
        SettingsError: a setting that is out of its range; the message names it.
    """

    size: int = 10
    replicates: int = 2

    def __post_init__(self) -> None:
        whole_number(self.size, "size", 1)
        whole_number(self.replicates, "replicates", 0)

    def bind(self, problem: Problem) -> Step:
        """The callable that proposes one final training after another, and None when nothing is left to do."""
        keys = Keys(problem.space)

        def propose(history: History, rng: np.random.Generator) -> Proposal | None:
            found = phenotypes(history, keys)
            chosen = [found[keys(history[n].genome)] for n in _ranked(history, found.values(), keys)]
            # One that failed when it was continued has nothing to resume from; one already asked for is on its way.
            chosen = [p for p in chosen if not (p.failed and p.reached < problem.epochs)][: self.size]
            for phenotype in chosen:
                if not phenotype.finished and phenotype.asked < problem.epochs and phenotype.best is not None:
                    return _completion(history, phenotype, phenotype.best, problem.epochs)
            for replicate in range(1, self.replicates + 1):
                for phenotype in chosen:
                    if phenotype.replicates < replicate and phenotype.best is not None:
                        return _replication(history, phenotype.best, problem.epochs, replicate)
            return None

        return propose


def _completion(history: History, phenotype: Phenotype, best: int, epochs: int) -> Proposal:
    """Trial ``best`` continued to the full length."""
    return Proposal(
        genome=history[best].genome,
        first_epoch=phenotype.reached,
        last_epoch=epochs,
        continues=best,
        parents=(best,),
        origin="final",
        rung=history[best].proposal.rung + 1,
        final=True,
    )


def _replication(history: History, best: int, epochs: int, replicate: int) -> Proposal:
    """The genome of trial ``best`` trained from the start with another seed."""
    return Proposal(
        genome=history[best].genome,
        last_epoch=epochs,
        parents=(best,),
        origin="replicate",
        rung=history[best].proposal.rung,
        final=True,
        replicate=replicate,
    )


def _ranked(history: History, found: Iterable[Phenotype], keys: Keys) -> list[int]:
    """The longest completed trial of each phenotype, the most promising first."""
    if len(history.objectives) > 1:
        return survivors(history, len(history), keys=keys)
    return best_first(history, [p.best for p in found if p.best is not None])
