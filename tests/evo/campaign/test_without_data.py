"""An ensemble is formed, told and shown from a directory alone: what its models were judged by is kept there."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import evo
from evo.commands.dashboard import read
from evo.core.errors import EnsembleError
from evo.dashboard.overview import overview
from evo.dashboard.watched import Watched
from evo.display import formatting
from evo.storage.layout import JUDGED
from genomes import spaces
from tests.evo.simulated_campaigns import guess

rng = np.random.default_rng(0)
Y = np.arange(60) % 3
X = (rng.normal(size=(60, 2)) + Y[:, None]).astype("float32")
DATA = evo.Data(X, Y, validation=0.2, seed=0)
SPACE = spaces.tabular(columns=2, classes=3)
SETTINGS: dict[str, Any] = {
    "epochs": 9,
    "evaluate": guess,
    "executor": evo.workers.Serial(),
    "verbose": False,
}


def searched(directory: Path, trials: int = 12) -> evo.Result:
    return evo.Campaign(SPACE, DATA, directory, budget=evo.Budget(trials=trials), **SETTINGS).run()


def formed(result: evo.Result, **options: Any) -> evo.Ensemble:
    return result.ensemble(size=4, load=False, trees=False, method="average", confidence=None, **options)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> evo.Result:
    return searched(tmp_path_factory.mktemp("runs") / "c")


def test_the_same_ensemble_without_the_data(run: evo.Result) -> None:
    with_data, without = formed(run), formed(evo.load_result(run.directory))
    assert len(without.members) > 1
    assert [m.number for m in without.members] == [m.number for m in with_data.members]
    np.testing.assert_array_equal(without.weights, with_data.weights)
    assert without.report == with_data.report and without.diversity() == with_data.diversity()


def test_what_a_member_adds_is_what_the_others_lose_without_it(run: evo.Result) -> None:
    ensemble = formed(run)
    predictions = {m.number: run.space.probabilities(run.predictions(m.number)) for m in ensemble.members}
    targets = np.asarray(run.data.get("y_validation"))  # type: ignore[union-attr]

    def loss(left_out: int | None) -> float:
        kept = [(m.weight, predictions[m.number]) for m in ensemble.members if m.number != left_out]
        pooled = sum(w * p.astype(np.float64) for w, p in kept) / sum(w for w, _ in kept)
        return float(-np.log(pooled[np.arange(len(targets)), targets]).mean())

    measured = ensemble.diversity()
    assert measured["measured_by"] == "log_loss" and measured["loss"] == pytest.approx(loss(None), rel=1e-5)
    expected = [loss(member.number) - loss(None) for member in ensemble.members]
    assert measured["adds"] == pytest.approx(expected, abs=1e-6)


def test_directories_of_before_say_so_until_they_are_resumed(run: evo.Result, tmp_path: Path) -> None:
    shutil.copytree(run.directory, tmp_path / "c")
    (tmp_path / "c" / JUDGED).unlink()
    with pytest.raises(EnsembleError, match=r"does not hold what its models were judged by.*load_result"):
        formed(evo.load_result(tmp_path / "c"))
    assert "No ensemble is shown" in read(tmp_path / "c").remarks[-1]
    searched(tmp_path / "c")
    assert (tmp_path / "c" / JUDGED).read_bytes() == (run.directory / JUDGED).read_bytes()


def test_trees_that_were_asked_for_need_the_data_where_none_are_kept(run: evo.Result) -> None:
    with pytest.raises(EnsembleError, match="trees: the campaign keeps none, and the data that they need"):
        evo.load_result(run.directory).ensemble(load=False, trees=True)


def test_the_dashboard_shows_it_and_compares_by_it(run: evo.Result, tmp_path: Path) -> None:
    watched = {str(path): Watched(path, read) for path in (run.directory, tmp_path / "other")}
    searched(tmp_path / "other", trials=8)
    snapshots = {title: one.snapshot() for title, one in watched.items()}
    for snapshot in snapshots.values():
        page = snapshot.page
        assert '<section id="ensemble">' in page and "No ensemble is shown" not in page
        assert "<h3>What to expect</h3>" in page
    side_by_side = overview(snapshots, dict.fromkeys(snapshots, "/"))
    for snapshot in snapshots.values():
        ensemble = snapshot.content.ensemble  # type: ignore[union-attr]
        error = ensemble.report["estimate"]["error"]
        told = f"error {formatting.with_error(error)}, {len(ensemble.members)} member"
        assert f'data-value="{error["value"]!r}">{told}' in side_by_side
