"""Each rule by which candidates are given weights, on candidates small enough to reckon by hand.

Unless said otherwise the targets are zero and the loss is the mean of squares, so that candidates are arrows, a pool is
their mean, and its loss is the mean square of that mean.
"""

from __future__ import annotations

import numpy as np
import pytest

from evo.ensemble.library import LibraryModel
from evo.ensemble.selection.methods import (
    Greedy,
    LearnedWeights,
    average_best,
    best_single,
    forward_without_replacement,
    within_limits,
)
from evo.ensemble.selection.pool_loss import PoolLoss
from evo.ensemble.size_limits import Costs, SizeLimits

#: Losses 1/2 and 1. The best mixture is three of A to two of B, with a loss of 1/10.
A, B = [1.0, 0.0], [-1.0, 1.0]


def pool_of(*arrows: list[float]) -> PoolLoss:
    predictions = [np.array(arrow, np.float32)[:, None] for arrow in arrows]
    return PoolLoss(predictions, np.zeros_like(predictions[0]), "regression", "arithmetic", "rmse")


def costs_of(*parameters: int, **limits: int) -> Costs:
    candidates = [LibraryModel(n, np.zeros((2, 1), np.float32), parameters=cost) for n, cost in enumerate(parameters)]
    return Costs(candidates, SizeLimits(**limits))


def free(pool: PoolLoss) -> Costs:
    return costs_of(*[1] * pool.candidates)


def rng() -> np.random.Generator:
    return np.random.default_rng(7)


def greedy(*arrows: list[float], costs: Costs | None = None, **settings: float) -> list[float]:
    pool = pool_of(*arrows)
    return list(Greedy(**settings)(pool, costs or free(pool), rng()))  # type: ignore[arg-type]


# -- best single -------------------------------------------------------------------
def test_best_single_is_the_least_loss() -> None:
    assert list(best_single(pool_of(B, A, [2.0, 2.0]), costs_of(1, 1, 1))) == [0, 1, 0]


def test_best_single_is_the_earlier_of_equals() -> None:
    assert list(best_single(pool_of(B, A, [0.0, 1.0], [-1.0, 0.0]), costs_of(1, 1, 1, 1))) == [0, 1, 0, 0]


def test_best_single_must_fit_the_limits() -> None:
    assert list(best_single(pool_of(B, A), costs_of(5, 6, parameters=5))) == [1, 0]


def test_best_single_by_a_loss_of_its_own_whose_equals_are_told_apart_by_the_pools() -> None:
    pool = pool_of([3.0, 0.0], B, A)
    assert list(best_single(pool, free(pool), np.array([0.1, 0.2, 0.2]))) == [1, 0, 0]
    assert list(best_single(pool, free(pool), np.array([0.2, 0.1, 0.1]))) == [0, 0, 1]
    assert list(best_single(pool, costs_of(9, 1, 1, parameters=8), np.array([0.1, 0.2, 0.3]))) == [0, 1, 0]
    many = pool_of(*[[5.0 - 0.1 * n, 0.0] for n in range(40)])
    losses = np.random.default_rng(0).integers(0, 3, 40) / 4
    assert best_single(many, free(many), losses)[max(np.flatnonzero(losses == losses.min()))] == 1


# -- average of the best -----------------------------------------------------------
def test_average_best_gives_equal_weights_to_the_best_by_their_own_loss() -> None:
    pool = pool_of([3.0, 3.0], B, A, [2.0, 2.0])
    assert list(average_best(pool, free(pool), 1)) == [0, 0, 1, 0]
    assert list(average_best(pool, free(pool), 2)) == [0, 0.5, 0.5, 0]
    assert average_best(pool, free(pool), 3) == pytest.approx([0, 1 / 3, 1 / 3, 1 / 3])
    assert list(average_best(pool, free(pool), 9)) == [0.25] * 4


def test_average_best_passes_over_who_breaks_a_limit_and_goes_on() -> None:
    pool = pool_of(A, [1.0, 0.5], [1.0, 0.6], [2.0, 0.0])
    assert list(average_best(pool, costs_of(3, 3, 2, 1, parameters=5), 3)) == [0.5, 0, 0.5, 0]
    assert average_best(pool, costs_of(3, 3, 2, 1, parameters=6), 3) == pytest.approx([0.5, 0.5, 0, 0])


