"""Which inputs are looked at, and as what: the plan of a frame or of arrays by name, which the space stores."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from genomes.spaces.columns import Column, as_texts, infer_columns, named_columns
from genomes.spaces.dates import form_of
from genomes.spaces.words import number_of_words
from genomes.targets.labels import in_words, is_missing

#: Fewer rows than this say nothing of whether a column is a key.
_FEW_ROWS = 20
#: Share of different texts from which a column is a key or free text, and the words that tell the two apart.
_MOSTLY_DIFFERENT = 0.9
_MOSTLY_TEXT = 0.5
_TEXT_WORDS = 3
#: Digits and signs between spaces, of telephone numbers say.
_NO_WORDS = re.compile(r"(?<!\S)[\d!-/:-@\[-`{-~]+(?!\S)")
_ONE_VALUE = "one value only"
#: Texts that are numbers, more different ones than this, are numbers.
_MOST_NUMBER_WORDS = 20


@dataclass(frozen=True)
class InputPlan:
    """What is looked at.

    Attributes:
        columns: columns of a table; None where inputs are one array.
        texts: names of columns of free text, each an input of its own.
        arrays: names of what has several values per row (pictures, series), each an input of its own.
        lines: what a user is told of it.
        is_empty: whether no column says anything of a row.
    """

    columns: list[Column] | None = None
    texts: tuple[str, ...] = ()
    arrays: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()
    is_empty: bool = False

    @property
    def is_joint(self) -> bool:
        """Whether a table alone is not enough."""
        return bool(self.texts or self.arrays)


def planned_inputs(x: Any) -> InputPlan:
    """The inputs that are looked at, and a line for each kind that is not.

    Dates, also as texts, become numbers (:mod:`genomes.spaces.dates`), texts that are all numbers, too. Free text
    (three words or more, mostly different; also where it is all there is) is an input of its own. Left out are columns
    of one value, row numbers and keys (texts that are nearly all different), unless nothing would be left.

    Args:
        x: inputs of the training rows.

    Raises:
        GenomeError: columns of mixed objects.
    """
    named = named_columns(x)
    if not named:
        return InputPlan()
    arrays = tuple(name for name, values in named.items() if np.ndim(values) > 1 and np.shape(values)[1:] != (1,))
    flat = {name: values for name, values in named.items() if name not in arrays}
    texts = tuple(name for name, values in flat.items() if _is_free_text(values, name, alone=len(flat) == 1))
    flat = {name: _flat(values) for name, values in flat.items() if name not in texts}
    if not flat:
        return InputPlan([], texts, arrays, tuple(_text_lines(texts)))
    columns, _ = infer_columns(flat, text_dates=True)
    kept: list[Column] = []
    out: dict[str, list[str]] = {}
    for column in columns:
        why = "" if column.part else _why_not(column, flat[column.name])
        if why:
            out.setdefault(why, []).append(column.name)
        elif column.kind == "text" and _all_numbers(flat[column.name]):
            kept.append(Column(column.name, missing=True))
        else:
            kept.append(column)
    if not kept and not texts and not arrays:
        return InputPlan(columns, is_empty=all(_why_not(c, flat[c.name]) == _ONE_VALUE for c in columns if not c.part))
    lines = [f"left out: {in_words(names)}: {why}" for why, names in out.items()] + _text_lines(texts)
    dates = sorted({column.source for column in kept if column.part})
    if dates:
        lines.append(f"dates: {in_words(dates)}: taken as days, year, month, weekday and hour, where these vary")
    return InputPlan(kept, texts, arrays, tuple(lines))


def _text_lines(texts: Sequence[str]) -> list[str]:
    return [f"free text: {in_words(list(texts))}: read word by word"] if texts else []


def _flat(values: Any) -> Any:
    return np.asarray(values)[:, 0] if np.ndim(values) == 2 else values


def _is_free_text(values: Any, name: str, alone: bool) -> bool:
    """Whether a column holds sentences: three words or more, most of them different unless it is all there is."""
    if str(getattr(values, "dtype", "")) == "category":
        return False
    array = np.asarray(_flat(values))
    if array.dtype.kind not in "OUST" or not any(isinstance(value, (str, bytes)) for value in array[:_FEW_ROWS]):
        return False
    if not all(isinstance(value, (str, bytes)) or is_missing(value) for value in array.tolist()):
        return False
    if form_of(array):
        return False
    texts = as_texts(array, name)
    known = texts[texts != ""]
    words = [number_of_words(_NO_WORDS.sub(" ", text)) for text in known.tolist()]
    if not words or np.median(words) < _TEXT_WORDS:
        return False
    different = len(np.unique(known))
    return different > 1 and (alone or (len(array) >= _FEW_ROWS and different >= _MOSTLY_TEXT * len(known)))


def _why_not(column: Column, values: Any) -> str:
    """Why a column is left out; the empty text where it is not."""
    array = np.asarray(values)
    rows = len(array)
    if column.kind == "numeric":
        if array.dtype.kind in "iu" and rows >= _FEW_ROWS and (np.sort(array) == _counted(array)).all():
            return "row numbers or keys"
        numbers = array.astype(np.float64) if array.dtype.kind in "biuf" else None
        return _ONE_VALUE if numbers is not None and len(np.unique(numbers)) == 1 else ""
    texts = as_texts(array, column.name)
    known = texts[texts != ""]
    if len(known) in (0, rows) and len(np.unique(texts)) == 1:
        return _ONE_VALUE
    if column.kind != "text" or rows < _FEW_ROWS or str(getattr(values, "dtype", "")) == "category":
        return ""
    if len(np.unique(known)) < _MOSTLY_DIFFERENT * max(len(known), _FEW_ROWS) or _all_numbers(values):
        return ""
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
