from __future__ import annotations

import decimal
import functools
import json
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import evo
from evo.core.errors import CampaignMismatchError, SettingsError
from evo.workers import Serial
from genomes import spaces

pytest.importorskip("keras_tuner")

PROGRAM = Path(__file__).with_name("hypermodels_everywhere.py")
ROWS = np.arange(12, dtype=np.float32).reshape(4, 3)
DATA = evo.Data(ROWS, ROWS.sum(1), validation=(ROWS, ROWS.sum(1)))
SETTINGS: dict[str, Any] = {"budget": evo.Budget(trials=1), "epochs": 1, "concurrency": 1, "objectives": "-val_loss"}


def program(*arguments: str) -> dict[str, Any]:
    done = subprocess.run([sys.executable, str(PROGRAM), *arguments], capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr[-3000:]
    # Printed once: no worker ran the program.
    began, found = done.stdout.strip().splitlines()
    assert began == "this program began"
    return json.loads(found)


def test_a_program_without_main_guard_is_searched_by_local_workers_whatever_its_hypermodel_is(tmp_path: Path) -> None:
    found = program(str(tmp_path))
    refused = found.pop("refused")
    assert {name: status for name, (status, _, _) in found.items()} == dict.fromkeys(found, "completed"), found
    assert len(found) == 10
    # Inputs 3; HM(n): 3 n + n, n + 1 and 2 with the default of one more unit.
    assert (found["three"][2], found["five"][2]) == (3 * 3 + 3 + 4 + 2, 3 * 5 + 5 + 6 + 2)
    assert 'attribute units: stored "3", given "5"' in refused
    # A fresh process knows its own campaigns again.
    assert set(program(str(tmp_path), "again")) == {"refused"}


def dense(hp: Any, units: int = 1) -> Any:
    import keras

    model = keras.Sequential(
        [keras.Input((3,)), keras.layers.Dense(hp.Int("units", units, units)), keras.layers.Dense(1)]
    )
    model.compile("sgd", "mse")
    return model


def test_what_cannot_travel_is_trained_in_this_process_and_this_is_said(tmp_path: Path) -> None:
    lock = threading.Lock()

    def build(hp: Any) -> Any:
        with lock:
            return dense(hp)

    space = spaces.from_hypermodel(build, builds=1)
    with pytest.warns(UserWarning, match="in this process.*cannot be sent to worker processes .*lock"):
        campaign = evo.Campaign(space, DATA, tmp_path / "c", **SETTINGS)
    assert campaign.workers == 1
    (trial,) = campaign.run().trials
    assert trial.outcome is not None and trial.outcome.status.value == "completed"
    with pytest.raises(SettingsError, match="seconds: limits need worker processes.*inside of build"):
        evo.Campaign(space, DATA, tmp_path / "d", seconds=9, **SETTINGS)


def test_what_was_begun_before_there_were_identities_goes_on(tmp_path: Path) -> None:
    space = spaces.from_hypermodel(dense, builds=1)
    identity, space._identity = space._identity, None
    assert "identity" not in space.to_json()["arguments"]
    evo.Campaign(space, DATA, tmp_path / "c", executor=Serial(), **SETTINGS).run()
    space._identity = identity
    again = evo.Campaign(space, DATA, tmp_path / "c", executor=Serial(), **SETTINGS).run()
    assert len(again.trials) == 1
    assert evo.resume(tmp_path / "c", DATA, executor=Serial()).space.to_json() == space.to_json() | {
        "arguments": space.arguments_as_in({})
    }


def test_another_one_of_its_name_neither_resumes_nor_is_served_from_memory(tmp_path: Path) -> None:
    def run(units: int, directory: str) -> Any:
        space = spaces.from_hypermodel(functools.partial(dense, units=units), builds=1)
        return evo.Campaign(space, DATA, tmp_path / directory, executor=Serial(), **SETTINGS).run()

    assert [run(units, str(units)).best.parameters for units in (2, 3)] == [11, 16]
    with pytest.raises(CampaignMismatchError, match='argument units: stored "2", given "3"'):
        run(3, "2")
    with pytest.raises(SettingsError, match='argument units: stored "2", given "3"'):
        evo.load_result(tmp_path / "2", space=spaces.from_hypermodel(functools.partial(dense, units=3), builds=1))


def test_of_two_that_cannot_be_told_apart_the_latest_is_built(tmp_path: Path) -> None:
    """Of a value's type nothing is known but its name: as when a notebook's cell was run again with another one."""
    found = []
    for units in (2, 3):
        space = spaces.from_hypermodel(functools.partial(counted, number=decimal.Decimal(units)), builds=1)
        result = evo.Campaign(space, DATA, tmp_path / str(units), executor=Serial(), **SETTINGS).run()
        found.append(result.trials[0].outcome.parameters)
    assert found == [11, 16]


def counted(hp: Any, number: Any) -> Any:
    import keras

    hp.Int("unused", 1, 2)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(int(number)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    return model