# -- greedy selection with replacement ---------------------------------------------
def test_greedy_adds_what_lowers_the_loss_of_the_whole_most_and_may_take_one_again() -> None:
    assert greedy(A, B, steps=1) == [1, 0]
    assert greedy(A, B, steps=2) == [1 / 2, 1 / 2]
    assert greedy(A, B, steps=3) == [2 / 3, 1 / 3]
    assert greedy(A, B, steps=5) == [3 / 5, 2 / 5]


def test_greedy_is_truncated_at_its_best_step() -> None:
    assert greedy(A, B, steps=4) == [2 / 3, 1 / 3]  # the fourth step is back at one half each
    assert greedy(A, B, steps=9) == [3 / 5, 2 / 5]
    assert greedy(A, [4.0, 0.0], steps=9) == [1, 0]


def test_greedy_is_truncated_at_the_first_of_equally_good_steps() -> None:
    assert greedy(A, B, steps=10) == [3 / 5, 2 / 5]  # six and four of ten are as good
    # steps 2 and 3 lose 1/8 and 1/9
    assert greedy(A, B, steps=3, tie=0.13) == [1 / 2, 1 / 2]
    assert greedy(A, B, steps=3, tie=0.12) == [2 / 3, 1 / 3]


def test_greedy_tie_goes_to_a_model_chosen_already() -> None:
    # third step: A again and C both give a sum of length sqrt(2)
    assert greedy([1.0, -2.0], A, B, steps=3) == [0, 2 / 3, 1 / 3]


def test_greedy_near_tie_goes_to_a_model_chosen_already_within_a_share_of_the_loss() -> None:
    near = [1.0, -1.9]  # A again loses 1.1111, this 1.0056, per ten: 10.5% less
    assert greedy(near, A, B, steps=3) == [1 / 3, 1 / 3, 1 / 3]
    assert greedy(near, A, B, steps=3, tie=0.1) == [1 / 3, 1 / 3, 1 / 3]
    assert greedy(near, A, B, steps=3, tie=0.11) == [0, 2 / 3, 1 / 3]


def test_greedy_takes_the_best_of_the_models_chosen_already() -> None:
    # chosen A, then B; a further step takes the one of the two that helps more, wherever they stand
    assert greedy(B, A, steps=3) == [1 / 3, 2 / 3]
    assert greedy(B, [5.0, 5.0], A, steps=5) == [2 / 5, 0, 3 / 5]


def test_greedy_defaults() -> None:
    assert Greedy() == Greedy(steps=50, seeded=1, bags=0, share=0.5, rows=False, tie=1e-6)


def test_greedy_takes_fifty_steps() -> None:
    """One part of fifty can be had in fifty steps and no fewer."""
    long = [-49.0, 0.0]
    assert greedy(A, long) == pytest.approx([49 / 50, 1 / 50])
    assert greedy(A, long, steps=49)[1] != pytest.approx(1 / 50)


def test_greedy_seeded_begins_with_the_best_by_their_own_loss() -> None:
    like = [0.9, -0.5]  # second by its own loss (.53), and lowers the loss of A from .5 to .4825
    assert greedy(A, B, like, steps=2) == [1 / 2, 1 / 2, 0]
    assert greedy(A, B, like, steps=2, seeded=2) == [1 / 2, 0, 1 / 2]
    assert greedy(A, B, like, steps=3, seeded=2) == pytest.approx([1 / 3, 1 / 3, 1 / 3])


def test_greedy_seeds_only_as_many_as_lower_the_loss() -> None:
    like = [1.0, 0.1]  # second, but A with it is worse than A
    assert greedy(A, B, like, steps=1, seeded=2) == [1, 0, 0]
    assert greedy(A, B, like, steps=2, seeded=2) == [1 / 2, 1 / 2, 0]


def test_greedy_seeds_only_what_fits() -> None:
    like = [0.9, -0.5]
    assert greedy(A, B, like, costs=costs_of(1, 1, 9, parameters=5), steps=2, seeded=2) == [1 / 2, 1 / 2, 0]


def test_greedy_keeps_to_the_limits() -> None:
    assert greedy(A, B, costs=costs_of(1, 1, members=1)) == [1, 0]
    assert greedy(A, B, costs=costs_of(3, 2, parameters=4)) == [1, 0]
    assert greedy(A, B, costs=costs_of(3, 2, parameters=5)) == pytest.approx([3 / 5, 2 / 5])
    assert greedy(A, B, costs=costs_of(9, 2, parameters=5)) == [0, 1]


# -- bagging -----------------------------------------------------------------------
MANY = [[1.0, 0.0, 0.2], [-1.0, 1.0, 0.1], [0.5, -1.0, 0.3], [0.2, 0.8, -1.0], [-0.7, 0.1, 0.6]]


