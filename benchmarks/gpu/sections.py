"""The sections of the benchmark on a GPU, and the tables of them."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks import machine, tidy
from benchmarks.gpu import equality, timings
from benchmarks.gpu.subjects import enlarged_digits
from evo.workers import LocalProcesses

Rows = list[dict[str, Any]]


def run_all(only: Sequence[str], output: Path, repeats: int, quick: bool) -> int:
    """Run sections one after the other; a section that fails is told and does not stop the next.

    Args:
        only: their names.
        output: folder for the results.
        repeats: of what is timed.
        quick: small models, few rows.

    Returns:
        0, or 1 if a section failed.
    """
    rows, epochs = (256, 2) if quick else (16_384, 6)
    few = 128 if quick else 2048
    sections: dict[str, Callable[[Path], tuple[Rows, list[str]]]] = {
        "precision": lambda f: _precision(
            timings.precision(enlarged_digits(f, rows), rows, epochs, 1 if quick else repeats, quick)
        ),
        "sharing": lambda f: _sharing(timings.sharing(enlarged_digits(f, few), 2 if quick else 12, 2 if quick else 3)),
        "fit": lambda f: _fit(
            timings.beside_fit(enlarged_digits(f, rows // 2), rows // 2, 2, 1 if quick else repeats, quick)
        ),
        "repeatability": lambda f: _repeatability(equality.repeatability(enlarged_digits(f, few), 4, quick)),
        "agreement": lambda f: _agreement(equality.agreement(quick)),
    }
    about = {**machine.describe(), "device": device()}
    status = 0
    for name in only:
        began = time.perf_counter()
        with tempfile.TemporaryDirectory(prefix="evo-gpu-") as folder:
            try:
                found, lines = sections[name](Path(folder))
            except Exception as error:
                print(f"{name}: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
                status = 1
                continue
        took = time.perf_counter() - began
        tidy.write(output / f"{name}.csv", found, list({key: None for row in found for key in row}))
        tidy.write_json(output / f"{name}.json", {"quick": quick, "machine": about, "took": took, "rows": found})
        head = f"## {name}{' (quick)' if quick else ''}"
        tidy.replace_file(output / f"{name}.md", "\n".join([head, "", *lines, ""]))
        print("\n".join([f"== {name} ({took:.0f} s)", *lines, ""]), flush=True)
    parts = [path.read_text(encoding="utf-8") for path in sorted(output.glob("*.md")) if path.name != "gpu.md"]
    line = f"# Trials on a GPU\n\n{about['device']}, {machine.line(about)}, JAX {about['packages'].get('jax', '-')}\n\n"
    tidy.replace_file(output / "gpu.md", line + "\n".join(parts))
    return status


def device() -> str:
    """Name of the device that workers compute on; asked in one, so that the driver leaves a GPU alone."""
    with LocalProcesses(1) as pool:
        return pool.submit(_device).result()


def _device() -> str:
    import keras

    backend = keras.backend.backend()
    if backend == "jax":
        import jax

        return str(jax.devices()[0].device_kind)
    return f"the {backend} backend's device"


def _precision(found: Rows) -> tuple[Rows, list[str]]:
    frame = pd.DataFrame(found)
    lines = [
        "| model | parameters | precision | rows per second, median (range) | times float32, median (range) | "
        "validation accuracy, mean (range) | compiling, s |",
        "|---|---|---|---|---|---|---|",
    ]
    for subject, group in frame.groupby("subject", sort=False):
        plain = group[group["precision"] == "float32"].set_index("repeat")["rows_per_second"]
        for name, own in group.groupby("precision", sort=False):
            rates = own.set_index("repeat")["rows_per_second"]
            lines.append(
                f"| {subject} | {own['parameters'].iloc[0]:,} | {name} | {_spread(rates, 0)} | "
                f"{_spread(rates / plain, 2)} | {_spread(own['val_accuracy'], 4, np.mean)} | "
                f"{own['compiling'].astype(float).iloc[0]:.1f} |"
            )
    return found, [*lines, *_messages(found)]


def _sharing(found: Rows) -> tuple[Rows, list[str]]:
    lines = [
        "| workers | candidates per minute | times one worker | failed | seconds compiling | seconds training |",
        "|---|---|---|---|---|---|",
    ]
    first = found[0]["per_minute"]
    for row in found:
        lines.append(
            f"| {row['workers']} | {row['per_minute']:.1f} | {row['per_minute'] / first:.2f} | "
            f"{row['failed']} of {row['candidates']} | {row['trace']:.1f} | {row['train']:.1f} |"
        )
    return found, [*lines, *_messages(found)]


def _fit(found: Rows) -> tuple[Rows, list[str]]:
    frame = pd.DataFrame(found)
    lines = [
        "| model | evo, rows per second | fit, rows per second | ratio, median (range) | accuracy evo, fit |",
        "|---|---|---|---|---|",
    ]
    for subject, group in frame.groupby("subject", sort=False):
        sides = {side: part.set_index("repeat") for side, part in group.groupby("side")}
        ours, theirs = (sides[side]["rows_per_second"] for side in ("evo", "fit"))
        accuracies = ", ".join(f"{sides[side]['val_accuracy'].mean():.4f}" for side in ("evo", "fit"))
        lines.append(
            f"| {subject} | {_spread(ours, 0)} | {_spread(theirs, 0)} | {_spread(ours / theirs, 2)} | {accuracies} |"
        )
    return found, lines


def _repeatability(found: Rows) -> tuple[Rows, list[str]]:
    lines = ["| model | deterministic | equal bits | largest difference | seconds |", "|---|---|---|---|---|"]
    for row in found:
        if not row["message"]:
            lines.append(
                f"| {row['subject']} | {'yes' if row['deterministic'] else 'no'} | {'yes' if row['equal'] else 'no'} | "
                f"{row['difference']:.1e} | {row['seconds']:.2f} |"
            )
    return found, [*lines, *_messages(found)]


def _agreement(found: Rows) -> tuple[Rows, list[str]]:
    lines = ["| program | rounding | engine | largest relative difference | within 1e-5 |", "|---|---|---|---|---|"]
    for row in found:
        lines.append(
            f"| {row['program']} | {row['rounding']} | {row['engine']} | {row['difference']:.1e} | "
            f"{'yes' if row['within'] else 'no'} |"
        )
    return found, lines


def _messages(found: Rows) -> list[str]:
    return [f"- {row['message']}" for row in found if row.get("message")]


def _spread(values: Any, digits: int, middle: Callable[[np.ndarray], Any] = np.median) -> str:
    numbers = np.asarray(values, float)
    return f"{middle(numbers):,.{digits}f} ({numbers.min():,.{digits}f} to {numbers.max():,.{digits}f})"
