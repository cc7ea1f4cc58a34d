"""Selection on arrays: properties that hold for any candidates."""

from __future__ import annotations

import warnings
from dataclasses import replace
from itertools import combinations_with_replacement

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evo.ensemble import EnsembleWarning, LibraryModel, build
from evo.ensemble.arguments import as_targets
from evo.ensemble.calibration import fit_temperature
from evo.ensemble.metrics import row_losses
from evo.ensemble.pooling import pool
from evo.ensemble.selection.methods import (
    Greedy,
    LearnedWeights,
    average_best,
    best_single,
    forward_without_replacement,
)
from evo.ensemble.selection.pool_loss import PoolLoss
from evo.ensemble.selection.selection import METHODS
from evo.ensemble.size_limits import Costs, SizeLimits
from evo.ensemble.stacking import fit_stacker
from evo.errors import EnsembleError
from genomes.targets import as_target
from genomes.targets.weighted_median import weighted_median

TASKS = ["binary", "multiclass", "multilabel", "regression"]


def make_pool(task, count=12, rows=120, seed=0, noise=1.0):
    """Noisy models of one truth: predictions per candidate, and targets."""
    rng = np.random.default_rng(seed)
    outputs = {"binary": 1, "multiclass": 4, "multilabel": 3, "regression": 2}[task]
    truth = rng.normal(size=(rows, outputs))
    predictions = []
    for _ in range(count):
        own = truth + rng.normal(size=truth.shape) * noise * rng.uniform(0.6, 2)
        if task == "multiclass":
            own = np.exp(2 * own)
            own /= own.sum(axis=1, keepdims=True)
        elif task != "regression":
            own = 1 / (1 + np.exp(-2 * own))
        predictions.append(own.astype(np.float32))
    y = {"multiclass": truth.argmax(axis=1), "regression": truth}.get(task, (truth > 0).astype(int))
    return predictions, y


def make_candidates(task, **kwargs):
    predictions, y = make_pool(task, **kwargs)
    return [LibraryModel(i, p, parameters=1000 * (i + 1), latency=0.01 * (i + 1)) for i, p in enumerate(predictions)], y


def rng():
    return np.random.default_rng(5)


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("pooling", ["arithmetic", "geometric"])
def test_the_fast_loss_is_the_loss_of_the_pooled_predictions(task, pooling):
    if pooling not in as_target(task).poolings:
        pytest.skip("regression has no geometric mean")
    predictions, y = make_pool(task)
    targets = as_targets(y, task)
    weights = rng().dirichlet(np.ones(len(predictions)))
    pooled = pool(predictions, weights, pooling, task)
    for loss in as_target(task).losses:
        if loss == "calibrated_log_loss" or (pooling == "geometric" and loss == "brier"):
            continue  # selected by log loss
        expected = row_losses(loss, task, pooled, targets).mean()
        fast = PoolLoss(predictions, targets, task, pooling, loss)
        scale = {"brier": 4 if task == "multiclass" else 2}.get(loss, 1)  # a constant factor selects the same
        assert fast.of_weights(weights) * scale == pytest.approx(expected, rel=2e-4, abs=1e-6)


