"""The process that workers are forked from: evo's own, not the one that Python keeps for the whole program.

Python starts one fork server for a program, at the first process that anybody asks it for. If that was the user, it
has imported nothing of ours, and each worker would import TensorFlow again; if it was evo, the user's processes
would be forked from one that has. So evo keeps a second one.
"""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from typing import Any

from evo.workers.main_module import without_main

_PRELOADED = "evo.workers.preloaded"

_environment_lock = threading.Lock()


@contextlib.contextmanager
def environment_variables(variables: Mapping[str, str]) -> Iterator[None]:
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


class _LastingThread:
    """A thread that does what it is asked to, and stays to the end of the process."""

    def __init__(self, name: str) -> None:
        self._asked: queue.SimpleQueue[tuple[Callable[[], None], Future[None]]] = queue.SimpleQueue()
        threading.Thread(target=self._serve, name=name, daemon=True).start()

    def do(self, call: Callable[[], None]) -> None:
        """Wait until it has been called there; raises what it raises."""
        done: Future[None] = Future()
        self._asked.put((call, done))
        done.result()

    def _serve(self) -> None:
        # What is started here inherits the thread's mask: Ctrl-C is the driver's alone.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        while True:
            call, done = self._asked.get()
            try:
                call()
            except BaseException as error:  # it is the asker's
                done.set_exception(error)
            else:
                done.set_result(None)


if sys.platform != "win32":
    from multiprocessing.forkserver import ForkServer

    class PreloadedServer(ForkServer):
        """A fork server that has imported the training engine; one that died is started again.

        The kernel ends it with the thread that started it (:func:`evo.workers.entry.die_with_parent`). Workers are
        asked for by threads that come and go, hence a thread that stays starts it.
        """

        def __init__(self) -> None:
            super().__init__()
            self.set_forkserver_preload([_PRELOADED])
            self._environment: dict[str, str] = {}
            self._thread = _LastingThread("evo-fork-server")

        def start(self, environment: Mapping[str, str]) -> None:
            """Start the server, unless it runs.

            Args:
                environment: variables that it sees in addition to the driver's.
            """
            self._environment = dict(environment)
            self.ensure_running()

        def ensure_running(self) -> None:
            """Start the server, unless it runs; :meth:`connect_to_new_process` does so, too."""
            self._thread.do(self._start)

        def _start(self) -> None:
            path = os.pathsep.join(entry for entry in sys.path if entry)
            with environment_variables({**self._environment, "PYTHONPATH": path}), without_main():
                try:
                    super().ensure_running()
                except ChildProcessError:  # somebody else heard of its death first
                    self._forget()
                    super().ensure_running()

        def _forget(self) -> None:
            state: Any = self
            with contextlib.suppress(OSError, TypeError):
                os.close(state._forkserver_alive_fd)
            state._forkserver_address = state._forkserver_alive_fd = state._forkserver_pid = None

    _servers: dict[int, PreloadedServer] = {}
    _servers_lock = threading.Lock()

    def server() -> PreloadedServer:
        """The server of this process; a process that was forked from this one gets its own."""
        with _servers_lock:
            if os.getpid() not in _servers:
                _servers.clear()
                _servers[os.getpid()] = PreloadedServer()
            return _servers[os.getpid()]
