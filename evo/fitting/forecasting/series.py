"""What a user gives as a series, as an array (steps, channels) with names and times."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from evo.core.errors import DataError
from genomes.errors import shown
from genomes.spaces.columns import distinct_names
from genomes.spaces.dates import DIGITS, clock_of, dated_form_of
from genomes.targets.labels import in_words

#: Months and quarters as texts, by pandas' name.
_PERIODS = {"M": r"\d{4}[-/]\d{1,2}", "Q": r"\d{4}-?Q[1-4]"}
#: Steps whose length differs, by pandas' name: months, quarters and years, at their start or end.
_CALENDAR_STEPS = ("MS", "ME", "QS", "QE", "YS", "YE")
#: Nanoseconds.
_DAY = 86_400_000_000_000
#: Parts of the calendar that repeat.
CALENDAR = ("hour", "weekday", "month")


@dataclasses.dataclass(frozen=True)
class Series:
    """One or several series over the same steps.

    Attributes:
        names: of the channels.
        values: float64 (steps, channels), NaN where a value is not known.
        times: of the steps, ``datetime64[ns]``; None where there are none.
        notes: a line for whatever was changed or left out.
        time: name of the column of times, or None.
    """

    names: tuple[str, ...]
    values: np.ndarray
    times: np.ndarray | None = None
    notes: tuple[str, ...] = ()
    time: str | None = None

    def __len__(self) -> int:
        return len(self.values)

    def of(self, names: Sequence[str]) -> np.ndarray:
        """The values of some channels, (steps, channels)."""
        return self.values[:, [self.names.index(name) for name in names]]


def series_of(data: Any, target: Any = None, time: str | None = None) -> Series:
    """The series in what a user gives, in the order of time.

    Args:
        data: a data frame, a mapping of columns, or numbers, (steps,) or (steps, channels).
        target: names of the columns that must be there and hold numbers; others that hold none are left out.
        time: the name of the column of times; by default the index or the one column that holds dates.

    Raises:
        DataError: no such column, no numbers, times that are no times or occur twice.
    """
    import pandas

    frame = table_of(data)
    wanted = list(target or ())
    for name in wanted:
        if name not in frame.columns:
            raise DataError(f"target: there is no column {name!r}; there are {in_words(list(frame.columns))}")
    frame, times, time, notes = _with_times(frame, time, wanted)
    columns, left_out = {}, []
    for name in frame.columns:
        numbers = _numbers(frame[name])
        if numbers is None and name in wanted:
            raise DataError(f"target: column {name!r} holds no numbers: {shown(frame[name].iloc[0])} first")
        if numbers is None:
            left_out.append(name)
        else:
            columns[name] = numbers
    if left_out:
        notes.append(f"left out: {in_words(left_out)}: no numbers")
    if not columns:
        raise DataError("data: holds no column of numbers to forecast")
    table = pandas.DataFrame(columns)
    if times is not None:
        table, times, lines = _in_order(table, times)
        notes += lines
    return Series(tuple(table.columns), table.to_numpy(np.float64), times, tuple(notes), time)


def table_of(data: Any) -> Any:
    """What a user gives as a data frame whose columns have names of their own.

    Raises:
        DataError: it is no table, and no numbers.
    """
    import pandas

    if hasattr(data, "iloc") and hasattr(data, "columns"):
        frame = data.copy(deep=False)
        frame.columns = distinct_names(list(frame.columns))
        return frame
    if hasattr(data, "iloc"):
        return data.totable_of(name="y" if data.name is None else str(data.name))
    if isinstance(data, Mapping):
        return pandas.DataFrame({str(name): np.asarray(values) for name, values in data.items()})
    array = np.asarray(data)
    if array.ndim not in (1, 2) or array.dtype.kind not in "biuf":
        raise DataError(
            f"data: with a horizon, expected a table or numbers of shape (steps,) or (steps, channels), got shape "
            f"{array.shape} of {array.dtype}"
        )
    if array.ndim == 1:
        return pandas.DataFrame({"y": array})
    return pandas.DataFrame(array, columns=[f"channel_{index}" for index in range(array.shape[1])])


def _with_times(frame: Any, time: str | None, wanted: Sequence[str]) -> tuple[Any, Any, str | None, list[str]]:
    """The frame without its column of times, the times or None, the column's name, and lines about them."""
    import pandas

    if time is not None:
        if time not in frame.columns:
            raise DataError(f"time: there is no column {time!r}; there are {in_words(list(frame.columns))}")
        if frame[time].dtype.kind in "iuf" and not clock_of(frame[time]):  # numbered steps
            return frame.sort_values(time).drop(columns=[time]).reset_index(drop=True), None, time, []
        times = _dates(frame[time])
        if times is None:
            raise DataError(f"time: column {time!r} holds no dates: {shown(frame[time].iloc[0])} first")
        return frame.drop(columns=[time]), times, time, []
    if isinstance(frame.index, pandas.PeriodIndex):
        frame = frame.set_axis(frame.index.to_timestamp())
    if isinstance(frame.index, pandas.DatetimeIndex):
        name = frame.index.name
        times = _dates(pandas.Series(frame.index))
        return frame.reset_index(drop=True), times, name if isinstance(name, str) else None, []
    dated = {}
    for name in frame.columns:
        if name not in wanted and (frame[name].dtype.kind not in "biufc" or clock_of(frame[name])):
            dates = _dates(frame[name])
            if dates is not None:
                dated[name] = dates
    if len(dated) > 1:
        raise DataError(f"time: columns {in_words(list(dated))} hold dates; say which one orders the rows: time=")
    if not dated:
        return frame, None, None, []
    ((name, times),) = dated.items()
    return frame.drop(columns=[name]), times, name, [f"time: column {name!r}"]


