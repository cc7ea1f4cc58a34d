"""Ordered classes, quantiles and several targets of different kinds, against formulas written out here."""

from __future__ import annotations

import json
from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from sklearn.metrics import mean_pinball_loss

import genomes
from genomes.errors import GenomeError
from genomes.targets import (
    Binary,
    Mixed,
    Multiclass,
    Multilabel,
    Ordinal,
    Part,
    Quantiles,
    Regression,
    Target,
    infer_target,
)

MIXED = Mixed(
    parts=(
        Part("price (€)", Regression(1), 100.0),
        Part("state", Multiclass(labels=("new", "old", "sold"))),
        Part("flag", Binary(labels=(False, True))),
        Part("tags", Multilabel(2)),
    )
)


def labels(rows: int = 40) -> dict[str, Any]:
    rng = np.random.default_rng(1)
    return {
        "price (€)": rng.normal(1000, 100, rows).astype(np.float32),
        "state": rng.choice(["new", "old", "sold"], rows),
        "flag": rng.random(rows) > 0.5,
        "tags": rng.integers(0, 2, (rows, 2)),
    }


def head_of(target: Target, x: np.ndarray, statistics: Any = None) -> np.ndarray:
    keras.utils.set_random_seed(3)
    inputs = keras.Input(x.shape[1:])
    return np.asarray(keras.Model(inputs, target.head(inputs, statistics))(x))


@pytest.mark.parametrize("target", [Ordinal(4), Quantiles(), MIXED, Quantiles(quantiles=(0.25,))])
def test_a_target_and_its_space_are_what_their_json_says(target: Target) -> None:
    assert Target.from_json(json.loads(json.dumps(target.to_json()))) == target
    x = np.random.default_rng(0).normal(size=(50, 3)).astype(np.float32)
    space = genomes.spaces.tabular(x, task=target, units=16)
    again = genomes.Space.from_json(json.loads(json.dumps(space.to_json())))
    assert again.target == target
    genome = space.default()
    y = target.prepare(target.some_labels(50))
    model = space.build(genome, space.adapt(x, y))
    assert model.count_params() == space.cost(genome).parameters
    assert np.asarray(model(x)).shape == (50, target.outputs)
    plain = genome.replace(training=genome.training.replace(label_smoothing=0.0))
    assert np.isfinite(space.loss(plain)(y, model(x)))


# -- ordered classes -------------------------------------------------------------------
def test_ordered_classes_have_the_probabilities_of_the_continuation_ratio_model() -> None:
    x = np.random.default_rng(0).normal(0, 2, (30, 5)).astype(np.float32)
    target = Ordinal(4)
    keras.utils.set_random_seed(3)
    inputs = keras.Input((5,))
    model = keras.Model(inputs, target.head(inputs))
    found = np.asarray(model(x))
    kernel, bias = model.get_layer("head").get_weights()
    goes_on = 1 / (1 + np.exp(-(x.astype(np.float64) @ kernel + bias)))
    expected = np.empty((30, 4))
    beyond = np.ones(30)
    for step in range(3):
        expected[:, step] = beyond * (1 - goes_on[:, step])
        beyond = beyond * goes_on[:, step]
    expected[:, 3] = beyond
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-5)


@pytest.mark.parametrize("soft", [False, True])
def test_ordered_classes_are_judged_by_how_far_off_a_prediction_is(soft: bool) -> None:
    p = np.random.default_rng(0).dirichlet(np.ones(4), 60).astype(np.float32)
    y = np.random.default_rng(1).integers(0, 4, 60)
    target = Ordinal(4)
    off = np.abs(p.argmax(axis=1) - y).mean()
    assert target.evaluate(p, target.as_targets(y))["mae"] == pytest.approx(off)
    accuracy, mae = target.metrics(soft)
    for metric in (accuracy, mae):
        metric.update_state(target.as_outputs(y, 4) if soft else y, p)
    assert float(mae.result()) == pytest.approx(off)
    assert float(accuracy.result()) == pytest.approx((p.argmax(axis=1) == y).mean())


