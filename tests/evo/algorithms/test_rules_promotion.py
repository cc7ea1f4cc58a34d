"""Rules of promotion: who climbs, on a ladder of 1, 3 and 9 epochs; phenotype 0 is the best, 1 the next, ..."""

from __future__ import annotations

import math
from typing import Any

import pytest

from evo.algorithms import Ladder
from tests.evo.search_parts import Phenotype, promotable
from tests.evo.small_histories import genome

LADDER = Ladder((1, 3, 9))


def climber(place: int, reached: int = 1, asked: int | None = None, failed: bool = False) -> Phenotype:
    asked = reached if asked is None else asked
    return Phenotype(str(place), genome(0.1), place, best=place, reached=reached, asked=asked, failed=failed)


def on_rung(count: int, climbed: int = 0, worst_climbed: int = 0) -> list[Phenotype]:
    """So many with one epoch, the best or the worst of whom are on their way up."""
    up = {*range(climbed), *range(count - worst_climbed, count)}
    return [climber(place, asked=3 if place in up else 1) for place in range(count)]


def chosen(trained: list[Phenotype], ladder: Ladder = LADDER, **settings: Any) -> int | None:
    found = promotable(ladder, trained, lambda group, epochs: sorted(group, key=lambda p: p.first), **settings)
    return None if found is None else found.first


# -- a share of those who have completed the rung --------------------------------------------
@pytest.mark.parametrize(("count", "climbs"), [(0, None), (1, None), (2, None), (3, 0), (5, 0)])
def test_one_of_three_climbs_and_less_than_a_whole_one_does_not(count: int, climbs: int | None) -> None:
    assert chosen(on_rung(count)) == climbs


def test_the_share_is_rounded_down() -> None:
    assert chosen(on_rung(5, climbed=1)) is None
    assert chosen(on_rung(6, climbed=1)) == 1


def test_only_the_best_share_climbs_whoever_climbed_before() -> None:
    assert chosen(on_rung(6, worst_climbed=2)) == 0
    assert chosen(on_rung(5, worst_climbed=1)) == 0
    better = [climber(0, asked=3), *on_rung(5)[1:]]
    assert chosen(better) is None


@pytest.mark.parametrize(("count", "climbs"), [(0, None), (1, None), (2, 0), (3, 0)])
def test_the_strict_share_is_rounded_to_the_nearest(count: int, climbs: int | None) -> None:
    assert chosen(on_rung(count), strict=True) == climbs


def test_half_a_strict_share_is_rounded_up() -> None:
    assert chosen(on_rung(1), eta=2.0, strict=True) == 0
    assert chosen(on_rung(3, climbed=1), eta=2.0, strict=True) == 1
    assert chosen(on_rung(1), eta=2.0) is None


def test_strictly_no_more_than_the_share_climb() -> None:
    assert chosen(on_rung(4, climbed=1), strict=True) is None
    assert chosen(on_rung(5, climbed=1), strict=True) == 1
    # Also if those who climbed are no longer the best.
    assert chosen(on_rung(4, worst_climbed=1), strict=True) is None
    assert chosen(on_rung(5, worst_climbed=2), strict=True) is None


def test_strictly_the_best_of_the_others_climbs_whatever_its_rank() -> None:
    trained = [climber(0, failed=True), climber(1, failed=True), *(climber(place) for place in (2, 3))]
    assert chosen(trained, strict=True) == 2
    assert chosen(trained) is None


# -- which share -----------------------------------------------------------------------------
def test_the_share_is_that_of_the_lengths_of_the_two_rungs() -> None:
    ladder = Ladder((1, 4, 10))
    assert chosen(on_rung(3), ladder) is None
    assert chosen(on_rung(4), ladder) == 0
    up = [climber(place, reached=4) for place in range(3)]
    assert chosen(up[:2], ladder) is None
    assert chosen(up, ladder) == 0


def test_the_share_may_be_given() -> None:
    assert chosen(on_rung(3), eta=4.0) is None
    assert chosen(on_rung(4), eta=4.0) == 0
    assert chosen(on_rung(2), eta=2.0) == 0


def test_at_least_one_of_so_many_climbs_however_far_the_rungs_lie_apart() -> None:
    ladder = Ladder((1, 9))
    assert chosen(on_rung(7), ladder) is None
    assert chosen(on_rung(6), ladder, most=7.0) is None
    assert chosen(on_rung(7), ladder, most=7.0) == 0
    assert chosen(on_rung(7), ladder, eta=9.0, most=7.0) == 0
    assert chosen(on_rung(3), most=math.inf) == 0


# -- who counts, and who may climb -------------------------------------------------------------
def test_those_who_have_left_a_rung_still_count_on_it() -> None:
    above = climber(2, reached=3)
    assert chosen([climber(0), climber(1), above]) == 0
    assert chosen([climber(0), climber(1)]) is None


def test_who_is_asked_to_climb_already_does_not_climb_again() -> None:
    assert chosen([climber(0, asked=3), *(climber(place) for place in range(1, 6))]) == 1


def test_who_has_failed_does_not_climb() -> None:
    assert chosen([climber(0, failed=True), *(climber(place) for place in range(1, 6))]) == 1
    assert chosen([climber(place, failed=True) for place in range(6)]) is None


def test_the_highest_rung_is_looked_at_first_and_none_climbs_beyond_the_top() -> None:
    low = [climber(place) for place in range(3)]
    high = [climber(place, reached=3) for place in range(3, 6)]
    assert chosen([*low, *high]) == 3
    assert chosen([climber(place, reached=9) for place in range(9)]) is None


def test_a_rung_from_which_none_may_climb_leaves_the_turn_to_the_one_below() -> None:
    low = [climber(place) for place in range(12)]
    assert chosen([*low, climber(12, reached=3), climber(13, reached=3)]) == 0
    strict = [*(climber(place) for place in range(9)), climber(9, reached=3, asked=9), climber(10, reached=3)]
    assert chosen(strict, strict=True) == 0


def test_who_stopped_between_two_rungs_counts_as_one_who_has_climbed() -> None:
    between = climber(9, reached=2)
    assert chosen([climber(0), climber(1), between]) == 0
    assert chosen([climber(0), climber(1), climber(2), between], strict=True) is None


def test_the_order_is_asked_for_with_the_length_of_the_rung() -> None:
    asked: list[tuple[int, int]] = []

    def order(group: list[Phenotype], epochs: int) -> list[Phenotype]:
        asked.append((len(group), epochs))
        return list(reversed(group))

    trained = [*(climber(place, reached=3, asked=9) for place in range(3)), *on_rung(6)[3:]]
    found = promotable(LADDER, trained, order)
    assert found is not None and found.first == 5
    assert asked == [(3, 3), (6, 1)]
