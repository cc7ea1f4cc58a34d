"""Each rule of drawing parents by what they add to an ensemble (NES-RE)."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest

from evo.ensemble.selection.parents import ensemble_of, parents_by_ensemble, selection_by_ensemble

TARGETS = np.zeros(2)
#: Predictions of zeros; A and B balance each other, 3 is nearly A, 4 is far off, 5 is unknown and 6 broken.
KNOWN: dict[int, np.ndarray] = {
    1: np.array([1.0, 0.0]),
    2: np.array([-1.0, 1.0]),
    3: np.array([1.0, 0.1]),
    4: np.array([9.0, 9.0]),
    6: np.array([np.nan, 0.0]),
}


@dataclass(frozen=True)
class Individual:
    number: int | None


def rng() -> np.random.Generator:
    return np.random.default_rng(2)


def members(numbers: Sequence[int], size: int) -> list[int]:
    return ensemble_of(numbers, KNOWN.get, TARGETS, "regression", size)


def parents(numbers: Sequence[int], k: int, **settings: int) -> list[int]:
    return parents_by_ensemble(numbers, KNOWN.get, TARGETS, "regression", k, rng(), **settings)


# -- the ensemble ------------------------------------------------------------------
def test_ensemble_of_is_what_forward_selection_takes() -> None:
    assert members([4, 3, 2, 1], 1) == [1]
    assert sorted(members([4, 3, 2, 1], 2)) == [1, 2]
    assert sorted(members([4, 3, 2, 1], 3)) == [1, 2, 3]
    assert members([1, 2, 3, 4], 9) == [1, 2, 3, 4]


def test_ensemble_of_leaves_out_who_has_no_finite_predictions() -> None:
    assert members([6, 1, 5, 2], 4) == [1, 2]
    assert members([5, 6], 2) == [] and members([], 2) == []


def test_ensemble_of_goes_by_the_first_loss_of_the_task() -> None:
    """Log loss, in which a timid model that is always right loses more than a sure one that errs once."""
    y = np.array([1, 1, 1, 1])
    chances = {1: np.full(4, 0.6), 2: np.array([0.99, 0.99, 0.99, 0.4])}
    assert ensemble_of([1, 2], chances.get, y, "binary", 1) == [2]
    two = {n: np.stack([1 - p, p], axis=1) for n, p in chances.items()}
    assert ensemble_of([1, 2], two.get, y, "multiclass", 1) == [2]


# -- parents -----------------------------------------------------------------------
def test_parents_are_drawn_evenly_from_the_ensemble_with_repetition() -> None:
    drawn = parents([1, 2, 3, 4], 400)
    assert len(drawn) == 400 and set(drawn) == {1, 2}
    assert 150 < drawn.count(1) < 250
    expected = [[1, 2][index] for index in rng().integers(2, size=400)]
    assert drawn == expected


def test_parents_come_of_an_ensemble_of_at_most_half_the_population() -> None:
    assert set(parents([1, 2, 3], 50)) == {1}
    assert set(parents([1], 5)) == {1}
    assert set(parents([1, 2, 3, 4], 50, size=1)) == {1}


def test_parents_come_of_an_ensemble_of_ten_by_default() -> None:
    random_state = np.random.default_rng(0)
    many = {n: random_state.normal(size=50) for n in range(30)}
    drawn = parents_by_ensemble(range(30), many.get, np.zeros(50), "regression", 500, rng())
    assert len(set(drawn)) == 10
    wide = parents_by_ensemble(range(30), many.get, np.zeros(50), "regression", 500, rng(), size=12)
    assert len(set(wide)) == 12


def test_parents_are_drawn_from_all_where_no_predictions_are_known() -> None:
    assert set(parents([5, 6, 7], 60)) == {5, 6, 7}


# -- a share of the parents --------------------------------------------------------
def _last(candidates: Sequence[Individual], k: int) -> list[Individual]:
    return [candidates[-1]] * k


def operator(share: float, size: int = 10, asked: list[int] | None = None):  # type: ignore[no-untyped-def]
    def predictions(number: int) -> np.ndarray | None:
        if asked is not None:
            asked.append(number)
        return KNOWN.get(number)

    return selection_by_ensemble(_last, predictions, TARGETS, "regression", share, size)


POPULATION = [Individual(n) for n in (4, 3, 2, 1)]


def test_selection_draws_its_share_of_the_parents_from_the_ensemble() -> None:
    random.seed(1)
    drawn = [c.number for c in operator(0.25)(POPULATION[:3] + [Individual(0)], 400)]
    assert set(drawn) <= {0, 2, 3} and 60 < 400 - drawn.count(0) < 140
    assert {c.number for c in operator(0.0)(POPULATION, 20)} == {1}
    assert {c.number for c in operator(1.0)(POPULATION, 40)} == {1, 2}


def test_selection_takes_half_from_the_ensemble_and_ten_members_by_default() -> None:
    many = {n: np.random.default_rng(n).normal(size=50) for n in range(30)}
    population = [Individual(n) for n in range(31)]
    draw = selection_by_ensemble(_last, many.get, np.zeros(50), "regression")
    random.seed(0)
    drawn = [c.number for c in draw(population, 2000)]
    assert 900 < drawn.count(30) < 1100 and len(set(drawn)) == 11


def test_selection_draws_from_the_global_random_as_deap_does() -> None:
    random.seed(3)
    expected = [random.choice([1, 2]) if random.random() < 0.5 else 1 for _ in range(20)]
    random.seed(3)
    assert [c.number for c in operator(0.5)(POPULATION, 20)] == expected


def test_selection_returns_the_individuals_it_was_given() -> None:
    assert all(any(c is given for given in POPULATION) for c in operator(1.0)(POPULATION, 10))


def test_selection_forms_the_ensemble_once_per_population() -> None:
    asked: list[int] = []
    draw = operator(1.0, asked=asked)
    draw(POPULATION, 3)
    draw(list(reversed(POPULATION)), 3)
    assert sorted(asked) == [1, 2, 3, 4]
    draw(POPULATION[:3], 1)
    assert len(asked) == 7
    draw(POPULATION, 1)  # the one before the last is forgotten
    assert len(asked) == 11


def test_selection_of_those_without_a_number_is_the_other() -> None:
    assert operator(1.0)([Individual(None), Individual(None)], 2) == [Individual(None)] * 2
    mixed = [Individual(None), Individual(1), Individual(2)]
    assert {c.number for c in operator(1.0)(mixed, 10)} == {1}  # an ensemble of one, of a population of two


@pytest.mark.parametrize(("size", "expected"), [(1, {1}), (2, {1, 2}), (9, {1, 2})])
def test_selection_comes_of_an_ensemble_of_at_most_half_the_population(size: int, expected: set[int]) -> None:
    assert {c.number for c in operator(1.0, size)(POPULATION, 40)} == expected
