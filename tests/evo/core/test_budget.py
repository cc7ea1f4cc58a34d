"""Budgets."""

from __future__ import annotations

from typing import Any

import pytest

import evo
from evo.errors import SettingsError


@pytest.mark.parametrize(
    "budget",
    [{"epochs": 0}, {"trials": -1}, {"minutes": 0.0}, {"minutes": float("inf")}, {}, {"epochs": 1.5}, {"trials": True}],
)
def test_budgets_of_nothing_are_refused(budget: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match="budget"):
        evo.Budget(**budget)


def test_the_first_limit_that_is_reached_ends_it() -> None:
    budget = evo.Budget(epochs=10, minutes=4)
    assert budget.spent(evo.History(), minutes=1) == 0.25
    assert not budget.only_minutes and evo.Budget(minutes=1).only_minutes
