"""Rules of the surrogate's targets: outcomes of unlike lengths and objectives on one scale."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import norm

from evo import History, Status
from evo.algorithms import Ladder
from tests.evo.search_parts import Observation, gaussianized, last_choice, observations
from tests.evo.small_histories import Row, done, failed, found_in, history_of, waiting

LADDER = Ladder((1, 3, 9))
#: The normal quantile of 3/4: ranks 1 and 2 of 2 become minus and plus this.
Q = float(norm.ppf(0.75))
#: Of 5/6: ranks 1, 2, 3 of 3 become minus this, 0, and this.
R = float(norm.ppf(5 / 6))


def seen(history: History, before: int | None = None) -> list[Observation]:
    return observations(history, found_in(history).values(), LADDER, before=before)


def targets(*rows: Row) -> dict[int, float]:
    return {o.trial: o.target for o in seen(history_of(*rows))}


def test_values_become_normal_quantiles_of_their_ranks() -> None:
    assert gaussianized(np.array([0.1, 0.9, 0.2])) == pytest.approx([-R, R, 0.0])
    assert gaussianized(np.array([5.0, 5.0])) == pytest.approx([0.0, 0.0])
    assert gaussianized(np.array([])).shape == (0,)


def test_on_one_rung_the_targets_are_the_quantiles() -> None:
    assert targets(done(0.1, 0.1), done(0.2, 0.9), done(0.3, 0.2)) == pytest.approx({0: -R, 1: R, 2: 0.0})


def test_targets_above_are_half_as_far_apart_around_the_mean_that_they_had_below() -> None:
    rows = (done(0.1, 0.1), done(0.2, 0.9), done(0.3, 0.2))
    up = (done(0.2, 0.5, 3, 1, continues=1), done(0.3, 0.6, 3, 1, continues=2))
    found = targets(*rows, *up)
    assert found == pytest.approx({0: -R, 1: R, 2: 0.0, 3: R / 2 - Q / 2, 4: R / 2 + Q / 2})


def test_of_the_rungs_below_the_last_one_counts() -> None:
    """On the third rung the mean is that of the second, and the spread is again half of the whole."""
    rows = (done(0.1, 0.1), done(0.2, 0.9), done(0.3, 0.2))
    up = (done(0.2, 0.5, 3, 1, continues=1), done(0.3, 0.6, 3, 1, continues=2))
    top = (done(0.2, 0.9, 9, 3, continues=3), done(0.3, 0.8, 9, 3, continues=4))
    found = targets(*rows, *up, *top)
    assert (found[5], found[6]) == pytest.approx((R / 2 + Q / 2, R / 2 - Q / 2))


def test_a_rung_of_which_none_was_seen_below_is_not_narrowed() -> None:
    assert targets(done(0.1, 0.1, 3), done(0.2, 0.9, 3)) == pytest.approx({0: -Q, 1: Q})


def test_only_those_seen_below_move_the_mean() -> None:
    """Trial 2 began on the second rung: the mean is that of phenotype 1 alone."""
    found = targets(done(0.1, 0.1), done(0.2, 0.9), done(0.3, 0.2, 3), done(0.2, 0.8, 3, 1, continues=1))
    assert (found[2], found[3]) == pytest.approx((Q - Q / 2, Q + Q / 2))


def test_failed_phenotypes_are_half_below_the_worst() -> None:
    history = history_of(done(0.1, 0.1), done(0.2, 0.9), failed(0.3), failed(0.4, status=Status.DIVERGED, epochs=1))
    worst = [o for o in seen(history) if o.trial in (2, 3)]
    assert [(o.trial, o.level, o.target) for o in worst] == [
        (2, 0.0, pytest.approx(-Q - 0.5)),
        (3, 0.0, pytest.approx(-Q - 0.5)),
    ]
    assert [o.key for o in worst] == [history[n].genome.key for n in (2, 3)]


def test_who_failed_only_while_climbing_keeps_its_outcome() -> None:
    found = targets(done(0.1, 0.1), done(0.2, 0.9), failed(0.2, 3, 1, continues=1))
    assert found == pytest.approx({0: -Q, 1: Q})


def test_pending_trials_are_no_observations() -> None:
    assert targets(done(0.1, 0.1), done(0.2, 0.9), waiting(0.3)) == pytest.approx({0: -Q, 1: Q})


def test_nothing_is_learnt_from_failures_alone() -> None:
    assert seen(history_of(failed(0.1), failed(0.2))) == [] == seen(history_of())


def test_observations_are_in_the_order_of_trials_and_name_their_phenotype() -> None:
    history = history_of(done(0.3, 0.9), done(0.1, 0.1), done(0.3, 0.8, 3, 1, continues=0))
    found = seen(history)
    assert [o.trial for o in found] == [0, 1, 2]
    assert [o.key for o in found] == [history[n].genome.key for n in (0, 1, 2)]


def test_levels_lie_between_rungs_as_logarithms_of_epochs_do() -> None:
    found = seen(history_of(done(0.1, 0.1), done(0.2, 0.2, 2), done(0.3, 0.3, 3), done(0.4, 0.4, 9)))
    assert [o.level for o in found] == pytest.approx([0.0, math.log(2) / math.log(3), 1.0, 2.0])


def test_what_stopped_between_two_rungs_is_compared_on_the_lower_one() -> None:
    assert targets(done(0.1, 0.1), done(0.2, 0.9, 2)) == pytest.approx({0: -Q, 1: Q})


def test_trials_from_a_number_on_may_be_left_out() -> None:
    history = history_of(done(0.1, 0.1), done(0.2, 0.9), failed(0.3), done(0.4, 0.5), failed(0.5))
    assert {o.trial: o.target for o in seen(history, before=3)} == pytest.approx({0: -Q, 1: Q, 2: -Q - 0.5})
    assert {o.trial for o in seen(history, before=2)} == {0, 1}
    assert {o.trial for o in seen(history, before=4)} == {0, 1, 2, 3}
    assert {o.trial for o in seen(history, before=5)} == {0, 1, 2, 3, 4}


# -- several objectives ------------------------------------------------------------------------
TWO = ("a", "b")


def test_several_objectives_become_the_weighted_worst_loss_and_a_twentieth_of_their_sum() -> None:
    """Losses of trials 0, 1, 2: (2R, 0), (R, R), (0, 2R), with weights of one half."""
    rows = (done(0.1, (0.1, 0.9)), done(0.2, (0.5, 0.5)), done(0.3, (0.9, 0.1)), done(0.4, (0.05, 0.05)))
    history = history_of(*rows, objectives=TWO)
    found = {o.trial: o.target for o in seen(history)}
    # The balanced one is the best, the two extremes are alike, the dominated one is the worst.
    assert found[1] > found[0] == found[2] > found[3]


def test_the_sum_decides_between_equal_worst_losses() -> None:
    rows = (done(0.1, (0.1, 0.8)), done(0.2, (0.1, 0.9)), done(0.3, (0.9, 0.1)))
    found = {o.trial: o.target for o in seen(history_of(*rows, objectives=TWO))}
    assert found[1] > found[0]


def test_the_worst_loss_weighs_twenty_times_the_sum() -> None:
    """Ten trials; 0 is 1st and 8th of them, 1 is 7th in both: 0's sum is smaller, 1's worst loss is."""
    first = [0.99, 0.40, 0.95, 0.90, 0.85, 0.80, 0.75, 0.30, 0.20, 0.10]
    second = [0.30, 0.40, 0.10, 0.20, 0.75, 0.80, 0.85, 0.90, 0.95, 0.99]
    rows = [done(index / 10, (a, b)) for index, (a, b) in enumerate(zip(first, second, strict=True))]
    found = {o.trial: o.target for o in seen(history_of(*rows, objectives=TWO))}
    assert found[1] > found[0]


def test_losses_are_from_the_best_of_each_objective() -> None:
    """Three share the best of the first: the second best of it loses less than the third of the other."""
    rows = [
        done(0.1, (1.0, 0.5)),
        done(0.2, (0.5, 0.9)),
        done(0.3, (1.0, 0.6)),
        done(0.4, (1.0, 0.2)),
        done(0.5, (0.1, 0.1)),
    ]
    found = {o.trial: o.target for o in seen(history_of(*rows, objectives=TWO))}
    assert found[1] > found[0]


def test_the_weights_of_several_objectives_are_drawn() -> None:
    class Drawn:
        def dirichlet(self, alpha: np.ndarray) -> np.ndarray:
            assert alpha.tolist() == [1.0, 1.0]
            return np.array([0.9, 0.1])

    rows = (done(0.1, (0.1, 0.9)), done(0.2, (0.5, 0.5)), done(0.3, (0.9, 0.1)))
    history = history_of(*rows, objectives=TWO)
    found = observations(history, found_in(history).values(), LADDER, Drawn())  # type: ignore[arg-type]
    assert [o.target for o in found] == pytest.approx([-R, 0.0, R])


# -- when the kernel is chosen anew --------------------------------------------------------------
def test_thresholds_are_a_quarter_apart_from_eight_on() -> None:
    assert [last_choice(count) for count in range(12)] == [*range(11), 10][:8] + [8, 8, 10, 10]
    assert sorted({last_choice(count) for count in range(8, 60)}) == [8, 10, 12, 15, 19, 24, 30, 38, 47]
    assert [last_choice(count) for count in (12, 13, 15, 16)] == [10, 12, 12, 15]
    assert [last_choice(count, first=4, factor=2.0) for count in (3, 4, 7, 8, 16)] == [3, 4, 4, 8, 16]
