"""WorkerProcess: one process of a worker, warm, with what it remembers."""

from __future__ import annotations

import contextlib
import os
import signal
from collections import OrderedDict
from collections.abc import Mapping

from evo.workers.entry import enter_worker, warm_up
from evo.workers.process_group import end_group
from evo.workers.starting import WorkerContext

#: Architectures that a worker is thought to remember.
_REMEMBERED = 8


class WorkerProcess:
    """A pool of one process, started at once.

    Args:
        environment: variables that it sees in addition to the driver's.
        threads: threads that it computes with.
        preload: import Keras and its backend before its first call.

    Attributes:
        pool: takes the calls.
        ready: done when the process waits for its first call.
        calls: calls that it was given.
        main: how it found the driver's main module; None if it needed none so far.
        remembered: keys of the architectures that it has compiled functions for, the latest last.
    """

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
        """Process id; None before it is started."""
        return self.context.process.pid if self.context.process is not None else None

    def exit_code(self) -> int | None:
        """Exit code of the process, or minus the number of the signal that it died of; None while it runs."""
        return self.context.exit_code()

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
        """End the process at once, with what its trials started."""
        if self.pid is not None:
            end_group(self.pid)
        with contextlib.suppress(OSError, TypeError):
            os.kill(self.pid, signal.SIGKILL)  # type: ignore[arg-type]

    def end(self) -> None:
        """End the process and the threads that serve it."""
        # Killed before the pool asks it to end and waits for that; and again what the pool put in its place.
        self.kill()
        self.pool.stop()
        self.kill()
        self.pool.join()
        # Its pipes are closed now, not when somebody collects garbage.
        self.context.close()
