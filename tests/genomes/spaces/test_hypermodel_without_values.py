"""Hypermodels are explored and counted on models whose weights have no values."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("keras_tuner")

import keras
import numpy as np

from genomes import spaces


def compiled(*layers: Any, width: int = 3) -> Any:
    model = keras.Sequential([keras.Input((width,)), *layers])
    model.compile("sgd", "mse")
    return model


def test_models_that_fit_into_no_memory_are_explored_and_counted() -> None:
    def build(hp: Any) -> Any:
        return compiled(keras.layers.Dense(hp.Choice("units", [10**6, 10])), width=10**6)

    space = spaces.from_hypermodel(build)
    assert [space.cost(space.genome({"units": n})).parameters for n in (10, 10**6)] == [10**7 + 10, 10**12 + 10**6]


def test_what_needs_values_is_built_with_them() -> None:
    counts = []

    def build(hp: Any) -> Any:
        model = compiled(keras.layers.Dense(hp.Int("units", 1, 2)))
        model.set_weights([np.ones_like(value) for value in model.get_weights()])
        counts.append(hp.Int(f"further_{model.count_params()}", 0, 1))
        return model

    assert {p.name for p in spaces.from_hypermodel(build).parameters} == {"units", "further_4", "further_8"} and counts


def test_a_layer_that_the_program_keeps_has_one_value() -> None:
    kept: list[Any] = []

    def build(hp: Any) -> Any:
        if not kept:
            kept.append(keras.layers.Dense(2, name="kept"))
        return compiled(kept[0], keras.layers.Dense(hp.Int("units", 1, 3)))

    space = spaces.from_hypermodel(build)
    kept.clear()
    space.cost(space.genome({"units": 2}))
    (layer,) = kept
    assert np.array_equal(layer.get_weights()[0], layer.get_weights()[0])
    space.build(space.default()).fit(np.ones((4, 3)), np.ones(4), verbose=0)