@pytest.mark.parametrize("task", TASKS)
def test_gradients_are_those_of_finite_differences(task):
    predictions, y = make_pool(task, rows=40)
    targets = as_targets(y, task)
    for pooling in as_target(task).poolings:
        for loss in set(as_target(task).losses) - {"calibrated_log_loss"}:
            objective = PoolLoss(predictions, targets, task, pooling, loss)
            if not objective.smooth or loss == "mae":
                continue
            objective.terms = objective.terms.astype(np.float64)
            objective.row_share = objective.row_share.astype(np.float64)
            weights = rng().dirichlet(np.ones(len(predictions)))
            _, gradient = objective.value_and_gradient(weights)
            for index in range(3):
                step = np.zeros(len(weights))
                step[index] = 1e-3
                slope = (objective.of_weights(weights + step) - objective.of_weights(weights - step)) / 2e-3
                assert slope == pytest.approx(gradient[index], rel=2e-2, abs=2e-4)


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("method", METHODS)
def test_every_method_gives_weights_that_sum_to_one_within_the_limits(task, method):
    candidates, y = make_candidates(task)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        chosen = build(candidates, y, task, 5, method, max_parameters=30_000, confidence=None, rng=rng())
    assert chosen.weights.sum() == pytest.approx(1, abs=1e-12)
    assert (np.all(chosen.weights > 0) and np.all(np.diff(chosen.weights) <= 0)) or method == "stacking"
    assert 1 <= len(chosen.candidates) <= 5
    assert sum(c.parameters for c in chosen.candidates) <= 30_000
    again = build(candidates, y, task, 5, method, max_parameters=30_000, confidence=None, rng=rng())
    assert np.array_equal(chosen.weights, again.weights)
    assert [c.number for c in chosen.candidates] == [c.number for c in again.candidates]


@pytest.mark.parametrize("task", TASKS)
def test_greedy_takes_the_best_addition_at_each_step(task):
    """Against the definition, computed the slow way from pooled predictions."""
    predictions, y = make_pool(task, count=5, rows=60)
    targets = as_targets(y, task)
    loss = as_target(task).losses[0]
    chosen, losses = [], []
    for _ in range(6):
        values = []
        for extra in range(5):
            counts = np.bincount([*chosen, extra], minlength=5)
            pooled = pool(predictions, counts / counts.sum(), "arithmetic", task)
            values.append(row_losses(loss, task, pooled, targets).mean())
        chosen.append(int(np.argmin(values)))
        losses.append(min(values))
    best = int(np.argmin(losses)) + 1
    expected = np.bincount(chosen[:best], minlength=5) / best
    objective = PoolLoss(predictions, targets, task, "arithmetic", loss)
    costs = Costs([LibraryModel(i, p) for i, p in enumerate(predictions)], SizeLimits())
    assert np.allclose(Greedy(steps=6)(objective, costs, rng()), expected)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 1000), task=st.sampled_from(TASKS))
def test_more_freedom_never_loses_more_on_the_rows_selected_on(seed, task):
    predictions, y = make_pool(task, count=6, rows=50, seed=seed)
    targets = as_targets(y, task)
    objective = PoolLoss(predictions, targets, task, "arithmetic", as_target(task).losses[0])
    costs = Costs([LibraryModel(i, p) for i, p in enumerate(predictions)], SizeLimits())
    single = objective.of_weights(best_single(objective, costs))
    greedy = objective.of_weights(Greedy()(objective, costs, rng()))
    learned = objective.of_weights(LearnedWeights(size=6, prior=0.01)(objective, costs))
    assert greedy <= single * (1 + 1e-5)
    assert learned <= greedy * 1.01 + 1e-4
    assert objective.of_weights(forward_without_replacement(objective, costs, 1)) == pytest.approx(single)
    assert np.array_equal(average_best(objective, costs, 1), best_single(objective, costs))


def test_learned_weights_find_the_optimum_of_a_grid():
    predictions, y = make_pool("multiclass", count=3, rows=300)
    objective = PoolLoss(predictions, y, "multiclass", "arithmetic", "log_loss")
    costs = Costs([LibraryModel(i, p) for i, p in enumerate(predictions)], SizeLimits())
    found = objective.of_weights(LearnedWeights(size=3, prior=0.0)(objective, costs))
    grid = [np.bincount(c, minlength=3) / 20 for c in combinations_with_replacement(range(3), 20)]
    assert found <= min(objective.of_weights(w) for w in grid) + 1e-5


def test_ties_go_to_members_chosen_already():
    predictions, y = make_pool("multiclass", count=1)
    twin = predictions[0].copy()
    twin[0] = np.roll(twin[0], 0) * np.float32(1)
    candidates = [LibraryModel(0, predictions[0]), LibraryModel(1, twin)]
    objective = PoolLoss([c.predictions for c in candidates], y, "multiclass")
    assert np.array_equal(Greedy()(objective, Costs(candidates, SizeLimits()), rng()), [1, 0])


