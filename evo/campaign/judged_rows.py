"""The rows of a campaign as models beside the nets are fitted and judged on them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from evo.data import take
from evo.ensemble.fold import Fold
from evo.prepared_data import PreparedData


@dataclass(frozen=True, eq=False)
class JudgedRows:
    """Training rows, and those that candidates are judged by: the same as those of the nets, and the same folds.

    Attributes:
        x_train: prepared input.
        y_train: its targets.
        x_validation: prepared input of the rows to judge by; with folds those of one fold after the other.
        y_validation: their targets.
        folds: the folds; none where there is one split.
        weight: of each training row, or None.
        fingerprint: of the data.
    """

    x_train: Any
    y_train: np.ndarray
    x_validation: Any
    y_validation: np.ndarray
    folds: list[Fold]
    weight: np.ndarray | None
    fingerprint: str

    @classmethod
    def of(cls, data: PreparedData) -> JudgedRows:
        """Those of a campaign's data."""
        x, folds, kept = data.get("x_train"), _folds(data), data.get("x_validation")
        if folds:
            kept = take(x, np.concatenate([data.arrays[f"fold/{number}/validation"] for number in range(data.folds)]))
        return cls(
            x,
            np.asarray(data.get("y_train")),
            kept,
            np.asarray(data.get("y_validation")),
            folds,
            data.get("weight_train"),
            data.fingerprint,
        )


def _folds(data: PreparedData) -> list[Fold]:
    """Folds; their validation rows stand one fold after the other."""
    found, place = [], 0
    for number in range(data.folds):
        train, judged = data.arrays[f"fold/{number}/train"], data.arrays[f"fold/{number}/validation"]
        weight = data.arrays.get(f"fold/{number}/weight")
        if weight is None and "weight_train" in data.arrays:
            weight = data.arrays["weight_train"][train]
        found.append(Fold(train, place + np.arange(len(judged)), weight))
        place += len(judged)
    return found
