"""DEAP's operators: their random numbers, and operators of one's own."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest

from evo.algorithms import Candidate, Problem, ScreenedEvolution, deap_random, make_toolbox
from evo.core.randomness import Purpose, generator
from tests.evo.algorithms.scored_histories import history_of, line
from tests.evo.search_parts import Operators, survive, tournament


def test_nan_and_infinity_are_the_worst_for_deap() -> None:
    space = line()
    values = [0.5, math.nan, math.inf, 0.7, -math.inf]
    ordered = survive([Candidate(space.default(), (v,), n) for n, v in enumerate(values)], 5)
    assert [c.number for c in ordered[:2]] == [3, 0]
    assert {c.fitness.values[0] for c in ordered[2:]} == {-math.inf}


def test_operators_draw_from_the_proposals_generator_only() -> None:
    toolbox = make_toolbox(line())
    toolbox.register("individual", lambda: Candidate(line().genome(x=random.random())))
    drawn = []
    for noise in (1, 2):
        random.seed(noise)
        state = random.getstate()
        with deap_random(np.random.default_rng(3)):
            drawn.append(toolbox.individual().genome.key)
        assert random.getstate() == state
    assert drawn[0] == drawn[1]


def test_the_state_comes_back_after_an_error() -> None:
    state = random.getstate()
    with pytest.raises(RuntimeError), deap_random(np.random.default_rng(0)):
        random.random()
        raise RuntimeError
    assert random.getstate() == state


def test_registering_an_operator_changes_what_is_proposed() -> None:
    space = line()
    problem = Problem(space, 1)

    def my_mutate(individual: Candidate) -> tuple[Candidate]:
        individual.genome = space.genome(x=0.75)
        individual.origin = "mine"
        return (individual,)

    problem.toolbox.register("mutate", my_mutate)
    history = history_of([(float(n),) for n in range(12)])
    propose = ScreenedEvolution(crossover=0.0, random=0.0).bind(problem)
    proposal = propose(history, generator(0, Purpose.PROPOSAL, 12))
    assert proposal is not None and proposal.origin == "mine" and space.values(proposal.genome)["x"] == 0.75


def test_rivals_of_a_tournament_differ() -> None:
    candidates = [Candidate(line().default(), (float(n),), n) for n in range(3)]
    with deap_random(np.random.default_rng(0)):
        assert {c.number for c in tournament(candidates, 50, tournsize=3)} == {2}


def two_draws() -> tuple[float, float]:
    return random.random(), float(np.random.rand())  # noqa: NPY002


def test_the_streams_of_a_proposal_go_on_from_call_to_call() -> None:
    """Swapped for every call, or once for all: the same numbers; outside, nothing is noticed."""
    with deap_random(np.random.default_rng(3)):
        expected = [two_draws() for _ in range(4)]
    random.seed(1)
    np.random.seed(1)  # noqa: NPY002
    outside = [two_draws() for _ in range(4)]
    random.seed(1)
    np.random.seed(1)  # noqa: NPY002
    operators, seen, found = Operators(make_toolbox(line()), np.random.default_rng(3)), [], []
    for _ in range(2):
        found.append(operators.call(two_draws))
        seen.append(two_draws())
    with operators as same:
        found.append(same.call(two_draws))
        with operators:
            found.append(two_draws())
    seen += [two_draws(), two_draws()]
    assert found == expected and seen == outside


def test_operators_are_called_with_the_proposals_random_numbers() -> None:
    toolbox, space = make_toolbox(line()), line()
    toolbox.register("individual", lambda: Candidate(space.genome(x=random.random())))
    toolbox.register("survive", lambda group, k: random.sample(group, k))
    parents = [Candidate(space.genome(x=n / 10), (float(n),), n) for n in range(8)]

    def all_calls(noise: int) -> list[object]:
        random.seed(noise)
        operators = Operators(toolbox, np.random.default_rng(0))
        first, second = operators.mate(operators.clone(parents[2]), operators.clone(parents[7]))
        (mutant,) = operators.mutate(operators.clone(parents[0]))
        chosen = [*operators.select(parents, 4), *operators.survive(parents, 3)]
        return [*map(repr, (operators.individual(), first, second, mutant, *chosen)), operators.rng.random()]

    assert all_calls(1) == all_calls(2)


def test_what_is_called_gets_all_its_arguments() -> None:
    operators = Operators(make_toolbox(line()), np.random.default_rng(0))
    assert operators.call(lambda *given, **named: (given, named), 1, 2, third=3) == ((1, 2), {"third": 3})


def test_a_population_is_a_list_of_so_many_individuals_as_they_are_registered_now() -> None:
    toolbox = make_toolbox(line())
    toolbox.register("individual", lambda: Candidate(line().genome(x=0.25), number=7))
    assert [candidate.number for candidate in toolbox.population(n=3)] == [7, 7, 7]
    assert isinstance(toolbox.population(n=1), list)


def test_the_streams_stay_where_an_error_left_them() -> None:
    def fail() -> None:
        random.random()
        raise RuntimeError

    operators, state = Operators(make_toolbox(line()), np.random.default_rng(0)), random.getstate()
    with pytest.raises(RuntimeError):
        operators.call(fail)
    assert random.getstate() == state
    with deap_random(np.random.default_rng(0)):
        _, second = random.random(), random.random()
    assert operators.call(random.random) == second
