"""WorkerSlot: one worker as the driver sees it, whatever process is behind it at the moment."""

from __future__ import annotations

import contextlib
import signal
import time
from collections.abc import Mapping
from concurrent.futures import CancelledError, Future, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import Any

from evo.training.strategy import WORKER_SLOT
from evo.workers.call_queue import CallQueue, QueuedCall
from evo.workers.deaths import death, memory_killings
from evo.workers.failures import MemoryLimitError, TimeLimitError, WorkerStartError
from evo.workers.main_module import import_main, main_needed
from evo.workers.packed_call import do_packed_call, pack_call
from evo.workers.worker_process import WorkerProcess

#: Seconds between two looks at a busy worker's memory.
_LOOK_EVERY = 0.1
#: Share of the machine's memory that all workers together may have where no limit is given.
_MEMORY_SHARE = 0.9
#: Times that a worker is started for a call before that counts as impossible.
_STARTS = 3


@dataclass(frozen=True)
class SlotRules:
    """How the processes of an executor are made, and when they are replaced.

    Attributes:
        workers: number of workers on this machine, which share its memory.
        threads: threads per worker.
        environment: variables that a worker sees in addition to the driver's.
        preload: import Keras and its backend before the first call.
        replace_after: calls after which a process is replaced.
        growth: bytes that a process may grow by after its first call before it is replaced.
    """

    workers: int
    threads: int
    environment: Mapping[str, str]
    preload: bool
    replace_after: int
    growth: int


class WorkerSlot:
    """A thread's work in the driver: feed one process, watch it, replace it.

    Args:
        queue: where its calls come from.
        rules: how its processes are made and when they are replaced.
        slot: its number among the workers of this machine, from 0.
    """

    def __init__(self, queue: CallQueue, rules: SlotRules, slot: int) -> None:
        self.queue = queue
        self.rules = rules
        self.slot = slot
        self.process: WorkerProcess | None = None
        self.successor: WorkerProcess | None = None

    def run(self) -> None:
        """Make calls until there are none and the executor is closed."""
        # Processes inherit the mask of the thread that starts them: Ctrl-C is the driver's alone,
        # even while a worker is still importing.
        with contextlib.suppress(AttributeError, ValueError):
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        with contextlib.suppress(Exception):
            # Warm before the first call; a failure occurs again, and is reported, at the first call.
            self._process()
        try:
            while True:
                remembered = self.process.remembered if self.process is not None else {}
                queued = self.queue.next(remembered)
                if queued is None:
                    return
                try:
                    result = self._do(queued)
                except BaseException as error:
                    queued.future.set_exception(error)
                else:
                    queued.future.set_result(result)
        finally:
            for process in (self.process, self.successor):
                if process is not None:
                    process.end()

    def _process(self) -> WorkerProcess:
        if self.process is None:
            self.process, self.successor = self.successor or self._new(), None
        return self.process

    def _new(self) -> WorkerProcess:
        rules = self.rules
        environment = {WORKER_SLOT: str(self.slot), **rules.environment}
        return WorkerProcess(environment, rules.threads, rules.preload)

    def _drop(self) -> None:
        if self.process is not None:
            self.process.end()
            self.process = None

    def _ready(self) -> WorkerProcess:
        """A process that waits for a call.

        Raises:
            WorkerStartError: it could not be started.
        """
        try:
            process = self._process()
        except Exception as error:
            raise WorkerStartError(f"workers cannot start: {type(error).__name__}: {error}") from error
        self._await(process, process.ready, None, None)
        try:
            process.ready.result()
        except BaseException as error:
            self._drop()
            raise WorkerStartError(f"workers cannot start: {type(error).__name__}: {error}") from error
        return process

    def _begin(self, queued: QueuedCall) -> tuple[WorkerProcess, Future[Any]]:
        """Hand the call to a process; one that died while it started or waited is replaced: not the call's doing.

        Raises:
            WorkerStartError: no process could be started, several times in a row.
            InfrastructureError: the call cannot be sent to another process.
        """
        main = main_needed(queued.call)
        packed = pack_call(queued.call, queued.args, queued.kwargs)
        failures = 0
        while True:
            try:
                process = self._ready()
                if main is not None and process.main is None:
                    process.pool.schedule(import_main, args=main)
                    process.main = main
                return process, process.pool.schedule(do_packed_call, args=(packed,))
            except WorkerStartError:
                failures += 1
                if failures == _STARTS:
                    raise
            except RuntimeError:  # a pool whose process is gone takes no call
                self._drop()
                if self.queue.killed:
                    raise CancelledError from None

    def _do(self, queued: QueuedCall) -> Any:
        from pebble import ProcessExpired

        rules = self.rules
        process, running = self._begin(queued)
        process.calls += 1
        if process.calls >= rules.replace_after and self.successor is None:
            self.successor = self._new()
        memory, killings = queued.memory or _default_memory(rules.workers), memory_killings()
        seen = self._await(process, running, queued.seconds, memory)
        try:
            result = running.result()
        except ProcessExpired as error:
            self._drop()
            raise death(error.exitcode, seen, memory, killings) from None
        except BrokenProcessPool:
            # A process that dies right after it took a call: the pool may see that before it hears of the call.
            code = process.exit_code()
            self._drop()
            if code is None:
                raise
            raise death(code, seen, memory, killings) from None
        process.remember(queued.affinity)
        if process.calls >= rules.replace_after or process.grown() > rules.growth:
            self._drop()
        return result

    def _await(self, process: WorkerProcess, running: Future[Any], seconds: float | None, memory: float | None) -> int:
        """Wait for a call; end its process when a limit is passed or the executor is shut down.

        Returns:
            most bytes that the process was seen to hold; looked at only where there is a limit.
        """
        began = time.monotonic()
        seen = 0
        while not wait([running], timeout=_LOOK_EVERY).done:
            failure: BaseException | None = None
            if self.queue.killed:
                failure = CancelledError()
            elif seconds is not None and time.monotonic() - began > seconds:
                failure = TimeLimitError(f"the trial took more than {seconds:g} s")
            elif memory is not None and (seen := max(seen, process.resident())) > memory:
                failure = MemoryLimitError(f"the worker grew past {memory / 2**20:,.0f} MB")
            if failure is not None:
                self._drop()
                raise failure
        return seen


def _default_memory(workers: int) -> float:
    import psutil

    return _MEMORY_SHARE * psutil.virtual_memory().total / workers
