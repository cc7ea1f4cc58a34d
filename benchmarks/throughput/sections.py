"""The sections of the throughput benchmark, and the report of them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import machine, tidy
from benchmarks.throughput import faults, gpu, our_side
from benchmarks.throughput.candidates import FASHION_ROWS, inputs

Lines = list[str]


def run_all(only: list[str], out: Path, repeats: int, workers: int, quick: bool, data_dir: str | None) -> int:
    """Run sections one after the other; a section that fails is told and does not stop the next.

    Returns:
        0, or 1 if a section failed.
    """
    repeats = 1 if quick else repeats
    sections: dict[str, Callable[[Path], tuple[dict[str, Any], Lines]]] = {
        "digits": lambda f: compare("digits", f, out, 6 if quick else 40, repeats, workers, data_dir, None),
        "fashion-mnist": lambda f: compare(
            "fashion-mnist", f, out, 6 if quick else 40, repeats, workers, data_dir, 1000 if quick else FASHION_ROWS
        ),
        "climb": lambda f: climbing(f, out, 3 if quick else 12, data_dir),
        "memory": lambda f: remembering(f, out, 30 if quick else 500, workers, data_dir),
        "faults": lambda f: failing(f, out, 16 if quick else 160, 1 if quick else 10, workers, data_dir),
        "gpu": lambda f: on_gpu(f, out, 4 if quick else 20),
    }
    status = 0
    for name in only:
        began = time.perf_counter()
        with tempfile.TemporaryDirectory(prefix="evo-throughput-") as folder:
            try:
                found, lines = sections[name](Path(folder))
            except Exception as error:
                print(f"{name}: {type(error).__name__}: {error}", file=sys.stderr)
                status = 1
                continue
        found |= {"quick": quick, "machine": machine.describe(), "took": time.perf_counter() - began}
        tidy.write_json(out / f"{name}.json", found)
        tidy.replace_file(out / f"{name}.md", "\n".join([f"## {name}{' (quick)' if quick else ''}", "", *lines, ""]))
        print("\n".join([f"== {name}", *lines, ""]), flush=True)
    parts = [path.read_text(encoding="utf-8") for path in sorted(out.glob("*.md")) if path.name != "throughput.md"]
    head = f"# Throughput of the training engine\n\n{machine.line()}\n\n"
    tidy.replace_file(out / "throughput.md", head + "\n".join(parts))
    return status


def compare(
    name: str, folder: Path, out: Path, count: int, repeats: int, workers: int, data_dir: str | None, rows: int | None
) -> tuple[dict[str, Any], Lines]:
    """Our engine and KerasTuner's loop in turns, on the same candidates."""
    made = inputs(name, folder, data_dir, rows)
    (folder / "space.json").write_text(json.dumps(made.space), encoding="utf-8")
    ours, theirs, table = [], [], []
    for repeat in range(repeats):
        # A repeat takes up to half an hour: one that is done is not done again.
        done = out / "runs" / f"{name}-{count}-{repeat}.json"
        if done.exists():
            found = json.loads(done.read_text(encoding="utf-8"))
        else:
            found = {
                "evo": our_side.measure(made, count, repeat, workers, shares=repeat == 0),
                "keras_tuner": _keras_tuner(folder, count, repeat),
            }
            tidy.write_json(done, found)
        ours.append(found["evo"])
        theirs.append(found["keras_tuner"])
        for side, one in found.items():
            table += [
                {
                    "side": side,
                    "repeat": repeat,
                    "candidate": n,
                    "val_accuracy": accuracy,
                    "candidates_per_minute": 60 * count / one["seconds"],
                }
                for n, accuracy in enumerate(one["accuracies"])
            ]
    tidy.write(out / f"{name}.csv", table, ["side", "repeat", "candidate", "val_accuracy", "candidates_per_minute"])
    ratios = np.array([b["seconds"] / a["seconds"] for a, b in zip(ours, theirs, strict=True)])
    rates = {
        side: 60 * count / np.array([found["seconds"] for found in runs])
        for side, runs in (("evo", ours), ("keras_tuner", theirs))
    }
    means = {
        side: np.array([np.nanmean(found["accuracies"]) for found in runs])
        for side, runs in (("evo", ours), ("keras_tuner", theirs))
    }
    first = ours[0]
    capacity = first["seconds"] * workers
    shares = {
        "training arithmetic": first["warm_train"] / capacity,
        "evaluation arithmetic": first["warm_evaluate"] / capacity,
        "build": first["phases"].get("build", 0.0) / capacity,
        "trace": first["phases"].get("trace", 0.0) / capacity,
        "first calls of compiled functions": (
            first["phases"].get("train", 0.0)
            + first["phases"].get("evaluate", 0.0)
            - first["warm_train"]
            - first["warm_evaluate"]
        )
        / capacity,
        "load and save": (first["phases"].get("load", 0.0) + first["phases"].get("save", 0.0)) / capacity,
    }
    shares["idle and the rest"] = 1.0 - sum(shares.values())
    lines = [
        f"{count} candidates, 3 epochs each, {repeats} repeats; both sides warm.",
        "",
        "| | candidates per minute, median (range) | validation accuracy, mean over candidates (range over repeats) |",
        "|---|---|---|",
        *(f"| {side} | {_spread(rates[side], 1)} | {_spread(means[side], 4)} |" for side in ("evo", "keras_tuner")),
        "",
        f"Ratio: {_spread(ratios, 2)}. Start-up of the workers: {first['start_up']:.1f} s.",
        "",
        "| where our workers' time goes | share |",
        "|---|---|",
        *(f"| {what} | {100 * share:.0f}% |" for what, share in shares.items()),
    ]
    return {
        "ratio": ratios.tolist(),
        "rates": {side: rate.tolist() for side, rate in rates.items()},
        "accuracy": {side: mean.tolist() for side, mean in means.items()},
        "shares": shares,
        "failed": [found["failed"] for found in ours],
        "start_up": first["start_up"],
    }, lines