def times_of(frame: Any, time: str | None, wanted: Sequence[str]) -> tuple[Any, str | None]:
    """The times of a table's rows, as a column of pandas, and the name of their column; None where there are none.

    Raises:
        DataError: as :func:`series_of`.
    """
    import pandas

    _, times, name, _ = _with_times(frame.reset_index(drop=True) if time is not None else frame, time, wanted)
    return (None if times is None else pandas.Series(times)), name


def _dates(column: Any) -> np.ndarray | None:
    """Dates as datetime64[ns], in UTC where they have a zone; None where a column holds other things."""
    import pandas

    form, clock = dated_form_of(column), clock_of(column)
    if clock == DIGITS:
        found = pandas.to_datetime(column.astype("Int64").astype(str), format="%Y%m%d", errors="coerce").to_numpy()
    elif clock:
        unit = clock.partition(" ")[0].replace("seconds", "s")
        found = pandas.to_datetime(column, unit=unit).to_numpy()
    elif form and column.dtype.kind == "M":
        zoned = getattr(column.dtype, "tz", None) is not None
        found = (column.dt.tz_convert(None) if zoned else column).to_numpy()
    elif form:
        found = pandas.to_datetime(column, format=form, utc=True).dt.tz_localize(None).to_numpy()
    elif column.dtype.kind in "biufc" or str(column.dtype) == "category" or column.isna().any():
        return None
    else:  # months and quarters: 2024-03, 1960Q1
        texts = column.astype(str)
        frequency = next((name for name, form in _PERIODS.items() if texts.str.fullmatch(form).all()), None)
        if frequency is None:
            return None
        try:
            found = pandas.PeriodIndex(texts, freq=frequency).to_timestamp().to_numpy()
        except ValueError:
            return None
    return None if np.isnat(found).any() else found.astype("datetime64[ns]")


def _numbers(column: Any) -> np.ndarray | None:
    import pandas

    if column.dtype.kind in "biuf":
        return np.asarray(column.to_numpy(np.float64, na_value=np.nan))
    if str(column.dtype) == "category":
        return None
    try:
        return np.asarray(pandas.to_numeric(column).to_numpy(np.float64, na_value=np.nan))
    except (ValueError, TypeError):
        return None


def _in_order(table: Any, times: np.ndarray) -> tuple[Any, np.ndarray, list[str]]:
    """Steps in the order of time, with missing ones put in as NaN where the spacing is regular."""
    import pandas

    notes = []
    order = np.argsort(times, kind="stable")
    if (np.diff(order) < 0).any():
        notes.append("rows: put in the order of time")
    times, table = times[order], table.iloc[order]
    twice = np.flatnonzero(np.diff(times) == np.timedelta64(0, "ns"))
    if len(twice):
        raise DataError(
            f"time: {pandas.Timestamp(times[twice[0]])} occurs twice; with several series in one table, name the "
            "column to forecast, or give a column for each series"
        )
    if frequency_of(times) is None:
        regular = _regular(times)
        if regular is None:
            notes.append("time: steps of different lengths are taken as equal ones")
        elif len(regular) > len(times):
            notes.append(f"time: {len(regular) - len(times)} missing steps are put in as unknown")
            table = table.set_axis(pandas.DatetimeIndex(times)).reindex(pandas.DatetimeIndex(regular))
            times = regular
    return table.reset_index(drop=True), times, notes


