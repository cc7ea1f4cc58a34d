"""Regression in whatever unit the targets have, on whatever the inputs are: linear regression is the oracle."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.metrics import r2_score

from genomes import spaces
from genomes.targets import Regression
from genomes.targets.standardization import positive

#: Offset and scale of each target: grey values, a physical constant's unit, money of a country, Kelvin.
UNITS = ((127.0, 30.0), (0.0, 1e-13), (1e12, 2e11), (293.0, 0.5))
ROWS = 192


def inputs(kind: str, rng: np.random.Generator) -> tuple[Any, np.ndarray, Any]:
    """Raw input, the features of a linear model of it, and the space's function."""
    if kind == "image":
        x = rng.integers(0, 256, (ROWS, 6, 6, 3)).astype(np.float32)
        x *= rng.uniform(0.3, 1.0, (ROWS, 1, 1, 3)).astype(np.float32)
        return x, x.mean(axis=(1, 2)), lambda outputs: spaces.image((6, 6, 3), outputs=outputs)
    if kind == "timeseries":
        x = (rng.normal(size=(ROWS, 5, 2)) + 3 * rng.normal(size=(ROWS, 1, 2))).astype(np.float32)
        return x, x.mean(axis=1), lambda outputs: spaces.timeseries((5, 2), outputs=outputs)
    if kind == "text":
        words = np.array(["red", "green", "blue", "grey"])
        chosen = rng.integers(0, 4, (ROWS, 6))
        counts = np.stack([(chosen == word).mean(axis=1) for word in range(4)], axis=1)
        texts = np.array([" ".join(words[row]) for row in chosen])
        return texts, counts, lambda outputs: spaces.text(length=6, tokens=50, outputs=outputs)
    x = rng.normal(size=(ROWS, 4)).astype(np.float32) * 1e-14
    return x, x * 1e14, lambda outputs: spaces.tabular(x, outputs=outputs)


@pytest.mark.parametrize("kind", ["image", "timeseries", "text", "tabular"])
def test_a_linear_model_is_as_good_as_ridge_in_every_unit(kind: str) -> None:
    import keras

    rng = np.random.default_rng(0)
    x, features, make = inputs(kind, rng)
    signal = (features - features.mean(0)) / features.std(0) @ rng.normal(size=(features.shape[1], len(UNITS)))
    signal = signal / signal.std(0) + 0.2 * rng.normal(size=signal.shape)
    offset, scale = np.array(UNITS).T
    y = (offset + scale * signal).astype(np.float32)
    space = make(len(UNITS))
    prepared = space.prepare(x)
    preprocessing = space.adapt(prepared, y)
    model = space.build(space.smallest(), preprocessing, seed=1, encoded=True)
    encoded = space.encode(prepared, preprocessing)
    model.compile(keras.optimizers.Adam(0.05), space.loss(space.smallest(), preprocessing), jit_compile=False)
    # Many steps of one epoch: quicker than many epochs of one step.
    model.fit(np.tile(encoded, (150, *[1] * (encoded.ndim - 1))), np.tile(y, (150, 1)), ROWS, verbose=0, shuffle=False)
    predicted = model.predict(encoded, verbose=0)
    for output, (mean, unit) in enumerate(UNITS):
        # sklearn calls a variance below 1e-15 or so constant: both are judged in the target's unit.
        wanted = (y[:, output].astype(np.float64) - mean) / unit
        found = r2_score(wanted, (predicted[:, output].astype(np.float64) - mean) / unit)
        ridge = r2_score(wanted, Ridge(1e-3).fit(features, wanted).predict(features))
        assert found > ridge - 0.03, (UNITS[output], found, ridge)


@pytest.mark.parametrize(("value", "unit"), [(0.0, 0.0), (0.1, 0.0), (1e12, 0.0), (-3e-13, 0.0)])
def test_a_constant_has_nothing_to_scale(value: float, unit: float) -> None:
    found = Regression(1).statistics(np.full(1001, value, np.float32))
    assert found["target_scale"] == 1.0 and found["target_mean"] == np.float32(value)


def test_a_scale_is_small_beside_the_mean_or_not_at_all() -> None:
    scale = np.array([1e-30, 1e-13, 1.0, 1e-14, np.nan, np.inf, 1e-40])
    mean = np.array([0.0, 1e-13, 1e12, 1.0, 0.0, 0.0, 0.0])
    np.testing.assert_array_equal(positive(scale, mean), [1e-30, 1e-13, 1.0, 1.0, 1.0, 1.0, 1.0])


def test_images_learn_the_unit_of_a_regression_and_nothing_of_classes() -> None:
    x, y = np.random.default_rng(0).random((8, 4, 4, 1)), np.arange(8) + 100.0
    found = spaces.image((4, 4, 1), outputs=1).adapt(x, y)
    assert found["target_mean"] == pytest.approx(103.5) and found["target_scale"] == pytest.approx(np.std(y))
    assert set(spaces.image((4, 4, 1), classes=2).adapt(x, y > 103)) == {"mean", "deviation"}


def test_a_campaign_from_before_builds_the_images_model_that_it_began_with() -> None:
    space = spaces.image((4, 4, 1), outputs=1)
    x, y = np.random.default_rng(0).random((8, 4, 4, 1)), np.arange(8) + 100.0
    before = {name: array for name, array in space.adapt(x, y).items() if not name.startswith("target_")}
    model = space.build(space.default(), before, seed=0)
    assert [layer.name for layer in model.layers][-1] == "head"
    assert type(space.loss(space.default(), before)).__name__ == "MeanSquaredError"