def _keras_tuner(folder: Path, count: int, repeat: int) -> dict[str, Any]:
    root = str(Path(__file__).parents[2])
    path = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH", "")]))
    kept = {name: value for name, value in os.environ.items() if name not in ("OMP_NUM_THREADS",)}
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.throughput.keras_tuner_side", str(folder), str(count), str(repeat)],
        capture_output=True,
        text=True,
        env={**kept, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": path},
    )
    if done.returncode:
        raise RuntimeError(f"KerasTuner's side failed: {done.stderr.strip()[-500:]}")
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def climbing(folder: Path, out: Path, count: int, data_dir: str | None) -> tuple[dict[str, Any], Lines]:
    """What a trial that climbs a rung costs besides training."""
    rows = our_side.climb(inputs("digits", folder, data_dir), count)
    tidy.write(out / "climb.csv", rows, ["candidate", "status", "parameters", "wall", "overhead", "traced_again"])
    overheads = np.array([row["overhead"] for row in rows])
    traced = sum(bool(row["traced_again"]) for row in rows)
    lines = [f"Overhead of {count} climbs: {_spread(overheads, 3)} s; traced again: {traced}."]
    return {"overhead": overheads.tolist(), "traced_again": traced}, lines


def remembering(
    folder: Path, out: Path, count: int, workers: int, data_dir: str | None
) -> tuple[dict[str, Any], Lines]:
    """Memory over many candidates."""
    rows = our_side.memory(inputs("digits", folder, data_dir, 600), count, workers)
    tidy.write(out / "memory.csv", rows, ["candidate", "status", "driver", "workers", "processes"])
    early, window = min(50, count // 3), max(5, count // 10)
    found: dict[str, Any] = {}
    lines = []
    for name in ("driver", "workers"):
        held = np.array([row[name] for row in rows], dtype=float)
        means = np.convolve(held[early:], np.ones(window) / window, mode="valid")
        growth = float(means.max() / means[0] - 1.0)
        found[name] = {"growth": growth, "first": float(means[0]), "last": float(means[-1]), "peak": float(held.max())}
        lines.append(
            f"{name}: {means[0] / 2**20:,.0f} MB after {early} candidates, {means[-1] / 2**20:,.0f} MB after {count}; "
            f"largest mean of {window} is {100 * growth:+.1f}%, peak {held.max() / 2**20:,.0f} MB."
        )
    found["failed"] = sum(row["status"] != "completed" for row in rows)
    return found, lines


def failing(
    folder: Path, out: Path, good: int, each: int, workers: int, data_dir: str | None
) -> tuple[dict[str, Any], Lines]:
    """Faults among good trials."""
    found = faults.measure(inputs("digits", folder, data_dir, 600), good, each, workers)
    tidy.write(out / "faults.csv", [found], [name for name in found if name != "wrong"])
    lines = [
        f"{found['trials']} trials: {found['right_outcomes']} of {found['good']} right outcomes, "
        f"{found['right_causes']} of {found['faults']} right causes.",
        f"{found['seconds_mixed']:.1f} s with the faults, {found['seconds_alone']:.1f} s without, "
        f"{found['limits']:.1f} s of time limits: ratio {found['ratio']:.2f}.",
        *(f"- wrong: {text}" for text in found["wrong"][:20]),
    ]
    return found, lines


def on_gpu(folder: Path, out: Path, count: int) -> tuple[dict[str, Any], Lines]:
    """Precision and sharing on a GPU, if there is one."""
    if not gpu.available():
        return {"gpu": False}, ["This section needs a GPU, and TensorFlow sees none here. Nothing was measured."]
    rows = gpu.measure(folder, count)
    tidy.write(out / "gpu.csv", rows, ["what", "setting", "parameters", "seconds", "message"])
    lines = ["| what | setting | seconds |", "|---|---|---|"]
    lines += [f"| {row['what']} | {row['setting']} | {row['seconds']:.2f} {row['message']} |" for row in rows]
    return {"gpu": True, "rows": rows}, lines


def _spread(values: np.ndarray, digits: int) -> str:
    return f"{np.median(values):.{digits}f} ({values.min():.{digits}f} to {values.max():.{digits}f})"
