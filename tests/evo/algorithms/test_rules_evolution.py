"""Rules of evolution without a surrogate, and of random search: who are parents, and when a generation begins."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from deap import tools

from evo import Proposal
from evo.algorithms import (
    NSGA2,
    AgingEvolution,
    Algorithm,
    Candidate,
    GeneticAlgorithm,
    Problem,
    RandomSearch,
)
from evo.algorithms.algorithm import LATER
from genomes import Int
from genomes.spaces.vector import vector
from tests.evo.search_parts import Keys, Objectives, Operators, SettingsError, SpaceExhaustedError, survivors_of
from tests.evo.small_histories import SPACE, Row, done, failed, genome, history_of, waiting, x_of


class Watched:
    """A problem whose operators remember what they were given; children are 0.01 and 0.1 away from their parents."""

    def __init__(self, objectives: tuple[str, ...] = ("val_accuracy",), still: bool = False) -> None:
        self.problem = Problem(SPACE, 9, Objectives(objectives))
        self.objectives = objectives
        self.selected: list[tuple[list[int | None], int]] = []
        self.mutated: list[tuple[int, ...]] = []
        self.mated: list[tuple[int, ...]] = []
        self.individuals = 0
        toolbox = self.problem.toolbox
        select, individual = toolbox.select, toolbox.individual

        def watched_select(group: list[Candidate], k: int) -> list[Candidate]:
            self.selected.append(([c.number for c in group], k))
            return select(group, k)  # type: ignore[no-any-return]

        def mutate(candidate: Candidate) -> tuple[Candidate]:
            self.mutated.append(candidate.parents)
            candidate.origin = "mutation"
            if not still:
                candidate.genome = genome(round((x_of(candidate.genome) + 0.011) % 1, 6))
            return (candidate,)

        def mate(a: Candidate, b: Candidate) -> tuple[Candidate, Candidate]:
            a.parents = b.parents = (*a.parents, *b.parents)
            self.mated.append(a.parents)
            a.origin = b.origin = "crossover"
            if not still:
                a.genome = genome(round((x_of(a.genome) + 0.1234) % 1, 6))
                b.genome = genome(round((x_of(b.genome) + 0.2345) % 1, 6))
            return a, b

        def counted() -> Candidate:
            self.individuals += 1
            return individual()  # type: ignore[no-any-return]

        toolbox.register("select", watched_select)
        toolbox.register("mutate", mutate)
        toolbox.register("mate", mate)
        toolbox.register("individual", counted)

    def ask(self, algorithm: Algorithm, *rows: Row, seed: int = 0) -> Proposal | None:
        history = history_of(*rows, objectives=self.objectives)
        return algorithm.bind(self.problem)(history, np.random.default_rng(seed))


# -- random search ---------------------------------------------------------------------------------
def test_random_search_draws_and_trains_to_the_full_length() -> None:
    watched = Watched()
    found = watched.ask(RandomSearch(), done(0.1, 0.5))
    assert found is not None and watched.individuals == 1
    assert found == Proposal(found.genome, 0, 9, origin="random", final=True)


def test_random_search_takes_given_genomes_in_their_order() -> None:
    given = RandomSearch(initial=(genome(0.1), genome(0.2)))
    assert Watched().ask(given) == Proposal(genome(0.1), 0, 9, origin="initial", final=True)
    found = Watched().ask(given, waiting(0.2))
    assert found is not None and x_of(found.genome) == 0.1
    found = Watched().ask(given, waiting(0.2), done(0.1, 0.5))
    assert found is not None and found.origin == "random"


def test_only_genomes_may_be_given() -> None:
    with pytest.raises(SettingsError, match=r"initial\[1\]: expected a Genome, got int"):
        RandomSearch(initial=(genome(0.1), 3))  # type: ignore[arg-type]
    assert RandomSearch(initial=[genome(0.1)]).initial == (genome(0.1),)  # type: ignore[arg-type]


# -- generations -------------------------------------------------------------------------------------
FOUR = [done(0.1, 0.2), done(0.2, 0.9), done(0.3, 0.5), done(0.4, 0.3)]
GENETIC = GeneticAlgorithm(size=4)


def test_the_first_generation_is_random_and_does_not_wait() -> None:
    watched = Watched()
    found = watched.ask(GENETIC, waiting(0.1), waiting(0.2), waiting(0.3))
    assert found is not None and found.origin == "random" and found.final and found.last_epoch == 9
    assert watched.selected == [] and watched.individuals == 1
    given = watched.ask(GeneticAlgorithm(size=4, initial=(genome(0.7),)))
    assert given is not None and (x_of(given.genome), given.origin) == (0.7, "initial")


def test_a_generation_waits_for_all_before_it() -> None:
    for late in range(4):
        rows = [waiting(0.9) if n == late else row for n, row in enumerate(FOUR)]
        assert Watched().ask(GENETIC, *rows) is None
    found = Watched().ask(GENETIC, *FOUR)
    assert found is not None and set(found.parents) <= {0, 1, 2, 3}
    # It does not wait for its own.
    assert Watched().ask(GENETIC, *FOUR, waiting(0.9), waiting(0.8)) is not None


def test_parents_are_the_best_of_all_generations_before() -> None:
    watched = Watched()
    watched.ask(GENETIC, *FOUR, done(0.5, 0.4), done(0.6, 0.95), done(0.7, 0.1), failed(0.8), done(0.9, 1.0))
    assert watched.selected[0] == ([5, 1, 2, 4], 4)


def test_who_failed_or_came_too_late_is_no_survivor() -> None:
    rows = [done(0.1, 0.2), failed(0.2), done(0.3, math.nan), done(0.4, 0.3), done(0.5, 0.9)]
    history = history_of(*rows, failed(0.4, 9, 1, continues=3))
    operators = Operators(Problem(SPACE).toolbox, np.random.default_rng(0))
    found = survivors_of(operators, Keys(SPACE), history, 4, 9)
    assert [c.number for c in found] == [0]
    assert [c.number for c in survivors_of(operators, Keys(SPACE), history, 5, 9)] == [4, 0]
    assert [c.number for c in survivors_of(operators, Keys(SPACE), history, 5, 1)] == [4]


def test_where_all_failed_the_next_generation_is_random() -> None:
    watched = Watched()
    found = watched.ask(GENETIC, *(failed(n / 10) for n in range(4)))
    assert found is not None and found.origin == "random" and watched.selected == []


@pytest.mark.parametrize("variation", ["and", "or"])
@pytest.mark.parametrize("algorithm", [GeneticAlgorithm, NSGA2])
def test_children_are_mated_and_mutated_with_their_probabilities(algorithm: Any, variation: str) -> None:
    objectives, rows = ("val_accuracy",), FOUR
    if algorithm is NSGA2:
        objectives = ("a", "b")
        rows = [done(n / 10, (n / 10, 1 - n / 10)) for n in range(4)]
    watched = Watched(objectives)
    found = watched.ask(algorithm(size=4, crossover=1.0, mutation=0.0, variation=variation), *rows)
    assert found is not None and found.origin == "crossover" and len(found.parents) == 2
    assert watched.mated and not watched.mutated
    watched = Watched(objectives)
    found = watched.ask(algorithm(size=4, crossover=0.0, mutation=1.0, variation=variation), *rows)
    assert found is not None and found.origin == "mutation" and len(found.parents) == 1
    assert len(watched.mutated) == 4 and not watched.mated


def test_both_are_done_to_one_child_with_and_only() -> None:
    watched = Watched()
    watched.ask(GeneticAlgorithm(size=4, crossover=1.0, mutation=1.0), *FOUR)
    assert len(watched.mated) == 2 and len(watched.mutated) == 4


def test_fifty_generations_are_bred_before_a_random_genome_is_taken() -> None:
    watched = Watched(still=True)
    found = watched.ask(GENETIC, *FOUR)
    assert found is not None and found.origin == "random" and len(watched.selected) == 50


def test_settings_of_generations_are_checked() -> None:
    assert GeneticAlgorithm(size=2, crossover=0, mutation=1, variation="or").size == 2
    assert GeneticAlgorithm(crossover=0.5, mutation=0.5, variation="or").variation == "or"
    for settings, message in (
        ({"size": 1}, "size: expected a whole number of 2 or more, got 1"),
        ({"size": 2.5}, "size: expected a whole number of 2 or more, got 2.5"),
        ({"size": True}, "size: expected a whole number of 2 or more, got True"),
        ({"crossover": 1.1}, "crossover: expected a number from 0 to 1, got 1.1"),
        ({"crossover": -0.1}, "crossover: expected a number from 0 to 1, got -0.1"),
        ({"mutation": 1.1}, "mutation: expected a number from 0 to 1, got 1.1"),
        ({"mutation": -0.1}, "mutation: expected a number from 0 to 1"),
        ({"variation": "xor"}, "variation: expected 'and' or 'or', got 'xor'"),
        (
            {"crossover": 0.6, "variation": "or"},
            "crossover, mutation: expected to add up to at most 1 with variation='or', got 0.6 and 0.5",
        ),
    ):
        with pytest.raises(SettingsError, match=f"^{message}"):
            GeneticAlgorithm(**settings)  # type: ignore[arg-type]


# -- NSGA-II -------------------------------------------------------------------------------------------
def crowded(size: int, count: int) -> Watched:
    """All on one front; every child is mutated."""
    watched = Watched(("a", "b"))
    rows = [done(n / 50, (n / 50, 1 - n / 50)) for n in range(count)]
    assert watched.ask(NSGA2(size=size, crossover=0.0, mutation=1.0), *rows) is not None
    return watched


@pytest.mark.parametrize(("size", "bred"), [(4, 4), (6, 4), (7, 4), (8, 8), (2, 4), (3, 4)])
def test_tournaments_of_crowding_are_of_four_at_a_time(size: int, bred: int) -> None:
    assert len(crowded(size, size).mutated) == bred


@pytest.mark.parametrize(("size", "rivals"), [(2, 4), (3, 4), (5, 8), (7, 8), (8, 8)])
def test_rivals_are_filled_up_by_the_best_to_a_multiple_of_four(
    monkeypatch: pytest.MonkeyPatch, size: int, rivals: int
) -> None:
    drawn: list[list[int]] = []
    select = tools.selTournamentDCD

    def watched(group: list[Candidate], k: int) -> list[Candidate]:
        drawn.append([c.number for c in group if c.number is not None])
        return select(group, k)  # type: ignore[no-any-return]

    monkeypatch.setattr(tools, "selTournamentDCD", watched)
    crowded(size, size)
    assert len(drawn[0]) == rivals and set(drawn[0]) == set(range(size))
    assert drawn[0][size:] == drawn[0][: rivals - size]


def test_a_single_survivor_has_no_rivals_and_no_children() -> None:
    watched = Watched(("a", "b"))
    rows = [done(0.1, (0.5, 0.5)), failed(0.2)]
    found = watched.ask(NSGA2(size=2, crossover=0.0, mutation=1.0), *rows)
    assert found is not None and found.origin == "random" and watched.mutated == []


def test_the_dominated_lose_the_tournaments() -> None:
    watched = Watched(("a", "b"))
    rows = [done(n / 50, (n / 50, n / 50)) for n in range(8)]
    assert watched.ask(NSGA2(size=8, crossover=0.0, mutation=1.0), *rows) is not None
    parents = [n for (n,) in watched.mutated]
    assert len(parents) == 8 and 0 not in parents and parents.count(7) == 2


def test_with_or_as_many_children_as_individuals_are_bred() -> None:
    watched = Watched(("a", "b"))
    rows = [done(n / 50, (n / 50, 1 - n / 50)) for n in range(6)]
    watched.ask(NSGA2(size=6, crossover=0.0, mutation=1.0, variation="or"), *rows)
    assert len(watched.mutated) == 6


# -- aging -----------------------------------------------------------------------------------------------
FIVE = [done(0.1, 0.9), done(0.2, 0.1), done(0.3, 0.5), done(0.4, 0.3), done(0.5, 0.2)]


def test_until_the_population_is_full_genomes_are_random() -> None:
    aging = AgingEvolution(population=3, sample=3)
    found = Watched().ask(aging, *FIVE[:2])
    assert found is not None and found.origin == "random"
    found = Watched().ask(aging, *FIVE[:3])
    assert found is not None and (found.origin, found.parents, found.last_epoch) == ("mutation", (0,), 9)


def test_the_oldest_die_and_the_best_of_the_living_is_the_parent() -> None:
    assert parents_of(AgingEvolution(population=3, sample=3), *FIVE) == (2,)
    assert parents_of(AgingEvolution(population=5, sample=5), *FIVE) == (0,)
    assert parents_of(AgingEvolution(population=2, sample=2), *FIVE) == (3,)


def parents_of(algorithm: Algorithm, *rows: Row, seed: int = 0) -> tuple[int, ...]:
    found = Watched().ask(algorithm, *rows, seed=seed)
    assert found is not None
    return found.parents


def test_those_without_a_finite_score_are_not_alive() -> None:
    rows = [*FIVE, failed(0.6), done(0.7, math.nan), waiting(0.8)]
    assert parents_of(AgingEvolution(population=3, sample=3), *rows) == (2,)
    found = Watched().ask(AgingEvolution(population=2, sample=2), failed(0.1), failed(0.2))
    assert found is not None and found.origin == "random"


def test_only_a_sample_of_the_living_competes() -> None:
    aging = AgingEvolution(population=5, sample=1)
    assert {parents_of(aging, *FIVE, seed=seed) for seed in range(40)} == {(n,) for n in range(5)}
    aging = AgingEvolution(population=5, sample=2)
    # The worst never wins against another.
    assert {parents_of(aging, *FIVE, seed=seed) for seed in range(40)} == {(0,), (2,), (3,), (4,)}
    # Fewer than the sample may be alive.
    assert parents_of(AgingEvolution(population=5, sample=5), *FIVE[:2], *(failed(n / 10) for n in (6, 7, 8))) == (0,)


def test_a_crossover_is_with_another_of_the_living() -> None:
    aging = AgingEvolution(population=3, sample=3, crossover=1.0)
    found = {parents_of(aging, *FIVE, seed=seed) for seed in range(30)}
    # The best of the sample is the first parent; where the other is the same trial it is mutated.
    assert found == {(2, 3), (2, 4), (2,)}
    assert {parents_of(AgingEvolution(population=3, sample=3), *FIVE, seed=seed) for seed in range(20)} == {(2,)}


def test_fifty_children_are_bred_before_a_random_genome_is_taken() -> None:
    watched = Watched(still=True)
    found = watched.ask(AgingEvolution(population=3, sample=3), *FIVE)
    assert found is not None and found.origin == "random" and len(watched.mutated) == 50


def test_given_genomes_come_first_also_in_a_full_population() -> None:
    found = Watched().ask(AgingEvolution(population=3, sample=3, initial=(genome(0.7),)), *FIVE)
    assert found is not None and (x_of(found.genome), found.origin) == (0.7, "initial")


def test_settings_of_aging_are_checked() -> None:
    assert AgingEvolution(population=2, sample=2, crossover=1).sample == 2
    assert AgingEvolution(population=2, sample=1, crossover=0).sample == 1
    for settings, name in (
        ({"population": 1, "sample": 1}, "population: expected a whole number of 2 or more"),
        ({"population": 2.5, "sample": 1}, "population: expected a whole number"),
        ({"sample": 0}, "sample: expected a whole number from 1 to 100"),
        ({"sample": 101}, "sample: .* 1 to 100"),
        ({"sample": 1.5}, "sample: expected a whole number"),
        ({"crossover": 1.01}, "crossover: "),
        ({"crossover": -0.01}, "crossover: "),
    ):
        with pytest.raises(SettingsError, match=f"^{name}"):
            AgingEvolution(**settings)  # type: ignore[arg-type]


def test_defaults_are_those_that_were_published() -> None:
    assert AgingEvolution().to_json() == {
        "algorithm": "AgingEvolution",
        "initial": [],
        "population": 100,
        "sample": 25,
        "crossover": 0.0,
    }
    for algorithm in (GeneticAlgorithm(), NSGA2()):
        assert algorithm.to_json() == {
            "algorithm": type(algorithm).__name__,
            "initial": [],
            "size": 20,
            "crossover": 0.5,
            "mutation": 0.5,
            "variation": "and",
        }
    assert RandomSearch(initial=(genome(0.1),)).to_json()["initial"] == [genome(0.1).to_json()]


def test_settings_that_came_later_are_written_down_only_where_they_are_not_the_default() -> None:
    @dataclass(frozen=True)
    class Grown(RandomSearch):
        first: int = field(default=1, metadata=LATER)
        second: tuple[int, ...] = (2, 3)

    named: dict[str, Any] = {"algorithm": "Grown", "initial": []}
    assert Grown().to_json() == {**named, "second": [2, 3]}
    assert Grown(first=4, second=()).to_json() == {**named, "first": 4, "second": []}


@pytest.mark.parametrize(
    "algorithm", [RandomSearch(), GeneticAlgorithm(size=2), AgingEvolution(population=2, sample=1)]
)
def test_a_used_up_space_waits_or_says_so(algorithm: Algorithm) -> None:
    space = vector({"n": Int(1, 2)})
    step = algorithm.bind(Problem(space, 9))
    rows = [(Proposal(space.genome(n=n)), failed(0.1)[1]) for n in (1, 2)]
    with pytest.raises(SpaceExhaustedError, match="2 different phenotypes"):
        step(history_of(*rows), np.random.default_rng(0))
    assert step(history_of(rows[0], (rows[1][0], None)), np.random.default_rng(0)) is None
