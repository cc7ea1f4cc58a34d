"""Rules of the time left: what fits into a budget of minutes, on a pace of one second per epoch and one per trial."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from evo import Proposal
from evo.algorithms import FinalTraining, Problem
from evo.campaign.time_left import final_training
from genomes import Genome
from tests.evo.search_parts import Objectives, TimeLeft
from tests.evo.small_histories import SPACE, Row, done, genome, history_of, waiting


class Steady:
    """A pace: an epoch lasts ``each`` seconds, and every trial ``once`` more."""

    def __init__(self, each: float = 1.0, once: float = 0.0) -> None:
        self.each, self.once, self.fixed = each, once, once

    def proposal(self, proposal: Proposal) -> float:
        return self.once + self.each * proposal.epochs

    def epochs(self, genome: Genome, seconds: float) -> int:
        assert genome == asking(1).genome
        return max(0, math.floor((seconds - self.once) / self.each))

    def training(self, genomes: Sequence[Genome], epochs: int) -> np.ndarray:
        return np.full(len(genomes), self.once + self.each * epochs)


def left(minutes: float, workers: int = 1, share: float = 0.25, pace: Any = None) -> TimeLeft:
    return TimeLeft(pace or Steady(), minutes, workers, share)


def running(*epochs: int, final: bool = False) -> tuple[Row, ...]:
    return tuple(waiting(index / 10, last, final=final) for index, last in enumerate(epochs))


def asking(epochs: int) -> Proposal:
    return Proposal(genome(0.9), last_epoch=epochs, final=True)


def test_the_search_ends_where_the_share_of_the_final_trainings_begins() -> None:
    assert left(8).searching(5.99)
    assert not left(8).searching(6.0)


def test_the_last_trials_may_run_into_half_of_the_final_trainings_share() -> None:
    """Of 8 minutes 2 are for the final trainings: trials of the search are back after 7."""
    time, nothing = left(8), history_of()
    assert time.fits(nothing, asking(120), 5.0)
    assert not time.fits(nothing, asking(121), 5.0)


def test_without_final_trainings_the_search_may_take_all() -> None:
    time = left(8, share=0.0)
    assert time.fits(history_of(), asking(180), 5.0) and not time.fits(history_of(), asking(181), 5.0)


def test_a_trial_waits_for_a_worker_and_those_that_run_are_taken_to_be_half_done() -> None:
    time, history = left(8), history_of(*running(40))
    assert time.fits(history, asking(100), 5.0) and not time.fits(history, asking(101), 5.0)


def test_trials_that_wait_themselves_still_take_their_whole_time() -> None:
    time, history = left(8), history_of(*running(40, 30))
    assert time.fits(history, asking(70), 5.0) and not time.fits(history, asking(71), 5.0)


def test_the_worker_that_is_free_first_takes_the_next_trial() -> None:
    """Lanes of 20 and 5 seconds; the third, of 30, goes to the second: free after 20."""
    time, history = left(8, workers=2), history_of(*running(40, 10, 30))
    assert time.fits(history, asking(100), 5.0) and not time.fits(history, asking(101), 5.0)


def test_a_free_worker_means_no_waiting() -> None:
    time, history = left(8, workers=2), history_of(*running(40))
    assert time.fits(history, asking(120), 5.0) and not time.fits(history, asking(121), 5.0)


@pytest.mark.parametrize(("workers", "pending", "ready"), [(1, 1, True), (1, 2, False), (3, 3, True), (3, 4, False)])
def test_a_final_training_is_proposed_when_each_worker_has_one_trial(workers: int, pending: int, ready: bool) -> None:
    assert left(8, workers).ready(history_of(*running(*[1] * pending))) is ready


def test_trials_that_came_back_do_not_make_a_final_training_wait() -> None:
    assert left(8).ready(history_of(done(0.1, 0.5), done(0.2, 0.5)))


def test_six_share_the_time_left_less_a_tenth() -> None:
    """120 seconds for 6: 20 each, of which 18 are planned."""
    assert left(8).epochs(history_of(), asking(100), 6.0) == 18


def test_those_already_proposed_leave_the_share_to_the_others() -> None:
    finished = [done(index / 10, 0.5, 9, final=True) for index in range(2)]
    assert left(8).epochs(history_of(*finished, done(0.8, 0.5)), asking(100), 6.0) == 27


def test_after_the_sixth_whoever_comes_may_have_what_is_left() -> None:
    for count in (5, 6, 9):
        finished = [done(index / 10, 0.5, 9, final=True) for index in range(count)]
        assert left(8).epochs(history_of(*finished), asking(300), 6.0) == 108


def test_the_finalists_are_a_whole_number_for_every_worker() -> None:
    """4 workers: 8 finalists instead of 6; 4 times 120 seconds for 8 are 60 each."""
    assert left(8, workers=4).epochs(history_of(), asking(300), 6.0) == 54
    assert left(8, workers=3).epochs(history_of(), asking(300), 6.0) == 54
    assert left(8, workers=5).epochs(history_of(), asking(300), 6.0) == 54
    assert left(8, workers=7).epochs(history_of(), asking(300), 6.0) == 108


def test_what_is_pending_is_taken_off_the_time_that_is_shared() -> None:
    """120 seconds less 30 (half of 60) for 6: 15 each."""
    assert left(8).epochs(history_of(*running(60)), asking(100), 6.0) == 13


def test_none_gets_more_than_the_time_after_its_waiting() -> None:
    """The sixth has all that is left to itself, but the worker is free only after 50 of the 120 seconds."""
    history = history_of(*[done(index / 10, 0.5, 9, final=True) for index in range(5)], *running(100))
    assert left(8).epochs(history, asking(300), 6.0) == 63
    # With two workers the share is the larger: 240 - 50 - 90 seconds, against 120 - 45.
    history = history_of(*[done(index / 10, 0.5, 9, final=True) for index in range(5)], *running(100, 90))
    assert left(8, workers=2).epochs(history, asking(300), 6.0) == math.floor(0.9 * 75)


def test_none_gets_more_epochs_than_it_asks_for_or_than_fit() -> None:
    assert left(8).epochs(history_of(), asking(7), 6.0) == 7
    assert left(8, pace=Steady(once=8.0)).epochs(history_of(), asking(100), 6.0) == 10
    assert left(8).epochs(history_of(), asking(7), 8.0) == 0


def test_fewer_are_finished_where_shares_would_go_into_building() -> None:
    """Shares of 20 of 120 seconds, of which building takes 30: twice 30 are given instead, or what is left."""
    slow = Steady(once=30.0)
    assert left(8, pace=slow).epochs(history_of(), asking(100), 6.0) == 54 - 30
    assert left(8, pace=slow).epochs(history_of(), asking(100), 8 - 40 / 60) == 36 - 30
    assert left(8, pace=slow).epochs(history_of(), asking(100), 7.5) == 0


def test_further_seeds_fill_what_is_left_once_all_survivors_are_finished() -> None:
    """A survivor that was finished and trained with two further seeds: enough, unless there is time."""
    rows = [done(0.1, 0.8, 9, final=True), waiting(0.1, 9, replicate=1), waiting(0.1, 9, replicate=2)]
    history, problem = history_of(*rows), Problem(SPACE, 9, Objectives("val_accuracy"))
    assert final_training(10, in_time=False).bind(problem)(history, np.random.default_rng(0)) is None
    found = final_training(10, in_time=True).bind(problem)(history, np.random.default_rng(0))
    assert found is not None and (found.replicate, found.last_epoch) == (3, 9)
    assert (final_training(7, in_time=False), final_training(7, in_time=True).size) == (FinalTraining(7), 7)
