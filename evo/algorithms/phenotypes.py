"""The history by phenotype: what has been trained, for how long, and with what outcome."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass, field

from evo.core.history import History
from evo.core.objectives import Objectives
from evo.core.trial import Trial
from genomes.genome import Genome
from genomes.spaces.base import Space


@dataclass
class Phenotype:
    """All trials of one phenotype.

    Attributes:
        key: ``space.key`` of its genome.
        genome: the genome as it was first proposed.
        first: number of its first trial.
        best: its completed trial with the most epochs of training, those that it continues included
            (replicates and repeated trainings are left out); None if none completed.
        reached: epochs of training of ``best``; 0 if none completed.
        pending: whether a trial of it has no visible outcome.
        asked: the most epochs that any of its trials asked for, pending and failed ones included.
        finished: whether a ``final`` trial of it was proposed, from which nothing continues.
        failed: whether a trial of it diverged, failed, timed out or was rejected.
        marks: the completed trial that stopped at each number of epochs.
        replicates: how many further trainings with other seeds were proposed.
        trials: numbers of all its trials.
    """

    key: str
    genome: Genome
    first: int
    best: int | None = None
    reached: int = 0
    pending: bool = False
    asked: int = 0
    finished: bool = False
    failed: bool = False
    marks: dict[int, int] = field(default_factory=dict)
    replicates: int = 0
    trials: list[int] = field(default_factory=list)

    def add(self, trial: Trial, finite: bool) -> None:
        """Take another trial of this phenotype into account."""
        self.trials.append(trial.number)
        if trial.proposal.replicate:
            self.replicates = max(self.replicates, trial.proposal.replicate)
            return
        self.finished = self.finished or trial.proposal.final
        self.asked = max(self.asked, trial.proposal.last_epoch)
        if trial.outcome is None:
            self.pending = True
        elif not trial.outcome.completed or not finite:
            self.failed = True
        else:
            self.marks.setdefault(trial.epochs, trial.number)
            if trial.epochs > self.reached or self.best is None:
                self.best, self.reached = trial.number, trial.epochs

    def copy(self) -> Phenotype:
        """One that may be added to."""
        return dataclasses.replace(self, marks=dict(self.marks), trials=list(self.trials))


class Keys:
    """``space.key``, cached by genome: a pure function that is called again and again."""

    def __init__(self, space: Space) -> None:
        self._key: Callable[[Genome], str] = space.key
        self._known: dict[str, str] = {}

    def __call__(self, genome: Genome) -> str:
        own = genome.key
        if own not in self._known:
            self._known[own] = self._key(genome)
        return self._known[own]


class PhenotypeFold:
    """:func:`phenotypes` of one history after another, as a search asks for them.

    Trials with an outcome do not change: those at the beginning are counted once, and only what came since is read. It
    gives the same as a fold over the whole history, whichever histories it was asked of before.

    Args:
        keys: phenotypes of genomes.
    """

    def __init__(self, keys: Callable[[Genome], str]) -> None:
        self._keys = keys
        self._objectives: Objectives | None = None
        self._settled: list[Trial] = []
        self._found: dict[str, Phenotype] = {}
        # What the trials after the settled ones changed in it: phenotypes as they were, None where there was none.
        self._former: dict[str, Phenotype | None] = {}

    def __call__(self, history: History) -> dict[str, Phenotype]:
        """Every phenotype by its key, in the order of their first trials; not to be changed, valid until the next call.

        A copy for every call would take longer the more there are.
        """
        for key, phenotype in self._former.items():
            if phenotype is None:
                del self._found[key]
            else:
                self._found[key] = phenotype
        self._former = {}
        # Trials that are the same objects are compared at once.
        if self._objectives != history.objectives or history[: len(self._settled)] != self._settled:
            self._objectives, self._settled, self._found = history.objectives, [], {}
        settled = history.settled
        for trial in history[len(self._settled) : settled]:
            _count(self._found, self._keys(trial.genome), trial, history)
            self._settled.append(trial)
        found, former = self._found, self._former
        for trial in history[settled:]:
            key = self._keys(trial.genome)
            if key not in former:
                known = former[key] = found.get(key)
                if known is not None:
                    found[key] = known.copy()
            _count(found, key, trial, history)
        return found


def phenotypes(history: History, keys: Callable[[Genome], str]) -> dict[str, Phenotype]:
    """Every phenotype of the history by its key, in the order of their first trials."""
    return PhenotypeFold(keys)(history)


def _count(found: dict[str, Phenotype], key: str, trial: Trial, history: History) -> None:
    if key not in found:
        found[key] = Phenotype(key, trial.genome, trial.number)
    finite = trial.outcome is not None and all(map(math.isfinite, history.fitness(trial.number)))
    found[key].add(trial, finite)
