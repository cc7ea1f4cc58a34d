"""The history of a campaign: trials in order, append-only.

Everything else (population, rungs, surrogate, incumbent) is derived from it.
A trial whose outcome is not known yet, or that a proposal must not see yet
(ordered look-ahead), is in the history with ``outcome=None``.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import overload

from evo.objectives import Objectives
from genomes.genome import Genome


class Status(str, enum.Enum):
    """What came of a trial."""

    COMPLETED = "completed"
    DIVERGED = "diverged"
    FAILED = "failed"
    TIMED_OUT = "timed out"
    REJECTED = "rejected"


@dataclass(frozen=True)
class Proposal:
    """What an algorithm asks for: train ``genome`` from ``first_epoch`` to ``last_epoch``.

    Attributes:
        genome: the genome to train.
        first_epoch: epochs already done; 0 unless ``continues`` is given.
        last_epoch: epochs done at the end (so ``last_epoch - first_epoch`` are trained).
        continues: number of the trial whose stored state this one goes on from.
        parents: numbers of the trials whose genomes this one was bred from.
        inherits: number of the trial whose weights are taken over where
            innovation and shape agree; None for fresh weights.
        origin: how the genome came about: ``initial``, ``random``,
            ``mutation``, ``crossover``, ``promotion``, ``final``, ...
        rung: level of training length, 0 for the lowest.
        final: the learning rate decays to its end over this trial's epochs,
            and nothing continues from it.
        replicate: 0; 1, 2, ... for further trainings of one genome with other seeds.
    """

    genome: Genome
    first_epoch: int = 0
    last_epoch: int = 1
    continues: int | None = None
    parents: tuple[int, ...] = ()
    inherits: int | None = None
    origin: str = "random"
    rung: int = 0
    final: bool = False
    replicate: int = 0

    @property
    def epochs(self) -> int:
        """Epochs that this proposal asks for."""
        return self.last_epoch - self.first_epoch


@dataclass(frozen=True)
class Outcome:
    """What came of a trial.

    Attributes:
        status: see :class:`Status`.
        scores: final value of every metric (``val_accuracy``, ``val_loss``, ...), and
            ``latency`` in seconds per batch where it was asked for.
        curves: per metric, one value per epoch trained by this trial.
        epochs: epochs really trained by this trial.
        parameters: number of weights of the model, all of them; None if it was never built.
        flops: floating-point operations of one forward pass of one sample.
        message: why it did not complete, in one line; empty otherwise.
        seconds: wall-clock by phase (``build``, ``trace``, ``train``, ``evaluate``,
            ``save``, ...). Not part of the outcome's identity.
    """

    status: Status
    scores: Mapping[str, float] = field(default_factory=dict)
    curves: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    epochs: int = 0
    parameters: int | None = None
    flops: int | None = None
    message: str = ""
    seconds: Mapping[str, float] = field(default_factory=dict, compare=False)

    @property
    def completed(self) -> bool:
        """Whether the trial trained to its end with finite numbers."""
        return self.status is Status.COMPLETED


@dataclass(frozen=True)
class Trial:
    """A proposal, its number, and its outcome once that is known."""

    number: int
    proposal: Proposal
    outcome: Outcome | None = None

    @property
    def genome(self) -> Genome:
        """The genome that was proposed."""
        return self.proposal.genome

    @property
    def completed(self) -> bool:
        """Whether the outcome is known and completed."""
        return self.outcome is not None and self.outcome.completed

    @property
    def pending(self) -> bool:
        """Whether the outcome is not known (or not to be seen) yet."""
        return self.outcome is None

    @property
    def epochs(self) -> int:
        """Epochs of training behind the state that this trial left."""
        return self.proposal.first_epoch + (self.outcome.epochs if self.outcome else 0)


class History(Sequence[Trial]):
    """Trials in order of their numbers, ``history[n].number == n``.

    Args:
        trials: the trials, numbered from 0 without a gap.
        objectives: what the campaign maximises.
    """

    def __init__(self, trials: Sequence[Trial] = (), objectives: Objectives | None = None) -> None:
        self.objectives = objectives if objectives is not None else Objectives("val_accuracy")
        self._trials: list[Trial] = []
        self._fitness: dict[int, tuple[float, ...]] = {}
        for trial in trials:
            self.append(trial)

    # -- as a sequence ---------------------------------------------------------------
    @overload
    def __getitem__(self, index: int) -> Trial: ...
    @overload
    def __getitem__(self, index: slice) -> list[Trial]: ...
    def __getitem__(self, index: int | slice) -> Trial | list[Trial]:
        return self._trials[index]

    def __len__(self) -> int:
        return len(self._trials)

    def __iter__(self) -> Iterator[Trial]:
        return iter(self._trials)

    # -- growing -------------------------------------------------------------------
    def append(self, trial: Trial) -> None:
        """Add the next trial; its number must be ``len(self)``."""
        if trial.number != len(self._trials):
            raise ValueError(f"trial {trial.number} cannot follow trial {len(self._trials) - 1}")
        self._trials.append(trial)

    def tell(self, number: int, outcome: Outcome) -> None:
        """Set the outcome of a pending trial."""
        trial = self._trials[number]
        if trial.outcome is not None:
            raise ValueError(f"trial {number} has an outcome already")
        self._trials[number] = replace(trial, outcome=outcome)

    def seen(self, numbers: int | set[int]) -> History:
        """A history of the same trials in which only some outcomes are visible.

        Args:
            numbers: an int n shows the outcomes of trials 0 .. n-1; a set shows those in it.
        """
        view = History((), self.objectives)
        view._fitness = self._fitness
        if isinstance(numbers, int):
            hidden = range(max(0, numbers), len(self._trials))
        else:
            hidden = [n for n in range(len(self._trials)) if n not in numbers]  # type: ignore[assignment]
        trials = list(self._trials)
        for number in hidden:
            if trials[number].outcome is not None:
                trials[number] = replace(trials[number], outcome=None)
        view._trials = trials
        return view

    # -- derived -------------------------------------------------------------------
    def fitness(self, number: int) -> tuple[float, ...]:
        """Fitness of a trial, one value per objective, to be maximised; ``-inf`` unless it completed."""
        outcome = self._trials[number].outcome
        if outcome is None:
            return (-math.inf,) * len(self.objectives)
        if number not in self._fitness:
            self._fitness[number] = self.objectives(outcome)
        return self._fitness[number]

    def rank_key(self, number: int) -> tuple[float, ...]:
        """Sorts single-objective trials from worst to best: fitness, then lower ``val_loss``, then older."""
        outcome = self._trials[number].outcome
        loss = outcome.scores.get("val_loss", math.inf) if outcome is not None else math.inf
        return (*self.fitness(number), -loss if math.isfinite(loss) else -math.inf, -number)

    def beginning(self, trial: Trial) -> Trial:
        """The trial that began the training which ``trial`` continues, by however many steps; itself if none."""
        while trial.proposal.continues is not None:
            trial = self._trials[trial.proposal.continues]
        return trial

    def completed(self) -> list[Trial]:
        """Trials whose outcome is known and completed, in order."""
        return [trial for trial in self._trials if trial.completed]

    def pending(self) -> list[Trial]:
        """Trials whose outcome is not visible, in order."""
        return [trial for trial in self._trials if trial.outcome is None]

    @property
    def epochs_spent(self) -> int:
        """Epochs trained so far; a pending trial counts with the epochs it asks for."""
        return sum(t.proposal.epochs if t.outcome is None else t.outcome.epochs for t in self._trials)

    @property
    def epochs_charged(self) -> int:
        """What a budget of epochs is charged: :attr:`epochs_spent`, and one for each trial that trained none.

        Otherwise a space in which everything fails would never end.
        """
        return self.epochs_spent + sum(t.outcome is not None and t.outcome.epochs == 0 for t in self._trials)
