"""What happens inside a worker process before its first trial."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from multiprocessing import connection, parent_process

from evo.workers.process_group import lead_group

_PR_SET_PDEATHSIG = 1


def die_with_parent() -> None:
    """Have the kernel kill this process when the thread that started it is gone (Linux; else nothing)."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def enter_worker(environment: Mapping[str, str]) -> None:
    """First thing in a worker: die with the driver, leave Ctrl-C to it, end when told to, with all it starts."""
    os.environ.update(environment)
    lead_group()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # A trial that hangs inside a library runs no Python handler.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    die_with_parent()
    parent = parent_process()
    if parent is not None:
        threading.Thread(target=_die_with, args=(parent.sentinel,), name="parent-watch", daemon=True).start()


def _die_with(sentinel: int) -> None:
    connection.wait([sentinel])
    os._exit(1)


@contextlib.contextmanager
def quiet_imports() -> Iterator[None]:
    """Standard error goes nowhere inside the ``with`` block, also what C++ libraries write to it."""
    sys.stderr.flush()
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def warm_up(threads: int) -> int:
    """Import the training engine and its backend; returns the worker's process id."""
    with quiet_imports():
        from evo.training.process_setup import prepare_process

        prepare_process(threads)
        import evo.training.trial  # noqa: F401

    return os.getpid()
