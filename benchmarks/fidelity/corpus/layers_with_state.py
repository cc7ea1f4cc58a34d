"""Layers that keep a state beside their weights: normalisations, stateful recurrence, counters."""

from __future__ import annotations

from typing import Any

import keras

from benchmarks.fidelity.corpus.small_models import compiled
from benchmarks.fidelity.made_rows import classes, images, numbers, series
from benchmarks.fidelity.program import Subject

SUBJECT = Subject("layers-with-state")

L, ops = keras.layers, keras.ops
_SPARSE = "sparse_categorical_crossentropy"


@SUBJECT.program(classes(), trials=({"kept": 0.99}, {"kept": 0.6}), quick=True)
def batch_normalization(hp: Any) -> keras.Model:
    inputs = keras.Input((6,))
    x = L.BatchNormalization(momentum=hp.Choice("kept", [0.99, 0.6]))(L.Dense(5)(inputs))
    model = keras.Model(inputs, L.Dense(3, "softmax")(ops.relu(x)))
    return compiled(model, _SPARSE, metrics=["accuracy"])


@SUBJECT.program(classes(), trials=({"e": 1e-3}, {"e": 0.5}))
def batch_normalization_epsilon(hp: Any) -> keras.Model:
    inputs = keras.Input((6,))
    x = L.BatchNormalization(epsilon=hp.Choice("e", [1e-3, 0.5]), scale=False)(L.Dense(5, use_bias=False)(inputs))
    return compiled(keras.Model(inputs, L.Dense(3, "softmax")(x)), _SPARSE, metrics=["accuracy"])


@SUBJECT.program(images(), quick=True)
def batch_normalization_of_images(hp: Any) -> keras.Model:
    inputs = keras.Input((8, 8, 1))
    x = L.BatchNormalization()(L.Conv2D(4, 3, activation="relu")(inputs))
    x = L.BatchNormalization(center=False)(L.Conv2D(4, 3, use_bias=False)(x))
    x = L.Dense(3, "softmax")(L.GlobalAveragePooling2D()(ops.relu(x)))
    return compiled(keras.Model(inputs, x), _SPARSE, metrics=["accuracy"])


@SUBJECT.program(images())
def batch_normalization_of_channels_first(hp: Any) -> keras.Model:
    inputs = keras.Input((8, 8, 1))
    x = L.Reshape((4, 4, 4))(inputs)
    x = L.BatchNormalization(axis=1)(x)
    return compiled(keras.Model(inputs, L.Dense(3, "softmax")(L.Flatten()(x))), _SPARSE)


@SUBJECT.program(numbers())
def batch_normalization_used_twice(hp: Any) -> keras.Model:
    inputs = keras.Input((6,))
    layer = L.BatchNormalization(momentum=0.8)
    return compiled(keras.Model(inputs, L.Dense(1)(layer(L.Dense(6, "tanh")(layer(inputs))))))


@SUBJECT.program(series(padded=True))
def batch_normalization_with_mask(hp: Any) -> keras.Model:
    inputs = keras.Input((6, 3))
    x = L.BatchNormalization()(L.Masking()(inputs))
    return compiled(keras.Model(inputs, L.Dense(1)(L.GRU(3)(x))))


@SUBJECT.program(classes(), not_on={"jax": "Keras raises a ValueError for synchronized=True"})
def batch_normalization_synchronized(hp: Any) -> keras.Model:
    inputs = keras.Input((6,))
    x = L.BatchNormalization(synchronized=True)(L.Dense(5)(inputs))
    return compiled(keras.Model(inputs, L.Dense(3, "softmax")(x)), _SPARSE, metrics=["accuracy"])


@SUBJECT.program(images(channels=4))
def other_normalizations(hp: Any) -> keras.Model:
    inputs = keras.Input((8, 8, 4))
    x = L.GroupNormalization(2)(L.Conv2D(4, 3)(inputs))
    x = L.LayerNormalization()(ops.relu(x))
    x = L.RMSNormalization()(L.UnitNormalization()(x))
    return compiled(keras.Model(inputs, L.Dense(3, "softmax")(L.Flatten()(x))), _SPARSE, metrics=["accuracy"])


@SUBJECT.program(numbers(), trials=({"n": 1}, {"n": 3}), quick=True)
def spectral_normalization(hp: Any) -> keras.Model:
    inputs = keras.Input((6,))
    x = L.SpectralNormalization(L.Dense(5, "tanh"), power_iterations=hp.Choice("n", [1, 3]))(inputs)
    return compiled(keras.Model(inputs, L.Dense(1)(x)))


@SUBJECT.program(
    series(rows=96),
    batch_size=6,
    not_on={"replicas": "Keras' own fit raises a ValueError for a state of six rows and a replica's three"},
)
def stateful_recurrence(hp: Any) -> keras.Model:
    inputs = keras.Input(batch_shape=(6, 6, 3))
    return compiled(keras.Model(inputs, L.Dense(1)(L.GRU(3, stateful=True)(inputs))))


class _Counter(keras.layers.Layer):  # type: ignore[misc]
    """Counts batches in training, and scales by what it counted."""

    def build(self, shape: Any) -> None:
        self.seen = self.add_weight(shape=(), initializer="zeros", trainable=False, name="seen")
        self.steps = self.add_weight(shape=(), initializer="zeros", trainable=False, name="steps", dtype="int32")

    def call(self, x: Any, training: bool = False) -> Any:
        if training:
            self.seen.assign_add(1.0)
            self.steps.assign_add(1)
        return x / (1.0 + 0.1 * self.seen)


@SUBJECT.program(numbers(), quick=True)
def own_counter(hp: Any) -> keras.Model:
    inputs = keras.Input((6,))
    return compiled(keras.Model(inputs, L.Dense(1)(_Counter()(L.Dense(5, "tanh")(inputs)))))


@SUBJECT.program(numbers())
def normalized_by_given_numbers(hp: Any) -> keras.Model:
    inputs = keras.Input((6,))
    x = L.Normalization(mean=0.5, variance=4.0)(inputs)
    return compiled(keras.Model(inputs, L.Dense(1)(L.Rescaling(0.5, 0.1)(x))))
