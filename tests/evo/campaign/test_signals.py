"""Ctrl-C and SIGTERM end a campaign within five seconds, whatever runs, and leave no process behind."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import psutil
import pytest

import evo
from evo.training.task import TrialReport, TrialTask
from tests.evo.simulated_campaigns import evaluate

PROGRAM = textwrap.dedent("""
    import sys

    import evo
    from tests.evo.campaign import test_signals
    from tests.evo.simulated_campaigns import campaign


    class Say(evo.Callback):
        def on_submit(self, trial, history):
            print("submitted", flush=True)


    if __name__ == "__main__":
        deed, folder, executor = sys.argv[1:]
        settings = {"evaluate": getattr(test_signals, deed), "callbacks": [Say()], "workers": 2}
        settings["executor"] = evo.workers.Serial() if executor == "serial" else None
        print(campaign(folder, **settings).run().reason, flush=True)
""")


def allowed() -> float:
    """Five seconds; on a machine that has so much to do that no process starts in an eighth of one, more."""
    began = time.monotonic()
    subprocess.run([sys.executable, "-I", "-c", "pass"], check=True)
    return max(5.0, 40 * (time.monotonic() - began))


def sleeps(task: TrialTask) -> TrialReport:
    """Sleeps in Python, in the driver itself."""
    print("submitted", flush=True)
    time.sleep(600)
    return evaluate(task)


def hangs(task: TrialTask) -> TrialReport:
    """Hangs in C, with all signals masked that can be."""
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    subprocess.Popen(["sleep", "600"])
    ctypes.CDLL(None).sleep(600)
    return evaluate(task)


def floods(task: TrialTask) -> TrialReport:
    """Writes without end."""
    while True:
        os.write(2, b"x" * 4096)


@pytest.mark.skipif(os.name == "nt", reason="signals")
@pytest.mark.timeout(180)
@pytest.mark.parametrize(
    ("deed", "number", "executor"),
    [
        ("hangs", signal.SIGTERM, "local"),
        ("floods", signal.SIGINT, "local"),
        ("sleeps", signal.SIGTERM, "serial"),
    ],
)
def test_a_signal_ends_it_within_five_seconds(deed: str, number: int, executor: str, tmp_path: Path) -> None:
    driver = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, deed, str(tmp_path / "c"), executor],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=os.environ | {"PYTHONPATH": os.getcwd()},
        # A shell starts background jobs with SIGINT ignored, which a campaign respects.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    assert driver.stdout is not None and driver.stdout.readline() == "submitted\n"
    time.sleep(0.5 if executor == "serial" else 5.0)
    started, most = psutil.Process(driver.pid).children(recursive=True), allowed()
    began = time.monotonic()
    driver.send_signal(number)
    rest = driver.stdout.read()
    assert driver.wait(120) == 0
    assert time.monotonic() - began < most and rest.endswith("stopped\n")
    assert executor == "serial" or len(started) >= 2
    psutil.wait_procs(started, timeout=most)
    assert not [process for process in started if process.is_running() and process.status() != "zombie"]
    result = evo.load_result(tmp_path / "c")
    assert result.reason == "stopped" and result.trials[0].outcome is None


BEFORE = textwrap.dedent("""
    import sys, threading, time

    import numpy as np

    import evo
    from evo.campaign import campaign as module, companions
    from genomes import spaces
    from genomes.spaces.tabular import TabularSpace
    from tests.evo.simulated_campaigns import evaluate


    def never(*arguments, **named):
        print("submitted", flush=True)
        threading.Event().wait() if sys.argv[2] == "waits" else [time.sleep(0.01) for _ in range(100_000)]


    if __name__ == "__main__":
        deed, _, folder = sys.argv[1:]
        x, y = np.random.default_rng(0).normal(size=(40, 3)), np.arange(40) % 2
        settings = {"budget": evo.Budget(trials=3), "evaluate": evaluate, "executor": evo.workers.Serial()}
        whole = evo.Campaign(spaces.tabular(3, 2), evo.Data(x, y), folder, verbose=False, **settings)
        if deed == "prepares":
            TabularSpace.adapt = never
        elif deed == "asks":
            module.preflight = never
        else:
            companions.FITTED = {"trees": never}
            whole.companions.plan = companions.Plan({"trees": True}, 0.5)
        whole.run()
""")


@pytest.mark.skipif(os.name == "nt", reason="signals")
@pytest.mark.timeout(180)
@pytest.mark.parametrize(
    ("deed", "how", "number"),
    [
        ("prepares", "works", signal.SIGTERM),
        ("prepares", "waits", signal.SIGINT),
        ("asks", "waits", signal.SIGTERM),
        ("grows", "works", signal.SIGINT),
        ("grows", "waits", signal.SIGTERM),
    ],
)
def test_a_signal_ends_what_comes_before_the_trials(deed: str, how: str, number: int, tmp_path: Path) -> None:
    """Data that are prepared, a worker that is asked, trees that grow: none of it can be asked to stop."""
    driver = subprocess.Popen(
        [sys.executable, "-c", BEFORE, deed, how, str(tmp_path / "c")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": os.getcwd()},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    assert driver.stdout is not None and driver.stderr is not None
    assert driver.stdout.readline() == "submitted\n", driver.stderr.read()
    time.sleep(0.5)
    most = allowed()
    began = time.monotonic()
    driver.send_signal(number)
    assert "KeyboardInterrupt" in driver.communicate(timeout=120)[1]
    assert time.monotonic() - began < most
    assert not (tmp_path / "c" / "lock.json").exists()
