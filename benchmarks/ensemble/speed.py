"""How long selecting takes, and how much memory: 1,000 candidates, 10,000 rows, 10 classes, one core."""

from __future__ import annotations

import resource
import sys
import time
from pathlib import Path

import numpy as np

from benchmarks import machine, tidy
from evo.ensemble import LibraryModel, build

#: What is timed: arguments of :func:`evo.ensemble.build`. Campaigns for accuracy use the first.
METHODS: dict[str, dict[str, str]] = {
    "auto, calibrated": {"loss": "calibrated_log_loss", "single_loss": "error"},
    **{
        name: {"method": name}
        for name in ("auto", "best", "average", "weighted", "greedy", "bagged", "nes", "stacking")
    },
}


def make_candidates(count: int, rows: int, classes: int, seed: int = 0) -> tuple[list[LibraryModel], np.ndarray]:
    """Candidates that err partly together and partly alone."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, classes, rows)
    shared = rng.normal(size=(rows, classes)).astype(np.float32)
    shared[np.arange(rows), y] += 2
    candidates = []
    for number in range(count):
        scores = shared + rng.normal(size=shared.shape).astype(np.float32) * np.float32(rng.uniform(0.5, 1.5))
        np.exp(scores, out=scores)
        scores /= scores.sum(axis=1, keepdims=True)
        candidates.append(LibraryModel(number, scores))
    return candidates, y


def run_speed(output: Path, count: int = 1000, rows: int = 10_000, classes: int = 10) -> None:
    """Time every method, nested estimates and bootstrap included."""
    candidates, y = make_candidates(count, rows, classes)
    lines = [
        f"# Selecting among {count} candidates, {rows} rows, {classes} classes\n",
        f"{machine.line()}; peak memory includes the {count * rows * classes * 4 / 1e9:.1f} GB of predictions.\n",
        "| method | seconds | peak memory so far (GB) | members |\n|---|---|---|---|",
    ]
    for method, options in METHODS.items():
        started = time.perf_counter()
        chosen = build(candidates, y, "multiclass", 8, rng=np.random.default_rng(0), **options)  # type: ignore[arg-type]
        seconds = time.perf_counter() - started
        unit = 1e9 if sys.platform == "darwin" else 1e6
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
        lines.append(f"| {method} | {seconds:.2f} | {peak:.2f} | {len(chosen.candidates)} |")
    text = "\n".join(lines) + "\n"
    tidy.replace_file(output / "speed.md", text)
    print(text)
