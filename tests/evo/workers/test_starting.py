"""How worker processes are started, and how their end is read."""

from __future__ import annotations

import signal
import sys
import threading

import pytest

from evo.workers import starting
from evo.workers.starting import WorkerContext, worker_environment
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


def test_jax_leaves_other_workers_their_share_of_a_gpu_unless_the_user_says_otherwise(monkeypatch):
    monkeypatch.delenv("XLA_PYTHON_CLIENT_PREALLOCATE", raising=False)
    assert worker_environment(1)["XLA_PYTHON_CLIENT_PREALLOCATE"] == "false"
    monkeypatch.setenv("XLA_PYTHON_CLIENT_PREALLOCATE", "true")
    assert worker_environment(1)["XLA_PYTHON_CLIENT_PREALLOCATE"] == "true"


def test_jax_is_asked_for_the_same_bits_where_trials_are_deterministic(monkeypatch):
    monkeypatch.setattr(starting, "keras_backend", lambda: "tensorflow")
    assert "XLA_FLAGS" not in worker_environment(1)
    monkeypatch.setattr(starting, "keras_backend", lambda: "jax")
    monkeypatch.setenv("XLA_FLAGS", "--xla_a=1")
    assert worker_environment(1)["XLA_FLAGS"] == "--xla_a=1 --xla_gpu_deterministic_ops=true"
    assert "XLA_FLAGS" not in worker_environment(1, deterministic=False)
    monkeypatch.setenv("XLA_FLAGS", "--xla_gpu_deterministic_ops=false")
    assert "XLA_FLAGS" not in worker_environment(1)
