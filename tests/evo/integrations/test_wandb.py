"""Weights & Biases: what the real package wrote is read back; without it the error says what to install."""

from __future__ import annotations

import json
import struct
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from evo.core.budget import Budget
from evo.core.events import CampaignInfo
from evo.core.history import History
from evo.errors import SettingsError
from tests.evo.integrations.test_tensorboard import a_history


def test_without_wandb_the_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from evo.integrations.wandb import WeightsAndBiases

    monkeypatch.setitem(sys.modules, "wandb", None)
    with pytest.raises(SettingsError, match=r"pip install 'evo-keras\[wandb\]'"):
        WeightsAndBiases()


def records(path: Path) -> Iterator[Any]:
    """The records of a ``.wandb`` file: seven bytes of its own, then a log as LevelDB writes it in blocks of 32 KiB."""
    from wandb.proto.wandb_internal_pb2 import Record

    content, place, part = path.read_bytes(), 7, b""
    while place + 7 <= len(content):
        left = 32768 - place % 32768
        if left < 7:
            place += left
            continue
        length, kind = struct.unpack("<4xHB", content[place : place + 7])
        part += content[place + 7 : place + 7 + length]
        place += 7 + length
        if kind in (1, 4):  # whole, or the last part
            yield Record.FromString(part)
            part = b""


def told(folder: Path) -> tuple[list[dict[str, Any]], dict[str, Any], list[str]]:
    """Rows, settings and ids of the runs in a folder."""
    rows: list[dict[str, Any]] = []
    settings: dict[str, Any] = {}
    ids = []
    paths = sorted(folder.glob("wandb/offline-run-*/*.wandb"))
    until = time.monotonic() + 60
    # Its service writes the end a moment after `finish` came back.
    while not all(any(r.WhichOneof("record_type") == "exit" for r in records(path)) for path in paths):
        assert time.monotonic() < until
        time.sleep(0.1)
    for path in paths:
        for record in records(path):
            if record.WhichOneof("record_type") == "history":
                names = (item.key or item.nested_key[0] for item in record.history.item)
                rows.append(
                    dict(zip(names, (json.loads(item.value_json) for item in record.history.item), strict=True))
                )
            elif record.WhichOneof("record_type") == "run":
                ids.append(record.run.run_id)
                settings |= {item.key: json.loads(item.value_json) for item in record.run.config.update}
    return rows, settings, ids


def test_what_was_logged_is_read_back(tmp_path: Path) -> None:
    wandb = pytest.importorskip("wandb", reason="pip install 'evo-keras[wandb]'")
    from evo.integrations.wandb import WeightsAndBiases

    def callback() -> WeightsAndBiases:
        quiet = wandb.Settings(silent=True, console="off", x_disable_stats=True)
        return WeightsAndBiases("digits", mode="offline", dir=str(tmp_path), settings=quiet)

    campaign, history, seen = tmp_path / "campaign", a_history(), History()

    def info(resumed: int) -> CampaignInfo:
        budget = Budget(trials=3)
        return CampaignInfo(str(campaign), 7, budget, ("val_accuracy",), "a space", 1, "float32", "cpu", resumed)

    first = callback()
    first.on_begin(info(0), seen)
    for trial in list(history)[:2]:
        seen.append(trial)
        first.on_outcome(trial, seen)
    first.on_end("stopped", seen)
    second = callback()
    second.on_begin(info(2), seen)
    seen.append(history[2])
    second.on_outcome(history[2], seen)
    second.on_end("budget", seen)

    rows, settings, ids = told(tmp_path)
    assert len(set(ids)) == 1, "a resumed campaign goes on in its run"
    trials = [row for row in rows if "trial" in row]
    assert [row["trial"] for row in trials] == [0, 1, 2]
    assert [row["status"] for row in trials] == ["diverged", "completed", "completed"]
    assert [row["epochs_spent"] for row in trials] == [2, 4, 6]
    assert trials[2]["val_accuracy"] == pytest.approx(0.8) and trials[2]["best_val_accuracy"] == pytest.approx(0.8)
    assert "best_val_accuracy" not in trials[0] and trials[1]["parameters"] == 10
    assert trials[1]["genome"] == history[1].genome.summary()
    assert settings["seed"] == 7 and settings["budget"]["trials"] == 3 and settings["space"] == "a space"
    (table,) = [path for path in tmp_path.rglob("*.table.json") if len(json.loads(path.read_text())["data"]) == 3]
    content = json.loads(table.read_text())
    assert content["columns"] == ["trial", "status", "origin", "epochs", "val_accuracy", "genome"]
    assert content["data"][0][4] is None and content["data"][2][4] == pytest.approx(0.8)


def test_a_run_of_ones_own_is_left_alone(tmp_path: Path) -> None:
    wandb = pytest.importorskip("wandb", reason="pip install 'evo-keras[wandb]'")
    from evo.integrations.wandb import WeightsAndBiases

    options = {"mode": "offline", "dir": str(tmp_path), "settings": wandb.Settings(silent=True, console="off")}
    own = wandb.init(project="own", **options)
    callback = WeightsAndBiases(**options)
    callback.on_begin(
        CampaignInfo(str(tmp_path / "c"), 0, Budget(trials=3), ("val_accuracy",), "", 1, "", ""), History()
    )
    callback.on_end("budget", History())
    own.log({"x": 1})
    assert wandb.run is own
    own.finish()
    assert any(row.get("x") == 1 for row in told(tmp_path)[0])
