"""Nothing that a trial starts outlives its worker, and nothing that it raises ends the program that searches."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from concurrent.futures import Executor, ProcessPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest

import evo
from evo.core.trial import Status
from evo.training.task import TrialReport, TrialTask
from evo.workers import LocalProcesses, Serial, WorkerDiedError
from tests.evo.simulated_campaigns import campaign, evaluate
from tests.evo.workers import worker_calls

linux = pytest.mark.skipif(sys.platform != "linux", reason="the guard watches through Linux' pidfd")


def gone(*pids: int, seconds: float = 10.0) -> bool:
    """Whether all processes end within some seconds."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not any(psutil.pid_exists(pid) and psutil.Process(pid).status() != "zombie" for pid in pids):
            return True
        time.sleep(0.05)
    return False


@linux
@pytest.mark.parametrize("preload", [False, True])
def test_what_a_trial_started_ends_with_the_worker(preload: bool, tmp_path: Path) -> None:
    with LocalProcesses(1, preload=preload) as pool:
        children = [pool.submit(worker_calls.start_child, own).result(60) for own in (False, True)]
        assert not gone(*children, seconds=0.2)
    assert gone(*children)
    left = tmp_path / "left"
    with LocalProcesses(1, preload=preload) as pool:
        with pytest.raises(WorkerDiedError, match="SIGSEGV"):
            pool.submit(worker_calls.start_child_and_fall, str(left)).result(60)
        assert gone(*map(int, left.read_text().split()))
        unmarked = pool.submit(worker_calls.start_unmarked_child).result(60)
        # The guard looks once a second.
        time.sleep(1.5)
        with pytest.raises(WorkerDiedError, match="SIGSEGV"):
            pool.submit(worker_calls.fall, signal.SIGSEGV).result(60)
        assert gone(unmarked)
        assert pool.submit(worker_calls.add, 1, 2).result(60) == 3


@linux
def test_what_a_trial_started_ends_with_a_driver_that_is_killed() -> None:
    program = textwrap.dedent("""
        import time
        from evo.workers import LocalProcesses
        from tests.evo.workers import worker_calls

        if __name__ == "__main__":
            pool = LocalProcesses(1, preload=False)
            worker = pool.submit(worker_calls.process_id).result()
            print(worker, *(pool.submit(worker_calls.start_child, own).result() for own in (False, True)), flush=True)
            time.sleep(600)
    """)
    driver = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": os.getcwd()}
    )
    assert driver.stdout is not None
    pids = [int(pid) for pid in driver.stdout.readline().split()]
    assert len(pids) == 3
    driver.kill()
    driver.wait()
    assert gone(*pids)


# -- sys.exit and KeyboardInterrupt --------------------------------------------------------
def exits(task: TrialTask) -> TrialReport:
    """Some candidates want to end it all."""
    if task.number % 4 == 1:
        sys.exit(3)
    if task.number % 4 == 2:
        raise KeyboardInterrupt
    return evaluate(task)


@pytest.mark.parametrize("kind", ["local", "serial", "pool"])
def test_a_candidate_that_exits_fails_alone(kind: str, tmp_path: Path) -> None:
    made: dict[str, Any] = {
        "local": lambda: LocalProcesses(2, preload=False),
        "serial": Serial,
        "pool": lambda: ProcessPoolExecutor(2),
    }
    executor: Executor
    # As a program has it: the handler of Ctrl-C is the campaign's while it runs.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with made[kind]() as executor:
            result = campaign(tmp_path / "c", evaluate=exits, executor=executor, budget=evo.Budget(trials=8)).run()
    finally:
        signal.signal(signal.SIGINT, before)
    assert result.reason == "budget" and len(result.trials) == 8
    for trial in result.trials:
        assert trial.outcome is not None
        told = {1: "SystemExit: 3", 2: "KeyboardInterrupt"}.get(trial.number % 4)
        if told and trial.outcome.status is not Status.REJECTED:
            assert trial.outcome.status is Status.FAILED and told in trial.outcome.message


def test_the_users_own_interrupt_ends_a_trial_in_this_process() -> None:
    class Interrupted(KeyboardInterrupt):
        pass

    def handler(number: int, frame: Any) -> None:
        raise Interrupted

    before = signal.signal(signal.SIGINT, handler)
    try:
        threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
        with pytest.raises(Interrupted):
            Serial().submit(time.sleep, 20)
        raised = Serial().submit(worker_calls.raise_interrupt)
        assert isinstance(raised.exception(), KeyboardInterrupt)
    finally:
        signal.signal(signal.SIGINT, before)
