"""Rules of the ladder: which rungs there are, and what a promotion is."""

from __future__ import annotations

import pytest

from evo import Proposal
from evo.algorithms import Candidate, Ladder
from tests.evo.search_parts import Phenotype, SettingsError
from tests.evo.small_histories import genome


@pytest.mark.parametrize(
    ("epochs", "eta", "rungs"),
    [
        (27, 3.0, (1, 3, 9, 27)),
        (52, 3.0, (2, 6, 17, 52)),
        (27, 2.0, (1, 2, 3, 7, 14, 27)),
        (2, 3.0, (1, 2)),
        (1, 3.0, (1,)),
        (10, 4.0, (1, 3, 10)),
    ],
)
def test_rungs_are_eta_apart_rounded_to_the_nearest(epochs: int, eta: float, rungs: tuple[int, ...]) -> None:
    assert Ladder.make(epochs, eta).rungs == rungs


def test_rungs_are_three_apart_unless_said_otherwise() -> None:
    assert Ladder.make(81, first=1).rungs == (1, 3, 9, 27, 81)


def test_rungs_that_would_not_differ_end_the_ladder() -> None:
    assert Ladder.make(5, 1.1).rungs == (5,)
    assert Ladder.make(8, 1.2, first=1).rungs == (3, 4, 5, 6, 7, 8)


def test_the_lowest_rung_is_a_27th_of_the_full_length_at_least() -> None:
    assert Ladder.make(40).rungs == (1, 4, 13, 40)
    assert Ladder.make(41).rungs == (2, 5, 14, 41)


def test_the_lowest_rung_has_at_least_the_epochs_that_were_asked_for() -> None:
    assert Ladder.make(9, first=3).rungs == (3, 9)
    assert Ladder.make(9, first=4).rungs == (9,)
    assert Ladder.make(3, first=0).rungs == (1, 3)


def test_rungs_may_be_given() -> None:
    assert Ladder.make(9, rungs=[1, 4, 9]).rungs == (1, 4, 9)


@pytest.mark.parametrize("rungs", [(), (4, 1, 9), (4, 4, 9), (0, 9), (1, 8)])
def test_given_rungs_climb_to_the_full_length(rungs: tuple[int, ...]) -> None:
    with pytest.raises(SettingsError, match="rungs: expected increasing epochs that end at the full length 9, got"):
        Ladder.make(9, rungs=rungs)


def test_the_level_is_the_highest_rung_that_was_reached() -> None:
    ladder = Ladder((1, 4, 10))
    assert [ladder.level(epochs) for epochs in (0, 1, 3, 4, 9, 10, 99)] == [-1, 0, 0, 1, 1, 2, 2]
    assert (len(ladder), ladder.top) == (3, 2)


def test_the_ratio_is_that_of_a_rung_and_the_one_above() -> None:
    assert [Ladder((1, 4, 10)).ratio(level) for level in (0, 1)] == [4.0, 2.5]


def test_a_training_starts_on_the_lowest_rung() -> None:
    start = Ladder((2, 4)).start(Candidate(genome(0.1), parents=(3,), origin="mutation"))
    assert start == Proposal(genome(0.1), 0, 2, parents=(3,), origin="mutation", rung=0, final=False)
    assert Ladder((4,)).start(Candidate(genome(0.1))) == Proposal(genome(0.1), 0, 4, rung=0, final=True)


def reached(epochs: int) -> Phenotype:
    return Phenotype("x", genome(0.1), 0, best=5, reached=epochs)


def test_a_promotion_continues_the_trial_that_came_farthest_on_the_rung_above() -> None:
    assert Ladder((1, 4, 10)).promote(reached(1)) == Proposal(
        genome(0.1), 1, 4, continues=5, parents=(5,), origin="promotion", rung=1, final=False
    )


def test_a_promotion_to_the_full_length_is_final() -> None:
    assert Ladder((1, 4, 10)).promote(reached(4)) == Proposal(
        genome(0.1), 4, 10, continues=5, parents=(5,), origin="promotion", rung=2, final=True
    )


def test_a_promotion_from_between_two_rungs_ends_on_the_upper_one() -> None:
    promotion = Ladder((1, 4, 10)).promote(reached(3))
    assert (promotion.first_epoch, promotion.last_epoch, promotion.rung) == (3, 4, 1)


def test_a_training_may_start_on_a_higher_rung_and_inherit_weights() -> None:
    start = Ladder((1, 4, 10)).start(Candidate(genome(0.1), parents=(3,), origin="mutation"), level=1, inherits=3)
    assert start == Proposal(genome(0.1), 0, 4, parents=(3,), inherits=3, origin="mutation", rung=1, final=False)
    assert Ladder((1, 4)).start(Candidate(genome(0.1)), level=1).final
