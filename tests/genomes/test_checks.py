"""Checks of arguments: what passes, and that messages name the argument, the bounds and what was given."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from genomes import GenomeError
from genomes.checks import axis_lengths, whole_number


@pytest.mark.parametrize("value", [3, np.int64(3), np.uint8(3)])
def test_whole_numbers_become_plain_ints(value: Any) -> None:
    number = whole_number(value, "n", 1, 3)
    assert number == 3
    assert type(number) is int


@pytest.mark.parametrize("value", [True, np.bool_(True), 3.0, np.float32(3), "3", None, [3]])
def test_what_only_looks_like_a_whole_number_is_refused(value: Any) -> None:
    with pytest.raises(GenomeError, match="n: expected a whole number of 1 or more, got "):
        whole_number(value, "n", 1)


@pytest.mark.parametrize(
    ("least", "most", "message"),
    [
        (5, None, "n: expected a whole number of 5 or more, got 4"),
        (None, 3, "n: expected a whole number to 3, got 4"),
        (1, 3, "n: expected a whole number from 1 to 3, got 4"),
    ],
)
def test_bounds_are_named(least: int | None, most: int | None, message: str) -> None:
    with pytest.raises(GenomeError, match=f"^{message}$"):
        whole_number(4, "n", least, most)


def test_a_number_too_long_to_be_written_is_refused_all_the_same() -> None:
    with pytest.raises(GenomeError, match="n: expected a whole number from 1 to 9"):
        whole_number(10**5000, "n", 1, 9)


def test_the_caller_chooses_the_error() -> None:
    with pytest.raises(LookupError, match="expected a whole number, got 'x'"):
        whole_number("x", "", error=LookupError)


def test_lengths_of_axes() -> None:
    assert axis_lengths([np.int32(8), None], "shape", ("steps", "channels"), unknown=("channels",)) == (8, None)


@pytest.mark.parametrize("value", [8, None, (8,), (8, 8, 8), (8, 0), (None, 8), (8, 2.0)])
def test_wrong_lengths_of_axes_are_refused(value: Any) -> None:
    with pytest.raises(GenomeError, match=r"shape: expected \(steps, channels\), got "):
        axis_lengths(value, "shape", ("steps", "channels"))
