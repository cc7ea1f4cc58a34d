"""The plan of a frame: dates become numbers, and what tells nothing is left out with a line."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from evo.fitting.columns import planned_inputs
from evo.fitting.premade import space_for
from genomes.spaces.base import Space
from genomes.spaces.dates import date_part, form_of
from genomes.targets import Regression

ROWS = 40
TIMES = pd.Series(pd.date_range("2023-12-07 05:30", periods=ROWS, freq="29h"))


@pytest.mark.parametrize(
    ("values", "form"),
    [
        (TIMES, "ISO8601"),
        (TIMES.astype(object), "ISO8601"),
        (TIMES.dt.tz_localize("UTC"), "ISO8601"),
        (TIMES.dt.strftime("%Y-%m-%d %H:%M"), "ISO8601"),
        (TIMES.dt.strftime("%d.%m.%Y %H:%M"), "%d.%m.%Y %H:%M"),
        (TIMES.dt.strftime("%m/%d/%Y %H:%M"), "%m/%d/%Y %H:%M"),
    ],
)
def test_parts_of_dates_are_those_of_pandas(values: pd.Series, form: str) -> None:
    assert form_of(values) == form
    expected = {
        "year": TIMES.dt.year,
        "month": TIMES.dt.month,
        "weekday": TIMES.dt.day_of_week,
        "hour": TIMES.dt.hour + TIMES.dt.minute / 60,
        "days": (TIMES - pd.Timestamp(0)) / pd.Timedelta(days=1),
    }
    for part, numbers in expected.items():
        np.testing.assert_allclose(date_part(values, part, form, "when"), numbers, rtol=1e-6)


def test_what_is_no_date_is_none() -> None:
    for values in (["1.2", "3.4"], ["2024-13-45"], ["a", "b"], [1, 2], [None, None], ["31.02.2024"]):
        assert form_of(values) == ""
    assert np.isnan(date_part(["never", None, ""], "year", "ISO8601", "when")).all()


def test_a_frame_is_planned_and_the_plan_is_stored() -> None:
    frame = pd.DataFrame(
        {
            "row": np.arange(ROWS) + 1000,
            "size": np.linspace(0, 1, ROWS),
            "count": np.arange(ROWS) % 7,
            "key": [f"k{i}" for i in range(ROWS)],
            "city": ["a", "b"] * (ROWS // 2),
            "note": [f"some longer text number {i}" for i in range(ROWS)],
            "unit": "cm",
            "always": 1.0,
            "words": [str(i * 1.5) for i in range(ROWS)],
            "when": TIMES.dt.strftime("%d.%m.%Y"),
        }
    )
    plan = planned_inputs(frame)
    columns, lines = plan.columns, list(plan.lines)
    assert columns is not None and plan.texts == ("note",) and not plan.arrays
    days = ["when (days)", "when (year)", "when (month)", "when (weekday)"]
    assert [column.name for column in columns] == ["size", "count", "city", "words", *days]
    assert lines == [
        "left out: 'row': row numbers or keys",
        "left out: 'key': names or keys, nearly all different",
        "left out: 'unit', 'always': one value only",
        "free text: 'note': read word by word",
        "dates: 'when': taken as days, year, month, weekday and hour, where these vary",
    ]
    space = space_for(frame, Regression(1), plan)
    again = Space.from_json(space.to_json())
    for one, other in zip(space.prepare(frame[:5]).values(), again.prepare(frame[:5]).values(), strict=True):
        np.testing.assert_array_equal(one, other)
    with pytest.raises(ValueError, match="column 'when' is missing"):
        space.prepare(frame.drop(columns="when"))
