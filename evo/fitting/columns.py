"""Which columns of a table are looked at, and as what: the plan of a frame, which the space stores."""

from __future__ import annotations

from typing import Any

import numpy as np

from genomes.spaces.columns import Column, as_texts, infer_columns, named_columns
from genomes.targets.labels import in_words

#: Fewer rows than this say nothing of whether a column is a key.
_FEW_ROWS = 20
#: Share of different texts from which a column is a key or free text, and the words that tell the two apart.
_MOSTLY_DIFFERENT = 0.9
_TEXT_WORDS = 3
#: Texts that are numbers, more different ones than this, are numbers.
_MOST_NUMBER_WORDS = 20


def planned_columns(x: Any) -> tuple[list[Column] | None, list[str]]:
    """The columns that are looked at, and a line for each kind that is not.

    Dates, also as texts, become numbers (:mod:`genomes.spaces.dates`), texts that are all numbers, too. Left out are
    columns of one value, row numbers, keys (texts that are nearly all different) and free text; unless nothing would be
    left.

    Args:
        x: inputs of the training rows.

    Returns:
        The columns, None where inputs are no table with named columns; and the lines.
    """
    named = named_columns(x)
    if not named or any(np.ndim(values) != 1 for values in named.values()):
        return None, []
    columns, _ = infer_columns(x, text_dates=True)
    kept: list[Column] = []
    out: dict[str, list[str]] = {}
    for column in columns:
        why = "" if column.part else _why_not(column, named[column.name])
        if why:
            out.setdefault(why, []).append(column.name)
        elif column.kind == "text" and _all_numbers(named[column.name]):
            kept.append(Column(column.name, missing=True))
        else:
            kept.append(column)
    if not kept:
        return columns, []
    lines = [f"left out: {in_words(names)}: {why}" for why, names in out.items()]
    dates = sorted({column.source for column in kept if column.part})
    if dates:
        lines.append(f"dates: {in_words(dates)}: taken as days, year, month, weekday and hour, where these vary")
    return kept, lines


def _why_not(column: Column, values: Any) -> str:
    """Why a column is left out; the empty text where it is not."""
    array = np.asarray(values)
    rows = len(array)
    if column.kind == "numeric":
        if array.dtype.kind in "iu" and rows >= _FEW_ROWS and (np.sort(array) == _counted(array)).all():
            return "row numbers or keys"
        numbers = array.astype(np.float64) if array.dtype.kind in "biuf" else None
        return "one value only" if numbers is not None and len(np.unique(numbers)) == 1 else ""
    texts = as_texts(array, column.name)
    known = texts[texts != ""]
    if len(known) in (0, rows) and len(np.unique(texts)) == 1:
        return "one value only"
    if column.kind != "text" or rows < _FEW_ROWS or str(getattr(values, "dtype", "")) == "category":
        return ""
    if len(np.unique(known)) < _MOSTLY_DIFFERENT * max(len(known), _FEW_ROWS) or _all_numbers(values):
        return ""
    if np.median([len(text.split()) for text in known.tolist()]) >= _TEXT_WORDS:
        return "free text; a model of its own takes it: give this column alone"
    return "names or keys, nearly all different"


def _counted(array: np.ndarray) -> np.ndarray:
    """Whole numbers in a row from the least: what row numbers are, some of which the validation rows may have."""
    low, high = int(array.min()), int(array.max())
    if len(np.unique(array)) != len(array) or high - low + 1 > 2 * len(array):
        return np.full(len(array), low - 1)
    return np.sort(array)


def _all_numbers(values: Any) -> bool:
    array = np.asarray(values)
    texts = array if array.dtype.kind == "U" else None
    if array.dtype.kind == "O" and all(isinstance(value, str) for value in array):
        texts = array.astype(np.str_)
    if texts is None or len(np.unique(texts)) <= _MOST_NUMBER_WORDS:
        return False
    if any(len(text) > 1 and text[0] == "0" and text.isdigit() for text in texts.tolist()):
        return False
    try:
        return bool(np.isfinite(texts.astype(np.float64)).all())
    except ValueError:
        return False
