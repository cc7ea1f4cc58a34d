"""Labels: the classes of a user, by the names that the user gives them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from genomes.errors import GenomeError, shown

#: What a class may be called: what JSON can hold.
Label = str | bool | int | float
#: Labels of one target are all of one of these kinds; booleans are no whole numbers here.
_KINDS: tuple[tuple[str, type | tuple[type, ...]], ...] = (
    ("booleans", (bool, np.bool_)),
    ("whole numbers", (int, np.integer)),
    ("numbers", (float, np.floating)),
    ("words", (str, bytes)),
)


def plain_array(y: Any) -> np.ndarray:
    """Labels as users give them as an array: bytes are decoded, objects of one kind get that kind's dtype.

    A column of shape (rows, 1) stays one. Objects of several kinds, and missing values, stay objects.
    """
    if hasattr(y, "categories") and hasattr(y, "codes"):  # pandas.Categorical
        y = np.asarray(y)
    array = np.asarray(y)
    if array.dtype.kind in "SU" and isinstance(y, (list, tuple)) and not all(isinstance(v, (str, bytes)) for v in y):
        array = np.array(y, dtype=object)  # NumPy makes words of the numbers beside words
    if array.dtype.kind == "T":  # NumPy 2's strings of any length
        array = array.astype(object)
    if array.dtype.kind == "S":
        return np.char.decode(array, "utf-8")
    if array.dtype.kind != "O":
        return array
    return _of_one_kind(array)


def row_count(y: Any) -> int:
    """Number of rows of labels: of the first of several by name."""
    return len(np.asarray(next(iter(y.values())) if isinstance(y, Mapping) else y))


def ordered_categories(y: Any) -> tuple[Label, ...] | None:
    """Categories in their order, of a column of pandas that has such; None for anything else."""
    kind = y if hasattr(y, "categories") else getattr(y, "dtype", None)
    if not getattr(kind, "ordered", False):
        return None
    categories = list(kind.categories)  # type: ignore[union-attr]
    if categories and all(hasattr(category, "left") and hasattr(category, "closed") for category in categories):
        categories = [str(category) for category in categories]
    try:
        return checked_labels(categories)
    except GenomeError:
        return None


def _of_one_kind(array: np.ndarray) -> np.ndarray:
    """An array of objects in the dtype of their kind; the array itself where there is no such kind."""
    values = array.ravel()
    if not len(values):
        return array
    if all(hasattr(v, "left") and hasattr(v, "closed") for v in values):  # pandas' intervals, of pandas.cut
        return np.array([str(v) for v in values], dtype=np.str_).reshape(array.shape)
    if all(isinstance(v, (str, bytes)) for v in values):
        texts = [v.decode("utf-8", "replace") if isinstance(v, bytes) else str(v) for v in values]
        return np.array(texts, dtype=np.str_).reshape(array.shape)
    if all(isinstance(v, (bool, np.bool_)) for v in values):
        return array.astype(bool)
    if all(isinstance(v, (int, np.integer)) and not isinstance(v, bool) for v in values):
        try:
            return array.astype(np.int64)
        except OverflowError:
            return array
    if all(_is_number(v) for v in values):
        try:
            return array.astype(np.float64)
        except (TypeError, ValueError, OverflowError):
            return array
    return array


def _is_number(value: Any) -> bool:
    """A number of any kind that is not complex: Python's, NumPy's, decimals and fractions."""
    return not isinstance(value, (bool, np.bool_, str, bytes, complex)) and hasattr(value, "__float__")


def missing(array: np.ndarray) -> np.ndarray:
    """Whether each value is missing: None, NaN, NaT or pandas' NA; bool, of the array's shape."""
    if array.dtype.kind == "f":
        return np.isnan(array)
    if array.dtype.kind in "mM":
        return np.isnat(array)
    if array.dtype.kind != "O":
        return np.zeros(array.shape, dtype=bool)
    return np.array([is_missing(v) for v in array.ravel()], dtype=bool).reshape(array.shape)


def is_missing(value: Any) -> bool:
    """Whether a value is None, NaN, NaT, or pandas' NA."""
    if value is None:
        return True
    try:
        return bool(value != value)
    except (TypeError, ValueError):
        return type(value).__name__ == "NAType"


