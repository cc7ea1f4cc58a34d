"""Ensembles of real campaigns against the best single model, on test rows that nobody has seen."""

from __future__ import annotations

import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import machine, tasks, tidy
from benchmarks.ensemble import judging

#: The issue's tasks, and the rows to train and validate on where not all are used.
TASKS: dict[str, int | None] = {
    "digits": None,
    "fashion-mnist": 10_000,
    "letter": None,
    "california-housing": None,
    "adult": None,
}

#: What is compared: name -> arguments of ``Result.ensemble``.
PRODUCTS: dict[str, dict[str, Any]] = {
    "single": {"method": "best", "trees": False},
    "average": {"method": "average", "confidence": None, "trees": False},
    "ensemble": {"trees": False},
    "ensemble+trees": {"trees": True},
}


def products(task: tasks.Task) -> dict[str, dict[str, Any]]:
    """What is compared on a task: trees take tables only."""
    return {name: options for name, options in PRODUCTS.items() if task.kind == "tabular" or not options["trees"]}


COLUMNS = (
    "task",
    "seed",
    "minutes",
    "product",
    "method",
    "fallback",
    "members",
    "trees",
    "parameters",
    "metric",
    "nested",
    "nested_error",
    "test",
    "test_error",
    "difference",
    "difference_error",
    "test_loss",
    "trials",
    "seconds",
)


def run_campaigns(
    names: list[str], seeds: list[int], minutes: float, workers: int, size: int, folder: Path | None, output: Path
) -> None:
    """Run every campaign that has no result yet; an interrupted one is resumed."""
    table = tidy.Table(output / "ensembles.csv", COLUMNS, key=("task", "seed", "minutes", "product"))
    for seed in seeds:
        for name in names:
            task = tasks.load(name, folder, TASKS.get(name), seed)
            if all(table.done(task=name, seed=seed, minutes=minutes, product=one) for one in products(task)):
                print(f"{name}, seed {seed}: done already")
                continue
            print(f"{name}, seed {seed}: {task.rows}", flush=True)
            table.append(run_one(task, seed, minutes, workers, size, output / "campaigns"))
            report(table, output)
    report(table, output)


def report(table: tidy.Table, output: Path) -> None:
    """Write and print the Markdown summary."""
    frame = table.read()
    if frame.empty:
        return
    text = f"# Ensembles\n\n{machine.line()}\n\n{judging.summary(frame)}"
    tidy.replace_file(output / "ensembles.md", text)
    print(text, flush=True)


def run_one(task: tasks.Task, seed: int, minutes: float, workers: int, size: int, folder: Path) -> list[dict[str, Any]]:
    """One campaign and the rows of its products."""
    import evo

    data = evo.Data(task.x_train, task.y_train, validation=(task.x_validation, task.y_validation))
    directory = folder / f"{task.name}-{seed}"
    result = _finished(directory, data)
    if result is None:
        settings: Any = {"seed": seed, "workers": workers, "verbose": False}
        result = evo.Campaign(task.space(), data, directory, budget=evo.Budget(minutes=minutes), **settings).run()
    if result.reason == "stopped":
        # By Ctrl-C or SIGTERM: not a result, and not to be gone on from with the next one.
        raise SystemExit(f"{task.name}, seed {seed}: stopped; the same command resumes it")
    rows: list[dict[str, Any]] = []
    single: np.ndarray | None = None
    for product, options in products(task).items():
        started = time.perf_counter()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ensemble = result.ensemble(size=size, **options)
        seconds = time.perf_counter() - started
        outputs = ensemble.outputs(task.x_test)
        measured = judging.measure(task, outputs, single)
        single = measured.pop("losses") if single is None else single
        measured.pop("losses", None)
        unknown = {"value": float("nan"), "error": float("nan")}
        estimate = ensemble.report["estimate"].get(measured["metric"], unknown)
        scale = task.scale if task.target == "regression" else 1.0
        rows.append(
            {
                "task": task.name,
                "seed": seed,
                "minutes": minutes,
                "product": product,
                "method": ensemble.report["method"],
                "fallback": ensemble.report["fallback"],
                "members": len(ensemble),
                "trees": sum(member.kind == "trees" for member in ensemble.members),
                "parameters": ensemble.parameters,
                "nested": estimate["value"] * scale,
                "nested_error": estimate["error"] * scale,
                "trials": len(result.trials),
                "seconds": round(seconds, 2),
                **measured,
            }
        )
    return rows


def _finished(directory: Path, data: Any) -> Any:
    """The result of a campaign that is done; None where there is none, or one that was stopped."""
    import evo
    from evo.errors import SettingsError

    try:
        result = evo.load_result(directory, data)
    except SettingsError:
        return None
    return None if result.reason == "stopped" else result
