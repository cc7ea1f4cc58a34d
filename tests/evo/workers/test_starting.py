"""How worker processes are started, and how their end is read."""

from __future__ import annotations

import signal
import sys
import threading

import pytest

from evo.workers.starting import WorkerContext
from tests.evo.workers import worker_calls


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere workers are not forked from a server")
def test_every_thread_reads_the_same_exit_code():
    for _ in range(20):
        process = WorkerContext({}).Process(target=worker_calls.fall, args=(signal.SIGKILL,))
        process.start()
        together, codes = threading.Barrier(4), []

        def read(process=process, together=together, codes=codes):
            together.wait()
            process.join()
            codes.append(process.exitcode)

        threads = [threading.Thread(target=read) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert codes == [-signal.SIGKILL] * 4