def test_an_order_is_that_of_the_categories_and_never_that_of_the_alphabet() -> None:
    sizes = pd.Series(pd.Categorical(["L", "S", "M", "S"] * 5, categories=["S", "M", "L"], ordered=True))
    target, line = infer_target(sizes, "size")
    assert target == Ordinal(labels=("S", "M", "L")) and line == "size: 3 classes in order, from 'S' to 'L'"
    assert target.prepare(sizes).tolist() == [2, 0, 1, 0] * 5
    assert infer_target(sizes.astype(str), "size")[0] == Multiclass(labels=("L", "M", "S"))
    assert infer_target(sizes, "size", "classification")[0] == target
    assert infer_target(np.array([1, 3, 2, 5]), "stars", "ordinal")[0] == Ordinal(labels=(1, 2, 3, 5))
    with pytest.raises(GenomeError, match="size: the order of words has to be said"):
        infer_target(sizes.astype(str), "size", "ordinal")


# -- quantiles -------------------------------------------------------------------------
@settings(deadline=None, max_examples=30)
@given(st.lists(st.floats(0.01, 0.99), min_size=1, max_size=5, unique=True), st.integers(0, 99))
def test_quantiles_never_cross_and_lose_what_scikit_learn_says(quantiles: list[float], seed: int) -> None:
    target = Quantiles(quantiles=tuple(sorted(quantiles)))
    rng = np.random.default_rng(seed)
    x, y = rng.normal(0, 3, (20, 4)).astype(np.float32), rng.normal(50, 9, 20).astype(np.float32)
    told = head_of(target, x, target.statistics(y))
    assert (np.diff(told, axis=1) >= 0).all()
    expected = np.mean([mean_pinball_loss(y, told[:, at], alpha=q) for at, q in enumerate(target.quantiles)])
    prepared = target.prepare(y)
    assert target.row_losses("pinball", told, prepared).mean() == pytest.approx(expected, rel=1e-4)
    assert float(target.loss()(prepared, told)) == pytest.approx(expected, rel=1e-4)
    scale = float(target.statistics(y)["target_scale"][0])
    assert float(target.loss(statistics=target.statistics(y))(prepared, told)) == pytest.approx(
        expected / scale, rel=1e-4
    )
    pinball, mae = target.metrics()
    pinball.update_state(prepared, told)
    mae.update_state(prepared, told)
    assert float(pinball.result()) == pytest.approx(expected, rel=1e-4)
    assert float(mae.result()) == pytest.approx(np.abs(told[:, target.middle] - y).mean(), rel=1e-4)


def test_the_pinball_loss_is_least_at_the_quantile() -> None:
    y = np.random.default_rng(0).gamma(2.0, 3.0, 4000)[:, None]
    target = Quantiles(quantiles=(0.8,))
    best = minimize_scalar(lambda p: target.row_losses("pinball", np.full_like(y, p), y).mean(), bounds=(0, 40)).x
    assert best == pytest.approx(np.quantile(y, 0.8), rel=1e-2)
    assert target.evaluate(np.full_like(y, best), y)["below_0.8"] == pytest.approx(0.8, abs=1e-2)


@pytest.mark.parametrize("wrong", [(), (0.5, 0.1), (0.0, 0.5), (0.5, 1.0), (0.5, 0.5), "ab", 3])
def test_quantiles_that_are_none_are_refused(wrong: Any) -> None:
    with pytest.raises(GenomeError, match="quantiles: expected numbers between 0 and 1, ascending"):
        Quantiles(quantiles=wrong)


