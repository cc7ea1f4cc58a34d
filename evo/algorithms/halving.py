"""Successive halving and Hyperband: random genomes, the better ones trained on."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from evo.algorithms.breeding import exhausted, fresh
from evo.algorithms.ladder import Ladder, promotable
from evo.algorithms.phenotypes import Keys, Phenotype, phenotypes
from evo.algorithms.population import best_first
from evo.algorithms.problem import Algorithm, Problem, Step, check
from evo.algorithms.random_search import next_initial
from evo.algorithms.toolbox import deap_random
from evo.core.errors import SettingsError
from evo.core.history import History
from evo.core.trial import Proposal


def order_at(history: History, found: Iterable[Phenotype], epochs: int) -> list[Phenotype]:
    """Phenotypes by their outcomes at ``epochs`` (or at the next length beyond), best first."""
    by_number: dict[int, Phenotype] = {}
    for phenotype in found:
        marks = [mark for mark in phenotype.marks if mark >= epochs]
        if marks:
            by_number[phenotype.marks[min(marks)]] = phenotype
    return [by_number[number] for number in best_first(history, by_number)]


@dataclass(frozen=True)
class SuccessiveHalving(Algorithm):
    """Asynchronous successive halving (ASHA: Li et al. 2020, arXiv 1810.05934) over random genomes.

    Args:
        initial: genomes to train first.
        eta: factor between rungs, and one of how many climbs.
        rungs: epochs of the rungs, the last being the full length; derived from it by ``eta`` if None.
    """

    eta: float = 3.0
    rungs: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        check("eta", self.eta, 1.1)

    def bind(self, problem: Problem) -> Step:
        """See :meth:`Algorithm.bind`."""
        keys = Keys(problem.space)
        ladder = Ladder.make(problem.epochs, self.eta, rungs=self.rungs)

        def propose(history: History, rng: np.random.Generator) -> Proposal | None:
            found = phenotypes(history, keys)
            trained = [p for p in found.values() if p.best is not None]
            chosen = promotable(ladder, trained, lambda group, epochs: order_at(history, group, epochs), self.eta)
            if chosen is not None:
                return ladder.climb(chosen)
            candidate = next_initial(self, keys, found.keys())
            if candidate is None:
                with deap_random(rng):
                    candidate = fresh(problem, keys, found.keys())
            if candidate is None:
                return exhausted(problem, history, len(found))
            return ladder.start(genome=candidate.genome, parents=candidate.parents, origin=candidate.origin)

        return propose


@dataclass(frozen=True)
class Hyperband(Algorithm):
    """Hyperband (Li et al. 2018, arXiv 1603.06560): brackets of synchronous successive halving, repeated.

    A stage begins when the one before it has come back completely. Where fewer
    have completed than the stage asks for, random genomes fill it up.

    Args:
        initial: genomes to train first, in the lowest stage of the first bracket.
        eta: factor between rungs.
        rungs: epochs of the rungs, the last being the full length; derived from it by ``eta`` if None.
    """

    eta: float = 3.0
    rungs: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        check("eta", self.eta, 1.1)
        if self.rungs is not None and not self.rungs:
            raise SettingsError("rungs: expected at least one, got none")

    def bind(self, problem: Problem) -> Step:
        """See :meth:`Algorithm.bind`."""
        keys = Keys(problem.space)
        ladder = Ladder.make(problem.epochs, self.eta, rungs=self.rungs)
        stages = list(_stages(ladder, self.eta))
        ends = list(itertools.accumulate(count for _, _, count in stages))
        total = ends[-1]

        def propose(history: History, rng: np.random.Generator) -> Proposal | None:
            cycle, place = divmod(len(history), total)
            stage = next(i for i, end in enumerate(ends) if place < end)
            level, first, _ = stages[stage]
            found = phenotypes(history, keys)
            if not first:
                before = range(*(cycle * total + end for end in ([0, *ends])[stage - 1 : stage + 1]))
                if any(history[n].pending for n in before):
                    return None
                rivals = [found[keys(history[n].genome)] for n in before]
                better = [p for p in rivals if p.reached == ladder.rungs[level - 1] and not p.failed]
                for phenotype in order_at(history, better, ladder.rungs[level - 1]):
                    if phenotype.asked < ladder.rungs[level]:
                        return ladder.climb(phenotype)
            candidate = next_initial(self, keys, found.keys())
            if candidate is None:
                with deap_random(rng):
                    candidate = fresh(problem, keys, found.keys())
            if candidate is None:
                return exhausted(problem, history, len(found))
            start = ladder.start(genome=candidate.genome, parents=candidate.parents, origin=candidate.origin)
            return replace(start, last_epoch=ladder.rungs[level], rung=level, final=level == ladder.top)

        return propose


def _stages(ladder: Ladder, eta: float) -> Iterable[tuple[int, bool, int]]:
    """Level, whether a bracket begins there, and number of trials, of every stage of one cycle."""
    brackets = len(ladder)
    for halvings in range(ladder.top, -1, -1):
        count = math.ceil(brackets / (halvings + 1) * eta**halvings)
        for step in itertools.count():
            level = ladder.top - halvings + step
            if level > ladder.top:
                break
            yield level, step == 0, max(1, int(count / eta**step))
