"""Dates and times in tables: what a network is told of them."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from genomes.errors import GenomeError, shown

#: What becomes of a date, each a column of numbers. Days are counted from 1970-01-01, with the time as their fraction.
PARTS = ("days", "year", "month", "weekday", "hour")
#: How dates are written: the year first, as ISO 8601 has it, or one of these.
ISO = "ISO8601"
_FORMS = (
    ISO,
    "%d.%m.%Y",
    "%d.%m.%Y %H:%M",
    "%d.%m.%Y %H:%M:%S",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%d/%m/%Y %H:%M",
    "%m/%d/%Y %H:%M",
    "%d-%m-%Y",
)
_LOOKS = re.compile(r"\s*(\d{4}-\d{1,2}-\d{1,2}|\d{1,2}([./-])\d{1,2}\2\d{4})([T ].*)?\s*")
_DAY = np.timedelta64(1, "D")


def form_of(values: Any) -> str:
    """How dates are written: one form for all; the empty text where values are no dates.

    Args:
        values: one per row: dates, or texts; missing ones do not count.
    """
    array = np.asarray(values)
    if array.dtype.kind == "M" or str(getattr(values, "dtype", "")).startswith("datetime64"):
        return ISO
    if array.dtype.kind not in "OU":
        return ""
    known = [value for value in array if value is not None and value == value and value != ""]
    if known and all(hasattr(value, "isoformat") and hasattr(value, "year") for value in known):
        return ISO
    if not known or not all(isinstance(value, str) and _LOOKS.fullmatch(value) for value in known):
        return ""
    return next((form for form in _FORMS if not np.isnat(_parsed(known, form)).any()), "")


def date_part(values: Any, part: str, form: str, name: str) -> np.ndarray:
    """One part of dates: float32 (rows,), NaN where a date is missing or cannot be read.

    Args:
        values: dates, or texts, one per row.
        part: one of :data:`PARTS`.
        form: see :func:`form_of`.
        name: what errors call the column.

    Raises:
        GenomeError: numbers instead of dates.
    """
    array = np.asarray(values)
    if array.dtype.kind in "biuf" and not (array.dtype.kind == "f" and np.isnan(array).all()):
        raise GenomeError(f"{name}: expected dates, got numbers, {shown(array[:1].tolist())} first")
    dates = _parsed(values, form)
    missing = np.isnat(dates)
    known = np.where(missing, np.datetime64(0, "s"), dates)
    days = known.astype("datetime64[D]")
    found: np.ndarray
    if part == "days":
        found = (known - np.datetime64(0, "s")) / _DAY
    elif part == "year":
        found = known.astype("datetime64[Y]").astype(np.int64) + 1970
    elif part == "month":
        found = known.astype("datetime64[M]").astype(np.int64) % 12 + 1
    elif part == "weekday":  # 1970-01-01 was a Thursday; Monday is 0
        found = (days.astype(np.int64) + 3) % 7
    else:
        found = (known - days) / np.timedelta64(1, "h")
    return np.where(missing, np.nan, found).astype(np.float32)


def _parsed(values: Any, form: str) -> np.ndarray:
    """Dates as datetime64[s], in UTC where they have a time zone; not-a-time where there is none."""
    array = np.asarray(values)
    if array.dtype.kind == "M":
        return array.astype("datetime64[s]")
    import pandas

    texts = form != ISO or any(isinstance(value, str) for value in array)
    found = pandas.to_datetime(
        pandas.Series(array, dtype=object), errors="coerce", utc=True, **({"format": form} if texts else {})
    )
    return found.dt.tz_localize(None).to_numpy().astype("datetime64[s]")