def refuse_missing(array: np.ndarray, name: str) -> None:
    """Raise a GenomeError where labels are missing; it counts them and names the first row."""
    gaps = missing(array)
    if gaps.any():
        rows = np.flatnonzero(gaps.reshape(len(array), -1).any(axis=1))
        raise GenomeError(
            f"{name}: {len(rows)} of {len(array)} rows have no value, row {rows[0]} first; leave these rows out, "
            "or fill them"
        )


def labels_of(y: Any, name: str = "y") -> tuple[Label, ...]:
    """The different labels among given ones, sorted, as values that JSON can hold.

    Args:
        y: labels, (rows,) or (rows, 1): words, booleans or numbers, all of one kind.
        name: the argument's name, for messages.

    Raises:
        GenomeError: missing values, infinite numbers, or values of several kinds.
    """
    array = plain_array(y)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        raise GenomeError(f"{name}: expected one label per row, got shape {array.shape}")
    refuse_missing(array, name)
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise GenomeError(f"{name}: holds infinite values; expected labels")
    if array.dtype.kind not in "biufU":
        kinds = sorted({type(v).__name__ for v in array.ravel().tolist()})
        raise GenomeError(
            f"{name}: expected labels of one kind, words or numbers, got {' and '.join(kinds) or array.dtype}; "
            "make them all texts, say: [str(label) for label in y]"
        )
    return tuple(np.unique(array).tolist())


def checked_labels(labels: Iterable[Any], name: str = "labels") -> tuple[Label, ...]:
    """Labels of a target as a tuple of plain Python values, in the order given.

    Raises:
        GenomeError: none, several kinds of labels, one that JSON cannot hold, or one given twice.
    """
    if isinstance(labels, (str, bytes)) or not isinstance(labels, Iterable):
        raise GenomeError(f"{name}: expected a sequence of labels, got {shown(labels)}")
    array = plain_array(list(labels))
    if array.ndim != 1 or not len(array) or missing(array).any():
        raise GenomeError(f"{name}: expected labels, none of them missing, got {shown(labels)}")
    if array.dtype.kind not in "biufU":
        raise GenomeError(f"{name}: expected labels of one kind, words or numbers, got {shown(labels)}")
    plain = tuple(array.tolist())
    if len(set(plain)) != len(plain):
        twice = next(label for label in plain if plain.count(label) > 1)
        raise GenomeError(f"{name}: each may be given once, got {shown(twice)} twice")
    return plain


def indices_of(array: np.ndarray, labels: Sequence[Label], name: str) -> np.ndarray:
    """Position of each given label among ``labels``: int64, of the array's shape.

    Args:
        array: what :func:`plain_array` gave.
        labels: all labels, in the order of the classes.
        name: the argument's name, for messages.

    Raises:
        GenomeError: a label that is not among them, which it names.
    """
    refuse_missing(array, name)
    known = np.asarray(labels)
    comparable = array.dtype.kind == known.dtype.kind or {array.dtype.kind, known.dtype.kind} <= set("biuf")
    if not comparable:
        found = next(iter(array.ravel().tolist()), None)
        raise GenomeError(f"{name}: expected the labels {in_words(labels)}, got {shown(found)}")
    if array.dtype.kind == "b":
        array = array.astype(known.dtype)
    order = np.argsort(known, kind="stable")
    places = np.searchsorted(known[order], array)
    indices = order[np.minimum(places, len(known) - 1)]
    unknown = known[indices] != array
    if unknown.any():
        others = np.unique(array[unknown]).tolist()
        raise GenomeError(
            f"{name}: unknown label{'s' if len(others) > 1 else ''} {in_words(others)}; known are {in_words(labels)}"
        )
    return np.asarray(indices, dtype=np.int64)


def in_words(labels: Sequence[Any], most: int = 8) -> str:
    """Labels for a message: the first ones, and how many there are."""
    listed = ", ".join(shown(label, 40) for label in labels[:most])
    return listed if len(labels) <= most else f"{listed}, ... ({len(labels)} in all)"
