"""Searches tables of measured trainings: our algorithms and other packages at equal cost.

Writes into --out: results.csv (tidy, one row per training), summary.csv, report.md,
plots of anytime regret and of mean ranks. Interrupted, it resumes where it stopped.
Groups of methods: all, own, ablation, keras-tuner, rivals (SMAC and torch are not in the extra `benchmarks`).
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

#: Costs, in full trainings, at which regrets are reported; the last one is the budget.
_COSTS = {
    "nb201-c10": (10, 20, 50, 100),
    "nb201-c100": (10, 20, 50, 100),
    "nb201-c10-rungs": (5, 10, 20),
    "nb201-c100-rungs": (5, 10, 20),
    "nb-macro": (10, 20, 50, 100),
    "lcbench": (5, 10, 20),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument("--table", required=True, choices=sorted(_COSTS), help="what to search")
    parser.add_argument("--methods", nargs="+", default=["all"], help="methods or groups (default: all)")
    parser.add_argument("--seeds", type=int, default=10, help="number of seeds, from 0 (default: 10)")
    parser.add_argument("--budget", type=float, help="in full trainings (default: the highest of --at)")
    parser.add_argument("--at", nargs="+", type=float, help="costs at which regrets are reported")
    parser.add_argument("--instances", nargs="+", help="lcbench: instances (default: the 8 for tuning)")
    parser.add_argument("--data", help="folder of the tables (default: the environment variable EVO_DATA)")
    parser.add_argument("--out", required=True, type=Path, help="folder for results; an earlier run is resumed")


def run(arguments: argparse.Namespace) -> int:
    """Run the command; 0 for success, 2 for wrong arguments."""
    from benchmarks.search.analysis import report
    from benchmarks.search.methods import resolve
    from benchmarks.search.runs import run_all
    from benchmarks.tables import (
        TUNING_INSTANCES,
        TableError,
        data_directory,
        lcbench,
        nasbench201,
        nasbench_macro,
    )

    try:
        if arguments.seeds < 1:
            raise ValueError(f"seeds: expected 1 or more, got {arguments.seeds}")
        methods = resolve(arguments.methods)
        data = data_directory(arguments.data)
        if arguments.table == "lcbench":
            tables = [lcbench(data, name) for name in arguments.instances or TUNING_INSTANCES]
        elif arguments.table == "nb-macro":
            tables = [nasbench_macro(data)]
        else:
            dataset = arguments.table.split("-")[1]
            rungs = (12, 200) if arguments.table.endswith("-rungs") else (200,)
            tables = [nasbench201(data, dataset, rungs)]
    except (TableError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    costs = arguments.at or list(_COSTS[arguments.table])
    budget = arguments.budget or max(costs)
    frame = run_all(tables, methods, arguments.seeds, budget, arguments.out)
    print(report(frame, costs, arguments.out, f"{arguments.table}, {arguments.seeds} seeds"))
    return 0
