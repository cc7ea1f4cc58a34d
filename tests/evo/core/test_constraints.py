"""Bounds on what an outcome measured."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from evo import Constraint
from evo.core.errors import SettingsError
from evo.core.objectives import Objectives
from evo.core.trial import Outcome, Status


def outcome(accuracy: float, latency: float | None = 0.004, parameters: int = 1000) -> Outcome:
    scores = {"val_accuracy": accuracy} | ({} if latency is None else {"latency": latency})
    return Outcome(Status.COMPLETED, scores, epochs=1, parameters=parameters)


def energy(found: Outcome) -> float:
    return 10 * found.scores["latency"]


def test_a_constraint_is_no_objective() -> None:
    wanted = Objectives(["val_accuracy", "latency <= 0.005", Constraint(energy, at_most=2)])
    assert wanted.names == ("val_accuracy",) and len(wanted) == 1
    assert wanted.written == ("val_accuracy", "latency <= 0.005", "energy <= 2")
    assert Objectives(["val_accuracy", Constraint("latency", at_most=0.005)]).written == wanted.written[:2]
    # What is stored reads as what was given, to the last bit.
    third = Objectives(["val_accuracy", Constraint("flops", at_least=1 / 3)])
    assert Objectives(third.written).constraints == third.constraints


@pytest.mark.parametrize("text", ["latency<=5e-3", " latency <= 0.005 ", "latency ≤ .005"])
def test_constraints_are_read_as_people_write_them(text: str) -> None:
    assert Objectives(["val_accuracy", text]).constraints == (Constraint("latency", at_most=0.005),)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["val_accuracy", "latency < 0.005"], "<= or >="),
        (["val_accuracy", "latency <= 5 ms"], "expected a number"),
        (["val_accuracy", "latency <= inf"], "finite"),
        (["val_accuracy", "latency <= nan"], "finite"),
        (["val_accuracy", "<= 5"], "names no metric"),
        (["val_accuracy", "-val_loss >= -0.3"], "the quantity itself"),
        (["val_accuracy", "latency <= 1", "latency <= 2"], "two bounds of one kind"),
        (["val_accuracy", "latency >= 3", "latency <= 2"], "no value keeps both"),
        ("latency <= 5", "name also what is to be best"),
        (["latency <= 5"], "name also what is to be best"),
    ],
)
def test_what_cannot_be_meant_is_refused(given: object, words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        Objectives(given)  # type: ignore[arg-type]


@pytest.mark.parametrize("bounds", [{}, {"at_least": 1.0, "at_most": 2.0}, {"at_most": True}, {"at_most": "x"}])
def test_a_constraint_has_one_number(bounds: dict[str, float]) -> None:
    with pytest.raises(SettingsError, match=r"at_least or at_most|finite"):
        Constraint("latency", **bounds)


def test_a_name_that_no_trial_gives_is_refused() -> None:
    with pytest.raises(SettingsError, match="latency"):
        Objectives(["val_accuracy", "latncy <= 5"]).check_names(["val_accuracy", "latency"])


def test_a_missing_value_breaks_the_bound_and_one_that_is_not_finite_diverged() -> None:
    wanted = Objectives(["val_accuracy", "latency <= 0.005"])
    assert wanted.violation(outcome(0.9, None)) == math.inf
    assert wanted.settled(outcome(0.9, math.nan)).status is Status.DIVERGED
    assert wanted.merit(outcome(0.9, None)) < wanted.merit(outcome(0.1, 1e9))
    assert all(map(math.isfinite, wanted.merit(outcome(0.9, None))))


def test_comparing_merits_is_constrained_domination() -> None:
    """Deb et al. 2002, definition 1, by brute force over all pairs."""
    wanted = Objectives(["val_accuracy", "-parameters", "latency <= 0.25", "val_accuracy >= 0.5"])
    # Fractions of two, so that equal violations are equal numbers.
    drawn = np.random.default_rng(0).integers(1, 8, size=(40, 3))
    found = [outcome(a / 8, t / 16, int(p)) for a, t, p in drawn.tolist()]
    assert {wanted.violation(one) > 0 for one in found} == {True, False}

    def dominates(a: tuple[float, ...], b: tuple[float, ...]) -> bool:
        return all(x >= y for x, y in zip(a, b, strict=True)) and a != b

    for one, other in itertools.permutations(found, 2):
        broken, others = wanted.violation(one), wanted.violation(other)
        expected = broken < others if broken or others else dominates(wanted(one), wanted(other))
        assert dominates(wanted.merit(one), wanted.merit(other)) == expected


def test_without_constraints_the_merit_is_the_fitness() -> None:
    wanted = Objectives(["val_accuracy", "-parameters"])
    assert wanted.merit(outcome(0.3)) == wanted(outcome(0.3))
    assert wanted.merit(None) == wanted(None)
