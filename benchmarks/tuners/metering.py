"""Exact metering: epochs, sample-steps, time to propose and time to train, and the end of the budget."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Allowance:
    """What one run may spend; exactly one of the two is given.

    Args:
        minutes: wall-clock minutes, from loaded data (before any deep learning library is
            imported) to the last trained batch.
        epochs: epochs of training, over all trials.

    Raises:
        ValueError: none or both given, or not positive.
    """

    minutes: float | None = None
    epochs: int | None = None

    def __post_init__(self) -> None:
        given = [value for value in (self.minutes, self.epochs) if value is not None]
        if len(given) != 1 or not math.isfinite(given[0]) or given[0] <= 0:
            raise ValueError(f"expected one of --minutes and --epochs, positive; got {self.minutes}, {self.epochs}")

    @property
    def label(self) -> str:
        """For folders and tables: ``3min`` or ``60epochs``."""
        return f"{self.minutes:g}min" if self.minutes is not None else f"{self.epochs}epochs"


class BudgetSpent(Exception):
    """Raised between trials to end a search whose budget is spent."""


@dataclass
class TrialRow:
    """One row of ``trials.csv``; times are seconds since the run's clock started."""

    trial: int
    status: str = "running"
    first_epoch: int = 0
    epochs: int = 0
    samples: int = 0
    validation_score: float = math.nan
    parameters: int | None = None
    started: float = 0.0
    finished: float = 0.0
    proposing: float = 0.0
    total_epochs: int = 0
    total_samples: int = 0
    settings: str = ""
    message: str = ""


@dataclass
class Meter:
    """Counts what a run spends, and says when to stop.

    Args:
        allowance: what may be spent.
        rows: training rows per epoch.
        better: whether a first validation score is better than a second.
        clock: seconds, monotonic.
        started: reading of the clock at the run's start; now if None.
    """

    allowance: Allowance
    rows: int
    better: Callable[[float, float], bool]
    clock: Callable[[], float] = time.monotonic
    started: float | None = None
    epochs: int = 0
    samples: int = 0
    proposing: float = 0.0
    training: float = 0.0
    trials: list[TrialRow] = field(default_factory=list)
    evaluations: list[dict[str, Any]] = field(default_factory=list)
    _asked: float | None = None
    _batch: int = 0
    _batch_size: int = 0

    def __post_init__(self) -> None:
        if self.started is None:
            self.started = self.clock()

    @property
    def seconds(self) -> float:
        """Seconds since the run started."""
        assert self.started is not None
        return self.clock() - self.started

    @property
    def spent(self) -> bool:
        """Whether the budget is used up."""
        if self.allowance.epochs is not None:
            return self.epochs >= self.allowance.epochs
        assert self.allowance.minutes is not None
        return self.seconds >= 60 * self.allowance.minutes

    # -- between trials -----------------------------------------------------------------
    def ask(self) -> None:
        """A proposal is being asked for.

        Raises:
            BudgetSpent: there is nothing left.
        """
        if self.spent:
            raise BudgetSpent
        self._asked = self.seconds

    def begin(self, number: int, settings: str = "", first_epoch: int = 0, proposing: float | None = None) -> TrialRow:
        """The proposal is there, its training begins.

        Args:
            number: the trial's number, from 0.
            settings: what is tried, in one line.
            first_epoch: epochs behind the weights that it starts from.
            proposing: seconds that the proposal took; since :meth:`ask` if None.

        Raises:
            BudgetSpent: the time ran out while it was thought of.
        """
        now = self.seconds
        if proposing is None:
            proposing = 0.0 if self._asked is None else now - self._asked
        self.proposing += proposing
        self._asked = None
        if self.spent:
            raise BudgetSpent
        record = TrialRow(trial=number, settings=settings, first_epoch=first_epoch, started=now, proposing=proposing)
        self.trials.append(record)
        return record

    def end(self, status: str, score: float, message: str = "") -> None:
        """The training of the latest trial ended, well or not."""
        record = self.trials[-1]
        record.status, record.validation_score, record.message = status, float(score), message
        record.finished = self.seconds
        record.total_epochs, record.total_samples = self.epochs, self.samples
        self.training += record.finished - record.started

    # -- within a trial ------------------------------------------------------------------
    def fitting(self, batch_size: int) -> None:
        """A fit with this batch size begins."""
        self._batch, self._batch_size = 0, int(batch_size)

    def batch(self) -> bool:
        """A batch was trained; returns whether training must stop now."""
        steps = -(-self.rows // self._batch_size)
        position = self._batch % steps
        count = min(self._batch_size, self.rows - position * self._batch_size)
        self._batch += 1
        self.samples += count
        self.trials[-1].samples += count
        return self.allowance.minutes is not None and self.spent

    def epoch(self, score: float) -> bool:
        """An epoch ended with this validation score; returns whether training must stop now.

        An epoch that the clock cut short is no epoch in the count, but its samples are,
        and its evaluation counts as the trial's.
        """
        steps = -(-self.rows // self._batch_size)
        if self._batch and self._batch % steps == 0:
            self.epochs += 1
            self.trials[-1].epochs += 1
        else:
            self._batch = 0
        self.evaluations.append(
            {
                "trial": self.trials[-1].trial,
                "total_epochs": self.epochs,
                "total_samples": self.samples,
                "seconds": self.seconds,
                "validation_score": float(score),
            }
        )
        return self.spent

    @property
    def failed(self) -> int:
        """Trials that did not complete."""
        return sum(record.status not in ("completed", "running") for record in self.trials)


def meter_callback(meter: Meter, objective: str) -> Any:
    """A ``keras.callbacks.Callback`` that feeds a meter; for libraries without hooks of their own.

    Args:
        meter: what to feed. The callback must not be deep-copied.
        objective: name of the validation score in the logs.
    """
    import keras

    class MeterCallback(keras.callbacks.Callback):  # type: ignore[misc]
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            if meter.batch():
                self.model.stop_training = True

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            if meter.epoch(float((logs or {}).get(objective, math.nan))):
                self.model.stop_training = True

    return MeterCallback()
