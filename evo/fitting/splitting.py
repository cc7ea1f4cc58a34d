"""What ``evo.fit`` is told of the split: columns of the data by their names, as arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from evo.core.errors import DataError
from evo.data import Data
from genomes.targets.labels import in_words


@dataclass(frozen=True)
class Splitting:
    """How rows are split, as :class:`evo.Data` takes it.

    Attributes:
        validation: see :class:`evo.Data`.
        groups: likewise.
        time: likewise.
        folds: likewise.
    """

    validation: Any = None
    groups: Any = None
    time: Any = None
    folds: int | None = None

    @property
    def is_said(self) -> bool:
        """Whether anything was said of the split."""
        return any(given is not None for given in (self.validation, self.groups, self.time, self.folds))

    @property
    def is_drawn(self) -> bool:
        """Whether rows are counted out, and none is named by its number."""
        return self.validation is None or isinstance(self.validation, (int, float, np.integer, np.floating))

    def of_rows(self, rows: np.ndarray) -> Splitting:
        """Of some of the rows, by their numbers."""
        groups, time = (None if values is None else np.asarray(values)[rows] for values in (self.groups, self.time))
        return Splitting(self.validation, groups, time, self.folds)


def with_columns(x: Any, splitting: Splitting) -> tuple[Any, Splitting]:
    """Values in place of names of columns; what only splits is taken out of the inputs.

    ``groups="patient"`` and ``validation="held_out"`` name columns that are no inputs; that of ``time="date"`` stays
    one.

    Raises:
        DataError: no such column, or one that does not say which rows to judge by.
    """
    found: dict[str, Any] = {}
    for name in ("validation", "groups", "time"):
        given = getattr(splitting, name)
        if not isinstance(given, str):
            found[name] = given
            continue
        names = list(x) if isinstance(x, Mapping) else list(getattr(x, "columns", ()))
        if given not in names:
            told = f"there are {in_words(names)}" if names else "data has no column names"
            raise DataError(f"{name}: there is no column {given!r}; {told}")
        found[name] = _judged_by(x[given], given) if name == "validation" else np.asarray(x[given])
    only_split = {given for given in (splitting.validation, splitting.groups) if isinstance(given, str)}
    if only_split and isinstance(x, Mapping):
        x = {name: values for name, values in x.items() if name not in only_split}
    elif only_split:
        x = x.drop(columns=sorted(only_split))
    return x, Splitting(**found, folds=splitting.folds)


def in_folds(data: Data) -> list[str]:
    """A line that says what cross-validation costs; none where there are no folds."""
    if not data.folds:
        return []
    return [
        f"every candidate is cross-validated: trained {data.folds} times, judged by {data.validation_rows} rows in "
        "all, and predicts with the mean of its models"
    ]


def _judged_by(values: Any, name: str) -> Any:
    """A column of truth values, or of 0 and 1, as truth values; one of fold numbers as a splitter."""
    array = np.asarray(values)
    if array.dtype.kind == "O" and all(isinstance(value, (bool, np.bool_)) for value in array):
        array = array.astype(bool)
    different = np.unique(array) if array.dtype.kind in "biuf" else np.array([])
    if array.dtype.kind == "b" or (len(different) and set(different.tolist()) <= {0, 1}):
        return array.astype(bool)
    if len(different) and (different == np.round(different)).all() and different.min() >= -1:
        from sklearn.model_selection import PredefinedSplit

        return PredefinedSplit(array.astype(int))
    raise DataError(
        f"validation: the column {name!r} must be true (or 1) where rows are to judge by, or hold the number of each "
        "row's fold"
    )
