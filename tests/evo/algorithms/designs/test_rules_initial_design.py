"""Rules of the initial design: default, smallest, then what is far from all, over the strata of parameters."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from evo import History
from evo.algorithms import Candidate, Problem
from genomes import Genome
from tests.evo.search_parts import (
    POOL,
    CostBlind,
    DesignPolicy,
    InitialDesign,
    Keys,
    NewPhenotypes,
    Operators,
    WithinTime,
    reduced,
    spread,
)
from tests.evo.small_histories import Row, done, genome, history_of, line, x_of

SPACE = line()


def chosen(pool: int, known: int, *rows: Row) -> float:
    """Of candidates 0/100, 1/100, ... the one that is chosen when so many are known."""
    candidates = [Candidate(genome(place / 100)) for place in reversed(range(pool))]
    found = spread(candidates, NewPhenotypes(SPACE, Keys(SPACE), history_of(*rows), set(map(str, range(known)))))
    assert found.origin == "initial"
    return round(100 * x_of(found.genome))


def operators(problem: Problem) -> Operators:
    return Operators(problem.toolbox, np.random.default_rng(0))


def next_of(
    problem: Problem, history: History, known: set[str], policy: DesignPolicy | None = None
) -> Candidate | None:
    """The next genome of the design."""
    new = NewPhenotypes(problem.space, Keys(problem.space), history, known)
    return InitialDesign(10, policy or CostBlind()).next(new, operators(problem))


# -- the design ---------------------------------------------------------------------------------
def test_the_default_comes_first_then_the_smallest_then_others() -> None:
    problem, keys = Problem(SPACE), Keys(SPACE)
    known: set[str] = set()
    first = next_of(problem, history_of(), known)
    assert first is not None and first.genome == SPACE.default() and first.origin == "initial"
    second = next_of(problem, history_of(), {keys(SPACE.default())})
    assert second is not None and second.genome == SPACE.smallest() and second.origin == "initial"
    both = {keys(SPACE.default()), keys(SPACE.smallest())}
    third = next_of(problem, history_of(done(0.5, 0.1), done(0.0, 0.1)), both)
    assert third is not None and keys(third.genome) not in both and third.origin == "initial"


def test_the_next_one_is_chosen_among_32_draws() -> None:
    problem, counter = Problem(SPACE), itertools.count()
    problem.toolbox.register("individual", lambda: Candidate(genome(next(counter) / 100)))
    keys = Keys(SPACE)
    both = {keys(SPACE.default()), keys(SPACE.smallest())}
    assert next_of(problem, history_of(done(0.5, 0.1)), both) is not None
    assert next(counter) == POOL == 32


def test_a_used_up_space_has_no_next_one() -> None:
    problem, keys = Problem(SPACE), Keys(SPACE)
    problem.toolbox.register("individual", lambda: Candidate(SPACE.default()))
    both = {keys(SPACE.default()), keys(SPACE.smallest())}
    assert next_of(problem, history_of(), both) is None


def test_draws_are_of_different_new_phenotypes_and_one_at_least() -> None:
    problem, keys, counter = Problem(SPACE), Keys(SPACE), itertools.count()
    drawn_values = [0.1, 0.1, 0.2, 0.3]
    problem.toolbox.register("individual", lambda: Candidate(genome(drawn_values[min(3, next(counter))])))
    pool = NewPhenotypes(SPACE, keys, history_of(), {keys(genome(0.2))}).pool(operators(problem), 4)
    assert [x_of(c.genome) for c in pool] == [0.1, 0.3]
    counter = itertools.count()
    pool = NewPhenotypes(SPACE, keys, history_of(), {keys(genome(0.1))}).pool(operators(problem), 2)
    assert [x_of(c.genome) for c in pool] == [0.2]


# -- spread ---------------------------------------------------------------------------------------
def test_the_first_is_of_the_middle_of_the_pool_by_parameters() -> None:
    assert chosen(8, 0) == 3


@pytest.mark.parametrize(
    ("known", "low", "high"),
    [(1, 1, 2), (2, 5, 6), (3, 0, 1), (4, 4, 5), (5, 2, 3), (6, 6, 7), (7, 0, 1), (8, 3, 5), (9, 1, 3)],
)
def test_strata_follow_van_der_corput(known: int, low: int, high: int) -> None:
    """Centres 1/4, 3/4, 1/8, 5/8, 3/8, 7/8, 1/16, 9/16, 5/16 of the pool, and one to either side."""
    assert chosen(8, known, done(0.0, 0.1)) == high
    assert chosen(8, known, done(1.0, 0.1)) == low


def test_a_stratum_is_a_quarter_of_a_large_pool() -> None:
    assert (chosen(16, 1, done(1.0, 0.1)), chosen(16, 1, done(0.0, 0.1))) == (2, 5)
    assert (chosen(4, 1, done(1.0, 0.1)), chosen(4, 1, done(0.0, 0.1))) == (0, 1)


def test_a_stratum_begins_an_eighth_of_the_pool_below_its_centre() -> None:
    assert chosen(72, 0) == 36 - 9


def test_of_a_stratum_the_one_farthest_from_its_nearest_neighbour_is_taken() -> None:
    assert chosen(32, 1, done(0.04, 0.1), done(0.12, 0.1)) == 8
    assert chosen(32, 1, done(0.04, 0.1), done(0.10, 0.1)) == 7


class Affordable:
    """What is not above a limit is affordable; nothing has been timed if there is none."""

    def __init__(self, limit: float | None) -> None:
        self.limit, self.timed = limit, limit is not None

    def __call__(self, genomes: list[Genome]) -> np.ndarray:
        assert self.limit is not None
        return np.array([x_of(g) <= self.limit for g in genomes], bool)


# -- with a clock -----------------------------------------------------------------------------------
def timed(known: list[float], limit: float | None, default: float = 0.64, individual: float | None = None) -> Candidate:
    """The next of a design in which what is above ``limit`` is not affordable; mutation takes off a tenth."""
    space = line(default)
    problem, keys = Problem(space), Keys(space)

    def mutate(candidate: Candidate) -> tuple[Candidate]:
        candidate.genome = genome(round(0.75 * x_of(candidate.genome), 6))
        candidate.origin = "mutation"
        return (candidate,)

    problem.toolbox.register("mutate", mutate)
    if individual is not None:
        problem.toolbox.register("individual", lambda: Candidate(genome(individual)))

    rows = [done(x, 0.1) for x in known]
    policy = WithinTime(Affordable(limit))  # type: ignore[arg-type]
    found = next_of(problem, history_of(*rows), {keys(genome(x)) for x in known}, policy)
    assert found is not None and found.origin == "initial" and found.parents == ()
    return found


SMALLEST = x_of(line(0.64).smallest())


def test_with_a_clock_the_smallest_comes_first() -> None:
    for limit in (None, 0.1, 1.0):
        assert x_of(timed([], limit).genome) == SMALLEST


def test_untimed_reductions_of_the_default_begin_at_a_64th_and_double() -> None:
    """Of 640 operations: 10, then 20, 40."""
    costs = [SPACE.cost(timed([SMALLEST, *(0.9 + n / 100 for n in range(n))], None).genome).flops for n in range(4)]
    assert costs == [SPACE.cost(genome(reduction(limit))).flops for limit in (0.0105, 0.0205, 0.0405, 0.0805)]


def reduction(limit: float) -> float:
    """0.64, three quarters of it, and so on until it is not above the limit."""
    found = 0.64
    while found >= limit:
        found = round(0.75 * found, 6)
    return found


def test_timed_the_default_comes_second_if_it_is_affordable() -> None:
    assert x_of(timed([SMALLEST], 1.0).genome) == 0.64
    assert x_of(timed([SMALLEST, 0.64], 1.0, individual=0.9).genome) == 0.9


def test_timed_every_second_one_is_the_default_reduced_until_it_is_affordable() -> None:
    assert x_of(timed([SMALLEST], 0.4).genome) == 0.36
    assert x_of(timed([SMALLEST, 0.9], 0.4, individual=0.2).genome) == 0.2
    assert x_of(timed([SMALLEST, 0.9, 0.36], 0.4).genome) == 0.27


def test_timed_only_the_affordable_are_drawn() -> None:
    assert all(x_of(timed([SMALLEST, *rest], 0.1).genome) <= 0.1 for rest in ([0.9], [0.9, 0.8, 0.7]))


def test_timed_one_of_the_four_cheapest_is_taken_where_none_is_affordable() -> None:
    """Stratum of 4 candidates when 2 are known: the centre is 3, hence places 2 and 3."""
    space = line(0.64)
    problem, keys, counter = Problem(space), Keys(space), itertools.count()
    problem.toolbox.register("individual", lambda: Candidate(genome(0.5 + next(counter) / 1000)))
    known = {keys(space.smallest()), keys(genome(0.9))}
    history = history_of(done(SMALLEST, 0.1), done(0.9, 0.1))
    found = next_of(problem, history, known, WithinTime(Affordable(-1.0)))  # type: ignore[arg-type]
    assert found is not None and x_of(found.genome) == 0.502
    assert next(counter) == 4 * POOL


def drawn_within_time(limit: float | None) -> tuple[list[float], int]:
    """What a design with a clock may choose from, of 0.001, 0.002, ..., and how many were drawn."""
    problem, keys, counter = Problem(SPACE), Keys(SPACE), itertools.count(1)
    problem.toolbox.register("individual", lambda: Candidate(genome(next(counter) / 1000)))
    policy = WithinTime(Affordable(limit))  # type: ignore[arg-type]
    pool = policy.pool(NewPhenotypes(SPACE, keys, history_of()), operators(problem))
    return [x_of(candidate.genome) for candidate in pool], next(counter) - 1


def test_timed_the_first_32_that_are_affordable_are_chosen_from() -> None:
    assert drawn_within_time(0.04) == ([n / 1000 for n in range(1, POOL + 1)], 4 * POOL)
    assert drawn_within_time(0.02) == ([n / 1000 for n in range(1, 21)], 4 * POOL)


def test_untimed_the_four_cheapest_of_32_are_chosen_from() -> None:
    assert drawn_within_time(None) == ([0.001, 0.002, 0.003, 0.004], POOL)


# -- reduction ----------------------------------------------------------------------------------------
def walk(mutants: list[float], enough: float, start: float = 0.8) -> tuple[float | None, int]:
    """Where the walk ends, and how many mutants were made; the mutants are given, again and again."""
    problem, counter = Problem(SPACE), itertools.count()

    def mutate(candidate: Candidate) -> tuple[Candidate]:
        factor = mutants[next(counter) % len(mutants)]
        candidate.genome, candidate.origin = genome(round(x_of(candidate.genome) * factor, 6)), "mutation"
        return (candidate,)

    problem.toolbox.register("mutate", mutate)
    found = reduced(SPACE, operators(problem), genome(start), lambda g: x_of(g) <= enough)
    assert found is None or (found.origin, found.parents) == ("initial", ())
    return (None if found is None else x_of(found.genome)), next(counter)


def test_what_is_cheap_enough_is_not_reduced() -> None:
    assert walk([0.5], 0.8) == (0.8, 0)


def test_each_step_saves_a_quarter_or_more_but_as_little_as_it_may() -> None:
    assert walk([0.9, 0.75, 0.5], 0.7) == (0.6, 24)
    assert walk([0.9, 0.76, 0.5], 0.7) == (0.4, 24)


def test_where_no_step_saves_a_quarter_the_cheapest_is_taken() -> None:
    assert walk([0.9, 0.8, 1.2], 0.7) == (0.64, 24)


def test_a_step_is_never_to_something_dearer() -> None:
    assert walk([1.2, 1.0], 0.7) == (None, 60 * 24)


def test_a_step_to_something_as_dear_is_none() -> None:
    """0.8004 and 0.8 cost 800 operations."""
    assert walk([0.8 / 0.8004], 0.8001, start=0.8004) == (None, 60 * 24)


def test_it_is_given_up_after_sixty_steps() -> None:
    assert walk([0.999], 0.001)[0] is None
