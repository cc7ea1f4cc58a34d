"""Dates, times of day, spans of time and counts since 1970: what pandas says of them, however they are written."""

from __future__ import annotations

import datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genomes.spaces.columns import infer_columns
from genomes.spaces.dates import DIGITS, PARTS, SPANS, clock_of, date_part, dated_form_of, form_of, parts_of

#: Two days whose parts all differ, and which no form can take for other days.
DAYS = pd.to_datetime(["2024-01-25 15:45:00", "1998-12-31 04:05:00"])


def objects(values: Any) -> np.ndarray:
    found = np.empty(len(values), dtype=object)
    found[:] = list(values)
    return found


@pytest.mark.parametrize(
    "form",
    [
        *("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%d.%m.%y", "%m/%d/%y"),
        *("%d %b %Y", "%d %B %Y", "%d-%b-%Y", "%d-%b-%y", "%d. %B %Y", "%b %d, %Y", "%B %d, %Y", "%B %Y"),
        *("%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S", "%d.%m.%Y %H:%M", "%m/%d/%Y %I:%M %p", "%d/%m/%Y %H:%M:%S"),
        *("%Y/%m/%d %H:%M:%S", "%d %b %Y %H:%M", "%m/%d/%y %H:%M"),
    ],
)
def test_a_date_is_read_however_it_is_written(form: str) -> None:
    texts = objects([day.strftime(form) for day in DAYS] + [None, ""])
    found = form_of(texts)
    assert found and dated_form_of(texts) == found
    expected = pd.to_datetime(pd.Series(texts[:2]), format=form)
    for part, values in (
        ("days", (expected - pd.Timestamp(0)) / pd.Timedelta("1D")),
        ("year", expected.dt.year),
        ("month", expected.dt.month),
        ("weekday", expected.dt.day_of_week),
        ("hour", expected.dt.hour + expected.dt.minute / 60),
    ):
        numbers = date_part(texts, part, found, "when")
        np.testing.assert_allclose(numbers[:2], values, rtol=1e-6)
        assert np.isnan(numbers[2:]).all()


@pytest.mark.parametrize(
    "texts",
    [
        ["1.2.10", "1.10.2"],
        ["10.0.0.1", "10.0.0.2"],
        ["Version 2024", "Version 2023"],
        ["99:99", "12:30"],
        ["2024", "1998"],
        ["May", "June"],
        ["12", "30"],
        ["a-b-c", "1-2-3"],
    ],
)
def test_what_only_looks_like_a_date_is_none(texts: list[str]) -> None:
    assert form_of(objects(texts)) == ""


@pytest.mark.parametrize(
    "values",
    [
        ["12:30", "07:05"],
        ["12:30:00", "7:05:00"],
        ["12:30 PM", "7:05 AM"],
        [datetime.time(12, 30), datetime.time(7, 5)],
    ],
)
def test_times_of_day_are_hours(values: list[Any]) -> None:
    form = form_of(objects(values))
    assert parts_of(form) == ("hour",) and dated_form_of(objects(values)) == ""
    np.testing.assert_allclose(date_part(objects(values), "hour", form, "at"), [12.5, 7 + 5 / 60], rtol=1e-6)


@pytest.mark.parametrize(
    "values",
    [
        ["1:02:33", "36:20:00"],
        ["0 days 01:02:33", "1 days 12:20:00"],
        [pd.Timedelta("1:02:33"), pd.Timedelta("36:20:00")],
        [datetime.timedelta(hours=1, minutes=2, seconds=33), datetime.timedelta(hours=36, minutes=20)],
        np.array([3753, 130800], "m8[s]"),
    ],
)
def test_spans_of_time_are_days(values: Any) -> None:
    array = values if isinstance(values, np.ndarray) else objects(values)
    assert form_of(array) == SPANS and parts_of(SPANS) == ("days",)
    np.testing.assert_allclose(date_part(array, "days", SPANS, "took"), [3753 / 86400, 130800 / 86400], rtol=1e-6)


def test_periods_are_their_beginning() -> None:
    values = pd.Series(pd.period_range("2020-01", periods=3, freq="M"))
    form = form_of(values)
    assert date_part(values, "month", form, "p").tolist() == [1, 2, 3] and dated_form_of(values) == ""


@settings(deadline=None, max_examples=50)
@given(st.lists(st.integers(10**9, 2 * 10**9 - 1), min_size=1, max_size=5), st.sampled_from(["s", "ms", "us", "ns"]))
def test_counts_since_1970_keep_what_float32_would_swallow(seconds: list[int], unit: str) -> None:
    per = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[unit]
    counts = np.array(seconds) * per
    form = clock_of(counts)
    assert form
    dates = pd.to_datetime(pd.Series(counts), unit=unit)
    hours = (dates - dates.dt.floor("D")) / pd.Timedelta("1h")
    np.testing.assert_allclose(date_part(counts, "hour", form, "at"), hours, atol=1e-5)
    np.testing.assert_array_equal(date_part(counts, "year", form, "at"), dates.dt.year)


@pytest.mark.parametrize("numbers", [[5, 1_700_000_000], [999_999_999], [2_000_000_000], [1.7e9], [True]])
def test_other_numbers_are_no_clock(numbers: list[Any]) -> None:
    assert clock_of(np.array(numbers)) == ""


@pytest.mark.parametrize("gap", [False, True])
def test_days_as_whole_numbers(gap: bool) -> None:
    days = pd.date_range("2023-12-25", periods=20)
    numbers = [float("nan")] * gap + [int(day.strftime("%Y%m%d")) for day in days]
    form = clock_of(np.array(numbers))
    assert form == DIGITS and clock_of(np.array([*numbers, 20230230])) == ""
    told = date_part(np.array(numbers), "days", form, "at")
    np.testing.assert_array_equal(told[gap:], (days - pd.Timestamp(0)).days)
    assert np.isnan(told[:gap]).all()
    counts = np.array([np.nan, 1.7e12, 1.7e12 + 86_400_000])
    assert np.diff(date_part(counts, "days", clock_of(counts), "at"))[1] == 1


def test_words_for_no_date_among_dates() -> None:
    texts = objects(["2024-01-25", "n/a", "0000-00-00", "2024-02-01"])
    form = form_of(texts)
    assert form and np.isnan(date_part(texts, "month", form, "at")).tolist() == [False, True, True, False]
    months = objects(["2024-01", "2023-12"])
    assert date_part(months, "month", form_of(months), "at").tolist() == [1, 12]
    assert form_of(objects(["2012-13", "2013-14"])) == form_of(objects(["n/a", "-"])) == ""


def test_columns_of_a_table_tell_what_varies() -> None:
    table = {
        "at": objects(["12:30", "07:05", None]),
        "took": np.array([1, 2, 3], "m8[h]"),
        "clock": np.array([1_700_000_000_123, 1_700_000_060_000, 1_700_003_000_000]),
        "number": np.array([1, 2, 3]),
    }
    columns, plain = infer_columns(table, text_dates=True)
    assert not plain
    assert [column.name for column in columns] == ["at (hour)", "took (days)", "clock (days)", "clock (hour)", "number"]
    assert columns[0].missing and not columns[1].missing
    assert {column.part for column in columns[:4]} <= set(PARTS)
