"""Columns of texts that are numbers, in tables that were no files: read as the same cells of a file would be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from evo.fitting.cells import NUMBERS, Known, typed
from genomes.targets.labels import is_missing

#: Texts of no more different numbers than this are categories: somebody made words of them.
_MOST_CATEGORIES = 20


def with_numbers(x: Any) -> tuple[Any, Known | None]:
    """Inputs with numbers in place of texts that are all numbers, more than twenty different ones.

    Args:
        x: inputs as a user gave them.

    Returns:
        The inputs, and what is known of further ones; None where nothing was to be read.
    """
    columns = {name: column for name, column in _columns_of_texts(x).items() if column.nunique() > _MOST_CATEGORIES}
    if not columns:
        return x, None
    found, reading = typed(list(columns.values()), "", Known())
    numbers = {n: column for n, column in zip(columns, found, strict=True) if column.dtype.kind in "iuf"}
    if not numbers:
        return x, None
    lines = tuple(line for line in reading.lines if any(line.startswith(f"{name}: ") for name in numbers))
    return _with(x, numbers), Known(usual=replace(reading, lines=lines), kinds={str(name): NUMBERS for name in numbers})


def with_numbers_of(x: Any, known: Known) -> Any:
    """Inputs for a model, with numbers in place of texts in its columns of numbers; what is no number stays.

    Args:
        x: inputs as a user gave them.
        known: what the model's columns are, and how those of its training were read.
    """
    columns = {n: column for n, column in _columns_of_texts(x).items() if known.kinds.get(str(n)) == NUMBERS}
    if not columns:
        return x
    found, _ = typed(list(columns.values()), "", known)
    return _with(x, {n: column for n, column in zip(columns, found, strict=True) if column.dtype.kind in "iufb"})


def _columns_of_texts(x: Any) -> dict[Any, Any]:
    """Columns whose values are texts, or missing, as series of texts; missing ones are empty."""
    import pandas

    if isinstance(x, Mapping):
        named = {name: values for name, values in x.items() if np.ndim(values) == 1}
    elif hasattr(x, "iloc") and hasattr(x, "columns"):
        named = {name: x[name] for name in x.columns if (x.columns == name).sum() == 1}
    else:
        return {}
    found = {}
    for name, values in named.items():
        if str(getattr(values, "dtype", "")) == "category":
            continue
        array = np.asarray(values)
        if array.dtype.kind not in "OUT" or not any(isinstance(value, str) for value in array[:_MOST_CATEGORIES]):
            continue
        texts = ["" if is_missing(value) else value for value in array.tolist()]
        if all(isinstance(value, str) for value in texts):
            found[name] = pandas.Series(texts, name=name, dtype=object)
    return found


def _with(x: Any, columns: Mapping[Any, Any]) -> Any:
    if not columns:
        return x
    arrays = {name: column.to_numpy() for name, column in columns.items()}
    if isinstance(x, Mapping):
        return {**x, **arrays}
    frame = x.copy(deep=False)
    for name, array in arrays.items():
        frame[name] = array
    return frame
