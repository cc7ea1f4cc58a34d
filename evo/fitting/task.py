"""What ``evo.fit`` makes of its arguments: inputs, what is predicted, and the space that fits both."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from evo.core.errors import DataError
from evo.core.given_arrays import as_given_array
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


def inputs_and_target(data: Any, target: Any, form: TableFormat | None = None) -> tuple[Any, Any, str]:
    """Inputs, targets, and what the target is called.

    Args:
        data: a table with the target among its columns (a data frame, a mapping of columns, a path to a file),
            inputs alone, or a dataset that gives both.
        target: the column's name; the targets themselves; None for a dataset.
        form: how a file is written.

    Raises:
        DataError: no such column or file, or no target where one is needed.
    """
    data = inputs_of(data, form)
    if isinstance(target, str):
        names = list(data) if isinstance(data, Mapping) else list(getattr(data, "columns", ()))
        if not names:
            raise DataError(
                f"target: {target!r} is the name of a column, but data is {type(data).__name__} without column names; "
                "give a data frame, or the targets themselves"
            )
        if target not in names:
            raise DataError(f"target: there is no column {target!r}; there are {in_words(names)}")
        if isinstance(data, Mapping):
            return {name: values for name, values in data.items() if name != target}, data[target], target
        return data.drop(columns=[target]), data[target], target
    if target is None and not _is_dataset(data):
        raise DataError("target: say what is to be predicted: the name of a column, or one value per row")
    name = getattr(target, "name", None)
    return data, as_given_array(target, "target"), name if isinstance(name, str) else "y"


def _is_dataset(data: Any) -> bool:
    return hasattr(data, "as_numpy_iterator") or (hasattr(data, "__getitem__") and hasattr(data, "num_batches"))


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
