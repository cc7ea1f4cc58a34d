"""Handing trials to workers, and taking back what came of them.

A finished trial whose state or predictions are gone and needed is trained
again, to the same bits, by a task like any other: what waits for its state
waits, everything else continues.
"""

from __future__ import annotations

import concurrent.futures
import dataclasses
import os
import shutil
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from typing import Any

import numpy as np

from evo.campaign.observers import Observers
from evo.campaign.preflight import preflight
from evo.campaign.setup import CampaignSetup
from evo.core.errors import StorageError
from evo.core.history import History
from evo.core.randomness import training_seed
from evo.core.trial import Outcome, Proposal, Status, Trial
from evo.prepared_data import PreparedData
from evo.storage import CampaignDirectory, layout
from evo.storage.preprocessing import of_fold, pack_arrays
from evo.training.shipped import train_with
from evo.training.task import DataReference, FoldReference, TrialReport, TrialTask
from evo.workers import Serial, settle
from evo.workers.outcomes import KILLED
from genomes.genome import Genome

#: Seconds between two ticks while trials are running.
TICK = 0.5
#: How often a trial is done again whose worker died under it, before that counts as its own doing.
RETRIES = 2
#: Seconds after which a trial is done again whose worker was killed from outside; after the last it stays undecided.
DELAYS = (1.0, 5.0, 20.0)
#: Seconds before the end of a budget of minutes at which trainings stop, to be back in time.
RETURN = 1.5
#: Folder of the campaign's directory that holds the data for the workers while a session runs.
CACHE = layout.CACHE


@dataclass(frozen=True)
class _Work:
    """A trial to be trained: one whose outcome is wanted, or a finished one for what it had left (``again``)."""

    trial: Trial
    again: bool = False


