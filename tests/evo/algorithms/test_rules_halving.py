"""Rules of successive halving and Hyperband."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from evo import History, Outcome, Proposal, Status, Trial
from evo.algorithms import Algorithm, Hyperband, Problem, SuccessiveHalving
from genomes import Int
from genomes.spaces.vector import vector
from tests.evo.search_parts import SettingsError, best_first_at
from tests.evo.small_histories import SPACE, Row, done, failed, found_in, genome, history_of, waiting, x_of


def ask(algorithm: Algorithm, *rows: Row, epochs: int = 9) -> Proposal | None:
    return algorithm.bind(Problem(SPACE, epochs))(history_of(*rows), np.random.default_rng(0))


def test_phenotypes_are_ordered_by_their_outcomes_at_a_length_or_the_next_beyond() -> None:
    history = history_of(
        done(0.1, 0.5), done(0.2, 0.6), done(0.1, 0.9, 3, 1, continues=0), done(0.3, 0.55, 3), done(0.3, 0.1, 9, 3)
    )
    found = found_in(history).values()
    assert [x_of(p.genome) for p in best_first_at(history, found, 1)] == [0.2, 0.3, 0.1]
    assert [x_of(p.genome) for p in best_first_at(history, found, 2)] == [0.1, 0.3]
    assert [x_of(p.genome) for p in best_first_at(history, found, 9)] == [0.3]


# -- asynchronous ---------------------------------------------------------------------------------
def test_the_best_of_three_climbs() -> None:
    rows = [done(0.1, 0.5), done(0.2, 0.9), done(0.3, 0.2)]
    found = ask(SuccessiveHalving(), *rows)
    assert found is not None and (found.continues, found.last_epoch, found.origin) == (1, 3, "promotion")


def test_where_none_climbs_a_random_genome_starts_on_the_lowest_rung() -> None:
    for rows in ([], [done(0.1, 0.5), done(0.2, 0.9)], [done(0.1, 0.5), done(0.2, 0.9), waiting(0.3)]):
        found = ask(SuccessiveHalving(), *rows)
        assert found is not None and found.origin == "random"
        assert (found.first_epoch, found.last_epoch, found.rung, found.continues, found.parents) == (0, 1, 0, None, ())


def test_the_share_that_climbs_is_not_strict_and_is_given_by_eta() -> None:
    rows = [done(n / 10, n / 10) for n in range(4)]
    found = ask(SuccessiveHalving(eta=4.0, rungs=(1, 3, 9)), *rows)
    assert found is not None and found.continues == 3
    found = ask(SuccessiveHalving(eta=5.0, rungs=(1, 3, 9)), *rows)
    assert found is not None and found.continues is None


def test_rungs_lie_eta_apart() -> None:
    for eta, rung in ((2.0, 2), (3.0, 3), (8.0, 8)):
        found = ask(SuccessiveHalving(eta=eta), *(done(n / 100, n / 100) for n in range(9)), epochs=8)
        assert found is not None and (found.continues, found.last_epoch) == (8, rung)


def test_failed_phenotypes_count_for_nothing() -> None:
    found = ask(SuccessiveHalving(), done(0.1, 0.5), done(0.2, 0.9), failed(0.3))
    assert found is not None and found.continues is None


def test_given_genomes_start_first() -> None:
    for algorithm in (SuccessiveHalving, Hyperband):
        found = ask(algorithm(initial=(genome(0.1), genome(0.2))), waiting(0.1))  # type: ignore[abstract]
        assert found is not None and (x_of(found.genome), found.origin, found.last_epoch) == (0.2, "initial", 1)


# -- Hyperband --------------------------------------------------------------------------------------
def score(x: float) -> float:
    return round(1 - x, 6)


def simulated(algorithm: Algorithm, trials: int, epochs: int, fails: Any = lambda n: False) -> History:
    step, history = algorithm.bind(Problem(SPACE, epochs)), history_of()
    for number in range(trials):
        proposal = step(history, np.random.default_rng(number))
        assert proposal is not None
        x = x_of(proposal.genome)
        outcome = done(x, score(x), proposal.last_epoch, proposal.first_epoch)[1]
        history.append(Trial(number, proposal, Outcome(Status.FAILED) if fails(number) else outcome))
    return history


def stages(history: History) -> list[tuple[int, int, int]]:
    """First and last epoch of runs of trials that are alike, and how many they are."""
    spans = [(t.proposal.first_epoch, t.proposal.last_epoch) for t in history]
    return [(*span, len(list(group))) for span, group in itertools.groupby(spans)]


BRACKETS = [(0, 1, 9), (1, 3, 3), (3, 9, 1), (0, 3, 5), (3, 9, 1), (0, 9, 3)]


def test_brackets_are_those_of_hyperband_and_begin_again() -> None:
    """On 1, 3 and 9 epochs: 9, 3 and 1; 5 (3/2 * 3) and 1; 3."""
    history = simulated(Hyperband(), 34, 9)
    assert stages(history) == [*BRACKETS, (0, 1, 9), (1, 3, 3)]
    assert [t.number for t in history if t.proposal.final] == [12, 18, 19, 20, 21]
    assert all(t.proposal.rung == [1, 3, 9].index(t.proposal.last_epoch) for t in history)


def test_the_best_of_a_stage_climb_best_first() -> None:
    history = simulated(Hyperband(), 13, 9)
    ranked = sorted(range(9), key=lambda n: x_of(history[n].genome))
    assert [history[n].proposal.continues for n in (9, 10, 11)] == ranked[:3]
    assert history[12].proposal.continues == 9


def test_the_brackets_of_other_factors() -> None:
    history = simulated(Hyperband(eta=2.0), 4 + 2 + 1 + 3 + 1 + 3, 4)
    assert stages(history) == [(0, 1, 4), (1, 2, 2), (2, 4, 1), (0, 2, 3), (2, 4, 1), (0, 4, 3)]


def test_a_stage_waits_for_the_one_before_it() -> None:
    history = simulated(Hyperband(), 9, 9)
    step = Hyperband().bind(Problem(SPACE, 9))
    for hidden in (0, 8):
        view = history.seen(set(range(9)) - {hidden})
        assert step(view, np.random.default_rng(0)) is None
    assert step(history, np.random.default_rng(0)) is not None
    # A bracket does not wait for the one before it.
    assert step(simulated(Hyperband(), 13, 9).seen(0), np.random.default_rng(0)) is not None


def test_who_is_on_the_way_does_not_climb_twice() -> None:
    rows = [done(n / 100, n / 100) for n in range(9)]
    found = ask(Hyperband(), *rows, waiting(0.08, 3, 1, continues=8))
    assert found is not None and found.continues == 7


def test_who_failed_as_well_does_not_climb() -> None:
    rows = [done(n / 100, n / 100) for n in range(8)]
    found = ask(Hyperband(), *rows, failed(0.07))
    assert found is not None and found.continues == 6


def test_in_the_next_cycle_those_of_its_own_stage_climb() -> None:
    """On 1 and 3 epochs a cycle has 3, 1 and 2 trials: of trials 6, 7, 8 the best climbs."""
    rows = [done(n / 100, n / 100, 3 if n in (4, 5) else 1) for n in range(9)]
    assert [t.proposal.last_epoch for t in simulated(Hyperband(), 6, 3)] == [1, 1, 1, 3, 3, 3]
    found = ask(Hyperband(), *rows, epochs=3)
    assert found is not None and found.continues == 8


def test_random_genomes_fill_up_where_fewer_completed_than_climb() -> None:
    history = simulated(Hyperband(), 12, 9, fails=lambda n: 2 <= n < 9)
    later = [(t.proposal.first_epoch, t.proposal.last_epoch, t.proposal.rung) for t in history[9:]]
    assert later == [(1, 3, 1), (1, 3, 1), (0, 3, 1)]
    assert history[11].proposal.origin == "random"


def test_a_used_up_space_waits_or_says_so() -> None:
    from tests.evo.search_parts import SpaceExhaustedError

    space = vector({"n": Int(1, 2)})
    for algorithm in (SuccessiveHalving(), Hyperband()):
        step = algorithm.bind(Problem(space, 9))
        rows = [(Proposal(space.genome(n=n)), failed(0.1)[1]) for n in (1, 2)]
        with pytest.raises(SpaceExhaustedError, match="2 different phenotypes"):
            step(history_of(*rows), np.random.default_rng(0))
        assert step(history_of(rows[0], (rows[1][0], None)), np.random.default_rng(0)) is None


@pytest.mark.parametrize("algorithm", [SuccessiveHalving, Hyperband])
def test_settings_are_checked(algorithm: Any) -> None:
    assert algorithm(eta=1.1).eta == 1.1
    with pytest.raises(SettingsError, match="^eta: expected a number of 1.1 or more, got 1.09"):
        algorithm(eta=1.09)
    with pytest.raises(SettingsError, match="rungs"):
        algorithm(rungs=()).bind(Problem(SPACE, 9))
    with pytest.raises(SettingsError, match="^rungs: expected increasing epochs that end at the full length 9"):
        algorithm(rungs=(1, 8)).bind(Problem(SPACE, 9))
    assert algorithm(rungs=(1, 9)).rungs == (1, 9)
    assert algorithm().to_json() == {
        "algorithm": algorithm.__name__,
        "initial": [],
        "eta": 3.0,
        "rungs": None,
    }