def test_temperature_is_found_again():
    random = np.random.default_rng(0)
    scores = random.normal(size=(20_000, 5)) * 2
    p = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    y = np.array([random.choice(5, p=row) for row in p])
    sharp = p**2.5
    sharp /= sharp.sum(axis=1, keepdims=True)
    assert fit_temperature(sharp, y, "multiclass") == pytest.approx(2.5, rel=0.05)
    assert fit_temperature(p, y, "multiclass") == pytest.approx(1, rel=0.05)


@settings(max_examples=50, deadline=None)
@given(count=st.integers(1, 9), seed=st.integers(0, 99))
def test_the_median_of_equal_weights_is_the_median(count, seed):
    values = np.random.default_rng(seed).normal(size=(count, 7, 2))
    assert np.allclose(weighted_median(values, np.full(count, 1 / count)), np.median(values, axis=0))
    repeated = np.random.default_rng(seed).integers(1, 4, size=count)
    expected = np.median(np.repeat(values, repeated, axis=0), axis=0)
    assert np.allclose(weighted_median(values, repeated / repeated.sum()), expected)


@pytest.mark.parametrize("task", TASKS)
def test_stacking_starts_from_the_mean_and_fits_better(task):
    predictions, y = make_pool(task, count=3, rows=400)
    targets = as_targets(y, task)
    strong = fit_stacker(predictions, targets, task, penalty=1e9).predict(predictions, task)
    mean = pool(predictions, np.full(3, 1 / 3), "arithmetic" if task == "regression" else "geometric", task)
    loss = as_target(task).losses[0]

    def of(p):
        return row_losses(loss, task, p, targets).mean()

    assert of(strong) <= of(mean) * 1.001
    assert of(fit_stacker(predictions, targets, task, penalty=1e-3).predict(predictions, task)) <= of(strong)


def test_no_gain_falls_back_to_the_best_single_model():
    random = np.random.default_rng(0)
    y = random.integers(0, 3, 200)
    good = np.full((200, 3), 0.005, np.float32)
    good[np.arange(200), y] = 0.99
    noise = random.dirichlet(np.ones(3), size=(6, 200)).astype(np.float32)
    candidates = [LibraryModel(0, good), *(LibraryModel(i + 1, p) for i, p in enumerate(noise))]
    chosen = build(candidates, y, "multiclass", 5, "average", rng=rng())
    assert chosen.fallback and chosen.method == "best"
    assert [c.number for c in chosen.candidates] == [0]
    assert "no gain" in chosen.notes[-1]
    kept = build(candidates, y, "multiclass", 5, "average", confidence=None, rng=rng())
    assert not kept.fallback and len(kept.candidates) == 5


def test_auto_takes_few_members_where_few_are_good_and_many_where_all_are_alike():
    random = np.random.default_rng(0)
    y = random.integers(0, 3, 600)

    def guess(noise: float) -> np.ndarray:
        scores = 3 * np.eye(3)[y] + random.normal(0, noise, (600, 3))
        return (np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)).astype(np.float32)

    alike = build([LibraryModel(n, guess(2.0)) for n in range(12)], y, "multiclass", 8, rng=rng())
    few = [LibraryModel(n, guess(1.0 if n < 2 else 30.0)) for n in range(12)]
    apart = build(few, y, "multiclass", 8, rng=rng())
    assert len(alike.candidates) == 8
    assert {c.number for c in apart.candidates} >= {0, 1} and len(apart.candidates) <= 4
    assert not apart.fallback
    weighted = build(few, y, "multiclass", 8, "weighted", rng=rng())
    assert apart.estimates["ensemble"]["log_loss"].value <= weighted.estimates["ensemble"]["log_loss"].value


