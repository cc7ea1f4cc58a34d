"""Local worker processes that stay warm and may die.

Each worker is a :class:`pebble.ProcessPool` of one process, so that a death,
a hang or a limit touches nothing but the trial that it happened in, and so
that a trial that continues another goes to the worker that has its compiled
functions.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future
from typing import ParamSpec, TypeVar

from evo.core.checks import whole_number
from evo.training.task import TrainingSettings, TrialTask
from evo.workers.call_queue import CallQueue, QueuedCall, affinity_of
from evo.workers.main_module import end_of_main
from evo.workers.slot import SlotRules, WorkerSlot
from evo.workers.starting import worker_environment

P = ParamSpec("P")
T = TypeVar("T")


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
        preload: import Keras and its backend before the first call; without, workers are ready in a
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
        self.environment = {
            **worker_environment(self.settings.threads, self.settings.deterministic),
            **(environment or {}),
        }
        rules = SlotRules(workers, self.settings.threads, self.environment, preload, replace_after, growth)
        self._queue = CallQueue()
        self._threads = [
            threading.Thread(target=WorkerSlot(self._queue, rules, slot).run, name=f"evo-worker-{slot}", daemon=True)
            for slot in range(workers)
        ]
        self._lock = threading.Lock()
        self._started = False

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
        queued = QueuedCall(future, fn, args, kwargs, settings.seconds, settings.memory, affinity_of(task))
        with self._lock:
            self._queue.put(queued)
            if not self._started:
                self._started = True
                for thread in self._threads:
                    thread.start()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the workers.

        Args:
            wait: return only when every process is gone.
            cancel_futures: cancel what waits and kill what runs; else all that was submitted is finished first.
        """
        with self._lock:
            self._queue.close(kill=cancel_futures)
            started = self._started
        if wait and started:
            for thread in self._threads:
                thread.join()
