"""What ``evo.fit`` makes of its arguments: inputs, what is predicted, and the space that fits both."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from evo.core.errors import DataError
from evo.core.given_arrays import as_given_array, joined_name
from evo.core.given_datasets import gathered_columns, is_dataset
from evo.data import Data
from evo.fitting.array_files import is_array_file, read_array_file, rows_in
from evo.fitting.tables import TableFormat, read_table
from genomes.targets import Mixed, Multilabel, Target
from genomes.targets.labels import in_words, plain_array

#: Longer paths are none.
_LONGEST_PATH = 4096


def inputs_of(data: Any, form: TableFormat | None = None) -> Any:
    """Inputs as spaces take them: a file is read, a frame of another library becomes one of pandas.

    Args:
        data: as a user gave it.
        form: how the file is written.

    Raises:
        DataError: no such file, one that cannot be read, or what is neither rows nor a file.
    """
    if isinstance(data, (str, os.PathLike)):
        path = file_path(data)
        return rows_in(read_array_file(path)) if is_array_file(path) else read_table(path, form)
    if isinstance(data, np.ndarray) and data.dtype.names and all(data[name].ndim == 1 for name in data.dtype.names):
        import pandas

        return pandas.DataFrame({name: data[name] for name in data.dtype.names})
    return as_given_array(data, "data")


def as_table(x: Any) -> Any:
    """Rows that hold words beside numbers as a data frame: an array would make words of all, or objects.

    Args:
        x: what :func:`inputs_of` gave: an array of objects or words, (rows, columns), or a list of rows, say.
    """
    if isinstance(x, (list, tuple)) and x and all(isinstance(row, (list, tuple)) and len(row) > 1 for row in x):
        cells = x if len({len(row) for row in x}) == 1 else None
        if cells is None or not any(isinstance(value, str) for value in x[0]) or np.ndim(x[0][0]) > 0:
            return x
    elif not isinstance(x, np.ndarray) or x.dtype.kind not in "OUT" or x.ndim != 2 or x.shape[1] < 2:
        return x
    import pandas

    rows = [list(row) for row in x]
    return pandas.DataFrame(rows, columns=[f"column_{index}" for index in range(len(rows[0]))])


def file_path(data: str | os.PathLike[str]) -> Path:
    """The path of a file or folder.

    Raises:
        DataError: it is an address of the web, or the file's text.
    """
    text = os.fspath(data)
    if "\n" in text or len(text) > _LONGEST_PATH:
        raise DataError("data: expected the path of a file, got a text; of CSV give pandas.read_csv(io.StringIO(text))")
    if "://" in text:
        raise DataError(f"data: {text} is an address; give the path of a file, or what pandas.read_csv makes of it")
    return Path(text).expanduser()


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
    if data is None:
        raise DataError("data: expected rows, got None; give a data frame, arrays, a path or a dataset")
    if is_dataset(data) and _is_name(target):
        data = gathered_columns(data, "data") or data
    if target is None:
        _refuse_pairs(data)
    data = as_table(inputs_of(data, form))
    names = column_names(data)
    if _are_names(target, names):
        several = not _is_name(target, names)
        index = list(getattr(getattr(data, "index", None), "names", ()))
        wanted = [_column_of(names, name, index) for name in (target if several else [target])]
        called = tuple(str(name) for name in wanted)
        if isinstance(data, Mapping):
            rest: Any = {name: values for name, values in data.items() if name not in wanted}
            y: Any = _frame({name: data[name] for name in wanted}) if several else data[wanted[0]]
        else:
            rest = data.drop(columns=wanted)
            y = data[wanted[0]]
            if hasattr(y, "columns"):
                raise DataError(f"target: {len(y.columns)} columns are called {called[0]!r}; rename all but one")
            if several:
                y = _frame({name: data[name] for name in wanted})
        if not len(column_names(rest)):
            raise DataError(f"target: {in_words(list(called))} is all there is; nothing is left to predict it from")
        return rest, y, called
    if isinstance(target, str):
        raise DataError(
            f"target: {target!r} is the name of a column, but data is {type(data).__name__} without column names; "
            "give a data frame, or the targets themselves"
        )
    check_order_of(data, target, "target")
    if target is None and not is_dataset(data):
        raise DataError("target: say what is to be predicted: the name of a column, or one value per row")
    if isinstance(target, Mapping):
        target = _frame(target)
    name = getattr(target, "name", None)
    columns = column_names(target) if hasattr(target, "columns") else []
    given = tuple(map(str, columns)) or ((name,) if isinstance(name, str) else ("y",))
    return data, as_given_array(target, "target"), given


def check_order_of(data: Any, values: Any, name: str) -> None:
    """Raise where values and inputs of pandas name the same rows in another order: one of two things was meant.

    Raises:
        DataError: they do.
    """
    if not (hasattr(data, "iloc") and hasattr(values, "iloc")) or len(data) != len(values):
        return
    rows, others = data.index, values.index
    if not rows.equals(others) and rows.is_unique and others.is_unique and rows.isin(others).all():
        raise DataError(
            f"{name}: its index names the rows of data in another order; give {name}.loc[data.index], or "
            f"{name}.to_numpy() where the order is right and the index is not"
        )


def _frame(columns: Mapping[Any, Any]) -> Any:
    """Several targets as a data frame; booleans among columns of 0 and 1 are such.

    Raises:
        DataError: they are no columns, or differ in their number of rows.
    """
    import pandas

    arrays = {str(name): values for name, values in columns.items()}
    try:
        # Values that carry an index keep it: it is that of the inputs.
        frame = pandas.DataFrame(arrays)
    except (ValueError, TypeError) as error:
        raise DataError(f"target: {in_words(list(arrays))} are no columns of one length: {error}") from None
    flags = [name for name in frame if frame[name].dtype == bool]
    if flags and all(name in flags or set(frame[name].unique()) <= {0, 1} for name in frame):
        frame = frame.astype(dict.fromkeys(flags, int))
    return frame


def of_index(data: Any) -> list[str]:
    """A line that says that a frame's index is no input, where it has a name."""
    names = [name for name in getattr(getattr(data, "index", None), "names", ()) if name is not None]
    return [f"not looked at: the index {in_words(names)}; data.reset_index() makes a column of it"] if names else []


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
    if _is_name(target, names):
        return bool(names)
    if not isinstance(target, (list, tuple)) or not target or not all(isinstance(name, str) for name in target):
        return False
    # One of them may be misspelt; labels of rows are no columns at all.
    return len(set(target)) == len(target) and bool({str(name) for name in names} & set(target))


