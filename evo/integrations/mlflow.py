"""A campaign in MLflow."""

from __future__ import annotations

import hashlib
import math
import time
from pathlib import Path
from typing import Any

from evo.core.errors import SettingsError
from evo.core.events import Callback, CampaignInfo
from evo.core.history import History
from evo.core.trial import Status, Trial
from evo.display import formatting, summary

#: Longest value of a parameter that MLflow's servers take.
_LONGEST = 500
_CAMPAIGN = "evo.campaign"


class MLflow(Callback):
    """Logs a campaign as a run, and every trial as a child run with its curves and genome.

    A resumed campaign continues the run it began; trials that were logged
    before are not logged again. No global state of MLflow is used or changed.

    Args:
        experiment: name of the experiment; made if there is none.
        tracking_uri: of the server or folder; MLflow's own default for None.
        client: an ``mlflow.MlflowClient`` to use instead of a new one.

    Raises:
        SettingsError: MLflow is not installed.
    """

    def __init__(self, experiment: str = "evo", tracking_uri: str | None = None, client: Any = None) -> None:
        if client is None:
            try:
                from mlflow import MlflowClient
            except ImportError as error:
                raise SettingsError(f"MLflow: {error.name} is not installed; pip install 'evo-keras[mlflow]'") from None
            client = MlflowClient(tracking_uri=tracking_uri)
        self._client = client
        self._experiment_name = experiment
        self._experiment = ""
        self._run = ""

    def on_begin(self, info: CampaignInfo, history: History) -> None:
        known = self._client.get_experiment_by_name(self._experiment_name)
        self._experiment = (
            self._client.create_experiment(self._experiment_name) if known is None else known.experiment_id
        )
        directory = str(Path(info.directory).resolve())
        # Searched for by a hash: MLflow's filters cannot quote every path.
        campaign = hashlib.sha256(directory.encode()).hexdigest()[:32]
        found = self._client.search_runs([self._experiment], f"tags.`{_CAMPAIGN}` = '{campaign}'", max_results=1)
        if found and info.resumed:
            self._run = found[0].info.run_id
            self._client.update_run(self._run, status="RUNNING")
            return
        name = Path(info.directory).name
        tags = {_CAMPAIGN: campaign, "directory": directory}
        run = self._client.create_run(self._experiment, run_name=name, tags=tags)
        self._run = run.info.run_id
        settings = {
            "seed": info.seed,
            "budget": info.budget.to_json(),
            "objectives": info.objectives,
            "space": info.space,
            "precision": info.precision,
            "strategy": info.strategy,
            **info.settings,
        }
        for key, value in settings.items():
            self._client.log_param(self._run, key, formatting.plain(value)[:_LONGEST])

    def on_outcome(self, trial: Trial, history: History) -> None:
        assert trial.outcome is not None
        now = int(time.time() * 1000)
        tags = {"mlflow.parentRunId": self._run, "status": trial.outcome.status.value, "origin": trial.proposal.origin}
        if trial.outcome.message:
            tags["message"] = trial.outcome.message[:_LONGEST]
        run = self._client.create_run(self._experiment, run_name=f"trial {trial.number}", tags=tags)
        child = run.info.run_id
        self._client.log_text(child, trial.genome.describe(), "genome.txt")
        for name in ("parameters", "flops"):
            value = getattr(trial.outcome, name)
            if value is not None:
                self._client.log_metric(child, name, float(value), now, 0)
        for name, values in trial.outcome.curves.items():
            for epoch, value in enumerate(values, trial.proposal.first_epoch + 1):
                if math.isfinite(value):
                    self._client.log_metric(child, name, float(value), now, epoch)
        completed = trial.outcome.status is Status.COMPLETED
        self._client.set_terminated(child, "FINISHED" if completed else "FAILED")
        best = summary.best(history)
        if best is not None:
            step = summary.epochs_done(history)
            for name, value in zip(history.objectives.names, history.fitness(best.number), strict=True):
                shown = f"best_{summary.shown_objective(name)}"
                self._client.log_metric(self._run, shown, summary.shown_value(value, name), now, step)

    def on_end(self, reason: str, history: History) -> None:
        if self._run:
            self._client.set_terminated(self._run, "KILLED" if reason in ("stopped", "undecided") else "FINISHED")
