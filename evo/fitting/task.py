"""What ``evo.fit`` makes of its arguments: inputs, what is predicted, and the space that fits both."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from evo.core.errors import DataError
from evo.core.given_arrays import as_given_array
from evo.core.given_datasets import is_dataset
from evo.data import Data
from evo.fitting.tables import TableFormat, read_table
from genomes import spaces
from genomes.errors import GenomeError
from genomes.spaces.base import Space
from genomes.spaces.columns import Column
from genomes.targets import Multilabel, Target
from genomes.targets.labels import in_words, plain_array

#: Words of the longest texts from which a single column of texts is text and not a category.
_TEXT_WORDS = 3


def inputs_of(data: Any, form: TableFormat | None = None) -> Any:
    """Inputs as spaces take them: a file is read, a frame of another library becomes one of pandas.

    Args:
        data: as a user gave it.
        form: how the file is written.

    Raises:
        DataError: no such file, one that cannot be read, or what is neither rows nor a file.
    """
    return as_given_array(read_table(Path(data), form) if isinstance(data, (str, os.PathLike)) else data, "data")


def inputs_and_target(data: Any, target: Any, form: TableFormat | None = None) -> tuple[Any, Any, tuple[str, ...]]:
    """Inputs, targets, and what the targets are called.

    Args:
        data: a table with the target among its columns (a data frame, a mapping of columns, a path to a file),
            inputs alone, or a dataset that gives both.
        target: the column's name, or several names; the targets themselves; None for a dataset.
        form: how a file is written.

    Raises:
        DataError: no such column or file, or no target where one is needed.
    """
    data = inputs_of(data, form)
    names = column_names(data)
    if _are_names(target, names):
        several = not isinstance(target, (str, int, np.integer))
        wanted = [_column_of(names, name) for name in (target if several else [target])]
        called = tuple(str(name) for name in wanted)
        if isinstance(data, Mapping):
            rest: Any = {name: values for name, values in data.items() if name not in wanted}
            y: Any = data[wanted[0]] if not several else np.stack([np.asarray(data[name]) for name in wanted], axis=1)
        else:
            rest = data.drop(columns=wanted)
            y = data[wanted[0]]
            if several:
                y = data[wanted].set_axis(list(called), axis=1)
                y = y.astype({name: int for name in called if y[name].dtype == bool})
        if not len(column_names(rest)):
            raise DataError(f"target: {in_words(list(called))} is all there is; nothing is left to predict it from")
        return rest, y, called
    if isinstance(target, str):
        raise DataError(
            f"target: {target!r} is the name of a column, but data is {type(data).__name__} without column names; "
            "give a data frame, or the targets themselves"
        )
    if target is None and not is_dataset(data):
        raise DataError("target: say what is to be predicted: the name of a column, or one value per row")
    name = getattr(target, "name", None)
    columns = column_names(target) if hasattr(target, "columns") else []
    given = tuple(map(str, columns)) or ((name,) if isinstance(name, str) else ("y",))
    return data, as_given_array(target, "target"), given


def column_names(data: Any) -> list[Any]:
    """Names of the columns of a data frame or a mapping; none for anything else."""
    return list(data) if isinstance(data, Mapping) else list(getattr(data, "columns", ()))


def without_columns(data: Any, names: Sequence[str]) -> Any:
    """A table without some of its columns; those that it does not have are none of them."""
    wanted = [name for name in column_names(data) if str(name) in names]
    if not wanted:
        return data
    if isinstance(data, Mapping):
        return {name: values for name, values in data.items() if name not in wanted}
    return data.drop(columns=wanted)


def _are_names(target: Any, names: Sequence[Any]) -> bool:
    """Whether a target is told by the names of columns, and is no targets."""
    if isinstance(target, str):
        return bool(names)
    if isinstance(target, (int, np.integer)) and not isinstance(target, bool):
        return bool(names)
    words = isinstance(target, (list, tuple)) and target and all(isinstance(name, str) for name in target)
    return bool(words and len(set(target)) == len(target) and {str(name) for name in names} >= set(target))


def _column_of(names: Sequence[Any], wanted: Any) -> Any:
    """The column that is called so; ``2`` and ``"2"`` are one name where there is only one of the two.

    Raises:
        DataError: there is none.
    """
    found = [name for name in names if name == wanted] or [name for name in names if str(name) == str(wanted)]
    if not found:
        raise DataError(f"target: there is no column {wanted!r}; there are {in_words(list(names))}")
    return found[0]


# -- the target ------------------------------------------------------------------------
def all_targets(data: Data) -> Any:
    """Targets of the training rows, then those of the validation rows, as one array or frame."""
    # With folds the validation rows are among the others.
    parts = [data.y_train] if data.folds else [data.y_train, data.y_validation]
    if any(isinstance(part, Mapping) for part in parts):
        raise DataError("target: several targets by name are not fitted in one call; fit one model for each")
    if all(hasattr(part, "iloc") for part in parts):
        import pandas

        return pandas.concat(parts)
    return np.concatenate([plain_array(part) for part in parts])


def remarks(data: Data, target: Target, name: str) -> list[str]:
    """What a user should know of the classes before anything is trained: one line each."""
    if not target.gives_probabilities or isinstance(target, Multilabel):
        return []
    if data.folds:
        return _rare(data, target, name)
    train, kept = (np.asarray(target.prepare(y)).reshape(-1).astype(int) for y in (data.y_train, data.y_validation))
    number = len(target.labels or ()) or max(2, target.width)
    found = []
    for rows, others, what, hint in (
        (train, kept, "training", "nothing can be learnt of what stands in the validation rows alone"),
        (kept, train, "validation", "they are not judged"),
    ):
        absent = [n for n in range(number) if n not in set(rows) and n in set(others)]
        if absent:
            called = target.labels_at(np.asarray(absent)).tolist()
            found.append(f"{name}: no {what} row of {in_words(called, 3)}: {hint}")
    return found


def _rare(data: Data, target: Target, name: str) -> list[str]:
    """A line on classes that some fold's model sees no row of."""
    labels = np.asarray(target.prepare(data.y_train)).reshape(-1).astype(int)
    absent = {int(n) for split in data.splits for n in np.setdiff1d(labels[split.validation], labels[split.train])}
    if not absent:
        return []
    called = target.labels_at(np.asarray(sorted(absent))).tolist()
    return [f"{name}: so few rows of {in_words(called, 3)} that some fold is trained on none of them"]


