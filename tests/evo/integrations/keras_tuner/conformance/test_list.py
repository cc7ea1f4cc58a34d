"""The list of what KerasTuner's tests expect names tests that exist, and all of them."""

from __future__ import annotations

import re
from pathlib import Path

import evo

PAGE = Path(evo.__file__).parents[1] / "docs" / "keras-tuner-conformance.md"
ROWS = re.findall(
    r"^\| (.+) \| (same|better|not)(?:: (.+))? \| `(test_\w+\.py)::(test_\w+)` \|$", PAGE.read_text(), re.M
)


def test_every_row_names_a_test_and_says_how_or_why() -> None:
    lines = [line for line in PAGE.read_text().splitlines() if line.startswith("| ") and "| outcome |" not in line]
    assert len(ROWS) == len(lines) and len({row[0] for row in ROWS}) == len(ROWS)
    assert all(bool(reason) == (outcome != "same") for _, outcome, reason, _, _ in ROWS)


def test_the_tests_of_the_list_are_the_tests_that_there_are() -> None:
    here = Path(__file__).parent
    existing = {
        (file.name, name)
        for file in here.glob("test_*.py")
        if file.name != Path(__file__).name
        for name in re.findall(r"^def (test_\w+)\(", file.read_text(), re.M)
    }
    assert {(file, name) for *_, file, name in ROWS} == existing


def test_nearly_everything_is_the_same_or_better() -> None:
    kept = sum(outcome != "not" for _, outcome, *_ in ROWS)
    assert kept >= 0.95 * len(ROWS)
