"""Runs of methods on tables: one file each, so that an interrupted comparison resumes where it stopped."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterable
from pathlib import Path

import pandas as pd

from benchmarks import tidy
from benchmarks.search.evaluator import BudgetSpent, Evaluator
from benchmarks.search.methods import METHODS, SLOW
from benchmarks.tables import Table

COLUMNS = [
    "table",
    "method",
    "seed",
    "trial",
    "cost",
    "epochs",
    "score",
    "recommended",
    "best",
    "seconds",
]


def run(table: Table, method: str, seed: int, budget: float) -> pd.DataFrame:
    """One run; tidy rows, one per training."""
    most = SLOW.get(method, (budget, 0))[0]
    evaluator = Evaluator(table, min(budget, most), seed)
    with contextlib.suppress(BudgetSpent):
        METHODS[method](evaluator, seed)
    frame = pd.DataFrame(evaluator.rows)
    frame.insert(0, "table", table.name)
    frame.insert(1, "method", method)
    frame.insert(2, "seed", seed)
    frame["best"] = table.best
    return frame[COLUMNS]


def run_all(
    tables: Iterable[Table],
    methods: Iterable[str],
    seeds: int,
    budget: float,
    out: Path,
    say: Callable[[str], None] = print,
) -> pd.DataFrame:
    """Every run that is not in ``out`` yet; then all of them as one frame.

    Args:
        tables: what to search.
        methods: names of methods.
        seeds: seeds 0 to seeds - 1.
        budget: in full trainings.
        out: folder; ``runs/`` in it holds one CSV per run.
        say: told of every run.
    """
    methods = list(methods)
    frames = []
    for table in tables:
        for method in methods:
            for seed in range(min(seeds, SLOW.get(method, (0, seeds))[1])):
                name = re.sub(r"[^a-z0-9]+", "-", f"{table.name} {method} {seed} at {budget:g}".lower())
                path = out / "runs" / f"{name}.csv"
                if not path.exists():
                    found = run(table, method, seed, budget)
                    tidy.write(path, found, COLUMNS)
                    say(f"{table.name}  {method}  seed {seed}: {len(found)} trainings")
                frames.append(tidy.read(path))
    return pd.concat(frames, ignore_index=True)
