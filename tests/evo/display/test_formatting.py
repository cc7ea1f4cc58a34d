from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from evo.display import formatting


@given(st.lists(st.floats(-1e6, 1e6), max_size=60), st.integers(0, 30))
def test_sparkline_fits_and_marks_the_highest(values: list[float], width: int) -> None:
    line = formatting.sparkline(values, width)
    assert len(line) <= width
    if values and width >= len(values):
        assert line[values.index(max(values))] == "█"


def test_numbers_for_people() -> None:
    assert [formatting.short_number(v) for v in (0, 999, 1000, 54321, 1.5e6, 2e9, None, math.nan)] == [
        "0",
        "999",
        "1k",
        "54.3k",
        "1.5M",
        "2G",
        "–",
        "–",
    ]
    assert [formatting.clock(m) for m in (0, 0.5, 61.25, -1)] == ["0:00", "0:30", "1:01:15", "0:00"]
    assert [formatting.short_bytes(b) for b in (0, 1023, 2048, 5 * 2**20, 3 * 2**40)] == [
        "0 B",
        "1023 B",
        "2.0 KB",
        "5.0 MB",
        "3072 GB",
    ]


def test_what_is_to_be_expected_is_said_without_false_certainty() -> None:
    estimate = {"value": 0.0112, "error": 0.0079}
    report = {"estimate": {"calibrated_log_loss": estimate, "error": estimate, "log_loss": 0.5}}
    assert formatting.expected(report) == "error 0.0112 ± 0.0079, log_loss 0.5000"
    assert formatting.expected({"estimate": {"error": {"value": 0.0, "error": 0.0}}}) == "error 0 (no row was wrong)"
    assert formatting.expected({}) == "" == formatting.expected({"estimate": None})
    assert [formatting.counted(n, "trial") for n in (0, 1, 2)] == ["0 trials", "1 trial", "2 trials"]
