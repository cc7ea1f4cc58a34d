"""Which models may be given a batch in parts."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from evo.training.backends.engine import Recipe
from evo.training.backends.independent_rows import has_independent_rows
from evo.training.resident_data import Split


def recipe_of(model, compiled=True):
    return Recipe(SimpleNamespace(compiles_models=compiled), None, model, None, batch_size=8)


def built(*layers, shape=(3,)):
    import keras

    return keras.Sequential([keras.Input(shape), *layers])


SPLIT = Split(np.random.default_rng(0).normal(size=(9, 3)).astype(np.float32), np.zeros((9, 1), np.float32), None)


@pytest.mark.parametrize(
    ("make", "independent"),
    [
        (lambda L, ops: L.Dense(2), True),
        (lambda L, ops: L.Dropout(0.5), True),
        (lambda L, ops: L.BatchNormalization(), True),
        (lambda L, ops: type("Own", (L.BatchNormalization,), {})(), False),
        (lambda L, ops: L.BatchNormalization(synchronized=True), True),
        (lambda L, ops: L.BatchNormalization(trainable=False), True),
        (lambda L, ops: L.Lambda(lambda x: 2 * x), True),
        (lambda L, ops: L.Lambda(lambda x: x - ops.mean(x, axis=0)), False),
        (lambda L, ops: L.Lambda(lambda x: x - ops.mean(x, axis=1, keepdims=True)), True),
        (lambda L, ops: L.Dense(2, activation=lambda x: x / ops.max(x)), False),
    ],
)
def test_layers_that_mix_rows_are_found(make, independent):
    import keras

    assert has_independent_rows(recipe_of(built(make(keras.layers, keras.ops))), SPLIT) is independent


def test_beside_a_users_layer_batch_normalization_is_not_what_mixes_rows():
    import keras

    for function, independent in ((lambda x: 2 * x, True), (lambda x: x - keras.ops.mean(x, axis=0), False)):
        model = built(keras.layers.Lambda(function), keras.layers.BatchNormalization())
        assert has_independent_rows(recipe_of(model), SPLIT) is independent


def test_own_losses_and_states_are_looked_at_and_nothing_is_changed():
    import keras

    class Own(keras.layers.Layer):
        def __init__(self, reduce, counts=False):
            super().__init__()
            self.reduce, self.counts = reduce, counts
            self.seen = self.add_weight(shape=(), initializer="zeros", trainable=False)

        def call(self, x):
            self.add_loss(self.reduce(keras.ops.square(x)))
            if self.counts:
                self.seen.assign_add(1.0)
            return x

    assert has_independent_rows(recipe_of(built(Own(keras.ops.mean))), SPLIT)
    assert not has_independent_rows(recipe_of(built(Own(keras.ops.sum))), SPLIT)
    counting = Own(keras.ops.mean, counts=True)
    model = built(counting)
    before = float(counting.seen)
    assert not has_independent_rows(recipe_of(model), SPLIT)
    assert float(counting.seen) == before
