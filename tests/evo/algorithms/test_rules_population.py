"""Rules of the population: phenotypes of a history, their order, the elite, and the front."""

from __future__ import annotations

import math

import pytest

from evo import History, Status
from evo.algorithms import pareto, survivors
from genomes import Choice, Float
from genomes.spaces.vector import vector
from tests.evo.search_parts import Keys, best_first
from tests.evo.small_histories import SPACE, done, failed, found_in, history_of, waiting

TWO = ("a", "b")


def test_a_phenotype_is_all_trials_of_one_key() -> None:
    history = history_of(
        done(0.1, 0.5), waiting(0.2), done(0.1, 0.6, 3, 1, continues=0), failed(0.3, 4), waiting(0.1, 9, 3, final=True)
    )
    one, two, three = found_in(history).values()
    assert (one.first, one.best, one.reached, one.asked, one.trials) == (0, 2, 3, 9, [0, 2, 4])
    assert (one.marks, one.pending, one.finished, one.failed, one.replicates) == ({1: 0, 3: 2}, True, True, False, 0)
    assert (two.first, two.best, two.reached, two.asked, two.pending, two.failed) == (1, None, 0, 1, True, False)
    assert (three.first, three.best, three.reached, three.asked, three.failed) == (3, None, 0, 4, True)
    assert three.marks == {} and not three.pending and not three.finished


@pytest.mark.parametrize("status", [Status.FAILED, Status.DIVERGED, Status.TIMED_OUT, Status.REJECTED])
def test_whatever_does_not_complete_fails_its_phenotype(status: Status) -> None:
    (found,) = found_in(history_of(done(0.1, 0.5), failed(0.1, 3, 1, status, 1, continues=0))).values()
    assert found.failed and (found.best, found.reached, found.asked) == (0, 1, 3)


def test_a_score_that_is_not_finite_fails_its_phenotype() -> None:
    (found,) = found_in(history_of(done(0.1, math.nan))).values()
    assert found.failed and found.best is None
    (found,) = found_in(history_of(done(0.1, (0.5, math.inf)), objectives=TWO)).values()
    assert found.failed and found.best is None


def test_replicates_count_but_are_neither_best_nor_mark_nor_failure() -> None:
    history = history_of(
        done(0.1, 0.5),
        done(0.1, 0.9, 9, replicate=2, final=True),
        failed(0.1, 9, replicate=1),
        waiting(0.1, replicate=2),
    )
    (found,) = found_in(history).values()
    assert (found.best, found.reached, found.asked, found.replicates) == (0, 1, 1, 2)
    assert (found.marks, found.failed, found.pending, found.finished) == ({1: 0}, False, False, False)


def test_of_trainings_of_one_length_the_first_counts() -> None:
    (found,) = found_in(history_of(done(0.1, 0.5), done(0.1, 0.9), done(0.1, 0.9, 2), done(0.1, 0.9))).values()
    assert (found.best, found.reached, found.marks) == (2, 2, {1: 0, 2: 2})


def test_a_completed_trial_of_no_epochs_is_better_than_none() -> None:
    (found,) = found_in(history_of(done(0.1, 0.5, epochs=0))).values()
    assert (found.best, found.reached) == (0, 0)


def test_keys_are_asked_for_once_per_genome() -> None:
    asked = []
    space = vector({"n": Choice([1, 2])}, key=lambda values: asked.append(values) or "same")  # type: ignore[func-returns-value]
    keys = Keys(space)
    assert [keys(space.genome(n=n)) for n in (1, 2, 1, 2)] == ["same"] * 4 and len(asked) == 2


# -- one objective ------------------------------------------------------------------------------
def test_the_best_first_then_lower_loss_then_older() -> None:
    history = history_of(
        done(0.1, 0.5, loss=0.3), done(0.2, 0.9), done(0.3, 0.5, loss=0.2), done(0.4, 0.5, loss=0.3), done(0.5, 0.5)
    )
    assert best_first(history, [4, 3, 2, 1, 0]) == [1, 2, 0, 3, 4]
    assert best_first(history, [0]) == [0] and best_first(history, []) == []


def test_survivors_are_the_longest_trained_and_of_those_the_best() -> None:
    history = history_of(
        done(0.1, 0.9),
        done(0.2, 0.1),
        done(0.2, 0.2, 3, 1, continues=1),
        done(0.3, 0.3, 3),
        failed(0.4),
        done(0.5, 0.8),
    )
    assert survivors(history, 9) == [3, 2, 0, 5]
    assert [survivors(history, size) for size in (1, 2, 3)] == [[3], [3, 2], [3, 2, 0]]
    assert survivors(history, 0) == []


def test_survivors_are_of_different_phenotypes_as_the_space_says() -> None:
    space = vector({"a": Choice(["x", "y"]), "b": Choice([1, 2])}, key=lambda values: str(values["b"]))
    rows = [(done(0.1, 0.1)[0], done(0.1, score)[1]) for score in (0.1, 0.2, 0.3)]
    genomes = [space.genome(a="x", b=1), space.genome(a="y", b=1), space.genome(a="x", b=2)]
    from dataclasses import replace

    history = history_of(*((replace(p, genome=g), o) for (p, o), g in zip(rows, genomes, strict=True)))
    assert survivors(history, 9, space) == [2, 0] == survivors(history, 9, keys=Keys(space))
    assert survivors(history, 9) == [2, 1, 0]
    assert pareto(history, space) == [2]


# -- several objectives ---------------------------------------------------------------------------
def front() -> History:
    """Front 0: trials 1, 3, 4, 5 from end to end; front 1: 0 and 2."""
    return history_of(
        done(0.0, (0.1, 0.1)),
        done(0.1, (0.9, 0.1)),
        done(0.2, (0.2, 0.05)),
        done(0.3, (0.7, 0.6)),
        done(0.4, (0.5, 0.65)),
        done(0.5, (0.05, 0.9)),
        objectives=TWO,
    )


def test_of_several_objectives_fronts_come_first_and_of_a_front_the_lonely() -> None:
    """The ends are infinitely lonely, ties going to the older one; 3 lies between 1 and 4, 4 between 3 and 5."""
    assert best_first(front(), range(6)) == [1, 5, 3, 4, 0, 2]
    assert survivors(front(), 3) == [1, 5, 3]
    two = history_of(done(0.1, (0.1, 0.9)), done(0.2, (0.9, 0.1)), objectives=TWO)
    assert best_first(two, [1, 0]) == [0, 1]


def test_the_front_is_of_the_longest_training_best_in_the_first_objective_first() -> None:
    assert pareto(front()) == [1, 3, 4, 5]
    longer = history_of(done(0.1, (0.9, 0.9)), done(0.2, (0.1, 0.2), 3), done(0.3, (0.2, 0.1), 3), objectives=TWO)
    assert pareto(longer) == [2, 1]
    assert pareto(history_of(failed(0.1), objectives=TWO)) == []


def test_of_the_front_each_phenotype_is_one_trial() -> None:
    tenths = vector({"x": Float(0.0, 1.0)}, key=lambda values: f"{values['x']:.1f}")
    history = history_of(done(0.11, (0.9, 0.1)), done(0.12, (0.8, 0.2)), done(0.3, (0.1, 0.9)), objectives=TWO)
    assert pareto(history, tenths) == [0, 2] and pareto(history) == [0, 1, 2]


def test_with_one_objective_the_front_is_the_best_of_the_longest() -> None:
    history = history_of(done(0.1, 0.9), done(0.2, 0.4, 3), done(0.3, 0.5, 3), done(0.4, 0.5, 3))
    assert pareto(history) == [2] == pareto(history, SPACE)
