"""Rules of the final trainings: the best to the full length of 9 epochs, then again with other seeds."""

from __future__ import annotations

from typing import Any

import numpy as np

from evo import Proposal
from evo.algorithms import FinalTraining, Problem
from genomes import Float
from genomes.spaces.vector import vector
from tests.evo.search_parts import Objectives
from tests.evo.small_histories import SPACE, Row, done, failed, genome, history_of, waiting


def finish(*rows: Row, objectives: tuple[str, ...] = ("val_accuracy",), **settings: Any) -> Proposal | None:
    step = FinalTraining(**settings).bind(Problem(SPACE, 9, Objectives(objectives)))
    return step(history_of(*rows, objectives=objectives), np.random.default_rng(0))


def test_the_best_score_is_continued_to_the_full_length_however_short_it_was_trained() -> None:
    found = finish(done(0.1, 0.5, 3, rung=1), done(0.2, 0.6, 1), done(0.3, 0.2, 1))
    assert found == Proposal(
        genome(0.2), 1, 9, continues=1, parents=(1,), origin="final", rung=1, final=True, replicate=0
    )


def test_it_goes_on_from_the_longest_training_of_the_phenotype() -> None:
    found = finish(done(0.1, 0.9), done(0.1, 0.6, 3, 1, continues=0, rung=1), done(0.2, 0.5))
    assert found is not None and (found.continues, found.first_epoch, found.rung) == (1, 3, 2)


def test_the_next_best_follow_while_one_is_on_its_way() -> None:
    rows = [done(0.1, 0.9), done(0.2, 0.5), waiting(0.1, 9, 1, continues=0, final=True)]
    found = finish(*rows)
    assert found is not None and found.continues == 1
    climbing = finish(done(0.1, 0.9), done(0.2, 0.5), waiting(0.1, 9, 1, continues=0))
    assert climbing is not None and climbing.continues == 1


def test_a_final_training_that_was_cut_short_is_not_continued() -> None:
    rows = [done(0.1, 0.9), done(0.1, 0.9, 4, 1, continues=0, final=True)]
    assert finish(*rows, replicates=0) is None


def test_one_whose_climb_failed_leaves_its_place_to_another() -> None:
    rows = [done(0.1, 0.9), done(0.2, 0.5), done(0.3, 0.1), failed(0.1, 3, 1, continues=0)]
    found = finish(*rows, size=1)
    assert found is not None and found.continues == 1
    # Nor is it replicated.
    assert finish(done(0.1, 0.9), failed(0.1, 3, 1, continues=0)) is None


def test_one_that_failed_beyond_the_full_length_is_replicated() -> None:
    found = finish(done(0.1, 0.9, 9, final=True), failed(0.1, 9, final=True))
    assert found is not None and found.origin == "replicate"


def test_of_several_objectives_a_phenotype_takes_one_place_however_many_genomes_it_has() -> None:
    tenths = vector({"x": Float(0.0, 1.0)}, key=lambda values: f"{values['x']:.1f}")
    rows = [done(0.11, (0.9, 0.9)), done(0.12, (0.8, 0.8)), done(0.3, (0.1, 0.1)), waiting(0.11, 9, 1, final=True)]
    two = FinalTraining(size=2).bind(Problem(tenths, 9, Objectives(("a", "b"))))
    found = two(history_of(*rows, objectives=("a", "b")), np.random.default_rng(0))
    assert found is not None and (found.continues, found.origin) == (2, "final")


def test_only_so_many_are_finished() -> None:
    rows = [done(0.1, 0.9, 9, final=True), done(0.2, 0.8)]
    assert finish(*rows, size=1, replicates=0) is None
    found = finish(*rows, size=2, replicates=0)
    assert found is not None and found.continues == 1


def test_then_the_best_are_trained_again_from_the_start_each_once_before_any_twice() -> None:
    rows = [done(0.1, 0.8, 9, rung=2, final=True), done(0.2, 0.9, 9, rung=2, final=True)]
    found = []
    for _ in range(5):
        proposal = finish(*rows)
        found.append(proposal and (proposal.parents[0], proposal.replicate))
        if proposal is not None:
            rows.append((proposal, None))
    assert found == [(1, 1), (0, 1), (1, 2), (0, 2), None]
    assert finish(*rows[:2]) == Proposal(
        genome(0.2), 0, 9, parents=(1,), origin="replicate", rung=2, final=True, replicate=1
    )


def test_replicates_wait_until_all_are_finished_or_on_their_way() -> None:
    found = finish(done(0.1, 0.9, 9, final=True), done(0.2, 0.1))
    assert found is not None and found.origin == "final"


def test_without_replicates_none_is_trained_again() -> None:
    rows = [done(0.1, 0.8, 9, final=True)]
    assert finish(*rows, replicates=0) is None
    assert finish(*rows, waiting(0.1, 9, replicate=1), replicates=1) is None


def test_nothing_completed_is_nothing_to_finish() -> None:
    assert finish() is None
    assert finish(failed(0.1), waiting(0.2)) is None


def test_of_several_objectives_the_survivors_are_finished_the_longest_trained_first() -> None:
    rows = [done(0.1, (0.9, 0.9)), done(0.2, (0.1, 0.1), 3), done(0.3, (0.2, 0.2), 3)]
    found = finish(*rows, objectives=("a", "b"))
    assert found is not None and found.continues == 2


def test_ten_are_finished_and_replicated_twice_unless_said_otherwise() -> None:
    rows = [done(n / 100, n / 100, 9, final=True) for n in range(12)]
    finished = []
    while (proposal := finish(*rows)) is not None:
        finished.append(proposal.parents[0])
        rows.append((proposal, None))
    assert finished == [*range(11, 1, -1)] * 2
