"""Hyperband: brackets of synchronous successive halving, which begin at different lengths of training."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np

from evo.algorithms.algorithm import Algorithm, Step
from evo.algorithms.ladder import Ladder
from evo.algorithms.new_phenotypes import NewPhenotypes
from evo.algorithms.phenotypes import Keys, PhenotypeFold
from evo.algorithms.problem import Problem
from evo.algorithms.ranking import best_first_at
from evo.core.checks import number
from evo.core.errors import SettingsError
from evo.core.history import History
from evo.core.trial import Proposal


@dataclass(frozen=True)
class Hyperband(Algorithm):
    """Hyperband (Li et al. 2018, arXiv 1603.06560): brackets of synchronous successive halving, repeated.

    A round begins when the one before it has come back completely. Where fewer
    have completed than the round asks for, random genomes fill it up.

    Args:
        initial: genomes to train first, in the lowest round of the first bracket.
        eta: factor between the lengths of neighbouring rungs; the top ``1/eta`` of a round is promoted.
        rungs: epochs of the rungs, the last being the full length; derived from it by ``eta`` if None.
    """

    eta: float = 3.0
    rungs: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        number(self.eta, "eta", 1.1)
        if self.rungs is not None and not self.rungs:
            raise SettingsError("rungs: expected at least one, got none")

    def bind(self, problem: Problem) -> Step:
        """The callable that proposes round after round; it waits for the end of each."""
        keys = Keys(problem.space)
        phenotypes = PhenotypeFold(keys)
        ladder = Ladder.make(problem.epochs, self.eta, rungs=self.rungs)
        rounds = list(_rounds(ladder, self.eta))
        ends = list(itertools.accumulate(round_.trials for round_ in rounds))

        def propose(history: History, rng: np.random.Generator) -> Proposal | None:
            cycle, place = divmod(len(history), ends[-1])
            current = next(index for index, end in enumerate(ends) if place < end)
            round_ = rounds[current]
            found = phenotypes(history)
            if not round_.opens:
                before = range(*(cycle * ends[-1] + end for end in ([0, *ends])[current - 1 : current + 1]))
                if any(history[n].pending for n in before):
                    return None
                rivals = [found[keys(history[n].genome)] for n in before]
                epochs = ladder.rungs[round_.level - 1]
                completed = [p for p in rivals if p.reached == epochs and not p.failed]
                for phenotype in best_first_at(history, completed, epochs):
                    if phenotype.asked < ladder.rungs[round_.level]:
                        return ladder.promote(phenotype)
            new = NewPhenotypes(problem.space, keys, history, found.keys())
            candidate = new.given(self.initial) or new.drawn(problem.operators(history, rng))
            return new.proposal(candidate, partial(ladder.start, level=round_.level))

        return propose


class _Round(NamedTuple):
    """One round of a bracket: trials of one rung.

    Attributes:
        level: index of the rung.
        opens: whether the bracket begins here, with new genomes.
        trials: how many it trains.
    """

    level: int
    opens: bool
    trials: int


def _rounds(ladder: Ladder, eta: float) -> Iterator[_Round]:
    """Every round of one cycle of brackets, the bracket that begins lowest first."""
    brackets = len(ladder)
    for halvings in range(ladder.top, -1, -1):
        count = math.ceil(brackets / (halvings + 1) * eta**halvings)
        for step in range(halvings + 1):
            yield _Round(ladder.top - halvings + step, step == 0, max(1, int(count / eta**step)))
