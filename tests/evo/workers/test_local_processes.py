"""Local worker processes: limits, deaths, replacement, and the end of it all."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from concurrent.futures import CancelledError

import psutil
import pytest

from evo.errors import SettingsError
from evo.training.task import TrainingSettings
from evo.workers import LocalProcesses, MemoryLimitError, TimeLimitError, WorkerDiedError
from tests.evo.workers import worker_calls


@pytest.fixture(scope="module")
def pool() -> Iterator[LocalProcesses]:
    settings = TrainingSettings(seconds=2.0, memory=2**31)
    with LocalProcesses(2, settings, environment={"MARK": "here"}) as pool:
        yield pool


def test_calls_come_back_and_workers_stay(pool):
    assert pool.submit(worker_calls.add, 1, 2).result() == 3
    assert list(pool.map(worker_calls.add, range(5), range(5))) == [0, 2, 4, 6, 8]
    first = {pool.submit(worker_calls.process_id).result() for _ in range(6)}
    assert len(first) <= 2 and os.getpid() not in first


def test_workers_see_their_environment_and_leave_interrupts_alone(pool):
    found = pool.submit(worker_calls.variables, "MARK", "TF_NUM_INTRAOP_THREADS", "OMP_NUM_THREADS").result()
    assert found == {"MARK": "here", "TF_NUM_INTRAOP_THREADS": "1", "OMP_NUM_THREADS": "1"}
    assert pool.submit(worker_calls.interrupt_ignored).result()
    assert "MARK" not in os.environ


def test_what_befalls_one_call_befalls_no_other(pool):
    calls = {
        "killed": pool.submit(worker_calls.fall, signal.SIGKILL),
        "segfault": pool.submit(worker_calls.fall, signal.SIGSEGV),
        "left": pool.submit(worker_calls.leave, 7),
        "hung": pool.submit(worker_calls.sleep, 600),
        "ate": pool.submit(worker_calls.eat),
        "failed": pool.submit(worker_calls.fail, "by itself"),
    }
    good = [pool.submit(worker_calls.add, n, n) for n in range(6)]
    assert [future.result(60) for future in good] == [0, 2, 4, 6, 8, 10]
    with pytest.raises(WorkerDiedError, match="SIGKILL"):
        calls["killed"].result()
    with pytest.raises(WorkerDiedError, match="SIGSEGV"):
        calls["segfault"].result()
    with pytest.raises(WorkerDiedError, match="exit code 7"):
        calls["left"].result()
    with pytest.raises(TimeLimitError, match="more than 2 s"):
        calls["hung"].result()
    with pytest.raises((MemoryLimitError, TimeLimitError), match="MB|more than"):
        calls["ate"].result()
    with pytest.raises(ValueError, match="by itself"):
        calls["failed"].result()


def test_workers_are_replaced_after_their_share_of_calls():
    with LocalProcesses(1, replace_after=3) as pool:
        pids = [pool.submit(worker_calls.process_id).result() for _ in range(7)]
    assert [len(set(pids[:3])), len(set(pids[3:6])), len(set(pids))] == [1, 1, 3]


def test_shutdown_cancels_and_kills_within_moments():
    pool = LocalProcesses(1)
    pid = pool.submit(worker_calls.process_id).result()
    running, waiting = pool.submit(worker_calls.sleep, 600), pool.submit(worker_calls.sleep, 600)
    while not running.running():
        time.sleep(0.01)
    pool.shutdown(cancel_futures=True)
    assert waiting.cancelled()
    with pytest.raises(CancelledError):
        running.result(timeout=5)
    assert not _alive(pid)
    with pytest.raises(RuntimeError, match="after shutdown"):
        pool.submit(worker_calls.add, 1, 1)


def test_no_worker_outlives_a_driver_that_is_killed(tmp_path):
    script = tmp_path / "driver.py"
    script.write_text(
        textwrap.dedent("""
        import sys, time
        from tests.evo.workers import worker_calls
        from evo.workers import LocalProcesses
        if __name__ == "__main__":
            pool = LocalProcesses(2)
            print(*[f.result() for f in [pool.submit(worker_calls.process_id) for _ in range(2)]], flush=True)
            futures = [pool.submit(worker_calls.sleep, 600) for _ in range(2)]
            time.sleep(600)
    """)
    )
    path = os.pathsep.join(entry for entry in sys.path if entry)
    driver = subprocess.Popen(
        [sys.executable, str(script)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
    )
    assert driver.stdout is not None
    pids = {int(word) for word in driver.stdout.readline().split()}
    everything = {child.pid for child in psutil.Process(driver.pid).children(recursive=True)} | pids
    driver.kill()
    driver.wait()
    driver.stdout.close()
    deadline = time.monotonic() + 20
    while any(map(_alive, everything)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert pids and not any(map(_alive, everything))


@pytest.mark.parametrize("name", ["workers", "replace_after", "growth"])
def test_numbers_are_checked(name):
    with pytest.raises(SettingsError, match=f"{name}: expected a whole number of 1 or more, got 0"):
        LocalProcesses(**{name: 0})


def _alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_workers_without_the_training_engine():
    with LocalProcesses(1, preload=False) as pool:
        assert pool.submit(worker_calls.add, 1, 2).result() == 3
        assert not pool.submit(worker_calls.imported, "tensorflow").result()


def test_a_worker_that_dies_while_it_waits_is_replaced():
    with LocalProcesses(1, preload=False) as pool:
        for _ in range(3):
            psutil.Process(pool.submit(worker_calls.process_id).result()).kill()
            time.sleep(0.3)
            assert pool.submit(worker_calls.add, 1, 2).result() == 3


def test_workers_know_their_number():
    with LocalProcesses(2, preload=False) as pool:
        found = {pool.submit(worker_calls.variables, "EVO_WORKER_SLOT").result()["EVO_WORKER_SLOT"] for _ in range(40)}
    assert found <= {"0", "1"}
