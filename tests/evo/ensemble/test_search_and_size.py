"""Diversity, the frontier of sizes, parents by ensemble, distillation, pictures."""

from __future__ import annotations

import random

import numpy as np
import pytest
from sklearn.datasets import load_digits

from evo.ensemble import Ensemble, LibraryModel, build, frontier, parents_by_ensemble, selection_by_ensemble
from evo.ensemble.distillation import soft_targets
from evo.ensemble.diversity import diversity
from evo.ensemble.plots import plot_diversity, plot_frontier
from evo.ensemble.selection.estimation import folds, paired_gain
from evo.errors import EnsembleError


def specialists(rows=300, classes=3):
    """Models 0 .. classes-1 each know one class well; the last knows all a little."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, classes, rows)
    predictions = []
    for own in range(classes):
        p = np.full((rows, classes), 1 / classes)
        p[y == own] = 0.05
        p[y == own, own] = 0.9
        predictions.append(p / p.sum(axis=1, keepdims=True))
    weak = np.full((rows, classes), 0.3)
    weak[np.arange(rows), y] = 0.4
    predictions.append(weak)
    noisy = [p + rng.uniform(0, 0.02, p.shape) for p in predictions]
    return [(p / p.sum(axis=1, keepdims=True)).astype(np.float32) for p in noisy], y


def as_candidates(predictions, **costs):
    return [LibraryModel(n, p, **{k: v[n] for k, v in costs.items()}) for n, p in enumerate(predictions)]


# -- diversity ---------------------------------------------------------------------
def test_measures_of_models_that_are_equal_independent_and_opposite():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 4000)
    a = np.where(rng.random(4000) < 0.8, y, 1 - y)
    b = np.where(rng.random(4000) < 0.8, y, 1 - y)

    def proba(labels):
        return np.where(labels == 1, 0.9, 0.1).astype(np.float32)[:, None]

    measured = diversity([proba(a), proba(a), proba(b)], y[:, None].astype(np.float32), "binary", np.ones(3) / 3)
    pairs = {name: np.array(matrix) for name, matrix in measured["pairs"].items()}
    assert pairs["disagreement"][0, 1] == 0
    assert pairs["q_statistic"][0, 1] == 1
    assert pairs["error_correlation"][0, 1] == pytest.approx(1)
    assert pairs["disagreement"][0, 2] == pytest.approx(0.32, abs=0.03)
    assert abs(pairs["q_statistic"][0, 2]) < 0.15
    assert measured["accuracies"] == pytest.approx([0.8, 0.8, 0.8], abs=0.02)


def test_ambiguity_is_the_variance_of_members_around_their_mean():
    """Krogh & Vedelsby 1995: squared error of the mean = mean squared error - ambiguity."""
    rng = np.random.default_rng(0)
    y = rng.normal(size=(50, 1)).astype(np.float32)
    predictions = [(y + rng.normal(size=y.shape)).astype(np.float32) for _ in range(4)]
    weights = np.array([0.1, 0.2, 0.3, 0.4])
    measured = diversity(predictions, y, "regression", weights)
    stacked = np.stack(predictions).astype(float)
    mean = np.tensordot(weights, stacked, axes=1)
    variance = np.tensordot(weights, (stacked - mean) ** 2, axes=1).mean()
    assert measured["ambiguity"] == pytest.approx(variance, rel=1e-4)
    assert "disagreement" not in measured["pairs"]


def test_genome_distances_are_those_of_the_function_given():
    predictions, y = specialists()
    measured = diversity(
        predictions[:3], y, "multiclass", np.ones(3) / 3, genomes=[1, 5, None], distance=lambda a, b: abs(a - b)
    )
    assert measured["pairs"]["genome_distance"][0][1] == 4
    assert measured["pairs"]["genome_distance"][0][2] is None
    assert measured["mean"]["genome_distance"] == 4


# -- estimates ---------------------------------------------------------------------
def test_the_paired_bootstrap_knows_a_gain_from_a_tie():
    rng = np.random.default_rng(0)
    single = rng.exponential(size=500)
    assert paired_gain(single, single, rng).probability == 0
    better = paired_gain(single, single * 0.9, rng)
    assert better.probability == 1 and better.low > 0
    none = paired_gain(single, rng.permutation(single), rng)
    assert 0.01 < none.probability < 0.99
    large = rng.exponential(size=5000)
    assert paired_gain(large, large + rng.normal(size=5000) * 0.1 - 0.01, rng).probability > 0.99


def test_folds_are_even_and_stratified():
    y = np.repeat([0, 1, 2], [50, 30, 20])
    fold = folds(100, 5, y, np.random.default_rng(0))
    for number in range(5):
        assert np.bincount(y[fold == number]).tolist() == [10, 6, 4]


# -- frontier ----------------------------------------------------------------------
@pytest.mark.parametrize("by", ["members", "parameters", "latency"])
def test_a_frontier_grows_in_size_and_falls_in_loss(by, tmp_path):
    predictions, y = specialists()
    candidates = as_candidates(predictions, parameters=[100, 200, 400, 50], latency=[0.1, 0.2, 0.4, 0.05])
    points = frontier(candidates, y, "multiclass", by, 4, rng=np.random.default_rng(0), method="greedy")
    sizes = [getattr(p, by) for p in points]
    values = [p.estimate.value for p in points]
    assert len(points) >= 2
    assert sizes == sorted(set(sizes)) and values == sorted(values, reverse=True)
    assert points[-1].members >= 3
    plot_frontier(points, by, tmp_path / "frontier.png")
    assert (tmp_path / "frontier.png").stat().st_size > 5000
    with pytest.raises(EnsembleError, match="by"):
        frontier(candidates, y, "multiclass", "weight", rng=np.random.default_rng(0))
    if by != "members":
        with pytest.raises(EnsembleError, match=f"knows its {by}"):
            frontier(as_candidates(predictions), y, "multiclass", by, rng=np.random.default_rng(0))


# -- parents -----------------------------------------------------------------------
def test_parents_are_those_that_complement_each_other():
    predictions, y = specialists()
    pool = {10 * n: p for n, p in enumerate(predictions)}
    pool |= {100 + n: predictions[0] for n in range(2)}
    parents = parents_by_ensemble(sorted(pool), pool.get, y, "multiclass", 200, np.random.default_rng(0), size=3)
    # of six trials three stand in the ensemble: the three specialists, and no second copy of the first
    assert set(parents) == {0, 10, 20}
    again = parents_by_ensemble(sorted(pool), pool.get, y, "multiclass", 200, np.random.default_rng(0), size=3)
    assert parents == again
    assert set(parents_by_ensemble([1, 2], {}.get, y, "multiclass", 50, np.random.default_rng(0))) == {1, 2}


def test_a_share_of_the_parents_comes_from_the_ensemble():
    class Individual:
        def __init__(self, number):
            self.number = number

    predictions, y = specialists()
    pool = dict(enumerate([*predictions, predictions[3], predictions[3]]))
    population = [Individual(n) for n in pool]
    select = selection_by_ensemble(lambda c, k: [c[3]] * k, pool.get, y, "multiclass", share=0.5)
    random.seed(1)
    numbers = [c.number for c in select(population, 400)]
    assert set(numbers) == {0, 1, 2, 3}
    assert 150 < sum(n == 3 for n in numbers) < 250
    random.seed(1)
    assert numbers == [c.number for c in select(population, 400)]
    assert [c.number for c in selection_by_ensemble(lambda c, k: c[:k], {}.get, y, "multiclass")(population, 2)]


# -- distillation and pictures, with nets ------------------------------------------
def test_soft_targets_mix_the_ensemble_with_the_labels():
    outputs = np.array([[0.6, 0.4], [0.1, 0.9]])
    mixed = soft_targets(outputs, np.array([0, 1]), "multiclass", 0.5)
    assert mixed == pytest.approx(np.array([[0.8, 0.2], [0.05, 0.95]]))
    assert soft_targets(outputs, None, "multiclass") == pytest.approx(outputs)
    with pytest.raises(EnsembleError, match="share"):
        soft_targets(outputs, None, "multiclass", 2)
    with pytest.raises(EnsembleError, match="3 rows"):
        soft_targets(outputs, np.zeros(3), "multiclass")


@pytest.fixture(scope="module")
def digits():
    import keras

    x, y = load_digits(return_X_y=True)
    x = (x / 16).astype(np.float32)
    nets = []
    for seed in range(3):
        keras.utils.set_random_seed(seed)
        net = keras.Sequential(
            [
                keras.Input((64,)),
                keras.layers.Dense(24, activation="relu"),
                keras.layers.Dense(10, activation="softmax"),
            ]
        )
        net.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
        net.fit(x[:900], y[:900], epochs=2, verbose=0)
        nets.append(net)
    return nets, x, y


def test_a_student_learns_what_the_ensemble_knows(digits):
    nets, x, y = digits
    ensemble = Ensemble(nets, task="multiclass")
    single = Ensemble(nets[:1], task="multiclass").evaluate(x[900:], y[900:])
    student = ensemble.distill(x[:900], y[:900], epochs=8)
    assert student.count_params() == nets[0].count_params()
    distilled = Ensemble([student], task="multiclass").evaluate(x[900:], y[900:])
    assert distilled["log_loss"] < single["log_loss"]
    with pytest.raises(EnsembleError, match="epochs"):
        ensemble.distill(x, epochs=0)


def test_the_picture_of_diversity(digits, tmp_path):
    nets, x, y = digits
    measured = Ensemble(nets, task="multiclass").diversity(x[900:], y[900:])
    assert 0 < measured["mean"]["disagreement"] < 0.5
    plot_diversity(measured, tmp_path / "diversity.png")
    plot_diversity(measured, tmp_path / "diversity.svg")
    assert (tmp_path / "diversity.png").stat().st_size > 5000
    numbers = diversity([np.ones((5, 1)), np.zeros((5, 1))], np.ones((5, 1)), "regression", np.ones(2) / 2)
    plot_diversity(numbers, tmp_path / "regression.png")
    # one member has no pair
    plot_diversity(Ensemble(nets[:1], task="multiclass").diversity(x[:99], y[:99]), tmp_path / "one.png")


def test_an_ensemble_of_real_nets_out_of_sample(digits):
    nets, x, y = digits
    candidates = [LibraryModel(n, net.predict(x[900:1300], verbose=0)) for n, net in enumerate(nets)]
    chosen = build(candidates, y[900:1300], "multiclass", 3, rng=np.random.default_rng(0))
    ensemble = Ensemble([nets[c.number] for c in chosen.candidates], chosen.weights, task="multiclass")
    losses = [Ensemble([net], task="multiclass").evaluate(x[1300:], y[1300:])["log_loss"] for net in nets]
    found = ensemble.evaluate(x[1300:], y[1300:])["log_loss"]
    # Jensen: below the members' mean on any data; and about as good as the best of them at least
    assert found < np.dot(chosen.weights, [losses[c.number] for c in chosen.candidates]) + 1e-6
    assert found < min(losses) * 1.05