def test_the_best_single_model_may_be_best_in_a_loss_of_its_own():
    random = np.random.default_rng(0)
    y = random.integers(0, 3, 200)
    hot = np.eye(3, dtype=np.float32)
    timid = 0.4 * hot[y] + 0.2  # always right, never sure
    bold = 0.98 * hot[np.where(np.arange(200) < 4, (y + 1) % 3, y)] + 0.02 / 3  # sure, wrong in four rows
    candidates = [LibraryModel(0, timid.astype(np.float32)), LibraryModel(1, bold.astype(np.float32))]
    by_loss = build(candidates, y, "multiclass", 2, "best", rng=rng())
    by_error = build(candidates, y, "multiclass", 2, "best", single_loss="error", rng=rng())
    assert [c.number for c in by_loss.candidates] == [1]
    assert [c.number for c in by_error.candidates] == [0]
    with pytest.raises(EnsembleError, match="loss: a multiclass task knows"):
        build(candidates, y, "multiclass", 2, single_loss="rmse", rng=rng())


def smoothed_and_sure(rows=1500, classes=10):
    """Seven good models that pretend to doubt (label smoothing), and one that is worse and says what it knows."""
    random = np.random.default_rng(3)
    y = random.integers(0, classes, rows)
    hot = np.eye(classes)

    def guess(wrong, smoothing):
        seen = np.where(random.random(rows) < wrong, random.integers(0, classes, rows), y)
        p = 0.8 * hot[seen] + 0.2 * random.dirichlet(np.ones(classes), rows)
        p = (p**4) / (p**4).sum(axis=1, keepdims=True)
        return ((1 - smoothing) * p + smoothing / classes).astype(np.float32)

    return [LibraryModel(n, guess(0.03 if n else 0.1, 0.3 if n else 0.02)) for n in range(8)], y


def test_who_pretends_to_doubt_counts_for_what_it_knows():
    candidates, y = smoothed_and_sure()
    by_loss = build(candidates, y, "multiclass", 8, rng=rng(), single_loss="error", confidence=None)
    calibrated = build(candidates, y, "multiclass", 8, rng=rng(), single_loss="error", loss="calibrated_log_loss")
    weights = {c.number: w for c, w in zip(calibrated.candidates, calibrated.weights, strict=True)}
    assert weights.get(0, 0.0) < 0.1 and not calibrated.fallback
    error = {one.loss: one.estimates["ensemble"]["error"].value for one in (by_loss, calibrated)}
    assert error["calibrated_log_loss"] <= error["log_loss"]


def test_better_in_loss_but_worse_in_what_the_campaign_asks_for_falls_back():
    random = np.random.default_rng(0)
    y = random.integers(0, 3, 3000)
    hot = np.eye(3, dtype=np.float32)
    timid = 0.36 * hot[y] + 0.64 / 3  # always right, never sure
    wrong = random.random((2, 3000)) < 0.05
    bold = [0.98 * hot[np.where(one, (y + 1) % 3, y)] + 0.02 / 3 for one in wrong]
    candidates = [LibraryModel(n, p.astype(np.float32)) for n, p in enumerate([timid, *bold])]
    chosen = build(candidates, y, "multiclass", 3, single_loss="error", rng=rng())
    assert chosen.fallback and [c.number for c in chosen.candidates] == [0]
    assert "worse in error" in chosen.notes[-1]


def test_the_nested_estimate_does_not_flatter():
    """Among many useless models, the best one looks good on the rows that chose it; not in the nested estimate."""
    random = np.random.default_rng(1)
    y = random.integers(0, 2, 100)
    candidates = [LibraryModel(i, random.uniform(size=(100, 1)).astype(np.float32)) for i in range(200)]
    chosen = build(candidates, y, "binary", 5, "greedy", loss="error", confidence=None, rng=rng())
    apparent = row_losses("error", "binary", chosen.predictions(), as_targets(y, "binary")).mean()
    nested = chosen.estimates["ensemble"]["error"]
    assert apparent < 0.35
    assert abs(nested.value - 0.5) < 3 * nested.error


