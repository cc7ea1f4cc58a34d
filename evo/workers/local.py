"""Local worker processes that stay warm and may die.

Each worker is a :class:`pebble.ProcessPool` of one process, so that a death,
a hang or a limit touches nothing but the trial that it happened in, and so
that a trial that continues another goes to the worker that has its compiled
functions.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from concurrent.futures import CancelledError, Executor, Future, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar

from evo.core.checks import whole_number
from evo.training.strategy import WORKER_SLOT
from evo.training.task import TrainingSettings, TrialTask
from evo.workers.failures import MemoryLimitError, TimeLimitError, WorkerDiedError, exit_cause
from evo.workers.main_module import end_of_main, import_main, main_needed
from evo.workers.process import WorkerContext, enter_worker, warm_up, worker_environment

P = ParamSpec("P")
T = TypeVar("T")

#: Seconds between two looks at a busy worker's memory.
_LOOK_EVERY = 0.1
#: Share of the machine's memory that all workers together may have where no limit is given.
_MEMORY_SHARE = 0.9
#: Jobs at the head of the queue that an idle worker may choose from, and times that one may be passed over.
_LOOK_AHEAD = 8
_PASSED_OVER = 2
#: Times that a worker is started for a call before that counts as impossible.
_STARTS = 3
#: Architectures that a worker is thought to remember.
_REMEMBERED = 8


@dataclass
class _Job:
    future: Future[Any]
    call: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    seconds: float | None
    memory: int | None
    affinity: str | None
    passed_over: int = 0


class LocalProcesses(Executor):
    """Worker processes on this machine.

    Args:
        workers: number of processes.
        settings: threads per worker, and limits of seconds and memory for calls that
            are no :class:`TrialTask` (those bring their own).
        replace_after: calls after which a worker is replaced, before leaks matter; its successor
            is started before it is needed.
        growth: bytes that a worker may grow by after its first call before it is replaced.
        environment: further environment variables for the workers.
        preload: import Keras and its backend before the first call; without, workers stand in a
            fraction of a second: for calls that train nothing.

    Raises:
        SettingsError: a number that is not positive.
    """

    def __init__(
        self,
        workers: int = 2,
        settings: TrainingSettings | None = None,
        *,
        replace_after: int = 100,
        growth: int = 2**30,
        environment: Mapping[str, str] | None = None,
        preload: bool = True,
    ) -> None:
        end_of_main()
        for name, value in (("workers", workers), ("replace_after", replace_after), ("growth", growth)):
            whole_number(value, name, 1)
        self.workers = workers
        self.settings = settings if settings is not None else TrainingSettings()
        self.replace_after = replace_after
        self.growth = growth
        self.preload = preload
        self.environment = {**worker_environment(self.settings.threads), **(environment or {})}
        self._jobs: deque[_Job] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self._killed = False
        self._threads = [
            threading.Thread(target=_Worker(self, slot).run, name=f"evo-worker-{slot}", daemon=True)
            for slot in range(workers)
        ]
        self._started = False

    # -- as an executor ----------------------------------------------------------------
    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Queue a call; ``fn`` and its arguments must be importable in a fresh process.

        The future fails with :class:`TimeLimitError`, :class:`MemoryLimitError` or
        :class:`WorkerDiedError` where the worker did not survive.

        Raises:
            RuntimeError: after :meth:`shutdown`.
        """
        task = next((argument for argument in args if isinstance(argument, TrialTask)), None)
        settings = self.settings if task is None else task.settings
        future: Future[T] = Future()
        job = _Job(future, fn, args, kwargs, settings.seconds, settings.memory, _affinity(task))
        with self._changed:
            if self._closed:
                raise RuntimeError("cannot schedule new futures after shutdown")
            self._jobs.append(job)
            if not self._started:
                self._started = True
                for thread in self._threads:
                    thread.start()
            self._changed.notify()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the workers.

        Args:
            wait: return only when every process is gone.
            cancel_futures: cancel what waits and kill what runs; else all that was submitted is finished first.
        """
        with self._changed:
            self._closed = True
            if cancel_futures:
                self._killed = True
                for job in self._jobs:
                    job.future.cancel()
                self._jobs.clear()
            self._changed.notify_all()
            started = self._started
        if wait and started:
            for thread in self._threads:
                thread.join()

    # -- for the worker threads ----------------------------------------------------------
    @property
    def killed(self) -> bool:
        """Whether running calls are to be killed."""
        return self._killed

    def next_job(self, remembered: Mapping[str, None]) -> _Job | None:
        """The next job for a worker that remembers these architectures; None when all is done."""
        with self._changed:
            while True:
                while self._jobs and self._jobs[0].future.cancelled():
                    self._jobs.popleft().future.set_running_or_notify_cancel()
                if self._jobs:
                    job = self._choose(remembered)
                    if job.future.set_running_or_notify_cancel():
                        return job
                elif self._closed:
                    return None
                else:
                    self._changed.wait()

    def _choose(self, remembered: Mapping[str, None]) -> _Job:
        if self._jobs[0].passed_over < _PASSED_OVER:
            for index in range(min(_LOOK_AHEAD, len(self._jobs))):
                if self._jobs[index].affinity in remembered:
                    for earlier in range(index):
                        self._jobs[earlier].passed_over += 1
                    job = self._jobs[index]
                    del self._jobs[index]
                    return job
        return self._jobs.popleft()


class _Worker:
    """One slot: a thread in the driver that feeds one process and watches it."""

    def __init__(self, owner: LocalProcesses, slot: int) -> None:
        self.owner = owner
        self.slot = slot
        self.process: _Process | None = None
        self.successor: _Process | None = None

    def run(self) -> None:
        """Do jobs until there are none and the executor is closed."""
        # Processes inherit the mask of the thread that starts them: Ctrl-C is the driver's alone,
        # even while a worker is still importing.
        with contextlib.suppress(AttributeError, ValueError):
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        with contextlib.suppress(Exception):
            # Warm before the first job; a failure is met again, and told, by the first job.
            self._process()
        try:
            while True:
                remembered = self.process.remembered if self.process is not None else {}
                job = self.owner.next_job(remembered)
                if job is None:
                    return
                try:
                    result = self._do(job)
                except BaseException as error:
                    job.future.set_exception(error)
                else:
                    job.future.set_result(result)
        finally:
            for process in (self.process, self.successor):
                if process is not None:
                    process.end()

    def _process(self) -> _Process:
        if self.process is None:
            self.process, self.successor = self.successor or self._new(), None
        return self.process

    def _new(self) -> _Process:
        environment = {WORKER_SLOT: str(self.slot), **self.owner.environment}
        return _Process(environment, self.owner.settings.threads, self.owner.preload)

    def _drop(self) -> None:
        if self.process is not None:
            self.process.end()
            self.process = None

    def _ready(self) -> _Process:
        """A process that waits for a call.

        Raises:
            WorkerDiedError: it could not be started; the trial fails with the reason.
        """
        try:
            process = self._process()
        except Exception as error:
            raise WorkerDiedError(f"could not start: {type(error).__name__}: {error}") from error
        self._await(process, process.ready, None, None)
        try:
            process.ready.result()
        except BaseException as error:
            self._drop()
            raise WorkerDiedError(f"could not start: {type(error).__name__}: {error}") from error
        return process

    def _begin(self, job: _Job) -> tuple[_Process, Future[Any]]:
        """Hand the call to a process; one that died while it started or waited is replaced: not the call's doing.

        Raises:
            WorkerDiedError: no process could be started, several times in a row.
        """
        main = main_needed(job.call)
        failures = 0
        while True:
            try:
                process = self._ready()
                if main is not None and process.main is None:
                    process.pool.schedule(import_main, args=main)
                    process.main = main
                return process, process.pool.schedule(job.call, args=job.args, kwargs=job.kwargs)
            except WorkerDiedError:
                failures += 1
                if failures == _STARTS:
                    raise
            except RuntimeError:  # a pool whose process is gone takes no call
                self._drop()
                if self.owner.killed:
                    raise CancelledError from None

    def _do(self, job: _Job) -> Any:
        from pebble import ProcessExpired

        owner = self.owner
        process, running = self._begin(job)
        process.calls += 1
        if process.calls >= owner.replace_after and self.successor is None:
            self.successor = self._new()
        self._await(process, running, job.seconds, job.memory or _default_memory(owner.workers))
        try:
            result = running.result()
        except ProcessExpired as error:
            self._drop()
            raise WorkerDiedError(exit_cause(error.exitcode)) from None
        except BrokenProcessPool:
            self._drop()
            raise
        process.remember(job.affinity)
        if process.calls >= owner.replace_after or process.grown() > owner.growth:
            self._drop()
        return result

    def _await(self, process: _Process, running: Future[Any], seconds: float | None, memory: float | None) -> None:
        """Wait for a call; end its process when a limit is passed or the executor is shut down."""
        began = time.monotonic()
        while not wait([running], timeout=_LOOK_EVERY).done:
            failure: BaseException | None = None
            if self.owner.killed:
                failure = CancelledError()
            elif seconds is not None and time.monotonic() - began > seconds:
                failure = TimeLimitError(f"the trial took more than {seconds:g} s")
            elif memory is not None and process.resident() > memory:
                failure = MemoryLimitError(f"the worker grew past {memory / 2**20:,.0f} MB")
            if failure is not None:
                self._drop()
                raise failure


class _Process:
    """A pool of one process."""

    def __init__(self, environment: Mapping[str, str], threads: int, preload: bool) -> None:
        from pebble import ProcessPool  # only who starts a worker waits for it

        self.context = WorkerContext(environment, preload)
        self.pool = ProcessPool(
            max_workers=1, initializer=enter_worker, initargs=(dict(environment),), context=self.context
        )
        self.ready = self.pool.schedule(warm_up, args=(threads,)) if preload else self.pool.schedule(os.getpid)
        self.calls = 0
        self.main: tuple[str, str] | None = None
        self.remembered: OrderedDict[str, None] = OrderedDict()
        self._first_size: int | None = None

    @property
    def pid(self) -> int | None:
        """Process id."""
        return self.context.process.pid if self.context.process is not None else None

    def resident(self) -> int:
        """Bytes of memory that the process holds; 0 when it is gone."""
        import psutil

        try:
            return int(psutil.Process(self.pid).memory_info().rss)
        except (psutil.Error, TypeError):
            return 0

    def grown(self) -> int:
        """Bytes by which the process grew since its first call."""
        size = self.resident()
        if self._first_size is None:
            self._first_size = size
        return size - self._first_size

    def remember(self, affinity: str | None) -> None:
        """The process has compiled functions for this architecture now."""
        if affinity is not None:
            self.remembered[affinity] = None
            self.remembered.move_to_end(affinity)
            while len(self.remembered) > _REMEMBERED:
                self.remembered.popitem(last=False)

    def kill(self) -> None:
        """End the process at once."""
        with contextlib.suppress(OSError, TypeError):
            os.kill(self.pid, signal.SIGKILL)  # type: ignore[arg-type]

    def end(self) -> None:
        """End the process and the threads that serve it."""
        self.pool.stop()
        self.kill()
        self.pool.join()


def _affinity(task: TrialTask | None) -> str | None:
    return None if task is None else json.dumps(task.genome.get("genes"), sort_keys=True)


def _default_memory(workers: int) -> float:
    import psutil

    return _MEMORY_SHARE * psutil.virtual_memory().total / workers