# -- the space -------------------------------------------------------------------------
def space_for(x: Any, target: Target, columns: list[Column] | None = None) -> Space:
    """The premade space that fits the inputs.

    Tables become :func:`genomes.spaces.tabular`; arrays of rank 4, and of rank 3 with squares or bytes,
    :func:`genomes.spaces.image`; other arrays of rank 3 :func:`genomes.spaces.timeseries`; texts
    :func:`genomes.spaces.text`.

    Args:
        x: inputs of the training rows.
        target: what is predicted.
        columns: those of a table that are looked at; all of them for None.

    Raises:
        DataError: inputs that no premade space takes.
    """
    try:
        if columns is not None:
            return spaces.tabular(columns, task=target)  # type: ignore[arg-type]
        if isinstance(x, Mapping) or hasattr(x, "columns") or getattr(getattr(x, "dtype", None), "names", None):
            return spaces.tabular(x, task=target)  # type: ignore[arg-type]
        array = np.asarray(x)
        if array.ndim == 1 and array.dtype.kind in "OUST":
            return spaces.text(task=target)  # type: ignore[arg-type]
        if array.ndim == 2:
            if array.shape[1] == 1 and array.dtype.kind in "OUST" and _are_texts(array[:, 0]):
                return spaces.text(task=target)  # type: ignore[arg-type]
            return spaces.tabular(x, task=target)  # type: ignore[arg-type]
        if array.ndim == 4:
            return _pictures(array.shape[1:], target)
        if array.ndim == 3 and (array.dtype == np.uint8 or (array.shape[1] == array.shape[2] >= 8)):
            return _pictures((*array.shape[1:], 1), target)
        if array.ndim == 3:
            return spaces.timeseries(array.shape[1:], task=target)  # type: ignore[arg-type]
    except GenomeError as error:
        raise DataError(str(error)) from error
    raise DataError(
        f"data: expected a table (rows, columns), texts (rows,), series (rows, steps, channels) or pictures (rows, "
        f"height, width, channels), got shape {array.shape} of {array.dtype}; for other inputs give space="
    )


def _are_texts(column: np.ndarray) -> bool:
    return bool(np.median([len(str(value).split()) for value in column]) >= _TEXT_WORDS)


def _pictures(shape: tuple[int, ...], target: Target) -> Space:
    height, width, channels = shape
    if channels > 4 and height <= 4:
        raise DataError(
            f"data: pictures of shape {shape} seem to have their channels first; move them to the end: "
            "np.moveaxis(x, 1, -1)"
        )
    return spaces.image((height, width, channels), task=target, flip=False)  # type: ignore[arg-type]
