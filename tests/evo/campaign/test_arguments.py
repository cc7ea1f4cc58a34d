"""Arguments of a campaign, in groups or one by one."""

from __future__ import annotations

import dataclasses
import inspect
import math
from pathlib import Path
from typing import Any

import pytest

import evo
from evo.campaign.arguments import SEARCH_DEFAULTS, CampaignKeywords, campaign_names
from evo.errors import CampaignMismatchError, SettingsError
from evo.storage import CampaignDirectory
from tests.evo.simulated_campaigns import campaign, evaluate, space


def grouped(directory: Path, **changes: Any) -> evo.Campaign:
    settings: dict[str, Any] = {
        "budget": evo.Budget(trials=4),
        "seed": 5,
        "evaluate": evaluate,
        "executor": evo.workers.Serial(),
        "training": evo.TrialTraining(epochs=9, threads=2, precision="float32", deterministic=False),
        "limits": evo.TrialLimits(seconds=60.0, parameters=10_000),
    }
    return evo.Campaign(space(), None, directory, **(settings | changes))


def test_groups_and_single_names_are_the_same_campaign(tmp_path: Path) -> None:
    one = grouped(tmp_path / "c")
    other = evo.Campaign(
        space(),
        None,
        tmp_path / "c",
        budget=evo.Budget(trials=4),
        seed=5,
        evaluate=evaluate,
        executor=evo.workers.Serial(),
        epochs=9,
        threads=2,
        precision="float32",
        deterministic=False,
        seconds=60.0,
        parameters=10_000,
    )
    assert one.settings.to_json() == other.settings.to_json()
    one.run()
    assert other.run().reason == "budget"
    assert evo.resume(tmp_path / "c", None, evaluate=evaluate).settings.to_json() == one.settings.to_json()


def test_without_groups_everything_has_its_default(tmp_path: Path) -> None:
    plain = evo.Campaign(space(), None, tmp_path / "c", budget=evo.Budget(trials=1), evaluate=evaluate)
    same = grouped(tmp_path / "c", seed=0, training=evo.TrialTraining(), limits=evo.TrialLimits(), executor=None)
    assert plain.settings.to_json() == same.settings.to_json()
    json = plain.settings.to_json()
    assert (json["epochs"], json["population"], json["concurrency"], json["final_share"]) == (27, 10, 4, 0.25)
    assert (json["keep_weights"], json["strategy"], json["deterministic"]) == (256, "auto", True)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"epochs": 9}, r"epochs: given twice, by itself and in training=\.\.\.; give it once"),
        ({"seconds": 60.0}, r"seconds: given twice, by itself and in limits=\.\.\."),
        ({"epoch": 9}, r"epoch: unknown; did you mean 'epochs'\?"),
        ({"limit": None}, r"limit: unknown; did you mean 'limits'\?"),
        ({"zzz": 1}, "zzz: unknown; expected one of .*workers"),
        ({"training": {"epochs": 9}}, "training: expected an evo.TrialTraining, got"),
        ({"limits": evo.TrialTraining()}, "limits: expected an evo.TrialLimits, got"),
    ],
)
def test_wrong_arguments_are_named_and_touch_nothing(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        grouped(tmp_path / "c", **changes)
    assert not (tmp_path / "c").exists()


@pytest.mark.parametrize(
    ("group", "wrong"),
    [
        (evo.TrialTraining, {"epochs": 0}),
        (evo.TrialTraining, {"threads": True}),
        (evo.TrialTraining, {"deterministic": 1}),
        (evo.TrialTraining, {"precision": "float8"}),
        (evo.TrialTraining, {"strategy": "abacus"}),
        (evo.TrialLimits, {"seconds": 0}),
        (evo.TrialLimits, {"memory": "8 GB"}),
        (evo.TrialLimits, {"parameters": -1}),
        (evo.TrialLimits, {"flops": float("nan")}),
    ],
)
def test_groups_are_checked_when_they_are_made(group: Any, wrong: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match=f"{next(iter(wrong))}: expected"):
        group(**wrong)


def test_resume_says_what_may_differ(tmp_path: Path) -> None:
    campaign(tmp_path / "c", budget=evo.Budget(trials=2)).run()
    with pytest.raises(SettingsError, match="worker: unknown; did you mean 'workers'"):
        evo.resume(tmp_path / "c", None, worker=3)  # type: ignore[call-arg]
    for name in ("epochs", "limits", "seed"):
        with pytest.raises(SettingsError, match=f"{name}: cannot be changed on resume; expected one of"):
            evo.resume(tmp_path / "c", None, **{name: 3})
    resumed = evo.resume(tmp_path / "c", None, evaluate=evaluate, workers=3, seconds=5.0)
    assert resumed.workers == 3 and resumed.settings.training.seconds == 5.0


def test_every_argument_has_one_name() -> None:
    spelled_out = {name for name in inspect.signature(evo.Campaign).parameters if name != "keywords"}
    names = campaign_names()
    assert len(names) == len(set(names))
    assert set(names) == spelled_out - {"space", "data", "directory"} | set(CampaignKeywords.__annotations__)
    groups = {field.name for group in (evo.TrialTraining, evo.TrialLimits) for field in dataclasses.fields(group)}
    assert groups | set(SEARCH_DEFAULTS) == set(CampaignKeywords.__annotations__)


# -- what is no algorithm ----------------------------------------------------------------------
def test_final_trainings_are_no_algorithm(tmp_path: Path) -> None:
    assert not issubclass(evo.algorithms.FinalTraining, evo.algorithms.Algorithm)
    with pytest.raises(SettingsError, match="algorithm: FinalTraining proposes nothing before"):
        campaign(tmp_path / "c", algorithm=evo.algorithms.FinalTraining())
    assert not (tmp_path / "c").exists()


def test_a_directory_that_names_final_trainings_says_why_it_is_not_resumed(tmp_path: Path) -> None:
    made = campaign(tmp_path / "c")
    settings = made.settings.to_json()
    settings["algorithm"] = {"algorithm": "FinalTraining", "initial": [], "size": 10, "replicates": 2}
    with CampaignDirectory.create(
        tmp_path / "c",
        settings=settings,
        space=space().to_json(),
        data_fingerprint="0",
        session={"budget": {"epochs": 5}},
    ):
        pass
    before = {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
    with pytest.raises(SettingsError, match="algorithm: FinalTraining proposes nothing before"):
        evo.resume(tmp_path / "c", None, evaluate=evaluate)
    with pytest.raises(CampaignMismatchError, match="algorithm"):
        campaign(tmp_path / "c")
    assert before == {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}


def test_infinity_is_no_limit(tmp_path: Path) -> None:
    """Directories with it exist."""
    first = campaign(tmp_path / "c", budget=evo.Budget(trials=2), seconds=math.inf, parameters=math.inf)
    first.run()
    resumed = evo.resume(tmp_path / "c", None, evaluate=evaluate, executor=evo.workers.Serial())
    assert resumed.settings.to_json() == first.settings.to_json()
    with pytest.raises(SettingsError, match="seconds: expected a positive number, got nan"):
        evo.TrialLimits(seconds=math.nan)


def test_a_class_is_no_algorithm(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"made: RandomSearch\(\), got the class RandomSearch"):
        campaign(tmp_path / "c", algorithm=evo.algorithms.RandomSearch)
    with pytest.raises(SettingsError, match="algorithm: FinalTraining proposes nothing before"):
        campaign(tmp_path / "c", algorithm=evo.algorithms.FinalTraining)
