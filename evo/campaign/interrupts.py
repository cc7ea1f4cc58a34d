"""Ctrl-C and SIGTERM while a campaign runs: a clean stop, within five seconds whatever runs."""

from __future__ import annotations

import _thread
import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

from evo.workers.serial import CallInterrupted, Serial

#: Seconds that what cannot be asked to stop has after a signal, before the signal comes once more.
PATIENCE = 3.0


class Beginning:
    """What a campaign does before its trials and cannot be asked to stop: preparing data, fitting models, say.

    A signal that comes meanwhile is given once more after :data:`PATIENCE` seconds, which raises ``KeyboardInterrupt``
    as a second Ctrl-C does. Nothing is lost by it: what was finished is stored, the rest is done by the resume.
    """

    def __init__(self) -> None:
        self._runs = False
        self._again: threading.Timer | None = None

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """While this is what runs."""
        self._runs = True
        try:
            yield
        finally:
            self._runs = False
            if self._again is not None:
                self._again.cancel()
                self._again = None

    def leave_soon(self, number: int) -> None:
        """From a signal's handler: give the signal once more if this still runs then."""
        if self._runs and self._again is None:
            self._again = threading.Timer(PATIENCE, self._leave, [number])
            self._again.daemon = True
            self._again.start()

    def _leave(self, number: int) -> None:
        if not self._runs:
            return
        if hasattr(signal, "pthread_kill"):
            # A real one: it wakes a main thread that waits for a lock.
            signal.pthread_kill(threading.main_thread().ident or 0, number)
        else:
            _thread.interrupt_main(signal.Signals(number))


@contextlib.contextmanager
def stopping_on_signals(stop: Callable[[int], None], stopped: threading.Event, executor: Any) -> Iterator[None]:
    """Ctrl-C and SIGTERM stop cleanly, a second one at once, unless the program has handlers of its own.

    Args:
        stop: asks for a stop; is given the signal's number.
        stopped: whether a stop was asked for.
        executor: of the campaign.
    """
    own: dict[int, Any] = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}
    replaced: dict[int, Any] = {}

    def handle(number: int, frame: FrameType | None) -> None:
        if stopped.is_set():
            raise KeyboardInterrupt
        stop(number)
        if isinstance(executor, Serial) and executor.busy:
            # It would be waited for otherwise: what runs here has no process that could be ended.
            raise CallInterrupted

    if threading.current_thread() is threading.main_thread():
        for number, default in own.items():
            if signal.getsignal(number) is default:
                replaced[number] = signal.signal(number, handle)
    try:
        yield
    finally:
        for code, before in replaced.items():
            signal.signal(code, before)
