"""The finish: survivors are trained to the full length, and the best again with other seeds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from evo.algorithms.phenotypes import Keys, Phenotype, phenotypes
from evo.algorithms.population import best_first, survivors
from evo.algorithms.problem import Algorithm, Problem, Step, check
from evo.core.history import History
from evo.core.trial import Proposal


@dataclass(frozen=True)
class FinalTraining(Algorithm):
    """Continues the best to the full length, then trains the best ones with other seeds.

    The best are those of the highest score, however long they were trained: who is as good after fewer
    epochs has more to gain. With several objectives they are the survivors.

    It is called like an algorithm and answers None when nothing is left to do. Best
    come first, so that a budget that ends in between was spent on the best.

    Args:
        initial: not used.
        size: number of survivors to finish.
        replicates: how often each may be trained again with another seed, from the start.
    """

    size: int = 10
    replicates: int = 2

    def __post_init__(self) -> None:
        super().__post_init__()
        check("size", self.size, 1, whole=True)
        check("replicates", self.replicates, 0, whole=True)

    def bind(self, problem: Problem) -> Step:
        """See :meth:`Algorithm.bind`."""
        keys = Keys(problem.space)

        def propose(history: History, rng: np.random.Generator) -> Proposal | None:
            found = phenotypes(history, keys)
            chosen = [found[keys(history[n].genome)] for n in _ranked(history, found.values(), keys)]
            # One whose climb failed has nothing to go on from, and one already asked for is on its way.
            chosen = [p for p in chosen if not (p.failed and p.reached < problem.epochs)][: self.size]
            for phenotype in chosen:
                if not phenotype.finished and phenotype.asked < problem.epochs and phenotype.best is not None:
                    return Proposal(
                        genome=history[phenotype.best].genome,
                        first_epoch=phenotype.reached,
                        last_epoch=problem.epochs,
                        continues=phenotype.best,
                        parents=(phenotype.best,),
                        origin="final",
                        rung=history[phenotype.best].proposal.rung + 1,
                        final=True,
                    )
            for replicate in range(1, self.replicates + 1):
                for phenotype in chosen:
                    if phenotype.replicates < replicate and phenotype.best is not None:
                        return Proposal(
                            genome=history[phenotype.best].genome,
                            last_epoch=problem.epochs,
                            parents=(phenotype.best,),
                            origin="replicate",
                            rung=history[phenotype.best].proposal.rung,
                            final=True,
                            replicate=replicate,
                        )
            return None

        return propose


def _ranked(history: History, found: Iterable[Phenotype], keys: Keys) -> list[int]:
    """The trial of each phenotype that has come farthest, the most promising first."""
    if len(history.objectives) > 1:
        return survivors(history, len(history), keys=keys)
    return best_first(history, [p.best for p in found if p.best is not None])
