"""Ensembles against the best single model on five tasks; --study compares ways of selecting.

Each campaign has a budget of minutes on two cores; its single best model, the plain average of its best, and the
ensemble that ``Result.ensemble`` forms by default are judged on test rows that played no part. Finished
campaigns are not run again, interrupted ones are resumed. ``--study`` selects from pools of stored predictions
of other tasks instead, which is what the default was chosen by.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks.ensemble.campaigns import TASKS, run_campaigns
from benchmarks.ensemble.speed import run_speed
from benchmarks.ensemble.study import run_study

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``python -m benchmarks ensemble``."""
    parser.add_argument("--task", action="append", choices=list(TASKS), help="a task; all by default")
    parser.add_argument("--seeds", type=int, default=3, help="number of seeds, from 1 (default 3)")
    parser.add_argument("--minutes", type=float, default=4.0, help="budget of a campaign (default 4)")
    parser.add_argument("--workers", type=int, default=2, help="worker processes of a campaign (default 2)")
    parser.add_argument("--size", type=int, default=8, help="most members of an ensemble (default 8)")
    parser.add_argument("--data", type=Path, default=None, help="data folder; else the variable EVO_DATA")
    parser.add_argument("--output", type=Path, default=Path("benchmark-results/ensemble"), help="where results go")
    parser.add_argument("--study", action="store_true", help="compare ways of selecting on stored predictions")
    parser.add_argument("--speed", action="store_true", help="time the selection among 1,000 candidates")


def run(arguments: argparse.Namespace) -> int:
    """Run the benchmark; returns 0."""
    output: Path = arguments.output
    output.mkdir(parents=True, exist_ok=True)
    if arguments.speed:
        run_speed(output)
    elif arguments.study:
        run_study(arguments.seeds, arguments.data, output)
    else:
        seeds = list(range(1, arguments.seeds + 1))
        run_campaigns(
            arguments.task or list(TASKS),
            seeds,
            arguments.minutes,
            arguments.workers,
            arguments.size,
            arguments.data,
            output,
        )
    return 0