@pytest.mark.parametrize(("share", "inside"), [(0.5, 3), (0.4, 2), (0.41, 3), (0.0, 1), (1.0, 5)])
def test_bagging_is_the_mean_of_selections_from_random_shares_of_the_candidates(share: float, inside: int) -> None:
    pool = pool_of(*MANY)
    random, total = rng(), np.zeros(5)
    ranking = np.argsort(pool.singles(), kind="stable")
    for _ in range(4):
        drawn = np.sort(random.choice(ranking, size=inside, replace=False))
        total[drawn] += Greedy(steps=6).once(pool.restricted(drawn), costs_of(*[1] * inside))
    found = Greedy(steps=6, bags=4, share=share)(pool, free(pool), rng())
    assert found == pytest.approx(total / 4)


def test_bagging_draws_the_rows_with_replacement_if_asked() -> None:
    pool = pool_of(*MANY)
    random, total = rng(), np.zeros(5)
    ranking = np.argsort(pool.singles(), kind="stable")
    for _ in range(3):
        random.choice(ranking, size=5, replace=False)
        total += Greedy(steps=6).once(pool.subset(random.integers(0, 3, size=3)), free(pool))
    found = Greedy(steps=6, bags=3, share=1.0, rows=True)(pool, free(pool), rng())
    assert found == pytest.approx(total / 3)


def test_bagging_draws_only_candidates_that_fit_and_the_whole_keeps_to_the_limits() -> None:
    pool = pool_of(*MANY)
    found = Greedy(steps=6, bags=8)(pool, costs_of(1, 1, 9, 1, 1, parameters=3), rng())
    assert found[2] == 0 and 1 < np.count_nonzero(found) <= 3
    assert found.sum() == pytest.approx(1)
    alone = Greedy(steps=6, bags=2)(pool, costs_of(9, 9, 9, 1, 9, parameters=3), rng())
    assert list(alone) == [0, 0, 0, 1, 0]


# -- forward selection without replacement -----------------------------------------
def test_forward_takes_each_once_with_equal_weights_and_does_not_stop_before_its_size() -> None:
    far = [9.0, 9.0]
    pool = pool_of(far, B, A)
    assert list(forward_without_replacement(pool, free(pool), 1)) == [0, 0, 1]
    assert list(forward_without_replacement(pool, free(pool), 2)) == [0, 1 / 2, 1 / 2]
    assert list(forward_without_replacement(pool, free(pool), 3)) == [1 / 3] * 3
    assert list(forward_without_replacement(pool, free(pool), 7)) == [1 / 3] * 3


def test_forward_takes_what_lowers_the_loss_of_the_whole_and_not_the_next_best() -> None:
    like = [1.0, 0.1]  # nearly as good as A, and no help
    pool = pool_of(like, B, A)
    assert list(forward_without_replacement(pool, free(pool), 2)) == [0, 1 / 2, 1 / 2]
    # A and B sum to (0, 1): the third is the one nearest to (0, -1), whatever it loses alone
    sums = pool_of(A, B, [3.0, 2.0], [0.0, -4.0], [0.0, -1.5])
    assert list(np.flatnonzero(forward_without_replacement(sums, free(sums), 3))) == [0, 1, 4]


def test_forward_keeps_to_the_limits() -> None:
    pool = pool_of(A, B, [-1.0, 0.9])
    assert list(forward_without_replacement(pool, costs_of(1, 1, 1, members=1), 3)) == [1, 0, 0]
    assert list(forward_without_replacement(pool, costs_of(3, 3, 2, parameters=5), 3)) == [1 / 2, 0, 1 / 2]


# -- learned weights ---------------------------------------------------------------
def learned(*arrows: list[float], costs: Costs | None = None, **settings: float) -> np.ndarray:
    pool = pool_of(*arrows)
    return LearnedWeights(**settings)(pool, costs or free(pool))  # type: ignore[arg-type]


def test_learned_defaults() -> None:
    assert LearnedWeights() == LearnedWeights(size=8, among=50, prior=100.0)


def test_learned_without_prior_are_the_best_mixture() -> None:
    assert learned(A, B, prior=0.0) == pytest.approx([3 / 5, 2 / 5], abs=1e-3)


def test_learned_with_a_strong_prior_are_equal() -> None:
    assert learned(A, B, prior=1e7) == pytest.approx([1 / 2, 1 / 2], abs=1e-3)


