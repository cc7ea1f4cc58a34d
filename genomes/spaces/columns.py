"""Columns of tables: what kind they are, inferred from data, and how they become plain arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import Any, Self

import numpy as np

from genomes.checks import whole_number
from genomes.errors import GenomeError, shown
from genomes.spaces.dates import clock_of, date_part, form_of, parts_of
from genomes.targets.labels import is_missing

#: Category of an integer column that stands for "missing"; for texts it is the empty text.
MISSING_INTEGER = -(2**31)

#: Most distinct categories that inference keeps per column; rarer ones count as unseen.
MOST_CATEGORIES = 1000


#: What is no value of a column.
_COLLECTIONS = (list, tuple, dict, set, frozenset, np.ndarray)


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Args:
        name: its name; the name of the model's input.
        kind: ``numeric``, ``text`` (categories that are texts) or ``integer`` (categories
            that are whole numbers).
        categories: number of categories that are kept, the most frequent ones; others and those
            unseen in training share one code.
        missing: whether the model gets a flag where a number is missing. Missing numbers count as
            the mean in any case, missing categories as a category of their own.
        input: the name of the model's input where it is not the column's; :func:`with_input_names` gives it.
        source: the user's column of dates that this column of numbers comes from, if it comes from one.
        part: what is taken of the dates, see :mod:`genomes.spaces.dates`.
        form: how the dates are written where they are texts.

    Raises:
        GenomeError: an unknown kind, categories of a numeric column, a bad name.
    """

    name: str
    kind: str = "numeric"
    categories: int = 0
    missing: bool = False
    input: str = ""
    source: str = ""
    part: str = ""
    form: str = ""

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name:
            raise GenomeError(f"columns: expected a name, got {shown(self.name)}")
        if self.kind not in ("numeric", "text", "integer"):
            raise GenomeError(
                f"columns[{self.name!r}]: expected kind 'numeric', 'text' or 'integer', got {self.kind!r}"
            )
        if (self.kind == "numeric") != (self.categories == 0) or self.categories < 0:
            raise GenomeError(
                f"columns[{self.name!r}]: categories are needed for category columns and only there, "
                f"got kind={self.kind!r}, categories={self.categories}"
            )

    @property
    def codes(self) -> int:
        """Number of codes of a category column: missing, unseen, and the categories."""
        return self.categories + 2

    @property
    def input_name(self) -> str:
        """The name of the model's input. Of columns that were stored without one it is the name without slashes."""
        return self.input or self.name.replace("/", "_")

    def to_json(self) -> dict[str, Any]:
        """The column as a JSON object; texts that say nothing are left out."""
        json = vars(self)
        return {name: value for name, value in json.items() if value != "" or name in ("name", "kind")}

    @classmethod
    def from_json(cls, json: Mapping[str, Any]) -> Self:
        """The column that :meth:`to_json` wrote."""
        return cls(
            str(json["name"]),
            str(json["kind"]),
            int(json["categories"]),
            bool(json["missing"]),
            *(str(json.get(name, "")) for name in ("input", "source", "part", "form")),
        )


def with_input_names(columns: Sequence[Column]) -> list[Column]:
    """The columns, each with a name for the model's input that no other one has.

    It is the column's own name where Keras takes that and the file formats can hold it (no slash, no control
    characters, at most 100 characters), else ``column_`` and the column's position. The name is stored with the
    column and never worked out again: two columns whose names differ in any character stay two.

    Raises:
        GenomeError: two columns of one name.
    """
    names = [column.name for column in columns]
    if len(set(names)) != len(names):
        raise GenomeError(f"columns: names must differ, got {shown(names)}")
    taken = set(names) | {column.input for column in columns}
    found = []
    for index, column in enumerate(columns):
        if not column.input and not _fits_keras(column.name):
            name = f"column_{index}"
            while name in taken:
                name += "_"
            taken.add(name)
            column = replace(column, input=name)
        found.append(column)
    return found


def _fits_keras(name: str) -> bool:
    return 0 < len(name) <= 100 and "/" not in name and name.isprintable() and bool(name.strip())


def distinct_names(names: Sequence[Any]) -> list[str]:
    """Names as texts, all different: of several with one spelling (``1`` and ``"1"`` too) the later ones get a number.

    A column without a name becomes ``(no name)``.

    Example:
        >>> distinct_names(["a", "a", 1, "1"])
        ['a', 'a (2)', '1', '1 (2)']
    """
    texts = [str(name) or "(no name)" for name in names]
    taken, seen, found = set(texts), set(), []
    for text in texts:
        name, number = text, 1
        while name in seen or (number > 1 and name in taken):
            number += 1
            name = f"{text} ({number})"
        seen.add(name)
        found.append(name)
    return found


