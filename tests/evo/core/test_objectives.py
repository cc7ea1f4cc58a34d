"""What objectives make of an outcome."""

from __future__ import annotations

import math

import pytest

from evo.core.objectives import Objectives
from evo.core.trial import Outcome, Status


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_an_outcome_without_a_finite_score_has_diverged(value: float) -> None:
    given = Outcome(Status.COMPLETED, {"val_loss": value, "val_accuracy": 0.5}, message="odd")
    settled = Objectives(["val_accuracy", "-val_loss"]).settled(given)
    assert settled.status is Status.DIVERGED
    assert settled.message == f"odd; val_loss is {value}"
    # What nobody asks for may be anything.
    assert Objectives("val_accuracy").settled(given) is given
    failed = Outcome(Status.FAILED, {"val_loss": value}, message="why")
    assert Objectives("-val_loss").settled(failed) is failed
