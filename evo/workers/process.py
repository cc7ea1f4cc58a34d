"""What happens inside a worker process before its first trial, and how such processes are started."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from multiprocessing import connection, parent_process
from multiprocessing.context import SpawnContext, SpawnProcess
from typing import Any

#: One environment is set at a time: it belongs to the whole driver process.
_environment_lock = threading.Lock()
_PR_SET_PDEATHSIG = 1


def worker_environment(threads: int) -> dict[str, str]:
    """Environment variables that must stand before numpy and TensorFlow are imported."""
    count = str(threads)
    return {
        "OMP_NUM_THREADS": count,
        "OPENBLAS_NUM_THREADS": count,
        "MKL_NUM_THREADS": count,
        "TF_NUM_INTRAOP_THREADS": count,
        "TF_NUM_INTEROP_THREADS": "1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "TF_FORCE_GPU_ALLOW_GROWTH": "true",
        # Fewer arenas: memory of a dropped model goes back instead of lying in pieces.
        "MALLOC_ARENA_MAX": "2",
    }


class WorkerContext(SpawnContext):
    """A spawn context whose processes start with certain environment variables; it remembers the last one.

    Args:
        environment: variables that the child sees in addition to the driver's.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        super().__init__()
        self.environment = dict(environment)
        self.process: SpawnProcess | None = None

    def Process(self, *args: Any, **kwargs: Any) -> SpawnProcess:  # type: ignore[override]  # noqa: N802
        """A process of this context, not started yet."""
        process = _Process(*args, **kwargs)
        process.worker_environment = self.environment  # type: ignore[attr-defined]
        self.process = process
        return process


class _Process(SpawnProcess):
    worker_environment: Mapping[str, str]

    def start(self) -> None:
        environment = self.__dict__.pop("worker_environment", {})
        with _environment(environment):
            super().start()


@contextlib.contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    with _environment_lock:
        before = {name: os.environ.get(name) for name in variables}
        os.environ.update(variables)
        try:
            yield
        finally:
            for name, value in before.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value


def enter_worker() -> None:
    """First thing in a worker: die with the driver, leave Ctrl-C to it, end at once when told to."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # A trial that hangs inside a library runs no Python handler.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    parent = parent_process()
    if parent is not None:
        threading.Thread(target=_die_with, args=(parent.sentinel,), name="parent-watch", daemon=True).start()


def _die_with(sentinel: int) -> None:
    connection.wait([sentinel])
    os._exit(1)


def warm_up(threads: int) -> int:
    """Import the training engine and its backend; returns the worker's process id."""
    from evo.training.backend import prepare_process

    prepare_process(threads)
    import evo.training.trial  # noqa: F401

    return os.getpid()
