"""Rules of the pace: seconds of an epoch from the quickest seen, the best rate seen, and what was learnt."""

from __future__ import annotations

import math

import numpy as np
import pytest

from evo import History
from evo.algorithms import Pace
from tests.evo.search_parts import seconds_spent
from tests.evo.small_histories import SPACE, Row, done, failed, genome, history_of, waiting


def timed(x: float, each: float, epochs: int = 1, once: float = 0.0) -> Row:
    """A trial whose epochs lasted so long; x stands for 1000x operations."""
    return done(
        x,
        0.5,
        epochs,
        seconds={"build": once / 2, "save": once / 2, "train": 0.75 * each * epochs, "evaluate": 0.25 * each * epochs},
    )


def pace(*rows: Row, most: int = 100) -> Pace:
    found = Pace(SPACE, rows=most)
    assert found.fit(history_of(*rows))
    return found


def each(found: Pace, x: float) -> float:
    return float(found.per_epoch([genome(x)])[0])


def test_nothing_is_learnt_without_epochs_and_seconds() -> None:
    for rows in ([], [waiting(0.1)], [failed(0.1)], [done(0.1, 0.5)], [done(0.1, 0.5, seconds={"build": 3.0})]):
        assert not Pace(SPACE).fit(history_of(*rows))
    assert Pace(SPACE).fit(history_of(failed(0.1), timed(0.2, 3.0)))


def test_what_was_trained_lasts_as_long_again() -> None:
    found = pace(timed(0.1, 2.0, 4), timed(0.2, 5.0, 3), timed(0.3, 3.0))
    assert [each(found, x) for x in (0.1, 0.2, 0.3)] == [2.0, 5.0, 3.0]
    assert each(pace(timed(0.1, 2.0), timed(0.1, 4.0)), 0.1) == 4.0


def test_of_the_first_one_the_rate_is_known_alone() -> None:
    """100 operations take 2 seconds: 400 take 8, and no epoch is quicker than those 2 seconds."""
    found = pace(timed(0.1, 2.0))
    assert [each(found, x) for x in (0.4, 0.05, 0.0)] == pytest.approx([8.0, 2.0, 2.0])


def test_nothing_is_quicker_than_the_quickest_or_than_the_best_rate() -> None:
    """The quickest epoch is 1 second; the best rate is that of the second one: 400 operations in 2 seconds."""
    found = pace(timed(0.1, 1.0), timed(0.4, 2.0))
    assert each(found, 0.9) >= 4.5 and each(found, 0.02) >= 1.0
    assert each(pace(timed(0.1, 1.0), timed(0.4, 4.0)), 0.9) == pytest.approx(9.0)
    assert each(pace(timed(0.1, 1.0), timed(0.4, 4.0)), 0.05) == pytest.approx(1.0)


def test_how_much_longer_it_lasts_is_learnt() -> None:
    """Above 1/2 everything takes three times as long as the best rate."""
    rows = [timed(x, 10 * x * (3 if x > 0.5 else 1)) for x in np.round(np.linspace(0.1, 0.9, 17), 3).tolist()]
    found = pace(*rows)
    assert each(found, 0.23) == pytest.approx(2.3, rel=0.15)
    assert each(found, 0.77) == pytest.approx(23.1, rel=0.15)


def test_what_comes_once_is_the_median_of_all() -> None:
    found = pace(timed(0.1, 2.0, 1, 1.0), timed(0.2, 2.0, 1, 5.0), timed(0.3, 2.0, 1, 2.0))
    assert found.training([genome(0.1), genome(0.2)], 10).tolist() == [22.0, 22.0]
    assert found.proposal(waiting(0.1, 9, 2)[0]) == 16.0


def test_epochs_are_those_that_fit_after_what_comes_once() -> None:
    found = pace(timed(0.1, 2.0, 1, 3.0))
    assert [found.epochs(genome(0.1), seconds) for seconds in (0.0, 4.9, 5.0, 8.9, 9.0)] == [0, 0, 1, 2, 3]


def test_only_the_newest_are_learnt_from() -> None:
    old, new = timed(0.1, 0.001), (timed(0.2, 2.0), timed(0.3, 3.0))
    assert each(pace(old, *new, most=2), 0.05) == pytest.approx(2.0)
    assert each(pace(old, *new, most=3), 0.05) < 1.0
    # What was trained is known for all that.
    assert each(pace(old, *new, most=2), 0.1) == 0.001


def test_fitting_again_takes_what_is_new_into_account() -> None:
    found = pace(timed(0.1, 2.0))
    assert found.fit(history_of(timed(0.1, 2.0))) and each(found, 0.4) == pytest.approx(8.0)
    assert found.fit(history_of(timed(0.1, 2.0), timed(0.4, 4.0))) and each(found, 0.4) == 4.0


