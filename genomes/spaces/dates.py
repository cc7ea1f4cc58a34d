"""Dates and times in tables: what a network is told of them."""

from __future__ import annotations

import datetime
import re
from typing import Any

import numpy as np

from genomes.errors import GenomeError, shown
from genomes.targets.labels import is_missing

#: What becomes of a date, each a column of numbers. Days are counted from 1970-01-01, with the time as their fraction.
PARTS = ("days", "year", "month", "weekday", "hour")
#: How dates are written: the year first, as ISO 8601 has it, or one of these. Times of day are dates without a day.
ISO = "ISO8601"
#: Spans of time, as a type or as texts such as ``36:20:00``: their days are all there is to say.
SPANS = "spans"
#: Whole numbers that count from 1970-01-01, as computers do, by how many of them make a second.
_CLOCKS = {"seconds since 1970": 1, "ms since 1970": 10**3, "us since 1970": 10**6, "ns since 1970": 10**9}
#: Between September 2001 and May 2033 these have ten digits, thirteen, ...
_CLOCK_SECONDS = (10**9, 2 * 10**9)
#: Days as whole numbers: 20240131. As such they differ by more than time does, and by less than float32 holds.
DIGITS = "YYYYMMDD"
_DIGITS_YEARS = (1900, 2100)
#: What stands for "no date" among dates that are texts.
_NO_DATES = frozenset(
    ("", "na", "n/a", "nan", "nat", "none", "null", "-", "--", "?", "unknown", "0000-00-00", "0000-00-00 00:00:00")
)
_DATES = ("%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%Y/%m/%d", "%Y.%m.%d")
_SHORT_DATES = ("%d.%m.%y", "%d/%m/%y", "%m/%d/%y", "%d-%m-%y")
_NAMED_DATES = (
    "%d %b %Y",
    "%d %B %Y",
    "%d-%b-%Y",
    "%d-%b-%y",
    "%d. %B %Y",
    "%b %d, %Y",
    "%B %d, %Y",
    "%b %d %Y",
    "%B %Y",
)
_TIMES = ("%H:%M", "%H:%M:%S", "%H:%M:%S.%f", "%I:%M %p", "%I:%M:%S %p", "%I:%M%p")
_FORMS = (
    ISO,
    *(date + time for date in _DATES for time in ("", *(f" {time}" for time in _TIMES))),
    *(date + time for date in (*_SHORT_DATES, *_NAMED_DATES) for time in ("", " %H:%M", " %H:%M:%S", " %I:%M %p")),
    *_TIMES,
)
_LOOKS = re.compile(
    r"\s*(\d{4}-(0[1-9]|1[0-2])|\d{4}([-/.])\d{1,2}\3\d{1,2}([T ].*)?"
    r"|\d{1,2}([./-])\d{1,2}\5\d{4}( .*)?|\d{2}([./-])\d{2}\7\d{2}( .*)?|\d{1,2}/\d{1,2}/\d{2}( .*)?"
    r"|\d{1,2}\.?[ -][A-Za-z]{3,9}[ -]\d{2,4}( .*)?|[A-Za-z]{3,9} (\d{1,2},? )?\d{4}( .*)?"
    r"|\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?( ?[AaPp][Mm])?)\s*"
)
_SPAN = re.compile(r"\s*(-?\d+ days?,? )?[+-]?\d{1,5}:\d{2}:\d{2}(\.\d+)?\s*")
_DAY = np.timedelta64(1, "D")


def form_of(values: Any) -> str:
    """How dates are written: one form for all; the empty text where values are no dates.

    Args:
        values: one per row: dates, times of day, periods, spans of time, or texts; missing ones do not count.
    """
    array = np.asarray(values)
    if array.dtype.kind == "M" or str(getattr(values, "dtype", "")).startswith("datetime64"):
        return ISO
    if array.dtype.kind == "m":
        return SPANS
    if array.dtype.kind not in "OU":
        return ""
    if any(isinstance(value, (np.ndarray, list, tuple, dict, set)) for value in array):
        return ""
    known = [value for value in array if not is_missing(value) and value != ""]
    if not known:
        return ""
    if all(isinstance(value, datetime.time) for value in known):
        return _TIMES[1]
    if all(hasattr(value, "isoformat") or hasattr(value, "to_timestamp") for value in known):
        return SPANS if all(hasattr(value, "total_seconds") for value in known) else ISO
    if all(hasattr(value, "total_seconds") for value in known):
        return SPANS
    return _form_of_texts(known) if all(isinstance(value, str) for value in known) else ""


