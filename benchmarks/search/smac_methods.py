"""SMAC3 (Lindauer et al. 2022) on a table, through its own ask and tell."""

from __future__ import annotations

import logging
import math
import tempfile
import warnings
from pathlib import Path
from typing import Any

from benchmarks.search.config_spaces import config_space, plain_values
from benchmarks.search.evaluator import Evaluator

#: Trials that are planned for where their lengths differ: the evaluator ends them before.
_MANY = 100_000


def smac(evaluator: Evaluator, seed: int) -> None:
    """SMAC's facade for hyperparameters: random forest, log expected improvement; every trial at full length."""
    # The initial design is a quarter of the trials that are planned, at most.
    _drive(evaluator, seed, "HyperparameterOptimizationFacade", n_trials=math.ceil(evaluator.budget))


def smac_hyperband(evaluator: Evaluator, seed: int) -> None:
    """SMAC's facade for several lengths of training: the same model within Hyperband, factor 3."""
    lengths = evaluator.lengths
    # With one length only there is nothing to halve.
    lowest = lengths[0] if len(lengths) > 1 else evaluator.table.epochs / 3
    _drive(
        evaluator,
        seed,
        "MultiFidelityFacade",
        n_trials=_MANY,
        min_budget=lowest,
        max_budget=evaluator.table.epochs,
    )


def _drive(evaluator: Evaluator, seed: int, facade: str, **settings: Any) -> None:
    import smac as package
    from smac.runhistory import TrialValue

    table = evaluator.table
    logging.getLogger("smac").setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scenario = package.Scenario(
            config_space(table, seed), deterministic=True, seed=seed, output_directory=Path(folder), **settings
        )
        search = getattr(package, facade)(scenario, _never, overwrite=True, logging_level=logging.ERROR)
        while True:
            asked = search.ask()
            wanted = table.epochs if asked.budget is None else asked.budget
            length = next(known for known in evaluator.lengths if known >= math.floor(wanted + 1e-6))
            score = evaluator.train(plain_values(table, dict(asked.config)), length)
            search.tell(asked, TrialValue(cost=-score), save=False)


def _never(config: Any, seed: int = 0, budget: float = 0.0) -> float:
    raise RuntimeError("trainings are asked for, not called")