@pytest.mark.parametrize("prior", [0.2, 1.0, 5.0])
def test_learned_minimise_the_loss_relative_to_equal_weights_plus_the_prior_in_rows(prior: float) -> None:
    share = np.linspace(1e-4, 1 - 1e-4, 20001)
    loss = ((2 * share - 1) ** 2 + (1 - share) ** 2) / 2
    pull = -(np.log(share) + np.log(1 - share)) * prior / (2 * 2)  # rows * candidates
    best = share[np.argmin(loss / 0.125 + pull)]
    assert learned(A, B, prior=prior) == pytest.approx([best, 1 - best], abs=2e-3)


@pytest.mark.parametrize("pooling", ["arithmetic", "geometric"])
@pytest.mark.parametrize("task", ["binary", "multiclass"])
def test_learned_take_a_log_loss_as_it_is(task: str, pooling: str) -> None:
    chances = [[0.9, 0.9, 0.4], [0.3, 0.3, 0.8]]  # of the true class
    y = np.array([1, 1, 1])
    if task == "binary":
        predictions = [np.array(p, np.float32)[:, None] for p in chances]
        pool = PoolLoss(predictions, y[:, None].astype(np.float32), task, pooling)
    else:
        predictions = [np.stack([1 - np.array(p), np.array(p)], axis=1).astype(np.float32) for p in chances]
        pool = PoolLoss(predictions, y, task, pooling)
    prior = 0.7
    share = np.linspace(1e-4, 1 - 1e-4, 4001)
    values = [pool.of_weights(np.array([s, 1 - s])) for s in share]
    pull = -(np.log(share) + np.log(1 - share)) * prior / (3 * 2)
    best = share[np.argmin(values + pull)]
    found = LearnedWeights(prior=prior)(pool, free(pool))
    assert 0.55 < best < 0.95 and found == pytest.approx([best, 1 - best], abs=3e-3)


def test_learned_keep_at_most_their_size() -> None:
    arrows = [[1.0, 0.0], [-1.0, 1.0], [0.9, 0.3], [-0.8, 0.9], [0.7, -0.9]]
    assert np.count_nonzero(learned(*arrows, size=5, prior=5.0)) == 5
    assert np.count_nonzero(learned(*arrows, size=3, prior=5.0)) == 3
    assert np.count_nonzero(learned(*arrows, size=1, prior=5.0)) == 1


def test_learned_halve_so_that_the_weight_of_the_dropped_passes_to_those_like_them() -> None:
    """Three copies of A share 3/5; B alone has 2/5, and more than any of them."""
    assert list(learned(A, B, A, A, size=1, prior=1e-3)) == [1, 0, 0, 0]


def test_learned_look_only_among_the_best() -> None:
    far = [-1.5, 1.5]
    assert learned(A, far, B, among=2, prior=0.0) == pytest.approx([3 / 5, 0, 2 / 5], abs=1e-3)
    assert learned(A, B, among=1) == pytest.approx([1, 0])


def test_learned_weights_below_a_thousandth_are_dropped() -> None:
    found = learned(A, B, [1.0, 5.0], prior=0.0)
    assert found[2] == 0 and found.sum() == pytest.approx(1)
    rows = [[1.0] * 4, [-1.0] * 4]
    assert np.all(learned(*rows, prior=1.0) > 0)


def test_learned_keep_to_the_limits() -> None:
    assert list(learned(A, B, costs=costs_of(3, 2, parameters=4), prior=0.0)) == [1, 0]
    assert list(learned(A, B, costs=costs_of(5, 2, parameters=4))) == [0, 1]


def test_learned_need_a_smooth_loss() -> None:
    y = np.ones((2, 1), np.float32)
    pool = PoolLoss([y, y / 2], y, "binary", "arithmetic", "error")
    with pytest.raises(ValueError, match="smooth"):
        LearnedWeights()(pool, free(pool))


# -- limits ------------------------------------------------------------------------
def test_within_limits_keeps_the_heaviest_that_fit_and_scales_to_one() -> None:
    weights = np.array([0.2, 0.5, 0.3])
    assert within_limits(weights, costs_of(1, 1, 1, members=2)) == pytest.approx([0, 5 / 8, 3 / 8])
    assert within_limits(weights, costs_of(1, 1, 1, members=3)) == pytest.approx(weights)
    assert within_limits(weights, costs_of(2, 3, 9, parameters=5)) == pytest.approx([2 / 7, 5 / 7, 0])


def test_within_limits_counts_no_member_without_weight() -> None:
    assert list(within_limits(np.array([0.0, 1.0]), costs_of(1, 1))) == [0, 1]