def named_columns(x: Any) -> dict[str, Any] | None:
    """The columns of a data frame, a mapping, or a structured array by name; None for anything else."""
    if isinstance(x, Mapping):
        return dict(zip(distinct_names(list(x)), x.values(), strict=True))
    if hasattr(x, "iloc") and hasattr(x, "columns"):
        return {name: x.iloc[:, index] for index, name in enumerate(distinct_names(list(x.columns)))}
    if hasattr(x, "columns") and hasattr(x, "dtypes"):
        return {str(name): x[name] for name in x.columns}
    if isinstance(x, np.ndarray) and x.dtype.names:
        return {name: x[name] for name in x.dtype.names}
    return None


def infer_columns(x: Any, categories: Sequence[str | int] = (), text_dates: bool = False) -> tuple[list[Column], bool]:
    """What kind each column of a table is.

    Numbers and booleans become numeric columns, texts and categories become category columns, dates, times, spans
    of time and counts of seconds since 1970 a numeric column for each of their parts that varies
    (:data:`genomes.spaces.dates.PARTS`). Only the kind, the number of categories and whether something is missing are
    taken from the data.

    Args:
        x: data frame, mapping of names to arrays, structured array, or array of shape (rows, columns).
        categories: names (of an array: indices) of number columns that are categories.
        text_dates: take texts that are all dates for dates.

    Returns:
        The columns, and whether ``x`` is one array without column names.

    Raises:
        GenomeError: no such form, a column of mixed objects, an unknown name in ``categories``.
    """
    named = named_columns(x)
    plain = named is None
    if named is None:
        array = np.asarray(x)
        if array.ndim != 2 or array.dtype.kind not in "biufOUS":
            raise GenomeError(
                "columns: expected a data frame, a mapping, a structured array or an array of shape "
                f"(rows, columns), got shape {array.shape} of {array.dtype}"
            )
        plain = array.dtype.kind in "biuf"
        named = {f"column_{i}": array[:, i] for i in range(array.shape[1])}
        categories = [f"column_{c}" if isinstance(c, (int, np.integer)) else c for c in categories]
    if not named:
        raise GenomeError("columns: expected at least one column, got none")
    unknown = [str(name) for name in categories if str(name) not in named]
    if unknown:
        raise GenomeError(f"categories: {unknown[0]!r} is no column; columns are {shown(list(named), 300)}")
    wanted = {str(name) for name in categories}
    found: list[Column] = []
    for name, values in named.items():
        form = "" if plain or name in wanted else form_of(values) if text_dates or _are_dates(values) else ""
        if not form and not plain and name not in wanted:
            form = clock_of(values)
        found += _of_dates(name, values, form) if form else [_infer(name, values, name in wanted)]
    return found, plain


def given_columns(columns: Any, categories: Sequence[str | int]) -> tuple[list[Column], bool]:
    """The columns that a user gives in any form, and whether they are one array without column names.

    Args:
        columns: their number; columns; kinds by name; or a table from which they are inferred (:func:`infer_columns`).
        categories: see :func:`infer_columns`.

    Raises:
        GenomeError: as :func:`infer_columns`, or a number below 1.
    """
    if isinstance(columns, (int, np.integer)) and not isinstance(columns, bool):
        columns = whole_number(columns, "columns", 1)
        if categories:
            raise GenomeError("categories: how many there are must be known; give the data or Column objects")
        return [Column(f"column_{i}") for i in range(columns)], True
    if isinstance(columns, Mapping) and columns and all(isinstance(v, (str, Column)) for v in columns.values()):
        found = [
            kind if isinstance(kind, Column) else Column(str(name), kind, 0 if kind == "numeric" else MOST_CATEGORIES)
            for name, kind in columns.items()
        ]
        return found, False
    if isinstance(columns, (list, tuple)) and columns and all(isinstance(c, Column) for c in columns):
        return list(columns), False
    return infer_columns(columns, categories)


def _are_dates(values: Any) -> bool:
    """Whether values are dates, times, periods or spans of time by their type."""
    array = np.asarray(values)
    told = ("isoformat", "total_seconds", "to_timestamp")
    return array.dtype.kind in "mM" or (
        array.dtype.kind == "O" and any(hasattr(v, name) for v in array for name in told)
    )


def _of_dates(name: str, values: Any, form: str) -> list[Column]:
    """A column of numbers for each part of dates that varies; the first in any case."""
    found = []
    first, *_ = parts_of(form)
    for part in parts_of(form):
        numbers = date_part(values, part, form, name)
        missing = np.isnan(numbers)
        if part == first or len(np.unique(numbers[~missing])) > 1:
            # One flag for a date that is missing is enough.
            flag = bool(missing.any()) and part == first
            found.append(Column(f"{name} ({part})", missing=flag, source=name, part=part, form=form))
    return found