class Dispatch:
    """The trials of a session that are with the workers, or wait for a state that is being trained again.

    Args:
        setup: the campaign.
        stored: its directory.
        history: its trials; grows while the session runs.
        observers: are told what is submitted, done again, and chosen.
        keeps: whether the state of a trial is to be kept, so that a lost one is worth restoring.
    """

    def __init__(
        self,
        setup: CampaignSetup,
        stored: CampaignDirectory,
        history: History,
        observers: Observers,
        keeps: Callable[[int], bool],
    ) -> None:
        self._setup, self._stored, self._history, self._observers = setup, stored, history, observers
        self._keeps = keeps
        self._reference: DataReference | None = None
        self._folds: tuple[FoldReference, ...] = ()
        self._running: dict[Future[Any], tuple[_Work, TrialTask]] = {}
        self._waiting: list[_Work] = []
        self._retries: dict[tuple[int, bool], int] = {}
        self._killings: dict[tuple[int, bool], int] = {}
        #: What is done again later, and when, by the monotonic clock.
        self._later: list[tuple[float, _Work]] = []
        #: Trials whose workers were killed from outside each time, with the last cause.
        self.undecided: dict[int, str] = {}
        #: Finished trials that are being trained again.
        self._again: set[int] = set()
        #: Those that are still to be, because what they left was lost.
        self._lost: deque[int] = deque()
        self._damaged: set[int] = set()
        self._repairs: list[str] = []
        self._asked = False

    # -- from the session ----------------------------------------------------------------
    @property
    def idle(self) -> bool:
        """Whether nothing is under way or waits."""
        return not (self._running or self._waiting or self._lost or self._later)

    @property
    def repairing(self) -> bool:
        """Whether something that was lost is not put back yet."""
        return bool(self._lost or self._again & self._damaged)

    @property
    def trials(self) -> int:
        """Number of trials that were submitted and have not come back."""
        return sum(not work.again for work in self._all_work())

    @property
    def running(self) -> int:
        """Number of trainings that are with the executor."""
        return len(self._running)

    def submit(self, trial: Trial) -> None:
        """Hand a trial to a worker; if a state that it begins from is gone, as soon as that is there again.

        Raises:
            StorageError: the data cannot be written for the workers, or a state cannot be trained again.
        """
        self._enter(_Work(trial))

    def restore(self, numbers: Iterable[int]) -> None:
        """Train finished trials again, beside everything else, for the state or predictions that were lost.

        Raises:
            StorageError: as for :meth:`submit`.
        """
        self._lost.extend(numbers)
        self._damaged |= set(self._lost)
        self._restore_more()

    def needed(self) -> set[int]:
        """Trials whose states are read by those that are trained again."""
        return {number for work in self._all_work() if work.again for number in _sources(work.trial.proposal)}

    def wait(self) -> Iterator[tuple[Trial, TrialReport]]:
        """Wait until something is done, at most a tick; gives the trials that came back, with their reports.

        Raises:
            StorageError: a trial that is needed cannot be trained again, or not to the same bits; or what
                :func:`evo.workers.settle` raises.
        """
        self._begin_delayed()
        if not self._running and self._later:
            time.sleep(min(TICK, max(0.0, self._later[0][0] - time.monotonic())))
        done = self._done(set(self._running)) if self._running else ()
        for future in sorted(done, key=lambda f: self._running[f][0].trial.number):
            found = self._settled(future)
            if found is not None:
                yield found
        self._restore_more()

    def _done(self, pending: set[Future[Any]]) -> Collection[Future[Any]]:
        wait_any = getattr(self._setup.executor.started(), "wait_any", None)
        if wait_any is not None:
            found: Collection[Future[Any]] = wait_any(pending)
            return found
        return concurrent.futures.wait(pending, TICK, concurrent.futures.FIRST_COMPLETED).done

    def control(self, genome: Genome, trial: Trial) -> TrialReport | None:
        """Train a genome for one epoch in place of a trial that failed; nothing of it is kept or recorded.

        Returns:
            What came of it; None if the campaign was stopped before it was done.

        Raises:
            StorageError, SettingsError, InfrastructureError: what :func:`evo.workers.settle` raises.
        """
        setup = self._setup
        fresh = Trial(trial.number, Proposal(genome))
        folder = self._stored.path / CACHE / f"control-{trial.number}"
        task = dataclasses.replace(self._task(fresh), directory=str(folder.resolve()))
        for _ in range(RETRIES + 1):
            future = setup.executor.submit(train_with, task, setup.space.definitions)
            while not future.done():
                if setup.stopping.is_set():
                    future.cancel()
                    return None
                concurrent.futures.wait([future], TICK)
            report = settle(future, task)
            if not report.outcome.message.startswith(("worker:", KILLED)):
                break
        return report

    def repairs(self) -> list[str]:
        """What was restored since the last call, of what was lost: one line each."""
        found, self._repairs = self._repairs, []
        return found

    def close(self) -> None:
        """End the workers that were started here, and drop the data that was written for them."""
        try:
            self._setup.executor.close()
        finally:
            shutil.rmtree(self._stored.path / CACHE, ignore_errors=True)

    # -- work ------------------------------------------------------------------------------
    def _all_work(self) -> list[_Work]:
        """All that is with the executor or waits."""
        return [*(work for work, _ in self._running.values()), *self._waiting, *(work for _, work in self._later)]

    def _begin_delayed(self) -> None:
        """Do again what was to be done again later, once that is now."""
        now = time.monotonic()
        due = [work for when, work in self._later if when <= now]
        self._later = [(when, work) for when, work in self._later if when > now]
        for work in due:
            self._enter(work)

    def _killed(self, work: _Work, cause: str) -> None:
        """Its worker was killed from outside: nothing is known of the trial; it is done again later, or by a resume."""
        number, key = work.trial.number, (work.trial.number, work.again)
        times = self._killings[key] = self._killings.get(key, 0) + 1
        if times <= len(DELAYS):
            delay = DELAYS[times - 1]
            self._later.append((time.monotonic() + delay, work))
            self._later.sort(key=lambda entry: entry[0])
            self._observers.message(f"trial {number}: {cause}; it is done again in {delay:g} s")
            return
        if work.again:
            raise StorageError(f"trial {number} cannot be trained again now: {cause}; run the campaign again")
        self.undecided[number] = cause
        self._stored.note(undecided=number, cause=cause)
        self._observers.message(
            f"trial {number} is undecided: {times} of its workers were killed from outside; a resume takes it up"
        )

    def _enter(self, work: _Work) -> None:
        """Begin a piece of work, or let it wait for the states that it begins from."""
        if self._gone(work):
            self._await_states(work)
        else:
            self._begin(work)

    def _await_states(self, work: _Work) -> None:
        """Let a piece of work wait for the states that are gone, which are trained again."""
        self._waiting.append(work)
        for number in self._gone(work):
            self._train_again(number)

    def _gone(self, work: _Work) -> list[int]:
        """Trials whose states the work begins from and that are not there."""
        return [number for number in _sources(work.trial.proposal) if self._is_gone(number)]

    def _train_again(self, number: int) -> None:
        if number not in self._again:
            self._again.add(number)
            self._observers.message(f"trial {number}: what it left is needed again and is trained again")
            self._enter(_Work(self._history[number], again=True))

    def _begin(self, work: _Work) -> None:
        self._prepare()
        try:
            task = self._task(work.trial)
        except StorageError:
            if not self._gone(work):
                raise
            self._await_states(work)  # removed since it was looked for
            return
        if work.again:
            # It has to end where it ended before, also where a limit was not asked about then.
            task = dataclasses.replace(task, settings=dataclasses.replace(task.settings, parameters=None, flops=None))
        else:
            task = dataclasses.replace(task, deadline=self._deadline())
        if self._setup.evaluate is not None:
            future = self._setup.executor.submit(self._setup.evaluate, task)
        else:
            future = self._setup.executor.submit(train_with, task, self._setup.space.definitions)
        self._running[future] = (work, task)
        if not work.again:
            self._observers.tell("on_submit", work.trial, self._history)
        elif future.done():
            # Where calls are done at once, what waits for it begins at once.
            self._settled(future)

    def _settled(self, future: Future[Any]) -> tuple[Trial, TrialReport] | None:
        """What came back, if it is the outcome of a trial; else what follows from it is done here."""
        work, task = self._running.pop(future)
        stopped = self._setup.stopping.is_set() and not future.cancelled()
        if stopped and isinstance(future.exception(), KeyboardInterrupt):
            # Ctrl-C in a terminal reaches workers of other executors too: no outcome of theirs.
            self._waiting.append(work)
            return None
        try:
            report = settle(future, task)
        except StorageError:
            if not self._gone(work):
                raise
            self._await_states(work)  # removed before the worker read it
            return None
        except concurrent.futures.CancelledError:
            self._enter(work)
            return None
        if report.outcome.message.startswith(KILLED):
            self._killed(work, report.outcome.message)
            return None
        if report.state is not None and not os.path.isfile(report.state):
            # Another trial may have removed it: what is left of this one is no result.
            gone = Outcome(Status.FAILED, message="worker: the state that the trial left is gone")
            report = TrialReport(report.number, gone)
        key = (work.trial.number, work.again)
        if report.outcome.message.startswith("worker:") and self._retries.get(key, 0) < RETRIES:
            # The machine may have killed it, not the candidate: that must not change the history.
            self._retries[key] = self._retries.get(key, 0) + 1
            self._observers.message(f"trial {work.trial.number}: {report.outcome.message}; it is done again")
            self._enter(work)
            return None
        if not work.again:
            return work.trial, report
        self._put_back(work.trial.number, report)
        return None

    # -- what was lost -----------------------------------------------------------------------
    def _restore_more(self) -> None:
        """Train again what was lost: on all workers but one at most, so that trials find one."""
        while self._lost and len(self._again) < max(1, self._setup.workers - 1):
            number = self._lost.popleft()
            # Something may have waited for it, or a checkpoint may have dropped it since.
            if number in self._stored.lost_predictions or (self._is_gone(number) and self._keeps(number)):
                self._train_again(number)

    def _put_back(self, number: int, report: TrialReport) -> None:
        """Store again what a trial had left, and begin what waited for it."""
        stored = self._stored
        awaited = any(number in _sources(work.trial.proposal) for work in self._waiting)
        state = self._is_gone(number) and (awaited or self._keeps(number))
        predictions = number in stored.lost_predictions
        if (
            not report.outcome.completed
            or (state and report.state is None)
            or (predictions and report.predictions is None)
        ):
            raise StorageError(f"trial {number} cannot be trained again: {report.outcome.message}")
        said = len(stored.messages)
        if predictions and report.predictions is not None:
            stored.restore_predictions(number, report.predictions)
        if state and report.state is not None:
            stored.restore_state(number, report.state)
        shutil.rmtree(stored.trial_directory(number), ignore_errors=True)
        if number in self._damaged:
            self._repairs += stored.messages[said:]
        self._again.discard(number)
        waiting, self._waiting = self._waiting, []
        ready: list[_Work] = []
        for work in waiting:
            (self._waiting if self._gone(work) else ready).append(work)
        for work in ready:
            self._begin(work)

    def _is_gone(self, number: int) -> bool:
        """Whether a trial left a state that is not there: dropped, lost or damaged."""
        return self._stored.records[number].state is not None and self._stored.state_path(number) is None

    # -- tasks -------------------------------------------------------------------------------
    def _task(self, trial: Trial) -> TrialTask:
        """The task of a trial whose starting states are there."""
        proposal, stored, setup = trial.proposal, self._stored, self._setup
        assert self._reference is not None
        inherits = proposal.inherits
        preprocessing = stored.preprocessing_path()
        return TrialTask(
            number=trial.number,
            space=setup.space.to_json(),
            genome=proposal.genome.to_json(),
            first_epoch=proposal.first_epoch,
            last_epoch=proposal.last_epoch,
            seed=training_seed(setup.settings.seed, self._history.beginning(trial).number),
            directory=str(stored.trial_directory(trial.number).resolve()),
            data=self._reference,
            final=proposal.final,
            start=self._state(proposal.continues),
            inherit=self._state(inherits),
            inherit_genome=None if inherits is None else self._history[inherits].genome.to_json(),
            preprocessing=None if preprocessing is None else str(preprocessing.resolve()),
            settings=setup.settings.training,
            callbacks=setup.settings.callbacks,
            folds=self._folds,
        )

    def _state(self, number: int | None) -> str | None:
        """The state that a trial left; None if it never left one."""
        if number is None or self._stored.records[number].state is None:
            return None
        path = self._stored.state_path(number)
        if path is None:
            raise StorageError(f"the state of trial {number} is gone and could not be trained again")
        return str(path.resolve())

    def _deadline(self) -> float | None:
        """When what runs has to be back, in Unix time; None where its outcome must not depend on the clock."""
        budget = self._setup.budget
        if budget.minutes is None or not budget.only_minutes:
            # What still runs at the end is left for the resume.
            return None
        return time.time() + 60 * (budget.minutes - self._stored.minutes) - RETURN

    # -- the executor ------------------------------------------------------------------------
    def _prepare(self) -> None:
        """Before the first task: ask a worker what it has, and have the data where workers find it."""
        if not self._asked:
            self._asked = True
            told = preflight(self._setup)
            if told is not None:
                self._stored.note(**told)
                self._observers.message(f"precision {told['precision']}, strategy {told['strategy']}")
        executor = self._setup.executor.started()
        if self._reference is None:
            self._reference = self._referenced(executor)

    def _referenced(self, executor: Executor) -> DataReference:
        """The data as workers find it: encoded once, in files where they are other processes."""
        data, stored = self._setup.data, self._stored
        # Written anew in each session: what a kill left half-written is not to be trusted.
        shutil.rmtree(stored.path / CACHE, ignore_errors=True)
        preprocessing = stored.preprocessing()
        if not data.folds:
            return self._shipped(data, preprocessing, executor)
        folds = []
        for number in range(data.folds):
            adapted = of_fold(preprocessing, number)
            path = stored.path / CACHE / f"preprocessing{number}.npz"
            if adapted:
                path.parent.mkdir(exist_ok=True)
                path.write_bytes(pack_arrays(adapted))
            reference = self._shipped(data.fold(number), adapted, executor)
            folds.append(FoldReference(reference, str(path.resolve()) if adapted else None))
        self._folds = tuple(folds)
        return DataReference(data.fingerprint, None, {})

    def _shipped(self, data: PreparedData, adapted: Mapping[str, np.ndarray], executor: Executor) -> DataReference:
        if data.arrays and self._setup.space.target is not None:
            data = data.encoded(self._setup.space, adapted)
        if isinstance(executor, Serial) or not data.arrays:
            return data.in_memory()
        return data.on_disk(self._stored.path / CACHE)


def _sources(proposal: Proposal) -> list[int]:
    """Trials whose states a proposal begins from."""
    return [number for number in (proposal.continues, proposal.inherits) if number is not None]
