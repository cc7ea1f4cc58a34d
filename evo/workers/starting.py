"""How worker processes are started.

On Linux, with TensorFlow, workers are forked from a server process that has
imported TensorFlow and computed nothing: a new worker is ready in a tenth of a
second instead of five, so that replacing one that died, hung or grew costs
next to nothing. Elsewhere they are spawned.
"""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from multiprocessing.context import BaseContext, SpawnContext, SpawnProcess
from typing import Any

from evo.workers.main_module import without_main

_PRELOADED = "evo.workers.preloaded"
_server_lock = threading.Lock()
_server_thread: threading.Thread | None = None


def worker_environment(threads: int) -> dict[str, str]:
    """Environment variables that must be set before numpy and TensorFlow are imported."""
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


def _start_method() -> str:
    """``forkserver`` where forking a process that has imported the backend is safe, else ``spawn``."""
    return "forkserver" if sys.platform == "linux" and keras_backend() == "tensorflow" else "spawn"


def keras_backend() -> str:
    """The Keras backend that workers will have, without importing Keras."""
    keras = sys.modules.get("keras")
    if keras is not None:
        return str(keras.backend.backend())
    if os.environ.get("KERAS_BACKEND"):
        return os.environ["KERAS_BACKEND"]
    home = os.environ.get("KERAS_HOME", os.path.join(os.path.expanduser("~"), ".keras"))
    try:
        with open(os.path.join(home, "keras.json"), encoding="utf-8") as file:
            return str(json.load(file).get("backend", "tensorflow"))
    except (OSError, ValueError):
        return "tensorflow"


class WorkerContext:
    """A multiprocessing context that remembers the last process it made.

    Args:
        environment: variables that a worker sees in addition to the driver's.
        preload: start from a process that has imported the training engine, where possible.
    """

    def __init__(self, environment: Mapping[str, str], preload: bool = True) -> None:
        self._environment = dict(environment)
        method = _start_method() if preload else "spawn"
        if method == "forkserver":
            _start_server(self._environment)
        self._context: BaseContext = multiprocessing.get_context(method)
        self.process: Any = None

    def Process(self, *args: Any, **kwargs: Any) -> Any:
        """A process of this context, not started yet."""
        if sys.platform == "win32" or isinstance(self._context, SpawnContext):
            process: Any = _SpawnedProcess(*args, **kwargs)
            process.worker_environment = self._environment
        else:
            process = _ForkedProcess(*args, **kwargs)
        self.process = process
        return process

    def __getattr__(self, name: str) -> Any:
        return getattr(self._context, name)


if sys.platform != "win32":
    from multiprocessing import connection
    from multiprocessing.context import ForkServerProcess
    from multiprocessing.popen_forkserver import Popen

    class _SharedPopen(Popen):
        """A forked process that several threads may ask for its exit code.

        The code comes through a pipe and can be read once; Python's own ``poll`` tells a second
        thread that asks at the same moment 255, whatever the process died of.
        """

        def __init__(self, process: Any) -> None:
            self._reading = threading.Lock()
            super().__init__(process)

        def poll(self, flag: int = os.WNOHANG) -> int | None:
            if flag != os.WNOHANG and self.returncode is None:
                # Outside of the lock: who only asks must not wait for the end of the process.
                connection.wait([self.sentinel])
            with self._reading:
                return super().poll(flag)

    class _ForkedProcess(ForkServerProcess):
        """A process that the fork server forks."""

        @staticmethod
        def _Popen(process_obj: Any) -> Any:
            return _SharedPopen(process_obj)

        def start(self) -> None:
            with without_main():
                super().start()


class _SpawnedProcess(SpawnProcess):
    """A process that starts with certain environment variables: imports of the main module see them."""

    def start(self) -> None:
        with _environment(self.__dict__.pop("worker_environment", {})), without_main():
            super().start()


def _start_server(environment: Mapping[str, str]) -> None:
    """Start Python's fork server, with the training engine imported in it, unless it runs already."""
    global _server_thread
    from multiprocessing import forkserver

    with _server_lock:
        if _server_thread is not None:
            return
        multiprocessing.set_forkserver_preload([_PRELOADED])
        started = threading.Event()

        def serve() -> None:
            # The server dies with the thread that started it (that is what the kernel watches), so the
            # thread stays; and it inherits the thread's mask: Ctrl-C is the driver's alone.
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
            path = os.pathsep.join(entry for entry in sys.path if entry)
            try:
                with _environment({**environment, "PYTHONPATH": path}), without_main():
                    forkserver.ensure_running()
            finally:
                started.set()
            threading.Event().wait()

        _server_thread = threading.Thread(target=serve, name="evo-fork-server", daemon=True)
        _server_thread.start()
        started.wait()


_environment_lock = threading.Lock()


@contextlib.contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Environment of processes started inside the ``with`` block; it belongs to the whole driver, hence the lock."""
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
