"""Which way of selecting wins on unseen data: every method on pools of stored predictions."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks import statistics, tidy
from benchmarks.ensemble.pools import SOURCES, Pool, load_pool
from evo.ensemble import EnsembleWarning, LibraryModel, build
from evo.ensemble.arguments import as_target, as_targets
from evo.ensemble.metrics import row_losses
from evo.ensemble.pooling import pool
from evo.ensemble.selection.methods import Greedy, LearnedWeights, within_limits
from evo.ensemble.selection.pool_loss import PoolLoss
from evo.ensemble.size_limits import Costs, SizeLimits

COLUMNS = ("task", "seed", "method", "metric", "best_single", "ensemble", "ratio", "members")

#: Size of the ensembles compared.
SIZE = 8


def _by_build(**options: Any) -> Callable[[Pool, int], tuple[list[int], np.ndarray, str, Any]]:
    def choose(given: Pool, seed: int) -> tuple[list[int], np.ndarray, str, Any]:
        candidates = [LibraryModel(n, p) for n, p in enumerate(given.validation)]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", EnsembleWarning)
            chosen = build(
                candidates,
                given.y_validation,
                given.task,
                rng=np.random.default_rng(seed),
                **{"size": SIZE, "confidence": None, **options},
            )
        stacker = chosen.stacker
        return [c.number for c in chosen.candidates], chosen.weights, chosen.pooling, stacker or chosen.temperature

    return choose


def _by_greedy(greedy: Greedy, pooling: str = "arithmetic") -> Callable[[Pool, int], Any]:
    def choose(given: Pool, seed: int) -> tuple[list[int], np.ndarray, str, Any]:
        how = "arithmetic" if given.task == "regression" else pooling
        score, costs = _problem(given, how)
        weights = greedy(score, costs, np.random.default_rng(seed))
        if len(np.flatnonzero(weights)) > SIZE:
            weights = within_limits(weights, costs)
        members = np.flatnonzero(weights)
        return members.tolist(), weights[members], how, 1.0

    return choose


def _by_weights(learned: LearnedWeights) -> Callable[[Pool, int], Any]:
    def choose(given: Pool, seed: int) -> tuple[list[int], np.ndarray, str, Any]:
        score, costs = _problem(given, "arithmetic")
        weights = learned(score, costs)
        members = np.flatnonzero(weights)
        return members.tolist(), weights[members], "arithmetic", 1.0

    return choose


def _problem(given: Pool, pooling: str) -> tuple[PoolLoss, Costs]:
    targets = as_targets(given.y_validation, given.task)
    predictions = list(given.validation)
    score = PoolLoss(predictions, targets, given.task, pooling, as_target(given.task).losses[0])
    return score, Costs([LibraryModel(n, p) for n, p in enumerate(predictions)], SizeLimits(members=SIZE))


#: Methods compared. ``geometric`` and ``temperature`` have no meaning for regression and fall back to the plain form.
METHODS: Mapping[str, Callable[[Pool, int], Any]] = {
    "best": _by_build(method="best"),
    "average of 4": _by_build(method="average", size=4),
    "average of 8": _by_build(method="average"),
    "weighted": _by_build(method="weighted"),
    **{f"weighted, prior {p}": _by_weights(LearnedWeights(size=SIZE, prior=float(p))) for p in (5, 20, 500)},
    "weighted, 4 members": _by_build(method="weighted", size=4),
    "weighted, 16 members": _by_build(method="weighted", size=16),
    "weighted, geometric": _by_build(method="weighted", pooling="geometric"),
    "weighted, temperature": _by_build(method="weighted", temperature=True),
    "weighted, median": _by_build(method="weighted", pooling="median"),
    "greedy": _by_build(method="greedy"),
    "greedy, 25 steps": _by_greedy(Greedy(steps=25)),
    "greedy, seeded 5": _by_greedy(Greedy(seeded=5)),
    "greedy, by error": _by_build(method="greedy", loss="error"),
    "bagged": _by_build(method="bagged"),
    "bagged, rows too": _by_greedy(Greedy(bags=20, steps=25, rows=True)),
    "bagged, rows only": _by_greedy(Greedy(bags=20, steps=25, share=1.0, rows=True)),
    "bagged, 5 seeded": _by_greedy(Greedy(bags=20, steps=25, seeded=5)),
    "nes": _by_build(method="nes"),
    "stacking": _by_build(method="stacking"),
    "greedy, geometric": _by_build(method="greedy", pooling="geometric"),
    "bagged, geometric": _by_build(method="bagged", pooling="geometric"),
    "nes, geometric": _by_build(method="nes", pooling="geometric"),
    "average of 8, geometric": _by_build(method="average", pooling="geometric"),
    "default": _by_build(method="auto"),
    "default, calibrated": _by_build(method="auto", loss="calibrated_log_loss"),
    "default, fallback at 50%": _by_build(method="auto", confidence=0.5),
    "default, fallback at 75%": _by_build(method="auto", confidence=0.75),
}

_CLASSES_ONLY = ("geometric", "temperature", "by error", "calibrated")


def evaluate(given: Pool, seed: int) -> list[dict[str, Any]]:
    """Test losses of every method on one pool, against the best single model by validation loss."""
    rows: list[dict[str, Any]] = []
    loss = as_target(given.task).losses[0]
    metrics = (loss,) if given.task == "regression" else (loss, "error")
    targets = as_targets(given.y_test, given.task)
    single: dict[str, float] = {}
    for name, choose in METHODS.items():
        if given.task == "regression" and any(word in name for word in _CLASSES_ONLY):
            continue
        if given.task != "regression" and "median" in name:
            continue
        members, weights, pooling, extra = choose(given, seed)
        parts = [given.test[m] for m in members]
        if hasattr(extra, "predict"):
            pooled = extra.predict(parts, given.task)
        else:
            pooled = pool(parts, weights, pooling, given.task, extra)
        for metric in metrics:
            value = as_target(given.task).finish(metric, float(row_losses(metric, given.task, pooled, targets).mean()))
            if name == "best":
                single[metric] = value
            # no error counts as one of half a row, so that ratios exist
            floor = 0.5 / len(targets) if metric == "error" else 1e-3
            rows.append(
                {
                    "task": given.name,
                    "seed": seed,
                    "method": name,
                    "metric": metric,
                    "best_single": single[metric],
                    "ensemble": value,
                    "ratio": max(value, floor) / max(single[metric], floor),
                    "members": len(members),
                }
            )
    return rows


def summary(frame: pd.DataFrame) -> str:
    """Markdown: geometric mean over tasks of the test loss relative to the best single model, and mean ranks."""
    lines = []
    for kind, metrics in (("log loss", ["log_loss"]), ("error", ["error"]), ("RMSE", ["rmse"])):
        part = frame[frame["metric"].isin(metrics)]
        if part.empty:
            continue
        table = part.assign(log=np.log(part["ratio"])).pivot_table(index="task", columns="method", values="log")
        mean = np.exp(table.mean(axis=0)).sort_values()
        blocks = part.pivot_table(index=["task", "seed"], columns="method", values="ensemble").dropna(axis=1)
        ranks = statistics.mean_ranks(blocks)
        worst = np.exp(table.max(axis=0))
        lines += [
            f"## Test {kind} relative to the best single model ({table.shape[0]} tasks, {len(blocks)} pools)",
            "",
            "| method | mean | worst task | mean rank | members |",
            "|---|---|---|---|---|",
        ]
        members = part.groupby("method")["members"].mean()
        for name in mean.index:
            rank = f"{ranks[name]:.1f}" if name in ranks.index else "–"
            lines.append(f"| {name} | {mean[name]:.3f} | {worst[name]:.3f} | {rank} | {members[name]:.1f} |")
        lines.append("")
    return "\n".join(lines)


def run_study(seeds: int, folder: Path | None, output: Path) -> None:
    """Compare all methods on all pools; pools are kept, so that an interrupted study can be resumed."""
    table = tidy.Table(output / "study.csv", COLUMNS, key=("task", "seed", "method", "metric"))
    for seed in range(1, seeds + 1):
        for name in SOURCES:
            if table.done(task=name, seed=seed):
                continue
            try:
                given = load_pool(name, seed, folder, output / "pools")
            except ValueError as error:
                print(f"{name}: left out, {error}")
                continue
            table.append(evaluate(given, seed))
            print(f"{name}, seed {seed}: {len(given.validation)} models")
    text = summary(table.read())
    tidy.replace_file(output / "study.md", text)
    print(text)
