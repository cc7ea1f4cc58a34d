"""A fold of rows, as models beside the nets are fitted on it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Fold:
    """Rows of one fold.

    Attributes:
        train: the training rows to learn from.
        judged: the validation rows to judge by.
        weight: of each row to learn from, or None.
    """

    train: np.ndarray
    judged: np.ndarray
    weight: np.ndarray | None = None
