"""The ensemble benchmark: its judgement, its resuming, its study, without training a net."""

from __future__ import annotations

import argparse

import numpy as np
import pandas as pd
import pytest

import evo
from benchmarks import ensemble, tasks
from benchmarks.ensemble import campaigns, judging, pools, speed, study
from evo.ensemble import Ensemble, tree_candidates


class TreeResult:
    """Stands for a campaign's result: trees are its only candidates."""

    def __init__(self, data):
        self.data = data
        self.trials = [None] * 3
        self.reason = "budget"

    def ensemble(self, size, trees=False, **options):
        data = self.data
        candidates = tree_candidates(data.x_train, data.y_train, data.x_validation, data.y_validation, "multiclass")
        return Ensemble.select(
            candidates, data.y_validation, "multiclass", size, rng=np.random.default_rng(0), **options
        )


@pytest.fixture
def campaign(monkeypatch):
    runs = []

    class Campaign:
        def __init__(self, space, data, directory, budget, seed, workers, verbose):
            runs.append(seed)
            self.data = data

        def run(self):
            return TreeResult(self.data)

    monkeypatch.setattr(evo, "Campaign", Campaign, raising=False)
    monkeypatch.setattr(evo, "Budget", lambda minutes: minutes, raising=False)
    monkeypatch.setattr(evo, "Data", __import__("evo.data", fromlist=["Data"]).Data, raising=False)
    monkeypatch.setattr(tasks.Task, "space", lambda self: None)
    return runs


@pytest.mark.filterwarnings("ignore::evo.ensemble.EnsembleWarning")
def test_a_campaign_is_judged_once_and_not_run_again(campaign, tmp_path, capsys):
    for _ in range(2):
        campaigns.run_campaigns(["wine"], [1, 2], 0.1, 1, 3, None, tmp_path)
    assert campaign == [1, 2]
    frame = pd.read_csv(tmp_path / "ensembles.csv")
    assert list(frame.columns) == list(campaigns.COLUMNS)
    assert sorted(frame["product"].unique()) == ["average", "ensemble", "ensemble+trees", "single"]
    assert ((frame["test"] >= 0) & (frame["test"] < 0.5)).all()
    assert (frame[frame["product"] == "single"]["difference"] == 0).all()
    assert frame["nested"].notna().all()
    text = (tmp_path / "ensembles.md").read_text()
    assert "| wine | 2 |" in text and "of 2 runs" in text


def test_the_measure_is_in_the_units_of_the_task():
    task = tasks.load("diabetes", seed=1)
    measured = judging.measure(task, np.zeros((len(task.y_test), 1)), None)
    assert measured["metric"] == "rmse"
    assert measured["test"] == pytest.approx(task.error(task.y_test, np.zeros(len(task.y_test))), rel=1e-5)
    better = judging.measure(task, task.y_test[:, None] * 0.5, measured["losses"])
    assert better["difference"] < -2 * better["difference_error"]


def test_the_study_compares_on_test_rows(monkeypatch):
    from evo.ensemble import LibraryModel

    candidates, y = speed.make_candidates(12, 400, 4)
    assert all(isinstance(c, LibraryModel) for c in candidates)
    predictions = np.stack([c.predictions for c in candidates])
    pool = pools.Pool("made", "multiclass", predictions[:, :200], y[:200], predictions[:, 200:], y[200:])
    kept = ("best", "average of 8", "greedy", "stacking", "weighted, geometric")
    monkeypatch.setattr(study, "METHODS", {name: study.METHODS[name] for name in kept})
    rows = study.evaluate(pool, 1)
    frame = pd.DataFrame(rows)
    ratios = frame[frame["metric"] == "log_loss"].set_index("method")["ratio"]
    assert ratios["best"] == 1 and ratios["average of 8"] < 1
    assert "average of 8" in study.summary(frame)


def test_pools_never_hold_rows_that_are_judged():
    judged = set(campaigns.TASKS) - {"digits"}
    assert not judged & {name.split(" ")[0] for name in pools.SOURCES}
    made = pools.make_pool("diabetes", 1, None, models=3)
    assert made.validation.shape[0] == made.test.shape[0] >= 3
    again = pools.make_pool("diabetes", 1, None, models=3)
    assert np.array_equal(made.test, again.test)


def test_its_arguments():
    parser = argparse.ArgumentParser()
    ensemble.add_arguments(parser)
    arguments = parser.parse_args(["--task", "digits", "--task", "adult", "--seeds", "2"])
    assert arguments.task == ["digits", "adult"] and arguments.minutes == 4
    with pytest.raises(SystemExit):
        parser.parse_args(["--task", "moon"])
