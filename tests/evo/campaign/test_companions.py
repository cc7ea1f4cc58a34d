"""Models beside the nets are fitted in the campaign's minutes, kept in its directory, and never fitted twice."""

from __future__ import annotations

import shutil
import threading

import numpy as np
import pytest
from sklearn.datasets import load_wine

import evo
from evo.campaign import companions
from evo.campaign.companions import Companions, FittingStopped, Plan, wanted
from evo.ensemble import trees
from evo.errors import EnsembleError, RepairWarning, SettingsError
from evo.storage import CampaignDirectory, CompanionFiles, DirectoryLock
from genomes import spaces

WINE = load_wine(return_X_y=True)
TREES = {"trees": False}


@pytest.fixture(autouse=True)
def two_small_recipes(monkeypatch):
    recipes = (("boosting", {"max_iter": 5}), ("extra trees", {"n_estimators": 10}))
    monkeypatch.setattr(
        trees.fitting.tree_candidates,
        "__kwdefaults__",
        {**trees.fitting.tree_candidates.__kwdefaults__, "recipes": recipes},
    )


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A directory of a campaign without any companions."""
    path = tmp_path_factory.mktemp("runs") / "wine"
    campaign(path).run()
    return path


def campaign(path, **arguments):
    data = evo.Data(*WINE, validation=0.3, seed=0)
    settings = {"budget": evo.Budget(trials=1), "epochs": 1, "executor": evo.workers.Serial(), "verbose": False}
    return evo.Campaign(spaces.tabular(WINE[0], 3), data, path, **{**settings, **arguments})


@pytest.fixture
def copy(finished, tmp_path):
    shutil.copytree(finished, tmp_path / "copy")
    return tmp_path / "copy"


def fails(*arguments, **keywords):
    raise AssertionError("fitted again")


def as_bytes(models):
    return [
        (m.number, dict(m.scores), m.parameters, m.predictions.tobytes(), m.load().predict(WINE[0]).tobytes())
        for m in models
    ]


def test_what_a_plan_asks_for_is_kept_and_the_next_run_reads_it(copy, monkeypatch):
    first = campaign(copy)
    first.companions.plan = Plan(TREES, 1 / 3)
    found = first.run().companions
    assert [m.number for m in found] == [-1, -2]
    assert sorted(p.name for p in (copy / "companions").iterdir()) == ["000001.h5", "000002.h5", "trees.json"]
    monkeypatch.setitem(companions.FITTED, "trees", fails)
    again = campaign(copy)
    again.companions.plan = Plan(TREES, 1 / 3)
    result = again.run()
    assert as_bytes(result.companions) == as_bytes(found)
    ensemble = result.ensemble(size=2, method="average", confidence=None)
    loaded = evo.load_result(copy, evo.Data(*WINE, validation=0.3, seed=0))
    assert as_bytes(loaded._beside(TREES)) == as_bytes(found)
    other = loaded.ensemble(size=2, method="average", confidence=None)
    assert other.predict_proba(WINE[0]).tobytes() == ensemble.predict_proba(WINE[0]).tobytes()


def test_an_ensemble_keeps_what_it_needed_and_does_not_if_somebody_works_there(copy, monkeypatch):
    data = evo.Data(*WINE, validation=0.3, seed=0)
    lock = DirectoryLock(copy)
    lock.acquire()
    assert len(evo.load_result(copy, data)._beside(TREES)) == 2
    assert not list((copy / "companions").iterdir())
    lock.release()
    found = as_bytes(evo.load_result(copy, data)._beside(TREES))
    monkeypatch.setitem(companions.FITTED, "trees", fails)
    assert as_bytes(evo.load_result(copy, data)._beside(TREES)) == found
    assert not (copy / "lock.json").exists()


def test_a_stop_between_two_models_leaves_the_rest_to_the_resume(copy):
    run = campaign(copy)
    whole = as_bytes(Companions(run.space, run._data, 0, copy.parent / "elsewhere").fit(TREES))
    with pytest.raises(FittingStopped):
        run.companions.fit(TREES, stopping=lambda: True)
    assert [one.number for one in CompanionFiles(copy).read()] == [-1]
    assert CompanionFiles(copy).finished("trees") is None
    fitted = []
    own = trees.fitting._grown

    def grown(grower, kind, *others):
        fitted.append(kind)
        return own(grower, kind, *others)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trees.fitting, "_grown", grown)
        resumed = campaign(copy)
        resumed.companions.plan = Plan(TREES, 1 / 3)
        found = resumed.run().companions
    assert fitted == ["extra trees"]
    assert as_bytes(found) == whole


def test_a_damaged_file_is_said_and_its_model_left_out(copy):
    run = campaign(copy)
    run.companions.fit(TREES)
    path = copy / "companions" / "000001.h5"
    content = bytearray(path.read_bytes())
    content[-9] ^= 1
    path.write_bytes(content)
    with pytest.warns(RepairWarning, match=r"000001.h5 is damaged.*left out"):
        found = campaign(copy).companions.fit(TREES)
    assert [m.number for m in found] == [-2]
    path.unlink()
    (copy / "companions" / "000002.h5").rename(path)
    with pytest.warns(RepairWarning, match="that of model -2"):
        assert campaign(copy).companions.found == []


class Clock:
    """A directory whose minutes are set."""

    def __init__(self, minutes: float) -> None:
        self.minutes, self.given_back = minutes, 0.0

    def note(self, **entry) -> None:
        self.noted = entry

    def count_seconds(self, seconds: float) -> None:
        self.given_back -= seconds


@pytest.mark.parametrize(
    ("before", "took", "seconds", "given_back"),
    [(0, 1, 120, 0), (0.5, 1, 90, 0), (0, 5, 120, 60), (3, 0.5, 0, 0), (5, 1, 0, 60)],
)
def test_a_third_of_the_minutes_is_theirs_and_half_of_the_rest_stays_the_searchs(
    copy, monkeypatch, before, took, seconds, given_back
):
    """Of 6 minutes 2 are theirs; after 4 the search is to begin."""
    clock, asked = Clock(before), []

    def fitted(space, data, seed, seconds, known, keep):
        asked.append(seconds)
        clock.minutes += took
        return []

    monkeypatch.setitem(companions.FITTED, "trees", fitted)
    run = campaign(copy)
    run.companions.plan = Plan(TREES, 1 / 3)
    run.companions.fit_planned(clock, evo.Budget(minutes=6), threading.Event())
    assert asked == [pytest.approx(seconds, abs=1)]
    assert clock.given_back == pytest.approx(given_back)


def test_without_minutes_there_is_no_limit_and_without_a_plan_nothing_is_fitted(copy, monkeypatch):
    asked = []
    monkeypatch.setitem(companions.FITTED, "trees", lambda *arguments: asked.append(arguments[3]) or [])
    run = campaign(copy)
    run.companions.fit_planned(Clock(0.0), evo.Budget(trials=1), threading.Event())
    assert asked == []
    run.companions.plan = Plan(TREES, 1 / 3)
    run.companions.fit_planned(Clock(0.0), evo.Budget(trials=1), threading.Event())
    assert asked == [None]


def test_a_kind_that_cannot_be_fitted_is_left_out_unless_it_was_asked_for(copy, monkeypatch):
    def fitted(*arguments):
        raise EnsembleError("no table")

    monkeypatch.setitem(companions.FITTED, "trees", fitted)
    run = campaign(copy)
    with pytest.warns(evo.ensemble.EnsembleWarning, match="without trees: no table"):
        assert run.companions.fit({"trees": False}) == []
    other = campaign(copy.parent / "other")
    other.companions.plan = Plan({"trees": True}, 1 / 3)
    with pytest.raises(SettingsError, match="no table"):
        other.run()


def test_kinds_by_space():
    table, text = spaces.tabular(WINE[0], 3), spaces.text(2)
    assert wanted(table, {}) == {"trees": False} and wanted(text, {}) == {"linear": False}
    assert wanted(text, {"linear": True}) == {"linear": True} and wanted(text, {"linear": False}) == {}
    assert wanted(spaces.image((8, 8, 1), 2), {}) == {}
    assert wanted(spaces.text(2, raw=False), {}) == {}
    assert wanted(spaces.timeseries((9, 2), outputs=1), {}) == {"linear": False}
    assert wanted(spaces.timeseries((9, 2), horizon=3), {}) == {}
    joint = spaces.joint({"words": text, "wave": spaces.timeseries((9, 2), 2), "row": spaces.tabular(4, 2)})
    assert wanted(joint, {}) == {"linear": False}
    recipes = companions.linear.recipes_for(joint)
    assert [recipe.name for recipe in recipes][:1] + [recipe.name for recipe in recipes][-1:] == [
        "tf-idf of words",
        "random convolutions of differences",
    ]
    with pytest.raises(SettingsError, match="trees: expected True, False or 'auto'"):
        wanted(table, {"trees": "yes"})


def test_the_directory_of_an_earlier_version_has_no_folder_for_them(copy):
    (copy / "companions").rmdir()
    with CampaignDirectory.open(copy) as stored:
        assert not stored.messages
    assert np.isfinite(campaign(copy).companions.fit(TREES)[0].predictions).all()