# -- several targets -------------------------------------------------------------------
def test_several_targets_come_back_as_they_were() -> None:
    y = labels()
    for given_y in (y, MIXED.decode(MIXED.prepare(y))):
        MIXED.check(given_y)
        prepared = MIXED.prepare(given_y)
        assert prepared.shape == (40, 7) and prepared.dtype == np.float32
        told = MIXED.decode(prepared)
        for name, values in y.items():
            np.testing.assert_array_equal(told[name], values)
    np.testing.assert_array_equal(MIXED.unlabelled.as_targets(prepared), prepared)


def test_the_loss_and_the_metrics_of_several_targets_are_those_of_each() -> None:
    y = labels()
    rng = np.random.default_rng(2)
    told = np.concatenate(
        [
            rng.normal(1000, 150, (40, 1)),
            rng.dirichlet(np.ones(3), 40),
            rng.uniform(0.05, 0.95, (40, 3)),
        ],
        axis=1,
    ).astype(np.float32)
    targets = MIXED.as_targets(y)
    state = np.array([["new", "old", "sold"].index(one) for one in y["state"]])
    price, flag = y["price (€)"][:, None], y["flag"].astype(int)[:, None]
    terms = [
        float(keras.losses.MeanSquaredError()(price / 100, told[:, :1] / 100)),
        float(keras.losses.SparseCategoricalCrossentropy()(state, told[:, 1:4])),
        float(keras.losses.BinaryCrossentropy()(flag, told[:, 4:5])),
        float(keras.losses.BinaryCrossentropy()(y["tags"], told[:, 5:])),
    ]
    assert float(MIXED.loss()(targets, told)) == pytest.approx(np.mean(terms), rel=1e-5)
    assert MIXED.row_losses("mean_loss", told, targets).mean() == pytest.approx(np.mean(terms), rel=1e-5)
    scores = MIXED.evaluate(told, targets)
    assert scores["mean_loss"] == pytest.approx(np.mean(terms), rel=1e-5)
    assert scores["price (€)_rmse"] == pytest.approx(float(np.sqrt(np.mean((price - told[:, :1]) ** 2))), rel=1e-5)
    assert scores["state_accuracy"] == pytest.approx((told[:, 1:4].argmax(axis=1) == state).mean())
    kept = {}
    for metric in MIXED.metrics():
        metric.update_state(targets[:25], told[:25])
        metric.update_state(targets[25:], told[25:])
        kept[metric.name] = float(metric.result())
        metric.reset_state()
    for name in ("price (€)_rmse", "price (€)_mae", "state_accuracy", "flag_accuracy", "tags_accuracy"):
        assert kept[name] == pytest.approx(scores[name], rel=1e-5)


@pytest.mark.parametrize(
    "target", [Ordinal(4), Quantiles(), MIXED, Mixed(parts=(*MIXED.parts[:2], Part("o", Ordinal(3))))]
)
def test_nets_of_several_members_have_such_heads_too(target: Target) -> None:
    x = np.random.default_rng(0).normal(size=(9, 3, 5)).astype(np.float32)
    assert head_of(target, x).shape == (9, target.outputs)


def test_the_ambiguity_of_several_targets_is_what_members_lose_more_than_their_mean() -> None:
    rng = np.random.default_rng(0)
    scores = rng.normal(size=(6, 4, 4)).astype(np.float32)
    target = Mixed(parts=(Part("n", Regression(1)), Part("c", Multiclass(3))))
    y = target.prepare({"n": rng.normal(size=6), "c": rng.integers(0, 3, 6)})

    def loss(scores: np.ndarray) -> np.ndarray:
        numbers, classes = scores[:, :1], scores[:, 1:] - scores[:, 1:].max(axis=1, keepdims=True)
        logged = classes - np.log(np.exp(classes).sum(axis=1, keepdims=True))
        return ((numbers[:, 0] - y[:, 0]) ** 2 - (logged * y[:, 1:]).sum(axis=1)) / 2

    expected = np.mean([loss(scores[:, member]) for member in range(4)], axis=0) - loss(scores.mean(axis=1))
    np.testing.assert_allclose(np.asarray(target.ambiguity(scores))[:, 0], expected, rtol=1e-4, atol=1e-6)