def test_the_same_history_gives_the_same_pace_whatever_was_seen_before() -> None:
    rows = [timed(x, 10 * x * (3 if x > 0.5 else 1)) for x in np.round(np.linspace(0.1, 0.9, 17), 3).tolist()]
    grown = Pace(SPACE)
    for count in range(1, len(rows) + 1):
        grown.fit(history_of(*rows[:count]))
    assert each(grown, 0.43) == each(pace(*rows), 0.43)


class Told:
    """A surrogate that remembers what it was told, and predicts one number."""

    def __init__(self, mean: float = 0.0) -> None:
        self.mean = mean
        self.chosen: list[tuple[list[list[float]], list[float]]] = []
        self.fitted: list[tuple[list[list[float]], list[float]]] = []

    def choose(self, inputs: np.ndarray, targets: np.ndarray) -> None:
        self.chosen.append((inputs.tolist(), targets.tolist()))

    def fit(self, inputs: np.ndarray, targets: np.ndarray) -> None:
        self.fitted.append((inputs.tolist(), targets.tolist()))

    def means(self, inputs: np.ndarray) -> np.ndarray:
        assert inputs.shape[1] == 2 and not inputs[:, 1].any()
        return np.full(len(inputs), self.mean)

    def predict(self, inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        raise AssertionError("nobody asks how certain it is")


def told(*rows: Row, mean: float = 0.0) -> tuple[Pace, Told]:
    surrogate = Told(mean)
    found = Pace(SPACE, surrogate=surrogate)
    assert found.fit(history_of(*rows))
    return found, surrogate


def test_it_learns_by_how_much_the_roofline_is_exceeded_as_standardized_logarithms() -> None:
    """100, 200 and 400 operations take 1, 4 and 4 seconds instead of 1, 2 and 4."""
    found, surrogate = told(timed(0.1, 1.0), timed(0.2, 4.0), timed(0.4, 4.0), mean=2.0)
    mean, deviation = math.log(2) / 3, math.log(2) * math.sqrt(2) / 3
    ((inputs, targets),) = surrogate.fitted
    assert inputs == [[0.1, 0.0], [0.2, 0.0], [0.4, 0.0]]
    assert targets == pytest.approx([-mean / deviation, 2 * mean / deviation, -mean / deviation])
    assert surrogate.chosen == surrogate.fitted
    assert each(found, 0.8) == pytest.approx(8 * math.exp(mean + 2 * deviation))
    surrogate.mean = -9.0
    assert each(found, 0.8) == pytest.approx(8.0)


def test_two_are_enough_to_learn_from_and_one_is_not() -> None:
    found, surrogate = told(timed(0.1, 1.0), timed(0.4, 8.0), mean=1.0)
    assert len(surrogate.chosen) == len(surrogate.fitted) == 1 and each(found, 0.8) == pytest.approx(16.0)
    found, surrogate = told(timed(0.1, 1.0), mean=1.0)
    assert surrogate.chosen == surrogate.fitted == [] and each(found, 0.8) == pytest.approx(8.0)


def test_without_operations_one_is_counted() -> None:
    assert each(pace(timed(0.0, 2.0)), 0.003) == pytest.approx(6.0)


def test_the_newest_hundred_are_learnt_from() -> None:
    _, surrogate = told(*(timed(n / 1000, 1.0 + n % 3) for n in range(1, 103)))
    assert [len(targets) for _, targets in surrogate.fitted] == [100]


def test_the_unit_of_targets_is_a_thousandth_at_least() -> None:
    found, surrogate = told(timed(0.1, 1.0), timed(0.4, 4.0), mean=1000.0)
    assert surrogate.fitted[0][1] == [0.0, 0.0] and each(found, 0.8) == pytest.approx(8 * math.e)


def test_hyperparameters_are_chosen_when_a_quarter_more_is_known_on_what_was_known_then() -> None:
    rows = [timed(n / 100, n * (1.0 + n % 3)) for n in range(1, 12)]
    found, surrogate = told(*rows[:8])
    for count in (9, 10, 10, 11):
        assert found.fit(history_of(*rows[:count]))
    assert [len(targets) for _, targets in surrogate.chosen] == [8, 10]
    assert [len(targets) for _, targets in surrogate.fitted] == [8, 9, 10, 11]
    # Alone they are standardized by themselves.
    assert np.mean(surrogate.chosen[1][1]) == pytest.approx(0.0) and np.std(surrogate.chosen[1][1]) == pytest.approx(
        1.0
    )


def test_no_genomes_take_no_time() -> None:
    assert pace(timed(0.1, 2.0)).per_epoch([]).shape == (0,)


def test_what_was_spent_is_every_second_of_every_trial() -> None:
    history: History = history_of(timed(0.1, 2.0, 3, 1.0), waiting(0.2), timed(0.3, 1.0), failed(0.4))
    assert seconds_spent(history) == 8.0
    assert seconds_spent(history_of()) == 0
