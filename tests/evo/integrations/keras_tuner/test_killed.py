"""SIGKILL in the middle of a training: started again, a search is what it would have been, to the last score."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import evo

pytest.importorskip("keras_tuner")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

PROGRAM = """
import json, os, pathlib, signal, sys
import keras, numpy as np
from evo.integrations.keras_tuner import EvolutionTuner

directory, killed = pathlib.Path(sys.argv[1]), sys.argv[2]

class Killed(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        # Once: what runs the trial again finds the file.
        folder = directory / "p" / f"trial_{killed}"
        if epoch == 1 and folder.exists() and not (folder / "killed").exists() and not list(
            other for other in directory.glob("p/trial_*") if int(other.name[6:]) > int(killed)
        ):
            (folder / "killed").touch()
            os.kill(os.getpid(), signal.SIGKILL)

def build(hp):
    model = keras.Sequential([keras.layers.Dense(hp.Int("units", 2, 64), activation="relu"), keras.layers.Dense(1)])
    model.compile(keras.optimizers.Adam(hp.Float("rate", 1e-3, 1e-1, sampling="log")), "mse", jit_compile=False)
    return model

x = np.random.default_rng(0).normal(size=(32, 2)).astype("float32")
data = {"x": x, "y": x[:, 0], "validation_data": (x, x[:, 0]), "epochs": 3, "verbose": 0}
tuner = EvolutionTuner(build, "val_loss", max_trials=4, seed=1, directory=str(directory), project_name="p")
tuner.search(**data, callbacks=[Killed()] if killed != "none" else [])
if tuner._is_worker():  # its chief may be gone by now, and it would ask it for ever
    print("[]")
    sys.exit()
best = tuner.get_best_models()[0].evaluate(x, x[:, 0], verbose=0)
trials = [tuner.oracle.get_trial(str(n)) for n in range(4)]
print(json.dumps([best, [[t.status, t.score, t.hyperparameters.values] for t in trials]]))
"""


def run(directory: Path, killed: str, variables: Mapping[str, str] | None = None) -> Any:
    program = directory.parent / "program.py"
    program.write_text(PROGRAM)
    environment = os.environ | {"PYTHONPATH": str(Path(evo.__file__).parents[1])} | dict(variables or {})
    return subprocess.Popen(
        [sys.executable, str(program), str(directory), killed],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def told(process: Any) -> Any:
    out, errors = process.communicate(timeout=900)
    assert process.returncode == 0, errors[-2000:]
    return json.loads(out.strip().splitlines()[-1])


@pytest.mark.parametrize("killed", ["1"])
def test_a_killed_search_goes_on_to_the_same_end(tmp_path: Path, killed: str) -> None:
    through = told(run(tmp_path / "through", "none"))
    first = run(tmp_path / "killed", killed)
    first.communicate(timeout=900)
    assert first.returncode == -signal.SIGKILL
    best, trials = told(run(tmp_path / "killed", killed))
    assert (best, trials) == (pytest.approx(through[0], rel=1e-5), through[1])
    assert best == pytest.approx(min(score for _, score, _ in trials), rel=1e-4)


def test_a_killed_worker_that_is_started_again_takes_its_trial_up(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    def process(name: str, killed: str) -> Any:
        variables = {"KERASTUNER_ORACLE_IP": "127.0.0.1", "KERASTUNER_ORACLE_PORT": str(port)}
        return run(tmp_path / "d", killed, variables | {"KERASTUNER_TUNER_ID": name})

    chief, worker = process("chief", "none"), process("worker0", "1")
    try:
        worker.communicate(timeout=900)
        assert worker.returncode == -signal.SIGKILL and chief.poll() is None
        worker = process("worker0", "1")
        told(worker)
        best, trials = told(chief)
    finally:
        chief.kill()
        worker.kill()
    assert [status for status, _, _ in trials] == ["COMPLETED"] * 4
    assert best == pytest.approx(min(score for _, score, _ in trials), rel=1e-4)
