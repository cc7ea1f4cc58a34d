"""Directories of somebody else, and addresses that are none: one error of evo's own, before anything is done."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import evo
from evo.commands.job import Job
from evo.core.checks import local_path
from evo.storage.sealed import open_json, seal_json
from genomes import spaces
from tests.evo.simulated_campaigns import campaign, evaluate


@pytest.mark.parametrize("address", ["gs://bucket/campaign", "s3://a", "file:///tmp/a", "hdfs://x/y", "gs:/lost"])
def test_addresses_are_refused_by_name_and_make_no_folder(address: str, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    scheme = address.partition(":")[0]
    for use in (
        lambda: campaign(address),
        lambda: campaign(Path(address)),
        lambda: evo.resume(address, None),
        lambda: evo.load_result(address),
        lambda: evo.Ensemble.load(address),
        lambda: Job.read(address),
    ):
        with pytest.raises(evo.EvoError, match=f"{scheme}://"):
            use()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("path", ["a", "/a/b", "C:\\a", "C:/a", "./gs:a", "a:b"])
def test_paths_are_paths(path: str) -> None:
    assert local_path(path, "directory") == Path(path)


def _with_settings(root: Path, **changes: Any) -> None:
    file = root / "campaign.json"
    content = open_json(file.read_bytes())
    content["settings"].update(changes)
    file.write_bytes(seal_json(content))


STRANGE = [None, [], {}, "x", -1, 1e400, {"a": [1]}, [["b"]], True]


@pytest.mark.parametrize(
    "name", ["seed", "objectives", "algorithm", "population", "concurrency", "training", "keep_weights", "final_share"]
)
def test_settings_of_another_type_give_one_error_of_our_own(name: str, tmp_path: Path) -> None:
    root = tmp_path / "c"
    campaign(root, budget=evo.Budget(trials=2)).run()
    for value in STRANGE:
        _with_settings(root, **{name: value})
        for use in (lambda: evo.resume(root, None, evaluate=evaluate), lambda: evo.load_result(root)):
            try:
                use()
            except evo.EvoError as error:
                assert "\n" not in str(error) or "What differs" in str(error)


def test_a_resume_takes_no_more_workers_than_the_machine_bears(tmp_path: Path) -> None:
    root = tmp_path / "c"
    campaign(root, budget=evo.Budget(trials=2)).run()
    session = next((root / "sessions").iterdir())
    lines = session.read_text().splitlines()
    entries = [{name: value for name, value in json.loads(line).items() if name != "crc"} for line in lines]
    entries[0]["workers"] = 10**9
    session.write_text("\n".join([*map(json.dumps, entries), ""]))
    assert evo.resume(root, None, evaluate=evaluate).workers <= 4096


def test_a_space_that_learns_from_data_can_be_searched_without_data(tmp_path: Path) -> None:
    numbers = spaces.tabular(3, classes=2)
    result = evo.Campaign(
        numbers,
        None,
        tmp_path / "c",
        budget=evo.Budget(trials=3),
        evaluate=_scored,
        executor=evo.workers.Serial(),
        epochs=1,
    ).run()
    assert len(result.trials) == 3 and np.isfinite(result.best.scores["val_accuracy"])


def _scored(task: Any) -> Any:
    from evo.core.trial import Outcome, Status
    from evo.training.task import TrialReport

    return TrialReport(task.number, Outcome(Status.COMPLETED, {"val_accuracy": 0.5}, epochs=1))
