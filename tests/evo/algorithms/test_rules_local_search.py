"""Rules of local search: where a climb stands, when it has ended, and what comes then."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from evo import Proposal
from evo.algorithms import LocalSearch, Problem
from evo.core.errors import SettingsError
from tests.evo.small_histories import SPACE, Row, done, failed, genome, history_of, waiting, x_of


def ask(algorithm: LocalSearch, *rows: Row, objectives: tuple[str, ...] = ("val_accuracy",)) -> Proposal:
    problem = Problem(SPACE, 9)
    found = algorithm.bind(problem)(history_of(*rows, objectives=objectives), np.random.default_rng(0))
    assert found is not None and found.last_epoch == 9 and found.final
    return found


def starts(found: Proposal) -> bool:
    return found.origin == "random" and not found.parents


ONE = LocalSearch(starts=1, patience=2)


def test_climbs_begin_with_given_and_random_genomes() -> None:
    three = LocalSearch(starts=3, initial=(genome(0.7),))
    assert (x_of(ask(three).genome), ask(three).origin) == (0.7, "initial")
    assert starts(ask(three, done(0.7, 0.9)))
    assert starts(ask(three, done(0.7, 0.9), done(0.2, 0.1)))
    assert ask(three, done(0.7, 0.9), done(0.2, 0.1), done(0.4, 0.2)).parents == (0,)


def test_a_climb_moves_to_the_first_neighbour_that_is_better() -> None:
    rows = [done(0.1, 0.5), done(0.2, 0.4, parents=(0,)), done(0.3, 0.6, parents=(0,))]
    assert ask(ONE, *rows).parents == (2,)
    assert ask(ONE, *rows, done(0.4, 0.55, parents=(2,))).parents == (2,)
    assert ask(ONE, *rows, done(0.4, 0.7, parents=(2,))).parents == (3,)


@pytest.mark.parametrize("row", [done(0.4, 0.1, parents=(0,)), failed(0.4, parents=(0,)), waiting(0.4, parents=(0,))])
def test_a_climb_ends_after_so_many_neighbours_whatever_became_of_them(row: Row) -> None:
    assert ask(ONE, done(0.1, 0.5), row).parents == (0,)
    assert starts(ask(ONE, done(0.1, 0.5), row, done(0.2, 0.4, parents=(0,))))


def test_the_best_climb_that_has_not_ended_goes_on() -> None:
    ended = [done(0.1, 0.9), failed(0.2, parents=(0,)), failed(0.3, parents=(0,))]
    assert ask(ONE, *ended, done(0.4, 0.1), done(0.5, 0.3)).parents == (4,)
    # A neighbour that came late takes the climb up again.
    late = [done(0.1, 0.9), failed(0.2, parents=(0,)), done(0.3, 0.95, parents=(0,))]
    assert ask(ONE, *late, done(0.4, 0.1)).parents == (2,)


def test_what_failed_or_waits_is_no_place_to_stand() -> None:
    for row in (failed(0.1), waiting(0.1), done(0.1, math.nan)):
        assert starts(ask(ONE, row))
        assert ask(ONE, row, done(0.2, 0.1)).parents == (1,)
    # The neighbours of one that failed later belong to its climb all the same.
    assert ask(ONE, done(0.1, 0.5), done(0.2, 0.6, parents=(0,)), failed(0.2, 9, 1, continues=1)).parents == (1,)


def test_trials_of_a_phenotype_after_its_first_are_no_neighbours() -> None:
    rows = [done(0.1, 0.5), done(0.2, 0.4, parents=(0,)), done(0.1, 0.5, parents=(0,), replicate=1)]
    assert ask(ONE, *rows).parents == (0,)


def test_with_several_objectives_it_stands_on_the_front() -> None:
    rows = [done(0.1, (0.5, 0.5)), done(0.2, (0.4, 0.4), parents=(0,)), done(0.3, (0.6, 0.6), parents=(0,))]
    assert ask(ONE, *rows, objectives=("a", "b")).parents == (2,)


@pytest.mark.parametrize("setting", [{"starts": 0}, {"patience": 0}, {"patience": 1.5}])
def test_settings_out_of_range(setting: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match=next(iter(setting))):
        LocalSearch(**setting)
