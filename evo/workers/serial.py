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


class Serial(Executor):
    """Does each call when it is submitted; the future that comes back is done.

    No limits of time or memory are enforced, and a crash is the driver's crash.
    """

    #: Number of calls that are under way at once.
    workers = 1

    def __init__(self) -> None:
        self._closed = False

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Do the call now.

        Raises:
            RuntimeError: after :meth:`shutdown`.
        """
        if self._closed:
            raise RuntimeError("cannot schedule new futures after shutdown")
        future: Future[T] = Future()
        future.set_running_or_notify_cancel()
        try:
            result = fn(*args, **kwargs)
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt) and _by_signal(error):
                raise
            # A candidate that calls sys.exit() ends itself and not the program that searches.
            future.set_exception(error)
        else:
            future.set_result(result)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Refuse further calls."""
        self._closed = True


def _by_signal(interrupt: KeyboardInterrupt) -> bool:
    """Whether it came from a signal to this program, not from the code of a candidate."""
    if threading.current_thread() is not threading.main_thread():
        return False  # signals are handled in the main thread alone
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    if signal.default_int_handler in handlers:
        return True  # written in C, it leaves no trace: in doubt the user is obeyed
    codes = {getattr(handler, "__code__", None) for handler in handlers} - {None}
    return any(frame.f_code in codes for frame, _ in traceback.walk_tb(interrupt.__traceback__))
