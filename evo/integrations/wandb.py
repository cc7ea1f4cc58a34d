"""A campaign in Weights & Biases."""

from __future__ import annotations

import hashlib
import math
from pathlib import Path
from typing import Any

from evo.core.errors import SettingsError
from evo.core.events import Callback, CampaignInfo
from evo.core.history import History
from evo.core.trial import Trial
from evo.display import formatting, summary


class WeightsAndBiases(Callback):
    """Logs a campaign as one run: a row for each trial, the best so far, and a table of all trials at the end.

    A row has the trial's number, status, origin and genome, its scores, parameters, FLOPs and epochs, and
    ``best_...``, over ``epochs_spent``, the epochs that the campaign has trained by then. The run's id follows from
    the campaign's directory: a resumed campaign continues its run, and trials that were logged before are not logged
    again. A run of the user's own in the same program is left alone.

    Args:
        project: name of the project.
        **options: further arguments of ``wandb.init``: ``entity``, ``mode="offline"``, ``dir``, ``tags``, ...

    Raises:
        SettingsError: wandb is not installed.
    """

    def __init__(self, project: str = "evo", **options: Any) -> None:
        try:
            import wandb
        except ImportError as error:
            raise SettingsError(f"wandb: {error.name} is not installed; pip install 'evo-keras[wandb]'") from None
        self._wandb: Any = wandb
        self._options = {"project": project, **options}
        self._run: Any = None
        self._epochs = 0

    def on_begin(self, info: CampaignInfo, history: History) -> None:
        directory = Path(info.directory).resolve()
        settings = {
            "seed": info.seed,
            "budget": info.budget.to_json(),
            "objectives": list(info.objectives),
            "space": info.space,
            "precision": info.precision,
            "strategy": info.strategy,
            "directory": str(directory),
            **{name: formatting.plain(value) for name, value in info.settings.items()},
        }
        given = {
            "name": directory.name,
            "id": hashlib.sha256(str(directory).encode()).hexdigest()[:16],
            "resume": "allow",
            "reinit": "create_new",
            "config": settings,
        }
        self._run = self._wandb.init(**{**given, **self._options})
        self._run.define_metric("*", step_metric="epochs_spent")
        self._epochs = summary.epochs_done(history)

    def on_outcome(self, trial: Trial, history: History) -> None:
        outcome = trial.outcome
        assert outcome is not None
        self._epochs += outcome.epochs
        row: dict[str, Any] = {
            "epochs_spent": self._epochs,
            "trial": trial.number,
            "status": outcome.status.value,
            "origin": trial.proposal.origin,
            "genome": trial.genome.summary(),
            "epochs": trial.epochs,
        }
        row |= {name: float(value) for name, value in outcome.scores.items() if math.isfinite(value)}
        row |= {name: getattr(outcome, name) for name in ("parameters", "flops") if getattr(outcome, name) is not None}
        if outcome.message:
            row["message"] = outcome.message.splitlines()[0]
        best = summary.best(history)
        if best is not None:
            for name, value in zip(history.objectives.names, history.fitness(best.number), strict=True):
                row[f"best_{summary.shown_objective(name)}"] = summary.shown_value(value, name)
        self._run.log(row)

    def on_end(self, reason: str, history: History) -> None:
        if self._run is None:
            return
        names = [summary.shown_objective(name) for name in history.objectives.names]
        columns = ["trial", "status", "origin", "epochs", *names, "genome"]
        rows = []
        for trial in history:
            if trial.outcome is None:
                continue
            values: list[Any] = [None] * len(names)
            if trial.completed:
                fitness = zip(history.fitness(trial.number), history.objectives.names, strict=True)
                values = [summary.shown_value(value, name) for value, name in fitness]
            origin = trial.proposal.origin
            rows.append(
                [trial.number, trial.outcome.status.value, origin, trial.epochs, *values, trial.genome.describe()]
            )
        self._run.log({"epochs_spent": self._epochs, "trials": self._wandb.Table(columns=columns, data=rows)})
        self._run.summary["reason"] = reason
        self._run.finish(exit_code=0)
        self._run = None
