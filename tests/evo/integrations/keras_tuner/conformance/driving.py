"""Oracles driven by hand, as a tuner drives them: no model, no training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras_tuner

from evo.integrations.keras_tuner import EvolutionOracle

#: KerasTuner's own oracle runs beside ours wherever both are expected to do the same.
THEIRS_AND_OURS = [keras_tuner.oracles.RandomSearchOracle, EvolutionOracle]


def oracle_in(directory: Path, kind: Any = EvolutionOracle, **settings: Any) -> Any:
    """An oracle whose project is below a directory; it minimises ``val_loss`` unless told otherwise."""
    oracle = kind(**{"objective": "val_loss", "max_trials": 20, "seed": 1} | settings)
    oracle._set_project_dir(directory, "project")
    oracle.verbose = 0
    return oracle


def numbers(*names: str) -> keras_tuner.HyperParameters:
    """Whole numbers from 0 to 99 with these names."""
    hp = keras_tuner.HyperParameters()
    for name in names:
        hp.Int(name, 0, 99)
    return hp


def end(oracle: Any, trial: Any, score: float | None = None, status: str = "COMPLETED", message: str = "") -> Any:
    """End a trial; with a score, if there is one."""
    if score is not None:
        oracle.update_trial(trial.trial_id, {oracle.objective.name: score})
    trial.status, trial.message = status, message or None
    oracle.end_trial(trial)
    return oracle.trials[trial.trial_id]


def proposals(oracle: Any) -> list[dict[str, Any]]:
    """The values of every trial in the order of their starts."""
    return [dict(oracle.trials[trial_id].hyperparameters.values) for trial_id in oracle.start_order]
