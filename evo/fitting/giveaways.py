"""Columns that say what is to be predicted: the target in other words, or known after it only."""

from __future__ import annotations

from typing import Any

import numpy as np

from genomes.spaces.columns import as_texts, named_columns
from genomes.targets.labels import in_words, plain_array

#: Fewer rows than this agree by chance.
_FEW_ROWS = 20
#: Correlation from which a column of numbers is the target in other units.
_SAME = 1 - 1e-9


def giveaways(x: Any, y: Any, name: str) -> list[str]:
    """A line that names the columns which tell the target in every row; none where there are none.

    Such are words, one for each class, and numbers that are a multiple of the target's, whatever is added.

    Args:
        x: inputs of the training rows.
        y: their targets.
        name: what the target is called.
    """
    targets = plain_array(y) if not hasattr(y, "columns") else np.empty((0, 2))
    if targets.ndim != 1 or len(targets) < _FEW_ROWS or targets.dtype.kind not in "biufU":
        return []
    columns = {
        column: np.asarray(values)
        for column, values in (named_columns(x) or {}).items()
        if np.ndim(values) == 1 and len(values) == len(targets)
    }
    found = [column for column, values in columns.items() if _tells(values, targets, column)]
    if not found:
        return []
    return [f"{in_words(found)}: tells {name} in every row; where that is not known beforehand, leave it out"]


def _tells(values: np.ndarray, targets: np.ndarray, column: str) -> bool:
    if values.dtype.kind in "iuf" and targets.dtype.kind in "iuf":
        numbers = values.astype(np.float64)
        if not np.isfinite(numbers).all() or not numbers.std() or not targets.std():
            return False
        return abs(float(np.corrcoef(numbers, targets.astype(np.float64))[0, 1])) > _SAME
    if values.dtype.kind not in "OUbiu" or any(isinstance(value, (list, dict)) for value in values[:1].tolist()):
        return False
    words = np.unique(as_texts(values, column), return_inverse=True)
    classes = np.unique(targets, return_inverse=True)
    pairs = np.unique(np.stack([words[1], classes[1]]), axis=1).shape[1]
    return bool(pairs == len(words[0]) == len(classes[0]) and 2 * pairs <= len(targets))
