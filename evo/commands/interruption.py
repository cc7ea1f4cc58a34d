"""Ctrl-C: the first one stops a campaign cleanly, the second one at once."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Any, Protocol, Self


class Stoppable(Protocol):
    """What can be asked to stop."""

    def stop(self, signal: int | None = None) -> None:
        """Ask for a clean stop; returns at once.

        Args:
            signal: whose handler asks.
        """


class StopOnInterrupt:
    """While in the context, SIGINT and SIGTERM ask the campaign to stop; a second one raises KeyboardInterrupt.

    A third one has the effect it had before.

    Args:
        campaign: is asked to stop.
        progress: a display with ``announce(text)``, or None.
    """

    def __init__(self, campaign: Stoppable, progress: Any = None) -> None:
        self.campaign = campaign
        self.progress = progress
        self.received = 0
        self.signal: int | None = None
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        # Python allows handlers in the main thread only.
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, *_: object) -> None:
        self._restore()

    def _restore(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self.received += 1
        self.signal = number
        if self.received > 1:
            self._restore()
            raise KeyboardInterrupt
        if self.progress is not None:
            # Shown at the next tick: nothing is printed from within a signal handler.
            self.progress.announce("Stopping. What was finished is saved; Ctrl-C again stops at once.")
        self.campaign.stop(number)

    @property
    def exit_code(self) -> int:
        """Exit code of a process that was interrupted: 128 plus the signal's number."""
        return 128 + int(self.signal or signal.SIGINT)
