"""Checks of settings say what was given and what was expected."""

from __future__ import annotations

import math
from typing import Any

import pytest

from evo.core import checks
from evo.errors import SettingsError


@pytest.mark.parametrize("value", [0, True, 1.0, "1", None])
def test_what_is_no_whole_number_is_refused(value: Any) -> None:
    with pytest.raises(SettingsError, match=f"size: expected a whole number of 1 or more, got {value!r}"):
        checks.whole_number(value, "size", 1)


def test_whole_numbers_have_limits_and_an_error_of_ones_own() -> None:
    assert checks.whole_number(3, "size", 1, 3) == 3
    with pytest.raises(KeyError, match="size: expected a whole number from 1 to 3, got 4"):
        checks.whole_number(4, "size", 1, 3, error=KeyError)


@pytest.mark.parametrize("value", [math.nan, -0.1, 2, False, "0"])
def test_what_is_no_number_in_its_limits_is_refused(value: Any) -> None:
    with pytest.raises(SettingsError, match="rate: expected a number from 0 to 1, got"):
        checks.number(value, "rate", 0, 1)
    assert checks.number(1, "rate", 0, 1) == 1.0


@pytest.mark.parametrize("value", [0, -1, math.nan, math.inf, True, "1"])
def test_what_is_not_positive_is_refused(value: Any) -> None:
    with pytest.raises(SettingsError, match="seconds: expected a positive number, got"):
        checks.positive_number(value, "seconds")
    assert checks.positive_number(0.5, "seconds") == 0.5


def test_shares_may_or_may_not_be_the_whole() -> None:
    assert checks.share(1, "share") == 1.0 and checks.share(0, "share", whole=False) == 0.0
    with pytest.raises(SettingsError, match=r"share: expected a share, 0 to below 1, got 1"):
        checks.share(1, "share", whole=False)
    for value in (1.1, -0.1, math.nan, True):
        with pytest.raises(SettingsError, match=r"share: expected a share, 0 to 1, got"):
            checks.share(value, "share")


def test_truth_values_are_no_numbers() -> None:
    assert checks.truth_value(False, "on") is False
    with pytest.raises(SettingsError, match="on: expected True or False, got 1"):
        checks.truth_value(1, "on")


def test_unknown_names_are_answered_with_the_nearest() -> None:
    checks.known_names(["seed"], ["seed", "epochs"])
    with pytest.raises(SettingsError, match=r"\[campaign\] epoch: unknown; did you mean 'epochs'\?"):
        checks.known_names(["epoch"], ["seed", "epochs"], "[campaign] ")
    with pytest.raises(SettingsError, match="zzz: unknown; expected one of epochs, seed"):
        checks.known_names(["zzz"], ["seed", "epochs"])
