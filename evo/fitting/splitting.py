"""What ``evo.fit`` is told of the split: columns of the data by their names, as arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from evo.core.errors import DataError
from evo.data import Data
from evo.fitting.tables import TableFormat, read_table
from evo.fitting.task import column_names, inputs_and_target, without_columns
from genomes.spaces.base import Space
from genomes.spaces.tabular import TabularSpace
from genomes.targets.labels import in_words

#: What stands for "on small tables".
AUTO = "auto"
#: Rows of a table up to which candidates are cross-validated where nothing else is said, and on how many folds.
FEW_ROWS, FOLDS = 1000, 5


@dataclass(frozen=True)
class Splitting:
    """How rows are split, as :class:`evo.Data` takes it.

    Attributes:
        validation: see :class:`evo.Data`.
        groups: likewise.
        time: likewise.
        folds: likewise; ``auto`` as long as it is not decided.
    """

    validation: Any = None
    groups: Any = None
    time: Any = None
    folds: int | str | None = None

    @property
    def is_said(self) -> bool:
        """Whether anything was said of the split."""
        return any(given is not None for given in (self.validation, self.groups, self.time, self.number_of_folds))

    @property
    def number_of_folds(self) -> int | None:
        """Folds that were asked for by their number; None for none.

        Raises:
            DataError: another word than ``auto``.
        """
        if isinstance(self.folds, str) and self.folds != AUTO:
            raise DataError(f"folds: expected a whole number, None or {AUTO!r}, got {self.folds!r}")
        return None if isinstance(self.folds, str) else self.folds

    def decided(self, space: Space, data: Data, in_time: bool) -> Splitting | None:
        """Folds for a small table, where that is left to us; None where it stays as it is.

        Cross-validation judges candidates, and weighs an ensemble's members, by all rows and not by a fifth of them,
        and averages the folds' models; it costs as many trainings as there are folds. So it is for tables of few rows,
        where a training is short and a fifth of the rows says little, and where minutes alone limit the search: trials
        that were counted stay one training each.

        Args:
            space: what is searched.
            data: split without folds.
            in_time: whether minutes alone limit the search.
        """
        rows = data.rows + data.validation_rows
        if self.folds != AUTO or self.validation is not None or self.time is not None or not in_time:
            return None
        if not isinstance(space, TabularSpace) or not 2 * FOLDS <= rows <= FEW_ROWS:
            return None
        if self.groups is not None and len(np.unique(np.asarray(self.groups))) < 2 * FOLDS:
            return None
        return replace(self, folds=FOLDS)

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
            what = "file" if name == "validation" and Path(given).suffix else "column"
            raise DataError(f"{name}: there is no {what} {given!r}; {told if what == 'column' else 'give its path'}")
        found[name] = _judged_by(x[given], given) if name == "validation" else np.asarray(x[given])
    only_split = {given for given in (splitting.validation, splitting.groups) if isinstance(given, str)}
    if only_split and isinstance(x, Mapping):
        x = {name: values for name, values in x.items() if name not in only_split}
    elif only_split:
        x = x.drop(columns=sorted(only_split))
    return x, Splitting(**found, folds=splitting.folds)


def with_table(
    splitting: Splitting, target: Any, x: Any, form: TableFormat | None = None
) -> tuple[Splitting, Path | None]:
    """A table of validation rows, or the path of one, as the inputs and the targets that are among its columns.

    Args:
        splitting: what was said.
        target: names of the target's columns, as a user gave them.
        x: the training inputs.
        form: how its file is written.

    Returns:
        What was said, with the table's rows, and the folder of its file.

    Raises:
        DataError: the table has no such columns.
    """
    given, place = splitting.validation, None
    if isinstance(given, str) and given not in column_names(x) and Path(given).is_file():
        given = Path(given)
    if isinstance(given, Path):
        given, place = read_table(given, form), given.parent
    told = isinstance(target, (str, list, tuple, int)) and bool(column_names(given))
    if not told or not column_names(x):
        return splitting, place
    try:
        inputs, targets, _ = inputs_and_target(given, target)
    except DataError as error:
        raise DataError(f"validation: {error}") from None
    if targets is None or len(inputs) == 0:
        return splitting, place
    return replace(splitting, validation=(inputs, targets)), place


def without_weights(x: Any, name: str) -> tuple[Any, np.ndarray]:
    """Inputs without the column of weights, and the weights.

    Raises:
        DataError: there is no such column.
    """
    names = column_names(x)
    if name not in names:
        told = f"there are {in_words(names)}" if names else "data has no column names"
        raise DataError(f"sample_weight: there is no column {name!r}; {told}")
    return without_columns(x, [name]), np.asarray(x[name])


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
