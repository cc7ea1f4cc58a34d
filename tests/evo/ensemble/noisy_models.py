"""Noisy models of one truth, to select from."""

from __future__ import annotations

import numpy as np

from evo.ensemble.library import LibraryModel
from evo.ensemble.selection.selection import Selection

ROWS = 40


def rng() -> np.random.Generator:
    return np.random.default_rng(3)


def noisy(
    task: str = "binary", count: int = 5, rows: int = ROWS, seed: int = 0
) -> tuple[list[LibraryModel], np.ndarray]:
    """Noisy models of one truth, and its labels or numbers; the parameters grow by tens."""
    random = np.random.default_rng(seed)
    outputs = {"binary": 1, "multiclass": 3, "multilabel": 2, "regression": 1}[task]
    truth = random.normal(size=(rows, outputs))
    candidates = []
    for number in range(count):
        own = truth + random.normal(size=truth.shape) * (0.8 + 0.1 * number)
        if task == "multiclass":
            own = np.exp(2 * own) / np.exp(2 * own).sum(axis=1, keepdims=True)
        elif task != "regression":
            own = 1 / (1 + np.exp(-2 * own))
        candidates.append(
            LibraryModel(number, own.astype(np.float32), parameters=10 * (number + 1), latency=0.1 * (number + 1))
        )
    y = {"multiclass": truth.argmax(axis=1), "regression": truth}.get(task, (truth > 0).astype(int))
    return candidates, y


def numbers(chosen: Selection) -> list[int]:
    return [c.number for c in chosen.candidates]
