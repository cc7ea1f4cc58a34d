"""A cluster that does not exist: a virtual clock, for tests and studies of scheduling.

A thousand workers with stragglers and deaths pass in milliseconds.
"""

from __future__ import annotations

import heapq
import itertools
from collections import deque
from collections.abc import Callable, Collection
from concurrent.futures import CancelledError, Executor, Future
from typing import Any, ParamSpec, TypeVar

from evo.core.checks import whole_number
from evo.workers.failures import WorkerDiedError

P = ParamSpec("P")
T = TypeVar("T")


class SimulatedExecutor(Executor):
    """Calls take virtual seconds; time passes only in :meth:`wait_any`.

    Args:
        workers: number of workers.
        duration: virtual seconds that a call takes, from its first argument (the task).
        dies: whether the worker dies of that call (at its end); its future fails with
            :class:`WorkerDiedError`. Never by default.
        restart: virtual seconds until a dead worker is replaced; None for never.

    Raises:
        ValueError: workers that are no whole number of 1 or more.
    """

    def __init__(
        self,
        workers: int,
        duration: Callable[[Any], float],
        dies: Callable[[Any], bool] | None = None,
        restart: float | None = 0.0,
    ) -> None:
        whole_number(workers, "workers", 1, error=ValueError)
        self.workers = workers
        self._duration = duration
        self._dies = dies
        self._restart = restart
        self._now = 0.0
        self._busy = 0.0
        self._free = workers
        self._alive = workers
        self._capacity = 0.0
        self._waiting: deque[tuple[Future[Any], Callable[[], Any], Any]] = deque()
        self._events: list[tuple[float, int, Callable[[], Future[Any] | None]]] = []
        self._running: set[Future[Any]] = set()
        self._ended: set[Future[Any]] = set()
        self._order = itertools.count()
        self._closed = False

    @property
    def clock(self) -> float:
        """Virtual seconds since the start."""
        return self._now

    @property
    def busy_share(self) -> float:
        """Share of the living workers' time, so far, in which they had a call to do."""
        return self._busy / self._capacity if self._capacity > 0 else 0.0

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Give a call to the first worker that is free.

        Raises:
            RuntimeError: after :meth:`shutdown`.
        """
        if self._closed:
            raise RuntimeError("cannot schedule new futures after shutdown")
        future: Future[T] = Future()
        task = args[0] if args else None
        self._waiting.append((future, lambda: fn(*args, **kwargs), task))
        self._start()
        return future

    def wait_any(self, futures: Collection[Future[Any]]) -> set[Future[Any]]:
        """Let time pass until one of the futures is done.

        Returns:
            Those that are done; more than one where they end at the same instant.

        Raises:
            RuntimeError: none of them can ever be done, because all workers are dead.
        """
        wanted = futures if isinstance(futures, (set, frozenset, dict)) else set(futures)
        while True:
            done = {future for future in self._ended if future in wanted}
            if done or not wanted:
                self._ended -= done
                return done
            if not self._events:
                done = {future for future in wanted if future.done()}
                if done:
                    return done
                raise RuntimeError("no event is left: every simulated worker is dead")
            instant = self._events[0][0]
            self._pass(instant)
            while self._events and self._events[0][0] == instant:
                ended = heapq.heappop(self._events)[2]()
                if ended is not None:
                    self._ended.add(ended)
            self._start()

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Refuse further calls; cancel those that wait, and end those that run with a CancelledError, where asked."""
        self._closed = True
        if cancel_futures:
            for future, _, _ in self._waiting:
                future.cancel()
            self._waiting.clear()
            for future in self._running:
                future.set_exception(CancelledError())
            self._running.clear()
            self._events.clear()

    def _pass(self, instant: float) -> None:
        elapsed = instant - self._now
        self._busy += elapsed * (self._alive - self._free)
        self._capacity += elapsed * self._alive
        self._now = instant

    def _start(self) -> None:
        while self._free and self._waiting:
            future, call, task = self._waiting.popleft()
            if not future.set_running_or_notify_cancel():
                self._ended.add(future)
                continue
            self._free -= 1
            self._running.add(future)
            end = self._now + max(0.0, float(self._duration(task)))
            heapq.heappush(self._events, (end, next(self._order), self._ending(future, call, task)))

    def _ending(self, future: Future[Any], call: Callable[[], Any], task: Any) -> Callable[[], Future[Any]]:
        def end() -> Future[Any]:
            self._running.discard(future)
            if self._dies is not None and self._dies(task):
                self._alive -= 1
                if self._restart is not None:
                    heapq.heappush(self._events, (self._now + self._restart, next(self._order), self._revive))
                future.set_exception(WorkerDiedError("the simulated worker died"))
                return future
            self._free += 1
            try:
                result = call()
            except Exception as error:
                future.set_exception(error)
            else:
                future.set_result(result)
            return future

        return end

    def _revive(self) -> None:
        self._alive += 1
        self._free += 1