def test_sample_weights_count_as_repetition():
    candidates, y = make_candidates("multiclass", rows=60)
    times = np.random.default_rng(0).integers(1, 4, 60)
    weighted = PoolLoss([c.predictions for c in candidates], y, "multiclass", row_weight=times.astype(float))
    repeated = PoolLoss(
        [np.repeat(c.predictions, times, axis=0) for c in candidates], np.repeat(y, times), "multiclass"
    )
    assert np.allclose(weighted.singles(), repeated.singles(), rtol=1e-5)


# -- bad input ---------------------------------------------------------------------
def test_other_data_other_classes_other_rows():
    candidates, y = make_candidates("multiclass")
    other = replace(candidates[1], data="b")
    with pytest.raises(EnsembleError, match="different sets of data"):
        build([replace(candidates[0], data="a"), other], y, "multiclass", rng=rng())
    wide = replace(candidates[1], predictions=np.full((120, 5), 0.2, np.float32))
    with pytest.raises(EnsembleError, match="other classes"):
        build([candidates[0], wide], y, "multiclass", rng=rng())
    with pytest.raises(EnsembleError, match=r"119 rows.*120"):
        build([replace(candidates[0], predictions=candidates[0].predictions[1:])], y, "multiclass", rng=rng())
    with pytest.raises(EnsembleError, match="labels"):
        build(candidates, y + 1, "multiclass", rng=rng())
    with pytest.raises(EnsembleError, match="probabilities"):
        build([replace(candidates[0], predictions=candidates[0].predictions * 5)], y, "multiclass", rng=rng())


def test_too_few_one_and_none():
    candidates, y = make_candidates("multiclass")
    with pytest.raises(EnsembleError, match="got none"):
        build([], y, "multiclass", rng=rng())
    with pytest.warns(EnsembleWarning, match="8 members asked for.*3 candidates"):
        assert len(build(candidates[:3], y, "multiclass", 8, "average", confidence=None, rng=rng()).candidates) == 3
    with pytest.warns(EnsembleWarning, match="one"):
        alone = build(candidates[:1], y, "multiclass", 8, rng=rng())
    assert alone.weights.tolist() == [1.0]


def test_copies_missing_weights_and_nan_are_left_out_with_a_warning():
    candidates, y = make_candidates("multiclass")
    same = [replace(candidates[0], number=n) for n in range(6)]
    with pytest.warns(EnsembleWarning, match="exactly as an earlier one: 1, 2, 3, 4, 5"):
        chosen = build(same, y, "multiclass", 5, rng=rng())
    assert [c.number for c in chosen.candidates] == [0]
    gone = [replace(c, available=c.number != 4) for c in candidates]
    with pytest.warns(EnsembleWarning, match="weights are gone: 4"):
        assert 4 not in [c.number for c in build(gone, y, "multiclass", 12, "average", rng=rng()).candidates]
    broken = replace(candidates[2], predictions=np.full_like(candidates[2].predictions, np.nan))
    with pytest.warns(EnsembleWarning, match="not finite: 2"):
        build([*candidates[:2], broken, *candidates[3:]], y, "multiclass", rng=rng())
    with pytest.raises(EnsembleError, match="none of 1"), pytest.warns(EnsembleWarning):
        build([broken], y, "multiclass", rng=rng())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"task": "clustering"}, "task"),
        ({"method": "magic"}, "method"),
        ({"size": 0}, "size"),
        ({"loss": "rmse"}, "loss"),
        ({"pooling": "median"}, "pooling"),
        ({"max_members": 0}, "max_members"),
        ({"max_parameters": 10}, "no candidate fits"),
        ({"max_latency": -1.0}, "max_latency"),
        ({"fold_count": 1}, "fold_count"),
        ({"confidence": 2}, "confidence"),
        ({"sample_weight": np.ones(3)}, "sample_weight"),
    ],
)
def test_a_wrong_argument_is_named(change, message):
    candidates, y = make_candidates("multiclass")
    arguments = {"task": "multiclass", "rng": rng(), **change}
    with pytest.raises(EnsembleError, match=message):
        build(candidates, y, **arguments)