def test_the_head_gives_probabilities_and_numbers_in_their_units() -> None:
    x = np.random.default_rng(0).normal(size=(30, 5)).astype(np.float32)
    statistics = MIXED.statistics(MIXED.prepare(labels()))
    told = head_of(MIXED, x, statistics)
    np.testing.assert_allclose(told[:, 1:4].sum(axis=1), 1, rtol=1e-5)
    assert ((told[:, 4:] > 0) & (told[:, 4:] < 1)).all() and (told[:, 0] > 500).all()


def test_the_scale_of_several_targets_is_that_of_each_and_leads_back() -> None:
    rng = np.random.default_rng(2)
    told = np.concatenate(
        [rng.normal(1000, 150, (9, 1)), rng.dirichlet(np.ones(3), 9), rng.uniform(0.05, 0.95, (9, 3))], axis=1
    )
    scores = MIXED.link(told)
    np.testing.assert_allclose(MIXED.inverse_link(scores), told, rtol=1e-5)
    np.testing.assert_allclose(np.asarray(MIXED.keras_link(told.astype(np.float32))), scores, rtol=1e-4, atol=1e-5)
    found = np.asarray(MIXED.keras_inverse_link(scores.astype(np.float32)))
    np.testing.assert_allclose(found, told, rtol=1e-4)


@pytest.mark.parametrize(
    ("frame", "kinds"),
    [
        ({"a": [1.5, 2.5, 3.0], "b": ["x", "y", "x"]}, {"a": Regression, "b": Binary}),
        ({"a": [1, 0, 1], "b": [10.5, 20.0, 11.0]}, {"a": Binary, "b": Regression}),
        ({"a": ["u", "v", "w"], "b": ["x", "y", "x"]}, {"a": Multiclass, "b": Binary}),
        ({"a": [1, 2, 3, 1, 2, 3], "b": list("xyxyxy")}, {"a": Regression, "b": Binary}),
    ],
)
def test_named_columns_of_several_kinds_are_each_what_they_are(frame: dict[str, list[Any]], kinds: Any) -> None:
    for y in (pd.DataFrame(frame), {name: np.array(values) for name, values in frame.items()}):
        target, line = infer_target(y, "y")
        assert isinstance(target, Mixed) and {p.name: type(p.target) for p in target.parts} == kinds
        assert line.startswith("y: 2 targets: a: ") and "\n" not in line and "task=" not in line
        target.check(y)


def test_columns_of_one_kind_stay_one_target() -> None:
    assert infer_target({"a": [1.5, 2.0], "b": [2, 3]}, "y")[0] == Regression(2)
    flags = pd.DataFrame({"a": [0, 1, 1], "b": [1, 0, 1]})
    assert infer_target(flags, "y")[0] == Multilabel(2, labels=("a", "b"))


def test_what_cannot_be_several_targets_is_refused_by_one_line() -> None:
    y = labels()
    with pytest.raises(GenomeError, match=r"y: expected the targets .*; 'flag' is not there"):
        MIXED.check({name: values for name, values in y.items() if name != "flag"})
    with pytest.raises(GenomeError, match=r"y\['state'\]: unknown label 'lost'"):
        MIXED.check({**y, "state": np.array(["lost"] * 40)})
    with pytest.raises(GenomeError, match="differ in their number of rows"):
        MIXED.check({**y, "flag": y["flag"][:3]})
    with pytest.raises(GenomeError, match="parts: 'q' cannot be one of several"):
        Mixed(parts=(Part("q", Quantiles()), Part("n", Regression(1))))
    for parts in ((), (Part("n", Regression(1)),), (Part("n", Regression(1)), Part("n", Binary()))):
        with pytest.raises(GenomeError, match="parts: expected two or more targets"):
            Mixed(parts=parts)
