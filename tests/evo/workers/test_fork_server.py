"""The server that workers are forked from is evo's own, and one that died is started once."""

from __future__ import annotations

import os
import signal
import sys
import threading
from multiprocessing import forkserver

import psutil
import pytest

from evo.workers.starting import WorkerContext
from evo.workers.worker_process import WorkerProcess
from tests.evo.workers import worker_calls

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere workers are not forked from a server")


def parent_of_a_worker() -> int:
    process = WorkerContext({}).Process(target=worker_calls.sleep, args=(600.0,))
    parents: list[int] = []

    def start():
        process.start()
        parents.append(psutil.Process(process.pid).ppid())

    # As slots do: the thread that starts a worker does not stay.
    thread = threading.Thread(target=start)
    thread.start()
    thread.join()
    process.kill()
    process.join()
    return parents[0]


def test_a_server_that_died_is_started_once_and_stays():
    first = parent_of_a_worker()
    assert parent_of_a_worker() == first
    os.kill(first, signal.SIGKILL)
    os.waitpid(first, 0)  # as a program does that waits for any child
    second = parent_of_a_worker()
    assert second != first
    assert parent_of_a_worker() == second


def test_the_server_of_the_users_own_processes_is_another_one():
    assert parent_of_a_worker() != forkserver._forkserver._forkserver_pid
    assert forkserver._forkserver._preload_modules == ["__main__"]


def test_dead_workers_leave_no_descriptor_open():
    counts = []
    for _ in range(8):
        process = WorkerProcess({}, threads=1, preload=True)
        os.kill(process.ready.result(), signal.SIGKILL)
        process.end()
        assert not process.context.process.is_alive()
        counts.append(len(os.listdir("/proc/self/fd")))
    assert counts[-1] == counts[1]
