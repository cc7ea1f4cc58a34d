"""Trials in the driver's own process, one after the other: for debugging and for small searches."""

from __future__ import annotations

import signal
import threading
import traceback
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class CallInterrupted(KeyboardInterrupt):
    """Raised into a call by a handler of signals: the call ends, and whoever submitted it goes on."""


class Serial(Executor):
    """Does each call when it is submitted; the future that comes back is done.

    No limits of time or memory are enforced, and a crash is the driver's crash.
    """

    #: Number of calls that are under way at once.
    workers = 1

    def __init__(self) -> None:
        self._closed = False
        self._calls = 0

    @property
    def busy(self) -> bool:
        """Whether a call is under way: true in what interrupts it."""
        return self._calls > 0

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Do the call now.

        Raises:
            RuntimeError: after :meth:`shutdown`.
        """
        if self._closed:
            raise RuntimeError("cannot schedule new futures after shutdown")
        future: Future[T] = Future()
        future.set_running_or_notify_cancel()
        self._calls += 1
        try:
            try:
                result = fn(*args, **kwargs)
            finally:
                self._calls -= 1
        except BaseException as error:
            interrupted = isinstance(error, KeyboardInterrupt) and not isinstance(error, CallInterrupted)
            if interrupted and _by_signal(error):
                raise
            # A candidate that calls sys.exit() ends itself and not the program that searches.
            future.set_exception(error)
        else:
            future.set_result(result)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Refuse further calls."""
        self._closed = True


def _by_signal(interrupt: BaseException) -> bool:
    """Whether it came from a signal to this program, not from the code of a candidate."""
    if threading.current_thread() is not threading.main_thread():
        return False  # signals are handled in the main thread alone
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    if signal.default_int_handler in handlers:
        return True  # written in C, it leaves no trace: in doubt the user is obeyed
    codes = {getattr(handler, "__code__", None) for handler in handlers} - {None}
    return any(frame.f_code in codes for frame, _ in traceback.walk_tb(interrupt.__traceback__))
