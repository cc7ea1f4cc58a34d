"""KerasTuner's own way to several processes: a chief that proposes, workers that train, told apart by variables."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

import evo

pytest.importorskip("keras_tuner")
pytest.importorskip("grpc")

PROGRAM = """
import json, sys
import keras, numpy as np
from evo.integrations.keras_tuner import EvolutionTuner

def build(hp):
    model = keras.Sequential([keras.layers.Dense(hp.Int("units", 1, 64), activation="relu")])
    if hp.Boolean("deep"):
        model.add(keras.layers.Dense(hp.Int("more", 1, 8)))
    if hp.Choice("kind", ["good", "bad"]) == "bad":
        raise ValueError("a bad candidate")
    model.add(keras.layers.Dense(1))
    model.compile("sgd", "mse")
    return model

x = np.linspace(-1, 1, 16, dtype="float32").reshape(8, 2)
tuner = EvolutionTuner(build, objective="val_loss", max_trials=6, seed=1, directory=sys.argv[1], project_name="p")
tuner.search(x, x[:, 0], validation_data=(x, x[:, 0]), epochs=1, verbose=0)
trials = tuner.oracle.get_best_trials(6)
loss = float(tuner.get_best_models()[0].evaluate(x, x[:, 0], verbose=0))
number = None if tuner._is_worker() else len(tuner.result.trials)
print(json.dumps([loss, trials[0].score, len(trials), number]))
"""


@pytest.mark.slow
def test_a_chief_and_two_workers_search_together(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    processes = []
    for name in ("chief", "worker0", "worker1"):
        variables = {
            "KERASTUNER_TUNER_ID": name,
            "KERASTUNER_ORACLE_IP": "127.0.0.1",
            "KERASTUNER_ORACLE_PORT": str(port),
            "PYTHONPATH": str(Path(evo.__file__).parents[1]),
        }
        command = [sys.executable, str(program), str(tmp_path)]
        processes.append(
            subprocess.Popen(
                command, env=os.environ | variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
            )
        )
    told = []
    try:
        for process in processes:
            out, errors = process.communicate(timeout=240)
            assert process.returncode == 0, errors[-2000:]
            told.append(json.loads(out.strip().splitlines()[-1]))
    finally:
        for process in processes:
            process.kill()
    loss, score, trials, _ = told[0]
    assert loss == pytest.approx(score, rel=1e-5) and trials == 6
    assert [number for *_, number in told] == [6, None, None]
    recorded = [json.loads(file.read_text()) for file in (tmp_path / "p").glob("trial_*/trial.json")]
    assert len(recorded) == 6
    for trial in recorded:
        good = trial["hyperparameters"]["values"]["kind"] == "good"
        assert trial["status"] == ("COMPLETED" if good else "FAILED")
        assert good or trial["message"].endswith("ValueError: a bad candidate\n")
    assert {trial["status"] for trial in recorded} == {"COMPLETED", "FAILED"}
