"""Rules of breeding: new phenotypes only, from two parents or from one, and what operators remember."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pytest

from evo import Proposal
from evo.algorithms import Candidate, Ladder, Problem, deap_random
from genomes import Choice, Int, Space
from genomes.spaces.vector import vector
from tests.evo.search_parts import (
    Keys,
    NewPhenotypes,
    Operators,
    SpaceExhaustedError,
    children,
    survive,
    tournament,
    worst_if_nan,
)
from tests.evo.small_histories import SPACE, Row, done, genome, history_of, waiting, x_of


def draws(space: Space, known: int, answer: Callable[[int], Candidate]) -> tuple[Candidate | None, int]:
    """What is found where the first draws are as given, and after how many."""
    problem, counter = Problem(space), itertools.count()
    problem.toolbox.register("individual", lambda: answer(next(counter)))
    new = unknown(space, {Keys(space)(space.default()), *map(str, range(known - 1))})
    return new.drawn(Operators(problem.toolbox, np.random.default_rng(0))), next(counter)


def unknown(space: Space, known: set[str], *rows: Row) -> NewPhenotypes:
    return NewPhenotypes(space, Keys(space), history_of(*rows), known)


def numbers(size: int) -> Space:
    return vector({"n": Int(1, size)})


def test_the_first_phenotype_that_is_not_known_is_taken() -> None:
    old, new = SPACE.default(), genome(0.25)
    found, count = draws(SPACE, 1, lambda n: Candidate(new if n == 2 else old, origin="mutation"))
    assert found is not None and (x_of(found.genome), found.origin, count) == (0.25, "random", 3)


@pytest.mark.parametrize(("size", "tries"), [(50, 1000), (100, 1200), (30_000, 200_000)])
def test_twelve_draws_per_phenotype_of_the_space_but_a_thousand_at_least(size: int, tries: int) -> None:
    space = numbers(size)
    known = Candidate(space.default())
    assert draws(space, 1, lambda n: known) == (None, tries)


def test_in_an_endless_space_the_known_ones_are_counted_instead() -> None:
    assert draws(SPACE, 1, lambda n: Candidate(SPACE.default())) == (None, 1000)
    assert draws(SPACE, 100, lambda n: Candidate(SPACE.default())) == (None, 1200)


def test_nothing_is_drawn_where_all_are_known() -> None:
    assert draws(numbers(3), 3, lambda n: Candidate(numbers(3).genome(n=3))) == (None, 0)
    assert draws(numbers(3), 2, lambda n: Candidate(numbers(3).genome(n=3)))[1] == 1


def test_a_used_up_space_waits_for_trials_under_way_and_then_says_so() -> None:
    def exhausted(space: Space, known: int, *rows: Row) -> Proposal | None:
        return unknown(space, set(map(str, range(known))), *rows).proposal(None, Ladder((1,)).start)

    assert exhausted(numbers(3), 3, done(0.1, 0.5), waiting(0.2)) is None
    with pytest.raises(SpaceExhaustedError, match="used up: 3 different phenotypes have been trained, all 3. Widen"):
        exhausted(numbers(3), 3, done(0.1, 0.5))
    with pytest.raises(SpaceExhaustedError, match="2 different .* no further one could be drawn. Widen"):
        exhausted(numbers(3), 2, done(0.1, 0.5))
    with pytest.raises(SpaceExhaustedError, match="no further one could be drawn"):
        exhausted(SPACE, 2, done(0.1, 0.5))


def test_the_first_given_genome_that_is_not_known_is_taken() -> None:
    new = unknown(SPACE, {Keys(SPACE)(genome(0.1))})
    found = new.given([genome(0.1), genome(0.2), genome(0.3)])
    assert found is not None and (x_of(found.genome), found.origin) == (0.2, "initial")
    assert new.given([genome(0.1)]) is None and new.given([]) is None
    assert genome(0.1) not in new and genome(0.2) in new


def test_known_are_the_phenotypes_of_the_history_pending_ones_included() -> None:
    new = NewPhenotypes(SPACE, Keys(SPACE), history_of(done(0.1, 0.5), waiting(0.2)))
    assert new.known == {Keys(SPACE)(genome(0.1)), Keys(SPACE)(genome(0.2))}


def test_the_first_new_child_of_fifty_broods_is_taken() -> None:
    new, counter = unknown(SPACE, {Keys(SPACE)(genome(0.1))}), itertools.count()
    broods = [[0.1, 0.1], [0.1, 0.3, 0.4]]
    found = new.bred(lambda: [Candidate(genome(x)) for x in broods[next(counter)]])
    assert found is not None and x_of(found.genome) == 0.3
    counter = itertools.count()
    assert new.bred(lambda: [Candidate(genome(0.1 + 0 * next(counter)))]) is None
    assert next(counter) == 50


# -- children ---------------------------------------------------------------------------------
class Draws:
    """A generator whose uniform numbers are given."""

    def __init__(self, numbers: list[float]) -> None:
        self.left = iter(numbers)

    def integers(self, high: int, size: int) -> np.ndarray:
        return np.zeros(size, int)

    def random(self) -> float:
        return next(self.left)


def bred(parents: int, drawn: list[float], crossover: float = 0.25, second: float = 0.5) -> Candidate:
    """A child where the draws are given; genomes say how often they were mated (tenths) and mutated (hundredths)."""
    problem = Problem(SPACE)

    def moved(candidate: Candidate, by: float, origin: str) -> Candidate:
        candidate.genome, candidate.origin = genome(round(x_of(candidate.genome) + by, 6)), origin
        return candidate

    def mate(a: Candidate, b: Candidate) -> tuple[Candidate, Candidate]:
        a.parents = (*a.parents, *b.parents)
        return moved(a, 0.1, "crossover"), moved(b, 0.5, "crossover")

    def select(group: list[Candidate], k: int) -> list[Candidate]:
        assert k == 1, "a tournament more draws more random numbers"
        return group[:1]

    problem.toolbox.register("select", select)
    problem.toolbox.register("mate", mate)
    problem.toolbox.register("mutate", lambda a: (moved(a, 0.01, "mutation"),))
    group = [Candidate(genome(0.0), (1.0,), number) for number in range(parents)]
    draws = Draws(drawn)
    operators = Operators(problem.toolbox, draws)  # type: ignore[arg-type]
    child = next(children(operators, group, crossover, second))
    assert list(draws.left) == [] and all(c.genome == genome(0.0) for c in group) and not child.fitness.valid
    return child


def test_a_child_has_two_different_parents_with_the_probability_of_crossover() -> None:
    child = bred(3, [0.24, 0.9])
    assert (x_of(child.genome), child.origin, child.parents) == (0.1, "crossover", (0, 1))
    child = bred(3, [0.25, 0.9])
    assert (x_of(child.genome), child.origin, child.parents) == (0.01, "mutation", (0,))
    assert bred(2, [0.24, 0.9]).parents == (0, 1)


def test_a_single_parent_is_mutated() -> None:
    child = bred(1, [0.9])
    assert (x_of(child.genome), child.origin, child.parents) == (0.01, "mutation", (0,))


def test_one_more_mutation_leaves_the_origin() -> None:
    child = bred(2, [0.1, 0.49])
    assert (x_of(child.genome), child.origin) == (0.11, "crossover")
    assert x_of(bred(2, [0.9, 0.49]).genome) == 0.02
    assert x_of(bred(2, [0.9, 0.5]).genome) == 0.01


def test_children_never_end() -> None:
    problem = Problem(SPACE)
    parents = [Candidate(genome(0.5), (1.0,), 0), Candidate(genome(0.6), (0.5,), 1)]
    operators = Operators(problem.toolbox, np.random.default_rng(0))
    found = list(itertools.islice(children(operators, parents, 0.5, 0.5), 30))
    assert {child.origin for child in found} == {"mutation", "crossover"}


# -- the toolbox ------------------------------------------------------------------------------
def test_a_copy_remembers_the_trial_that_it_was_bred_from() -> None:
    parent = Candidate(genome(0.1), (0.5,), 7, (1, 2), "initial")
    copy = parent.copy()
    assert (copy.genome, copy.fitness.valid, copy.number, copy.parents, copy.origin) == (
        genome(0.1),
        False,
        None,
        (7,),
        "initial",
    )
    assert copy.copy().parents == (7,)
    assert Candidate(genome(0.1)).origin == "random" and Candidate(genome(0.1)).ancestors == ()


def test_mated_children_have_both_as_parents_each_once() -> None:
    toolbox = Problem(SPACE).toolbox
    with deap_random(np.random.default_rng(0)):
        first, second = toolbox.mate(Candidate(genome(0.1), parents=(1, 2)), Candidate(genome(0.9), parents=(2, 3)))
        (mutant,) = toolbox.mutate(Candidate(genome(0.1), parents=(4,)))
        alone = toolbox.individual()
    assert first.parents == second.parents == (1, 2, 3)
    assert first.origin == second.origin == "crossover"
    assert {x_of(first.genome), x_of(second.genome)} == {0.1, 0.9}
    assert (mutant.origin, mutant.parents) == ("mutation", (4,)) and x_of(mutant.genome) != 0.1
    assert (alone.origin, alone.parents) == ("random", ())


def test_tournaments_are_won_by_the_best_of_three_different_rivals() -> None:
    group = [Candidate(genome(0.5), (float(n),), n) for n in range(10)]
    with deap_random(np.random.default_rng(0)):
        won = [c.number for c in tournament(group, 300)]
        assert len(won) == 300 and min(n for n in won if n is not None) == 2 and len(set(won)) == 8
        assert {c.number for c in tournament(group, 50, tournsize=9)} == {8, 9}
        assert {c.number for c in tournament(group[:2], 50)} == {1}


def test_the_best_survive_best_first() -> None:
    group = [Candidate(genome(0.5), (value,), n) for n, value in enumerate([0.2, 0.9, 0.5])]
    assert [c.number for c in survive([*group, Candidate(genome(0.1))], 2)] == [1, 2]
    assert survive([], 3) == []
    alike = [Candidate(genome(0.5), (0.5,), n) for n in range(4)]
    assert [c.number for c in survive(alike, 3)] == [0, 1, 2]


def test_of_several_objectives_the_first_fronts_survive() -> None:
    rows = [(0.1, 0.1), (0.9, 0.2), (0.2, 0.9), (0.8, 0.1)]
    group = [Candidate(genome(0.5), row, n) for n, row in enumerate(rows)]
    assert {c.number for c in survive(group, 2)} == {1, 2}
    assert len(survive(group, 9)) == 4


def test_not_a_number_and_infinity_are_the_worst() -> None:
    assert [worst_if_nan(v) for v in (float("nan"), float("inf"), -1.0)] == [-float("inf"), -float("inf"), -1.0]


def test_a_finite_space_of_choices_is_found_to_the_last_one() -> None:
    space = vector({"kind": Choice(["a", "b", "c"])})
    keys = Keys(space)
    problem = Problem(space)
    new = unknown(space, {keys(space.genome(kind="a")), keys(space.genome(kind="b"))})
    found = new.drawn(Operators(problem.toolbox, np.random.default_rng(0)))
    assert found is not None and space.values(found.genome) == {"kind": "c"}
