"""Parts of the algorithms: toolbox, ladder, targets, surrogate, populations, hypervolume."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evo.algorithms import (
    Candidate,
    Ladder,
    Problem,
    ScreenedEvolution,
    deap_random,
    hypervolume_over_time,
    make_toolbox,
    pareto,
    survivors,
)
from evo.algorithms.ladder import promotable
from evo.algorithms.phenotypes import Keys, phenotypes
from evo.algorithms.surrogate import Surrogate
from evo.algorithms.targets import observations, thresholds
from evo.algorithms.toolbox import survive, tournament
from evo.core.history import History
from evo.core.objectives import Objectives
from evo.core.randomness import Purpose, generator
from evo.core.trial import Outcome, Proposal, Status, Trial
from evo.errors import SettingsError
from genomes.domains import Choice, Float
from genomes.spaces.vector import VectorSpace, vector


def line() -> VectorSpace:
    return vector({"x": Float(0.0, 1.0)})


def history_of(
    scores: list[tuple[float, ...]], objectives: tuple[str, ...] = ("val_accuracy",), epochs: int = 1
) -> History:
    """One completed trial per row of scores, each of another genome."""
    space, history = line(), History((), Objectives(objectives))
    for number, row in enumerate(scores):
        history.append(Trial(number, Proposal(space.genome(x=number / 100), last_epoch=epochs)))
        named = {name.lstrip("-"): value for name, value in zip(objectives, row, strict=True)}
        history.tell(number, Outcome(Status.COMPLETED, named, epochs=epochs))
    return history


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


@given(st.integers(1, 500), st.floats(1.5, 5))
def test_a_ladder_climbs_to_the_full_length(epochs: int, eta: float) -> None:
    rungs = Ladder.make(epochs, eta).rungs
    assert rungs[-1] == epochs and rungs[0] >= 1
    assert list(rungs) == sorted(set(rungs))


def test_rungs_for_known_lengths() -> None:
    assert Ladder.make(27).rungs == (1, 3, 9, 27)
    assert Ladder.make(52).rungs == (2, 6, 17, 52)
    assert Ladder.make(1).rungs == (1,)
    with pytest.raises(SettingsError, match="rungs: expected increasing epochs that end at the full length 9"):
        Ladder.make(9, rungs=(1, 3))


def test_asynchronous_promotion_takes_the_best_third() -> None:
    ladder = Ladder.make(9)
    history = history_of([(0.1,), (0.9,), (0.5,)], epochs=1)
    trained = list(phenotypes(history, Keys(line())).values())
    from evo.algorithms.halving import order_at

    chosen = promotable(ladder, trained, lambda group, epochs: order_at(history, group, epochs))
    assert chosen is not None and chosen.best == 1
    climb = ladder.climb(chosen)
    assert (climb.first_epoch, climb.last_epoch, climb.continues, climb.final) == (1, 3, 1, False)


def test_targets_of_a_rung_continue_those_below() -> None:
    """The chosen few of a rung are not taken for average."""
    ladder = Ladder.make(3)
    history = history_of([(n / 10,) for n in range(9)], epochs=1)
    for number in (7, 8):
        old = history[number]
        proposal = Proposal(old.genome, 1, 3, continues=number, rung=1)
        history.append(Trial(len(history), proposal))
        outcome = Outcome(Status.COMPLETED, {"val_accuracy": 0.95 - number / 100}, epochs=2)
        history.tell(len(history) - 1, outcome)
    seen = observations(history, phenotypes(history, Keys(line())).values(), ladder)
    low = {o.trial: o.target for o in seen if o.level == 0}
    high = {o.trial: o.target for o in seen if o.level == 1}
    assert sorted(low, key=low.__getitem__) == list(range(9))
    assert high[9] > high[10] > low[4]
    assert np.mean(list(high.values())) == pytest.approx((low[7] + low[8]) / 2)


def test_failed_phenotypes_get_the_lowest_target() -> None:
    history = history_of([(0.5,), (0.1,)])
    history.append(Trial(2, Proposal(line().genome(x=0.9))))
    history.tell(2, Outcome(Status.DIVERGED))
    seen = observations(history, phenotypes(history, Keys(line())).values(), Ladder.make(1))
    assert min(seen, key=lambda o: o.target).trial == 2


def test_hyperparameters_are_chosen_on_ever_longer_beginnings() -> None:
    values = [thresholds(n) for n in range(1, 200)]
    assert values == sorted(values) and all(v <= n for n, v in enumerate(values, start=1))
    assert len(set(values)) < 25


def test_the_surrogate_learns_and_knows_what_it_does_not_know() -> None:
    rng = np.random.default_rng(0)
    x = np.column_stack([rng.random((40, 3)), np.zeros(40)])
    y = np.sin(4 * x[:, 0]) - x[:, 1]
    surrogate = Surrogate()
    surrogate.choose(x[:30], y[:30])
    surrogate.fit(x[:30], y[:30])
    mean, _ = surrogate.predict(x[30:])
    assert np.corrcoef(mean, y[30:])[0, 1] > 0.9
    near, far = surrogate.predict(np.array([x[0], [9.0, 9.0, 9.0, 0.0]]))[1]
    assert near < 0.3 < far
    assert np.allclose(surrogate.means(x[30:]), mean)


def test_survivors_are_distinct_best_and_longest_trained_first() -> None:
    space = line()
    history = history_of([(0.2,), (0.9,), (0.5,)], epochs=1)
    history.append(Trial(3, Proposal(history[2].genome, 1, 3, continues=2, rung=1)))
    history.tell(3, Outcome(Status.COMPLETED, {"val_accuracy": 0.4}, epochs=2))
    assert survivors(history, 10, space) == [3, 1, 0]
    assert survivors(history, 2, space) == [3, 1]
    assert pareto(history, space) == [3]


def test_spellings_of_one_phenotype_survive_once() -> None:
    space = vector({"a": Choice(["x", "y"]), "b": Choice([1, 2])}, key=lambda values: str(values["b"]))
    history = History((), Objectives("val_accuracy"))
    for number, (a, b) in enumerate([("x", 1), ("y", 1), ("x", 2)]):
        history.append(Trial(number, Proposal(space.genome(a=a, b=b))))
        history.tell(number, Outcome(Status.COMPLETED, {"val_accuracy": number / 10}, epochs=1))
    assert survivors(history, 10, space) == [2, 0]


@given(st.lists(st.tuples(st.integers(0, 8), st.integers(1, 8)), min_size=1, max_size=14, unique=True))
def test_pareto_is_the_set_of_non_dominated_trials(points: list[tuple[int, int]]) -> None:
    scores = [(float(a), float(p)) for a, p in points]
    history = history_of(scores, ("val_accuracy", "-parameters"))

    def dominated(n: int) -> bool:
        a, p = points[n]
        return any((b >= a and q <= p) and (b > a or q < p) for b, q in points)

    expected = {n for n in range(len(points)) if not dominated(n)}
    assert set(pareto(history)) == expected
    assert set(survivors(history, len(expected))) == expected
    volumes = hypervolume_over_time(history, (-1.0, -9.0))
    assert (np.diff(volumes) >= 0).all()
    cells = {(i, j) for a, p in points for i in range(-1, a) for j in range(p, 9)}
    assert volumes[-1] == pytest.approx(len(cells))
