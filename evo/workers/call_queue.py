"""CallQueue: calls that wait for a worker, which prefers, within limits, what it has compiled functions for."""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from evo.training.task import TrialTask

#: Calls at the head of the queue that an idle worker may choose from, and times that one may be passed over.
_LOOK_AHEAD = 8
_PASSED_OVER = 2


@dataclass
class QueuedCall:
    """A call that waits or runs.

    Attributes:
        future: what its caller holds.
        call, args, kwargs: the call.
        seconds: its limit of wall-clock seconds; None for none.
        memory: limit of the worker's memory in bytes; None for the default.
        affinity: key of the architecture that it trains; None where there is none.
        passed_over: how often a later call was preferred.
    """

    future: Future[Any]
    call: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    seconds: float | None
    memory: int | None
    affinity: str | None
    passed_over: int = 0


class CallQueue:
    """The calls of one executor, first come first served unless a worker remembers a later one's architecture."""

    def __init__(self) -> None:
        self._waiting: deque[QueuedCall] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self._killed = False

    @property
    def killed(self) -> bool:
        """Whether running calls are to be killed."""
        return self._killed

    def put(self, queued: QueuedCall) -> None:
        """Add a call.

        Raises:
            RuntimeError: after :meth:`close`.
        """
        with self._changed:
            if self._closed:
                raise RuntimeError("cannot schedule new futures after shutdown")
            self._waiting.append(queued)
            self._changed.notify()

    def close(self, kill: bool) -> None:
        """Take no more calls; ``kill``: cancel those that wait, and have those that run killed."""
        with self._changed:
            self._closed = True
            if kill:
                self._killed = True
                for queued in self._waiting:
                    queued.future.cancel()
                self._waiting.clear()
            self._changed.notify_all()

    def next(self, remembered: Mapping[str, None]) -> QueuedCall | None:
        """The next call for a worker that remembers these architectures; waits; None when all is done."""
        with self._changed:
            while True:
                while self._waiting and self._waiting[0].future.cancelled():
                    self._waiting.popleft().future.set_running_or_notify_cancel()
                if self._waiting:
                    queued = self._choose(remembered)
                    if queued.future.set_running_or_notify_cancel():
                        return queued
                elif self._closed:
                    return None
                else:
                    self._changed.wait()

    def _choose(self, remembered: Mapping[str, None]) -> QueuedCall:
        if self._waiting[0].passed_over < _PASSED_OVER:
            for index in range(min(_LOOK_AHEAD, len(self._waiting))):
                if self._waiting[index].affinity in remembered:
                    for earlier in range(index):
                        self._waiting[earlier].passed_over += 1
                    queued = self._waiting[index]
                    del self._waiting[index]
                    return queued
        return self._waiting.popleft()


def affinity_of(task: TrialTask | None) -> str | None:
    """Key of the architecture that a task trains; None without a task."""
    return None if task is None else json.dumps(task.genome.get("genes"), sort_keys=True)
