"""The arguments of ``python -m benchmarks tuners``."""

from __future__ import annotations

import argparse

from benchmarks.task_sources import DATA_VARIABLE, NAMED
from benchmarks.tuners.methods import GROUPS, METHODS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "--task",
        nargs="+",
        metavar="TASK",
        help=f"{', '.join(NAMED)}, PATH.npz (x_train, y_train, x_test, y_test) or PATH.csv",
    )
    parser.add_argument("--target", metavar="COLUMN", help="target column of a PATH.csv")
    parser.add_argument(
        "--methods",
        nargs="+",
        default=["product"],
        metavar="METHOD",
        help=f"{', '.join(METHODS)}; or a group: {', '.join(GROUPS)} (default: product)",
    )
    budget = parser.add_mutually_exclusive_group()
    budget.add_argument("--minutes", type=float, help="wall-clock minutes per run")
    budget.add_argument("--epochs", type=int, help="epochs of training per run, over all its trials")
    parser.add_argument("--seeds", type=int, default=1, metavar="S", help="runs with the seeds 1 to S (default: 1)")
    parser.add_argument("--out", required=True, metavar="DIR", help="results; finished runs found there are kept")
    parser.add_argument("--data", metavar="DIR", help=f"data folder (default: the environment's {DATA_VARIABLE})")
    parser.add_argument(
        "--train-size",
        nargs="+",
        default=[],
        metavar="N|TASK=N",
        help="training and validation rows together, a stratified part; for all tasks or for one",
    )
    parser.add_argument(
        "--trial-epochs",
        type=int,
        default=27,
        metavar="E",
        help="longest training of one model, for every method (default: 27)",
    )
    parser.add_argument(
        "--patience",
        type=int,
        default=5,
        metavar="P",
        help="early stopping of KerasTuner's and Optuna's trainings, in epochs (default: 5)",
    )
    parser.add_argument("--top", type=int, default=5, metavar="K", help="models in the plain average (default: 5)")
    parser.add_argument("--ensemble", type=int, default=8, metavar="K", help="most members of ours (default: 8)")
    parser.add_argument(
        "--reserve",
        type=float,
        default=8.0,
        metavar="SECONDS",
        help="our campaign ends so much before a wall-clock budget, to choose its ensemble within it (default: 8)",
    )
    parser.add_argument(
        "--trees", action="store_true", help="on tables, also judge our ensemble with boosted trees among its members"
    )
    parser.add_argument("--cores", type=int, default=2, help="processors per run (default: 2)")
    parser.add_argument(
        "--precision",
        default="float32",
        choices=["float32", "mixed_float16", "mixed_bfloat16"],
        help="of every method (default: float32)",
    )
    parser.add_argument("--autokeras-python", metavar="PATH", help="Python of an environment that has AutoKeras")
    parser.add_argument("--keep-models", action="store_true", help="keep our campaigns' directories")
    parser.add_argument("--limit", type=int, metavar="N", help="end after N runs; the same command resumes")
    parser.add_argument("--report-only", action="store_true", help="make tables and plots of what is there")