def _form_of_texts(texts: list[str]) -> str:
    known = [value for value in texts if value.strip().lower() not in _NO_DATES]
    if not known:
        return ""
    if all(_LOOKS.fullmatch(value) for value in known):
        # Most forms fail at the first value: the others are then not looked at.
        fitting = (form for form in _FORMS if not np.isnat(_parsed(known[:1], form)).any())
        found = next((form for form in fitting if not np.isnat(_parsed(known, form)).any()), "")
        if found:
            return found
    return SPANS if all(_SPAN.fullmatch(value) for value in known) else ""


def clock_of(values: Any) -> str:
    """The form of whole numbers that count since 1970, or are days such as 20240131; the empty text for others.

    Such numbers differ in digits that float32 does not hold. Only seconds, or parts of such, between 2001 and 2033 are
    taken for counts. Some may be missing.

    Args:
        values: one per row.
    """
    array = np.asarray(values)
    if array.dtype.kind == "f" and np.isnan(array).any():  # whole numbers with gaps
        array = array[~np.isnan(array)]
        if not len(array) or (array != np.round(array)).any() or np.abs(array).max() >= 2**63:
            return ""
        array = array.astype(np.int64)
    if array.dtype.kind not in "iu" or not len(array):
        return ""
    low, high = int(array.min()), int(array.max())
    first, last = _CLOCK_SECONDS
    form = next((form for form, per in _CLOCKS.items() if first * per <= low and high < last * per), "")
    return form or (DIGITS if _are_digits_of_days(array, low, high) else "")


def _are_digits_of_days(array: np.ndarray, low: int, high: int) -> bool:
    first, last = _DIGITS_YEARS
    if not first * 10_000 < low < high < (last + 1) * 10_000:
        return False
    return not np.isnat(_of_digits(array.astype(np.float64))).any()


def _of_digits(values: np.ndarray) -> np.ndarray:
    """datetime64[s] of numbers such as 20240131; not-a-time where one is missing, or there is no such day."""
    import pandas

    texts = [f"{int(value):08d}" if np.isfinite(value) and 0 <= value < 10**8 else None for value in values]
    found = pandas.to_datetime(pandas.Series(texts, dtype=object), format="%Y%m%d", errors="coerce")
    return np.asarray(found.to_numpy().astype("datetime64[s]"))


def parts_of(form: str) -> tuple[str, ...]:
    """The parts that such dates have: of spans of time the days alone, of times of day the hour."""
    if form == SPANS:
        return PARTS[:1]
    return PARTS[-1:] if form in _TIMES else PARTS


def dated_form_of(values: Any) -> str:
    """:func:`form_of` of dates that each have a day; the empty text for periods, times of day and spans of time too."""
    form = form_of(values)
    periods = any(
        hasattr(value, "to_timestamp") and not hasattr(value, "isoformat") for value in np.asarray(values)[:1]
    )
    return "" if periods or form == SPANS or form in _TIMES else form


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
    if (
        form not in _CLOCKS
        and form != DIGITS
        and array.dtype.kind in "biuf"
        and not (array.dtype.kind == "f" and np.isnan(array).all())
    ):
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
    if form in _CLOCKS:
        return _of_clock(array, _CLOCKS[form])
    if form == DIGITS:
        return _of_digits(np.asarray([np.nan if is_missing(value) else value for value in array], dtype=np.float64))
    import pandas

    if form == SPANS:
        spans = pandas.to_timedelta(pandas.Series(array, dtype=object), errors="coerce").to_numpy()
        return np.datetime64(0, "s") + spans.astype("timedelta64[s]")
    array = np.asarray([_as_date(value) for value in array], dtype=object)
    texts = any(isinstance(value, str) for value in array)
    found = pandas.to_datetime(
        pandas.Series(array, dtype=object), errors="coerce", utc=True, **({"format": form} if texts else {})
    )
    return found.dt.tz_localize(None).to_numpy().astype("datetime64[s]")


def _as_date(value: Any) -> Any:
    """A period as its beginning, a time of day as that of the first day of 1970; anything else as it is."""
    if hasattr(value, "to_timestamp"):
        return value.to_timestamp()
    if isinstance(value, datetime.time):
        return datetime.datetime.combine(datetime.date(1970, 1, 1), value)
    return value


def _of_clock(values: np.ndarray, per_second: int) -> np.ndarray:
    """datetime64[s] of counts since 1970; not-a-time where one is missing."""
    numbers = np.asarray([np.nan if is_missing(value) else value for value in values], dtype=np.float64)
    missing = np.isnan(numbers)
    seconds = np.where(missing, 0, numbers // per_second).astype(np.int64).astype("datetime64[s]")
    return np.where(missing, np.datetime64("NaT"), seconds)
