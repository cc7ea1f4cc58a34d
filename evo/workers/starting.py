"""How worker processes are started.

On Linux, with TensorFlow, workers are forked from a server process that has
imported TensorFlow and computed nothing: a new worker is ready in a tenth of a
second instead of five, so that replacing one that died, hung or grew costs
next to nothing. Elsewhere they are spawned.
"""

from __future__ import annotations

import contextlib
import io
import json
import multiprocessing
import os
import sys
import threading
from collections.abc import Mapping
from multiprocessing.context import BaseContext, SpawnContext, SpawnProcess
from typing import Any

from evo.workers.fork_server import environment_variables
from evo.workers.main_module import without_main

#: XLA's flag for GPUs; without effect elsewhere.
_SAME_BITS = "xla_gpu_deterministic_ops"


def worker_environment(threads: int, deterministic: bool = True) -> dict[str, str]:
    """Environment variables that must be set before numpy and Keras' backend are imported.

    Args:
        threads: threads of a worker.
        deterministic: have a GPU give the same bits for the same trial.
    """
    count = str(threads)
    variables = {
        "OMP_NUM_THREADS": count,
        "OPENBLAS_NUM_THREADS": count,
        "MKL_NUM_THREADS": count,
        "TF_NUM_INTRAOP_THREADS": count,
        "TF_NUM_INTEROP_THREADS": "1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "TF_FORCE_GPU_ALLOW_GROWTH": "true",
        # JAX would take three quarters of a GPU's memory at once, and leave a second worker nothing.
        "XLA_PYTHON_CLIENT_PREALLOCATE": os.environ.get("XLA_PYTHON_CLIENT_PREALLOCATE", "false"),
        # Fewer arenas: memory of a dropped model goes back instead of lying in pieces.
        "MALLOC_ARENA_MAX": "2",
    }
    if deterministic and keras_backend() == "jax" and _SAME_BITS not in os.environ.get("XLA_FLAGS", ""):
        # XLA picks a GPU's algorithms by the clock, some of which add in any order.
        variables["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} --{_SAME_BITS}=true".strip()
    return variables


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
        if sys.platform != "win32" and method == "forkserver":
            server().start(self._environment)
        self._context: BaseContext = multiprocessing.get_context(method)
        self.process: Any = None
        self._processes: list[Any] = []

    def Process(self, *args: Any, **kwargs: Any) -> Any:
        """A process of this context, not started yet."""
        if sys.platform == "win32" or isinstance(self._context, SpawnContext):
            process: Any = _SpawnedProcess(*args, **kwargs)
            process.worker_environment = self._environment
        else:
            process = _ForkedProcess(*args, **kwargs)
        self.process = process
        self._processes.append(process)
        return process

    def exit_code(self) -> int | None:
        """Exit code of the first process made here that ended; None if none has."""
        codes = (process.exitcode for process in self._processes)
        return next((code for code in codes if code is not None), None)

    def close(self) -> None:
        """Let go of what the processes made here are watched by; they were killed before."""
        for process in self._processes:
            with contextlib.suppress(ValueError, AssertionError, AttributeError):  # never started
                process.join(5)
                # Not process.close(): at the end of the program pebble asks each process once more whether it lives.
                if process.exitcode is not None:
                    process._popen.close()
        self._processes.clear()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._context, name)


if sys.platform != "win32":
    from multiprocessing import connection, context, forkserver, reduction, spawn, util
    from multiprocessing.context import ForkServerProcess
    from multiprocessing.popen_forkserver import Popen

    from evo.workers.fork_server import server

    def _close(*descriptors: int) -> None:
        for descriptor in descriptors:
            os.close(descriptor)

    class _SharedPopen(Popen):
        """A forked process that several threads may ask for its exit code.

        The code comes through a pipe and can be read once; Python's own ``poll`` tells a second
        thread that asks at the same moment 255, whatever the process died of.
        """

        def __init__(self, process: Any) -> None:
            self._reading = threading.Lock()
            self._fds: list[int] = []
            super().__init__(process)

        def _launch(self, process: Any) -> None:
            """As in Python, but from evo's own server."""
            content = io.BytesIO()
            context.set_spawning_popen(self)
            try:
                reduction.dump(spawn.get_preparation_data(process._name), content)
                reduction.dump(process, content)
            finally:
                context.set_spawning_popen(None)
            self.sentinel, written = server().connect_to_new_process(self._fds)
            # The process watches the end of this one by a second writing end.
            self.finalizer = util.Finalize(self, _close, (os.dup(written), self.sentinel))
            with open(written, "wb", closefd=True) as file:
                file.write(content.getbuffer())
            self.pid = forkserver.read_signed(self.sentinel)

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
        with environment_variables(self.__dict__.pop("worker_environment", {})), without_main():
            super().start()