def _is_name(target: Any, names: Sequence[Any] = ()) -> bool:
    """Whether a target is the name of one column; a tuple may be one that stood on several levels."""
    if isinstance(target, tuple):
        return joined_name(target) in names
    return isinstance(target, (str, int, np.integer)) and not isinstance(target, bool)


def _refuse_pairs(data: Any) -> None:
    """What ``load_data`` of Keras returns, ``(x, y)`` or ``((x, y), (x, y))``, given as one.

    Raises:
        DataError: it is such a pair.
    """
    if not isinstance(data, tuple) or len(data) != 2:
        return
    if all(isinstance(part, tuple) and len(part) == 2 for part in data) and np.ndim(data[0][0]) > 0:
        raise DataError(
            "data: two pairs, to train and to test: evo.fit(x_train, y_train), and (x_test, y_test) to evaluate by"
        )
    if all(np.ndim(part) > 0 for part in data) and len(data[0]) == len(data[1]) > 2:
        raise DataError("data: a pair of inputs and targets; give them apart: evo.fit(x, y)")


def _column_of(names: Sequence[Any], wanted: Any, index: Sequence[Any] = ()) -> Any:
    """The column that is called so; ``2`` and ``"2"`` are one name where there is only one of the two.

    Raises:
        DataError: there is none.
    """
    wanted = joined_name(wanted)
    found = [name for name in names if name == wanted] or [name for name in names if str(name) == str(wanted)]
    if not found:
        hint = "; it is the index, which data.reset_index() makes a column" if wanted in index else ""
        near = [name for name in names if str(name).strip().lower() == str(wanted).strip().lower()]
        hint = f"; did you mean {in_words(near)}" if near else hint
        raise DataError(f"target: there is no column {wanted!r}; there are {in_words(list(names))}{hint}")
    return found[0]


# -- the target ------------------------------------------------------------------------
def all_targets(data: Data) -> Any:
    """Targets of the training rows, then those of the validation rows, as one array or frame."""
    # With folds the validation rows are among the others.
    parts = [data.y_train] if data.folds else [data.y_train, data.y_validation]
    parts = [_frame(part) if isinstance(part, Mapping) else part for part in parts]
    if all(hasattr(part, "iloc") for part in parts):
        import pandas

        return pandas.concat(parts)
    return np.concatenate([plain_array(part) for part in parts])


def remarks(data: Data, target: Target, name: str) -> list[str]:
    """What a user should know of the classes before anything is trained: one line each."""
    if isinstance(target, Mixed):
        if data.folds:
            return []
        both = (target.given_parts(y) for y in (data.y_train, data.y_validation))
        parts = zip(target.parts, *both, strict=True)
        return [line for part, train, kept in parts for line in _absent(train, kept, part.target, part.name)]
    if not target.gives_probabilities or isinstance(target, Multilabel):
        return []
    if data.folds:
        return _rare(data, target, name)
    return _absent(data.y_train, data.y_validation, target, name)


def _absent(y_train: Any, y_validation: Any, target: Target, name: str) -> list[str]:
    """A line on classes without training rows, and one on those without validation rows."""
    if not target.gives_probabilities or isinstance(target, Multilabel):
        return []
    train, kept = (np.asarray(target.prepare(y)).reshape(-1).astype(int) for y in (y_train, y_validation))
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
