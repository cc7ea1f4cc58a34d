"""The history of a campaign: trials in order, append-only.

Everything else (population, rungs, surrogate, incumbent) is derived from it.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import overload

from evo.core.objectives import Objectives
from evo.core.trial import Outcome, Trial
from genomes.notebook import table

#: Trials that a notebook shows, the newest ones.
_SHOWN = 20


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
        self._merit: dict[int, tuple[float, ...]] = {}
        # Counted as the history grows: a planner asks for every proposal, after a hundred thousand trials too.
        self._pending: dict[int, None] = {}
        self._spent = self._charged = 0
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

    # -- as people look at it ------------------------------------------------------
    def __repr__(self) -> str:
        return f"History({len(self)} trials: {self._counts() or 'none'}; {', '.join(self.objectives.names)})"

    def _repr_html_(self) -> str:
        names = self.objectives.names
        rows = [
            (
                trial.number,
                "pending" if trial.outcome is None else trial.outcome.status.value,
                *(value if math.isfinite(value) else None for value in self.fitness(trial.number)),
                trial.epochs,
                trial.proposal.origin,
                trial.genome.summary(),
            )
            for trial in reversed(self._trials[-_SHOWN:])
        ]
        left = len(self) - len(rows)
        return table(
            f"History: {len(self)} trials: {self._counts() or 'none'}",
            ("trial", "status", *names, "epochs", "origin", "genome"),
            rows,
            f"and {left} earlier ones" if left else "",
        )

    def _counts(self) -> str:
        """How many trials ended in which way."""
        states = Counter("pending" if t.outcome is None else t.outcome.status.value for t in self._trials)
        return ", ".join(f"{count} {state}" for state, count in states.most_common())

    # -- growing -------------------------------------------------------------------
    def append(self, trial: Trial) -> None:
        """Add the next trial; its number must be ``len(self)``."""
        if trial.number != len(self._trials):
            raise ValueError(f"trial {trial.number} cannot follow trial {len(self._trials) - 1}")
        self._trials.append(trial)
        self._count(trial)

    def tell(self, number: int, outcome: Outcome) -> None:
        """Set the outcome of a pending trial."""
        trial = self._trials[number]
        if trial.outcome is not None:
            raise ValueError(f"trial {number} has an outcome already")
        self._count(trial, -1)
        self._trials[number] = replace(trial, outcome=outcome)
        self._count(self._trials[number])

    def _count(self, trial: Trial, sign: int = 1) -> None:
        """Take a trial into the counts; with -1 out of them."""
        outcome = trial.outcome
        epochs = trial.proposal.epochs if outcome is None else outcome.epochs
        self._spent += sign * epochs
        self._charged += sign * (epochs if outcome is None else max(epochs, 1))
        if outcome is None and sign > 0:
            self._pending[trial.number] = None
        elif outcome is None:
            del self._pending[trial.number]

    def seen(self, numbers: int | set[int]) -> History:
        """A history of the same trials in which only some outcomes are visible.

        Args:
            numbers: an int n shows the outcomes of trials 0 .. n-1; a set shows those in it.
        """
        view = History((), self.objectives)
        view._fitness, view._merit = self._fitness, self._merit
        if isinstance(numbers, int):
            hidden = range(max(0, numbers), len(self._trials))
        else:
            hidden = [n for n in range(len(self._trials)) if n not in numbers]  # type: ignore[assignment]
        view._trials, view._spent, view._charged = list(self._trials), self._spent, self._charged
        view._pending = dict(self._pending)
        late = [number for number in hidden if self._trials[number].outcome is not None]
        for number in late:
            view._count(self._trials[number], -1)
            view._trials[number] = replace(self._trials[number], outcome=None)
            view._count(view._trials[number])
        if late:
            view._pending = dict.fromkeys(sorted(view._pending))
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

    def merit(self, number: int) -> tuple[float, ...]:
        """What a trial is ranked by: its fitness, lower than any where it breaks a constraint.

        See :meth:`evo.core.objectives.Objectives.merit`; without constraints it is :meth:`fitness`.
        """
        outcome = self._trials[number].outcome
        if not self.objectives.constraints or outcome is None:
            return self.fitness(number)
        if number not in self._merit:
            self._merit[number] = self.objectives.merit(outcome)
        return self._merit[number]

    def feasible(self, number: int) -> bool:
        """Whether a trial completed and keeps every constraint."""
        outcome = self._trials[number].outcome
        return outcome is not None and outcome.completed and self.objectives.violation(outcome) == 0

    def rank_key(self, number: int) -> tuple[float, ...]:
        """Sorts single-objective trials from worst to best: merit, then lower ``val_loss``, then older."""
        outcome = self._trials[number].outcome
        loss = outcome.scores.get("val_loss", math.inf) if outcome is not None else math.inf
        return (*self.merit(number), -loss if math.isfinite(loss) else -math.inf, -number)

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
        return [self._trials[number] for number in self._pending]

    @property
    def settled(self) -> int:
        """Number of trials at the front of the history whose outcomes are all visible."""
        return next(iter(self._pending), len(self._trials))

    @property
    def epochs_spent(self) -> int:
        """Epochs trained so far; a pending trial counts with the epochs it asks for."""
        return self._spent

    @property
    def epochs_charged(self) -> int:
        """What a budget of epochs is charged: :attr:`epochs_spent`, and one for each trial that trained none.

        Otherwise a space in which everything fails would never end.
        """
        return self._charged
