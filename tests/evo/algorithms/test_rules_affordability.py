"""Rules of what a budget of time can pay for: a quarter of it for one training, another for the design."""

from __future__ import annotations

import pytest

from evo.algorithms import Candidate
from evo.algorithms.affordability import Affordability
from tests.evo.small_histories import SPACE, done, genome, history_of, waiting, x_of


def affordable(seconds: float) -> Affordability:
    """Trained for 9 epochs; an epoch of 0.1 takes a second, of 0.4 it takes four, of others as long as x tells."""
    found = Affordability(SPACE, 9, seconds)
    found.fit(history_of(*(done(x, 0.5, seconds={"train": 10 * x}) for x in (0.1, 0.4))))
    return found


def test_nothing_is_timed_before_the_first_outcome_with_seconds() -> None:
    found = Affordability(SPACE, 9, 100.0)
    assert found.timed is False
    for history, timed in (
        (history_of(), False),
        (history_of(waiting(0.1)), False),
        (history_of(done(0.1, 0.5)), False),
        (history_of(done(0.1, 0.5, seconds={"train": 1.0})), True),
    ):
        found.fit(history)
        assert found.timed is timed


def test_a_training_may_take_a_quarter_of_the_time() -> None:
    both = [genome(0.1), genome(0.4)]
    assert affordable(35.9)(both).tolist() == [False, False]
    assert affordable(36.0)(both).tolist() == [True, False]
    assert affordable(143.9)(both).tolist() == [True, False]
    assert affordable(144.0)(both).tolist() == [True, True]


@pytest.mark.parametrize(
    ("seconds", "left"), [(1000.0, [0.4, 0.1, 0.1]), (100.0, [0.1, 0.1]), (1.0, [0.1]), (36.0, [0.1, 0.1])]
)
def test_the_affordable_stay_in_order_or_the_quickest_if_there_are_none(seconds: float, left: list[float]) -> None:
    group = [Candidate(genome(0.4), number=0), Candidate(genome(0.1), number=1), Candidate(genome(0.1), number=2)]
    found = affordable(seconds).among(group)
    assert [x_of(c.genome) for c in found] == left
    assert [c.number for c in found] == sorted(c.number for c in found if c.number is not None)


@pytest.mark.parametrize(("seconds", "ends"), [(20.0, True), (20.1, False)])
def test_the_design_ends_once_it_has_taken_a_quarter(seconds: float, ends: bool) -> None:
    history = history_of(done(0.1, 0.5, seconds={"build": 2.0}), done(0.4, 0.5, seconds={"train": 3.0}), waiting(0.2))
    assert affordable(seconds).design_ends(history) is ends