def _infer(name: str, values: Any, category: bool) -> Column:
    category = category or str(getattr(values, "dtype", "")) == "category"
    array = np.asarray(values)
    if array.ndim != 1:
        raise GenomeError(f"columns[{name!r}]: expected one value per row, got shape {array.shape}")
    held = next((v for v in array if isinstance(v, _COLLECTIONS)), None) if array.dtype.kind == "O" else None
    if held is not None:
        raise GenomeError(
            f"columns[{name!r}]: holds collections, {shown(held)} first; make a column of each of their entries"
        )
    _refuse_what_has_no_text(array, name)
    numbers = array.dtype.kind in "biuf" or (array.dtype.kind == "O" and _all_numbers(array))
    if numbers and not category:
        return Column(name, "numeric", missing=bool(np.isnan(as_numbers(array, name)).any()))
    if numbers and _whole(as_numbers(array, name)):
        found = np.unique(as_integers(array, name))
        return Column(name, "integer", min(MOST_CATEGORIES, max(1, int((found != MISSING_INTEGER).sum()))))
    found = np.unique(as_texts(array, name))
    return Column(name, "text", min(MOST_CATEGORIES, max(1, int((found != "").sum()))))


def _refuse_what_has_no_text(array: np.ndarray, name: str) -> None:
    """Raise for complex numbers and for objects whose text is their place in memory, another one in every process."""
    values = array[:1].tolist() if array.dtype.kind == "c" else array.tolist() if array.dtype.kind == "O" else ()
    for value in values:
        kind = type(value)
        if isinstance(value, (complex, np.complexfloating)):
            raise GenomeError(f"columns[{name!r}]: holds complex numbers; give their parts as two columns")
        if kind.__str__ is object.__str__ and kind.__repr__ is object.__repr__:
            raise GenomeError(
                f"columns[{name!r}]: holds objects of the class {kind.__name__}; give numbers, texts or dates"
            )


def _all_numbers(array: np.ndarray) -> bool:
    kinds = (int, float, np.integer, np.floating, np.bool_, Decimal, Fraction)
    return all(isinstance(v, kinds) or is_missing(v) for v in array) and not all(is_missing(v) for v in array)


def _whole(numbers: np.ndarray) -> bool:
    known = numbers[~np.isnan(numbers)]
    return bool((known == np.round(known)).all() and (np.abs(known) < 2**31).all())


def as_numbers(values: Any, name: str) -> np.ndarray:
    """float32, NaN where a value is missing.

    Raises:
        GenomeError: a value is no number, or infinite; the message starts with ``name``.
    """
    array = np.asarray(values)
    if array.dtype.kind == "O":
        array = np.asarray([np.nan if is_missing(v) else v for v in array], dtype=object)
    try:
        with np.errstate(over="ignore"):  # said below
            numbers = array.astype(np.float32)
    except (TypeError, ValueError) as error:
        raise GenomeError(f"{name}: expected numbers, got dtype {array.dtype}: {error}") from None
    if np.isinf(numbers).any():
        raise GenomeError(
            f"{name}: holds infinite values, or values too large for float32; put NaN in their place, for a "
            "missing value"
        )
    return numbers


def as_integers(values: Any, name: str) -> np.ndarray:
    """int64, :data:`MISSING_INTEGER` where a value is missing.

    Raises:
        GenomeError: a value is no whole number.
    """
    array = np.asarray(values)
    if array.dtype.kind in "biu":
        return array.astype(np.int64)
    if array.dtype.kind == "O":
        array = np.asarray([np.nan if is_missing(v) else v for v in array], dtype=object)
    try:
        numbers = array.astype(np.float64)
    except (TypeError, ValueError):
        raise GenomeError(f"{name}: expected whole numbers, got dtype {np.asarray(values).dtype}") from None
    missing = np.isnan(numbers)
    if not _whole(numbers):
        raise GenomeError(f"{name}: expected whole numbers below 2**31, got others")
    return np.where(missing, MISSING_INTEGER, np.nan_to_num(numbers)).astype(np.int64)


def as_texts(values: Any, name: str) -> np.ndarray:
    """Fixed-width unicode, the empty text where a value is missing."""
    array = np.asarray(values)
    if array.dtype.kind == "U":
        return array
    if array.dtype.kind == "S":
        return np.char.decode(array, "utf-8")
    return np.asarray([_text(value) for value in array], dtype=np.str_)


def _text(value: Any) -> str:
    if is_missing(value):
        return ""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        return str(int(value))
    return str(value)