def _regular(times: np.ndarray) -> np.ndarray | None:
    """All steps where most follow each other at one distance and the others at multiples of it, else None."""
    import pandas

    gaps = np.diff(times).astype(np.int64)
    if not len(gaps):
        return times
    values, counts = np.unique(gaps, return_counts=True)
    base = int(values[counts.argmax()])
    if counts.max() * 2 > len(gaps) and (gaps % base == 0).all():
        count = int((times[-1] - times[0]).astype(np.int64)) // base + 1
        return times[0] + np.arange(count) * np.timedelta64(base, "ns")
    for alias in _CALENDAR_STEPS:
        whole = pandas.date_range(times[0], times[-1], freq=alias).to_numpy("datetime64[ns]")
        if len(whole) and np.isin(times, whole).all() and len(times) * 2 > len(whole):
            return np.asarray(whole)
    return None


def frequency_of(times: np.ndarray) -> str | None:
    """The frequency of regular times by pandas' name (``3600s``, ``MS``, ``B``), or None."""
    import pandas

    if len(times) < 3:
        return None
    gaps = np.diff(times).astype(np.int64)
    if (gaps == gaps[0]).all():
        return f"{gaps[0]}ns"
    for alias in ("B", *_CALENDAR_STEPS):
        try:
            whole = pandas.date_range(times[0], periods=len(times), freq=alias)
        except (ValueError, OverflowError):  # past the last year that can be written
            continue
        if len(whole) == len(times) and (whole.to_numpy("datetime64[ns]") == times).all():
            return alias
    return None


def times_after(times: np.ndarray, count: int) -> np.ndarray:
    """The next ``count`` times after the last one."""
    import pandas

    frequency = frequency_of(times[-60:])
    if frequency is None:
        step = np.median(np.diff(times).astype(np.int64)) if len(times) > 1 else _DAY
        return np.asarray(times[-1] + (np.arange(1, count + 1) * int(step)).astype("timedelta64[ns]"))
    try:
        found = pandas.date_range(times[-1], periods=count + 1, freq=frequency)[1:]
    except (ValueError, OverflowError):
        raise DataError(f"data: the {count} times after {times[-1]} are later than a date can be") from None
    return np.asarray(found.to_numpy("datetime64[ns]"))


def calendar_parts(times: np.ndarray) -> tuple[str, ...]:
    """Which parts of the calendar vary among times and repeat: what a model may learn from."""
    import pandas

    index = pandas.DatetimeIndex(times)
    span = index[-1] - index[0]
    step = np.median(np.diff(times).astype(np.int64)) if len(times) > 1 else _DAY
    found = []
    if step < _DAY and span >= pandas.Timedelta(days=2):
        found.append("hour")
    if step <= _DAY and index.day_of_week.nunique() > 2 and span >= pandas.Timedelta(days=14):
        found.append("weekday")
    if step < 100 * _DAY and span >= pandas.Timedelta(days=2 * 366):
        found.append("month")
    return tuple(found)


def calendar(times: np.ndarray, parts: Sequence[str]) -> tuple[tuple[str, ...], np.ndarray]:
    """Places in the day, week and year as sine and cosine: names, and float64 (steps, 2 * parts).

    Raises:
        DataError: an unknown part.
    """
    import pandas

    index = pandas.DatetimeIndex(times)
    names: list[str] = []
    columns: list[np.ndarray] = []
    for part in parts:
        if part == "hour":
            share = (index.hour + index.minute / 60).to_numpy() / 24
        elif part == "weekday":
            share = index.day_of_week.to_numpy() / 7
        elif part == "month":
            share = (index.day_of_year.to_numpy() - 1) / 365.25
        else:
            raise DataError(f"calendar: expected parts among {', '.join(CALENDAR)}, got {part!r}")
        names += [f"{part} (sine)", f"{part} (cosine)"]
        columns += [np.sin(2 * np.pi * share), np.cos(2 * np.pi * share)]
    return tuple(names), np.stack(columns, axis=1) if columns else np.zeros((len(times), 0))
