from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from evo.core.budget import Budget
from evo.core.events import CampaignInfo
from evo.errors import SettingsError
from evo.integrations.mlflow import MLflow
from tests.evo.integrations.test_tensorboard import a_history


class FakeClient:
    """What of ``mlflow.MlflowClient`` is used, kept in memory."""

    def __init__(self) -> None:
        self.runs: list[Any] = []
        self.experiments: dict[str, str] = {}

    def get_experiment_by_name(self, name: str) -> Any:
        return SimpleNamespace(experiment_id=self.experiments[name]) if name in self.experiments else None

    def create_experiment(self, name: str) -> str:
        return self.experiments.setdefault(name, str(len(self.experiments)))

    def create_run(self, experiment_id: str, run_name: str, tags: dict[str, str]) -> Any:
        run = SimpleNamespace(
            info=SimpleNamespace(run_id=str(len(self.runs))),
            name=run_name,
            tags=tags,
            parameters={},
            metrics=[],
            texts={},
            status="RUNNING",
        )
        self.runs.append(run)
        return run

    def search_runs(self, experiment_ids: list[str], filter_string: str, max_results: int) -> list[Any]:
        wanted = filter_string.split("'")[1]
        return [run for run in self.runs if run.tags.get("evo.campaign") == wanted][:max_results]

    def update_run(self, run_id: str, status: str) -> None:
        self.runs[int(run_id)].status = status

    def log_param(self, run_id: str, key: str, value: str) -> None:
        self.runs[int(run_id)].parameters[key] = value

    def log_metric(self, run_id: str, key: str, value: float, timestamp: int, step: int) -> None:
        self.runs[int(run_id)].metrics.append((key, value, step))

    def log_text(self, run_id: str, text: str, artifact_file: str) -> None:
        self.runs[int(run_id)].texts[artifact_file] = text

    def set_terminated(self, run_id: str, status: str) -> None:
        self.runs[int(run_id)].status = status


def test_a_run_per_campaign_and_a_child_per_trial(tmp_path: Path) -> None:
    client, history = FakeClient(), a_history()
    info = CampaignInfo(str(tmp_path), 5, Budget(trials=3), ("val_accuracy",), "a space", 1, "float32", "cpu")
    callback = MLflow("digits", client=client)
    callback.on_begin(info, history)
    for trial in history:
        callback.on_outcome(trial, history)
    callback.on_end("stopped", history)
    campaign, *children = client.runs
    assert campaign.parameters["seed"] == "5" and campaign.status == "KILLED"
    assert [child.status for child in children] == ["FAILED", "FINISHED", "FINISHED"]
    assert all(child.tags["mlflow.parentRunId"] == campaign.info.run_id for child in children)
    assert ("val_accuracy", pytest.approx(0.8), 4) in children[2].metrics
    assert children[2].texts["genome.txt"] == history[2].genome.describe()

    # A resumed campaign continues its own run.
    again = MLflow("digits", client=client)
    again.on_begin(CampaignInfo(**{**vars(info), "resumed": 3}), history)
    assert len(client.runs) == 4 and campaign.status == "RUNNING"
    again.on_end("budget", history)
    assert campaign.status == "FINISHED"


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(SettingsError, match=r"MLflow: mlflow is not installed; .*evo-keras\[mlflow\]"):
        MLflow()


def test_what_was_logged_is_read_back_by_mlflow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mlflow = pytest.importorskip("mlflow", reason="pip install 'evo-keras[mlflow]'")
    monkeypatch.chdir(tmp_path)  # where artifacts go, for a store in a file
    address = f"sqlite:///{tmp_path / 'mlflow.db'}"
    history = a_history()

    def info(resumed: int) -> CampaignInfo:
        return CampaignInfo(str(tmp_path / "c"), 7, Budget(trials=3), ("val_accuracy",), "a space", 1, "", "", resumed)

    for first, last, reason in ((0, 2, "stopped"), (2, 3, "budget")):
        callback = MLflow("digits", tracking_uri=address)
        callback.on_begin(info(first), history)
        for trial in list(history)[first:last]:
            callback.on_outcome(trial, history)
        callback.on_end(reason, history)

    client = mlflow.MlflowClient(tracking_uri=address)
    experiment = client.get_experiment_by_name("digits")
    runs = client.search_runs([experiment.experiment_id])
    (whole,) = [run for run in runs if "mlflow.parentRunId" not in run.data.tags]
    children = {run.info.run_name: run for run in runs if run is not whole}
    assert whole.info.status == "FINISHED" and whole.data.params["seed"] == "7"
    assert whole.data.metrics["best_val_accuracy"] == pytest.approx(0.8)
    assert sorted(children) == ["trial 0", "trial 1", "trial 2"]
    assert all(run.data.tags["mlflow.parentRunId"] == whole.info.run_id for run in children.values())
    assert [children[f"trial {n}"].info.status for n in range(3)] == ["FAILED", "FINISHED", "FINISHED"]
    curve = client.get_metric_history(children["trial 2"].info.run_id, "val_accuracy")
    assert [(point.step, point.value) for point in curve] == [(3, pytest.approx(0.7)), (4, pytest.approx(0.8))]
    text = mlflow.artifacts.load_text(f"{children['trial 1'].info.artifact_uri}/genome.txt")
    assert text == history[1].genome.describe()
