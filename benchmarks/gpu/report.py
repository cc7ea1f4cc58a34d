"""Tables of what the benchmark on a GPU wrote."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks import machine, tidy


def write(output: Path) -> str:
    """Write ``gpu.md`` from the files in a folder; returns its text."""
    about = json.loads((output / "machine.json").read_text(encoding="utf-8"))
    jax = about["packages"].get("jax", "-")
    parts = [
        f"# Trials on a GPU{' (quick)' if about['quick'] else ''}",
        f"{about['device']}, {machine.line(about)}, JAX {jax}",
    ]
    for name, lines_of in TABLES.items():
        path = output / f"{name}.csv"
        if path.exists():
            frame = tidy.read(path)
            messages = frame["message"].dropna().tolist() if "message" in frame else []
            notes = [f"- {text}" for text in messages]
            parts.append("\n".join([f"## {name}", "", *lines_of(frame), *notes]))
    text = "\n\n".join(parts) + "\n"
    tidy.replace_file(output / "gpu.md", text)
    return text


def _training(frame: pd.DataFrame) -> list[str]:
    lines = [
        "| model | parameters | trained | rows per second, median (range) | times evo's float32, median (range) | "
        "validation accuracy | first epoch after, s |",
        "|---|---|---|---|---|---|---|",
    ]
    for subject, group in frame.groupby("subject", sort=False):
        plain = group[group["way"] == "float32"].set_index("repeat")["rows_per_second"]
        for way, own in group.groupby("way", sort=False):
            rates = own.set_index("repeat")["rows_per_second"]
            lines.append(
                f"| {subject} | {int(own['parameters'].iloc[0]):,} | {way} | {_spread(rates, 0)} | "
                f"{_spread((rates / plain).dropna(), 2)} | {own['val_accuracy'].iloc[-1]:.4f} | "
                f"{own['first'].iloc[0]:.0f} |"
            )
    return lines


def _sharing(frame: pd.DataFrame) -> list[str]:
    lines = [
        "| workers | candidates per minute | times one worker | failed | seconds building | compiling | training |",
        "|---|---|---|---|---|---|---|",
    ]
    alone = frame[frame["workers"] == 1]["per_minute"]
    for _, row in frame.sort_values("workers").iterrows():
        ratio = f"{row['per_minute'] / alone.iloc[0]:.2f}" if len(alone) else "-"
        lines.append(
            f"| {row['workers']} | {row['per_minute']:.1f} | {ratio} | {row['failed']} of {row['candidates']} | "
            f"{row['build']:.1f} | {row['trace']:.1f} | {row['train']:.1f} |"
        )
    return lines


def _repeatability(frame: pd.DataFrame) -> list[str]:
    lines = ["| model | deterministic | equal bits | largest difference | seconds |", "|---|---|---|---|---|"]
    for _, row in frame.iterrows():
        if "equal" in row and not pd.isna(row["equal"]):
            lines.append(
                f"| {row['subject']} | {_yes(row['deterministic'])} | {_yes(row['equal'])} | "
                f"{row['difference']:.1e} | {row['seconds']:.2f} |"
            )
    return lines


def _agreement(frame: pd.DataFrame) -> list[str]:
    lines = ["| program | rounding | engine | largest relative difference | within 1e-5 |", "|---|---|---|---|---|"]
    for _, row in frame.sort_values(["rounding", "program"]).iterrows():
        lines.append(
            f"| {row['program']} | {row['rounding']} | {row['engine']} | {row['difference']:.1e} | "
            f"{_yes(row['within'])} |"
        )
    return lines


TABLES: dict[str, Callable[[pd.DataFrame], list[str]]] = {
    "training": _training,
    "sharing": _sharing,
    "repeatability": _repeatability,
    "agreement": _agreement,
}


def _yes(value: Any) -> str:
    return "yes" if str(value) == "True" else "no"


def _spread(values: Any, digits: int) -> str:
    numbers = np.asarray(values, float)
    if not len(numbers):
        return "-"
    return f"{np.median(numbers):,.{digits}f} ({numbers.min():,.{digits}f} to {numbers.max():,.{digits}f})"
