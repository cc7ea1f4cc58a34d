"""Which weights a trial keeps: those of its last epoch, of its best epoch, or an average, judged on unseen rows.

The same campaign is run with each: a budget in epochs, one process. Its single best model and its ensemble, both
chosen on the validation rows, predict test rows that played no part. Results are appended to a CSV; what is in it
is not run again.
"""

from __future__ import annotations

import argparse
import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np

#: Tasks, and the rows to train and validate on where not all are used.
TASKS: dict[str, int | None] = {
    "digits": None,
    "wine": None,
    "breast-cancer": None,
    "diabetes": None,
    "letter": 3000,
    "california-housing": 3000,
}
KEPT = ("last", "best", "average")
COLUMNS = ("task", "seed", "epochs", "kept", "single", "ensemble", "validation", "trials")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``python -m benchmarks kept_weights``."""
    parser.add_argument("--task", action="append", choices=list(TASKS), help="a task; all by default")
    parser.add_argument("--seeds", type=int, default=3, help="number of seeds, from 1 (default 3)")
    parser.add_argument("--epochs", type=int, default=150, help="budget of a campaign (default 150)")
    parser.add_argument("--data", type=Path, default=None, help="data folder; else the variable EVO_DATA")
    parser.add_argument("--output", type=Path, default=Path("benchmark-results/kept_weights.csv"), help="the CSV")


def run(arguments: argparse.Namespace) -> int:
    """Run what is missing, and print each task's errors; returns 0."""
    from benchmarks import tasks, tidy

    table = tidy.Table(arguments.output, COLUMNS, key=COLUMNS[:4])
    for seed in range(1, arguments.seeds + 1):
        for name in arguments.task or TASKS:
            task = None
            for kept in KEPT:
                key = {"task": name, "seed": seed, "epochs": arguments.epochs, "kept": kept}
                if not table.done(**key):
                    task = task or tasks.load(name, arguments.data, TASKS[name], seed)
                    table.append([{**key, **_campaign(task, seed, arguments.epochs, kept)}])
    import pandas as pd

    found = pd.read_csv(arguments.output)
    means = found.groupby(["task", "kept"])[["single", "ensemble", "validation"]].mean().unstack("kept")
    print(means.to_string(float_format=lambda value: f"{value:.4g}"))
    return 0


def _campaign(task: Any, seed: int, epochs: int, kept: str) -> dict[str, Any]:
    import evo
    from genomes.domains import Choice

    averaging: Any = {"Training": {"averaging": Choice([0.0, 0.9, 0.99])}}
    data = evo.Data(task.x_train, task.y_train, validation=(task.x_validation, task.y_validation))
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = evo.Campaign(
            task.space(averaging if kept == "average" else None),
            data,
            folder,
            budget=evo.Budget(epochs=epochs),
            seed=seed,
            objectives="-val_rmse" if task.target == "regression" else "val_accuracy",
            executor=evo.workers.Serial(),
            best_epoch=kept == "best",
            verbose=False,
        ).run()
        found: dict[str, Any] = {"trials": len(result.trials)}
        for product, options in (("single", {"method": "best"}), ("ensemble", {"size": 8})):
            outputs = result.ensemble(**options).outputs(task.x_test)
            outputs = outputs[:, 0] if outputs.shape[1] == 1 else outputs
            found[product] = task.error(task.y_test, np.asarray(outputs))
        found["validation"] = task.error_of_score(abs(result.best.scores[task.objective]))
    print({**found, "task": task.name, "seed": seed, "kept": kept}, flush=True)
    return found
