"""Rules of DEAP's individual: what a copy keeps, and what a child remembers."""

from __future__ import annotations

import copy
import math

import pytest

from evo.algorithms import Candidate
from evo.algorithms.toolbox import Fitness
from tests.evo.small_histories import genome


def test_every_objective_is_maximised_and_weighs_the_same() -> None:
    fitness = Fitness((0.5, math.nan, 2.0))
    assert fitness.weights == (1.0, 1.0, 1.0) and fitness.values == (0.5, -math.inf, 2.0)
    assert fitness > Fitness((0.4, 9.0, 9.0)) and fitness.valid
    assert not Fitness().valid and Fitness().weights == (1.0,)


def test_a_copy_of_a_fitness_keeps_values_and_crowding_distance() -> None:
    fitness = Fitness((0.5, 2.0))
    assert copy.deepcopy(fitness).values == (0.5, 2.0) and not hasattr(copy.deepcopy(fitness), "crowding_dist")
    fitness.crowding_dist = 0.25
    again = copy.deepcopy(fitness)
    assert again is not fitness and again == fitness and again.crowding_dist == 0.25
    assert not copy.deepcopy(Fitness()).valid


def test_a_candidate_is_random_and_unevaluated_unless_said_otherwise() -> None:
    plain = Candidate(genome(0.1))
    assert (plain.number, plain.parents, plain.origin, plain.fitness.valid) == (None, (), "random", False)
    full = Candidate(genome(0.1), (0.5,), 7, (1, 2), "crossover")
    assert (full.fitness.values, full.number, full.parents, full.origin) == ((0.5,), 7, (1, 2), "crossover")
    assert repr(full) == f"Candidate({genome(0.1)}, fitness=(0.5,), number=7)"


@pytest.mark.parametrize(("number", "parents"), [(7, (7,)), (None, (1, 2)), (0, (0,))])
def test_a_copy_is_unevaluated_and_has_the_trial_or_its_parents_as_parents(
    number: int | None, parents: tuple[int, ...]
) -> None:
    child = Candidate(genome(0.1), (0.5,), number, (1, 2), "crossover").copy()
    assert child.genome == genome(0.1) and not child.fitness.valid
    assert (child.number, child.parents, child.origin) == (None, parents, "crossover")
