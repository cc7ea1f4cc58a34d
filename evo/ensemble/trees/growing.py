"""What trees of one kind are grown from: rows, settings, and how long it may take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

_VALUES_PER_THREAD = 100_000


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows of a table as numbers.

    Attributes:
        matrix: float64 (rows, columns), categories as codes in the first columns, missing values NaN.
        y: (rows,): int64 classes, or float numbers.
        weight: of each row, or None.
    """

    matrix: np.ndarray
    y: np.ndarray
    weight: np.ndarray | None = None

    @property
    def are_classes(self) -> bool:
        """Whether classes are predicted."""
        return self.y.dtype.kind == "i"


@dataclass(frozen=True, eq=False)
class Growing:
    """One model of trees to be grown.

    Attributes:
        rows: to learn from.
        judged: rows by which boosting is stopped early, or None: then the trees keep some of ``rows`` for it.
        categorical: mask of the columns that are categories.
        settings: of the library, over our defaults.
        iterations: most rounds of boosting; None for the default of the kind.
        seed: of what is drawn.
        seconds: after which no further trees are grown, or None.
    """

    rows: Rows
    judged: Rows | None
    categorical: np.ndarray
    settings: Mapping[str, Any]
    iterations: int | None = None
    seed: int = 0
    seconds: float | None = None

    @property
    def threads(self) -> int:
        """Threads to grow with: one for each 100,000 values, as many as there are processors at most.

        Threads that wait for each other at every split gain little on a small table, and lose much where something
        else runs on the machine: see docs/decisions/trees.md.
        """
        from joblib import cpu_count

        return max(1, min(cpu_count(), self.rows.matrix.size // _VALUES_PER_THREAD))
