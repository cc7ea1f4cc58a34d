"""Regularizers, losses that layers add, constraints, frozen and shared parts."""

from __future__ import annotations

import dataclasses
from typing import Any

import keras

from benchmarks.fidelity.corpus.small_models import compiled, dense
from benchmarks.fidelity.made_rows import classes, images, numbers, weighted
from benchmarks.fidelity.program import Rows, Subject

SUBJECT = Subject("regularization-and-constraints")

L, ops = keras.layers, keras.ops


@SUBJECT.program(weighted(numbers()), trials=({"l2": 0.01}, {"l2": 0.5}), quick=True)
def kernel_regularizer(hp: Any) -> keras.Model:
    return compiled(dense(kernel_regularizer=keras.regularizers.L2(hp.Choice("l2", [0.01, 0.5]))), metrics=["mse"])


@SUBJECT.program(numbers())
def regularizers_of_every_kind(hp: Any) -> keras.Model:
    settings = {
        "kernel_regularizer": keras.regularizers.L1L2(0.01, 0.02),
        "bias_regularizer": "l1",
        "activity_regularizer": keras.regularizers.L2(0.1),
    }
    return compiled(dense(**settings))


@SUBJECT.program(numbers(), trials=({"s": 0.1}, {"s": 1.0}), quick=True)
def regularizer_closure(hp: Any) -> keras.Model:
    s = hp.Choice("s", [0.1, 1.0])
    return compiled(dense(kernel_regularizer=lambda w: s * ops.sum(ops.abs(w))))


class _Bound(keras.regularizers.Regularizer):  # type: ignore[misc]
    def __init__(self, by: float) -> None:
        self.by = by

    def __call__(self, w: Any) -> Any:
        return self.by * ops.sum(ops.square(w))


@SUBJECT.program(numbers(), trials=({"s": 0.1}, {"s": 1.0}))
def regularizer_class_without_config(hp: Any) -> keras.Model:
    return compiled(dense(kernel_regularizer=_Bound(hp.Choice("s", [0.1, 1.0]))))


@SUBJECT.program(numbers())
def orthogonal_regularizer(hp: Any) -> keras.Model:
    return compiled(dense(kernel_regularizer=keras.regularizers.OrthogonalRegularizer(0.1)))


@SUBJECT.program(numbers(), trials=({"l2": 0.1}, {"l2": 2.0}))
def activity_regularization_layer(hp: Any) -> keras.Model:
    inputs = keras.Input((6,))
    x = L.ActivityRegularization(l2=hp.Choice("l2", [0.1, 2.0]))(L.Dense(4, "relu")(inputs))
    return compiled(keras.Model(inputs, L.Dense(1)(x)))


class _Penalty(keras.layers.Layer):  # type: ignore[misc]
    """Adds a loss of what it sees."""

    def __init__(self, by: float) -> None:
        super().__init__()
        self.by = by

    def call(self, x: Any) -> Any:
        self.add_loss(self.by * ops.mean(x**2))
        return x


@SUBJECT.program(numbers(), trials=({"s": 0.1}, {"s": 1.0}), quick=True)
def loss_added_by_a_layer(hp: Any) -> keras.Model:
    inputs = keras.Input((6,))
    x = _Penalty(hp.Choice("s", [0.1, 1.0]))(L.Dense(4, "tanh")(inputs))
    return compiled(keras.Model(inputs, L.Dense(1)(x)), metrics=["mae"])


def _without_targets() -> Rows:
    rows = numbers()()
    return dataclasses.replace(rows, y=None, validation=(rows.validation[0], None))


class Autoencoder(keras.Model):  # type: ignore[misc]
    """Compiled with an optimizer alone."""

    def __init__(self) -> None:
        super().__init__()
        self.code, self.decoded = L.Dense(2, "tanh"), L.Dense(6)

    def call(self, x: Any) -> Any:
        decoded = self.decoded(self.code(x))
        self.add_loss(ops.mean((x - decoded) ** 2))
        return decoded


@SUBJECT.program(_without_targets)
def added_loss_alone(hp: Any) -> keras.Model:
    model = Autoencoder()
    model.compile("adam")
    return model


_CONSTRAINTS = {
    "max-norm": lambda: keras.constraints.MaxNorm(0.5),
    "non-negative": lambda: keras.constraints.NonNeg(),
    "unit-norm": lambda: "unit_norm",
    "min-max-norm": lambda: keras.constraints.MinMaxNorm(0.2, 0.4, rate=0.5),
}


def _constrained(name: str) -> Any:
    return lambda hp: compiled(dense(kernel_constraint=_CONSTRAINTS[name](), bias_constraint="non_neg"), rate=0.2)


for _name in _CONSTRAINTS:
    SUBJECT.add(f"constraint-{_name}", _constrained(_name), numbers(), quick=_name == "max-norm")


@SUBJECT.program(numbers(), trials=({"n": 0.3}, {"n": 1.0}), quick=True)
def constraint_number(hp: Any) -> keras.Model:
    return compiled(dense(kernel_constraint=keras.constraints.MaxNorm(hp.Choice("n", [0.3, 1.0]))), rate=0.2)


@SUBJECT.program(numbers(), trials=({"n": 0.3}, {"n": 1.0}))
def constraint_closure(hp: Any) -> keras.Model:
    n = hp.Choice("n", [0.3, 1.0])
    return compiled(dense(kernel_constraint=lambda w: ops.clip(w, -n, n)), rate=0.2)


@SUBJECT.program(classes(), trials=({"frozen": True}, {"frozen": False}), quick=True)
def frozen_layer(hp: Any) -> keras.Model:
    model = dense(3, "softmax")
    model.layers[1].trainable = not hp.Boolean("frozen", default=True)
    return compiled(model, "sparse_categorical_crossentropy", metrics=["accuracy"])


@SUBJECT.program(images())
def frozen_submodel_with_normalization(hp: Any) -> keras.Model:
    base = keras.Sequential([keras.Input((8, 8, 1)), L.Conv2D(3, 3), L.BatchNormalization(), L.ReLU()], name="base")
    base.trainable = False
    inputs = keras.Input((8, 8, 1))
    x = L.GlobalAveragePooling2D()(base(inputs, training=False))
    model = keras.Model(inputs, L.Dense(3, "softmax")(x))
    return compiled(model, "sparse_categorical_crossentropy", metrics=["accuracy"])


@SUBJECT.program(numbers())
def frozen_after_compiling(hp: Any) -> keras.Model:
    model = compiled(dense())
    model.layers[1].trainable = False
    return model


@SUBJECT.program(numbers())
def shared_layer(hp: Any) -> keras.Model:
    inputs = keras.Input((6,))
    layer = L.Dense(6, "tanh", kernel_regularizer="l2")
    return compiled(keras.Model(inputs, L.Dense(1)(layer(layer(inputs)))))


@SUBJECT.program(numbers())
def shared_submodel(hp: Any) -> keras.Model:
    tower = keras.Sequential([keras.Input((3,)), L.Dense(4, "tanh")])
    inputs = keras.Input((6,))
    x = L.Concatenate()([tower(inputs[:, :3]), tower(inputs[:, 3:])])
    return compiled(keras.Model(inputs, L.Dense(1)(x)))


@SUBJECT.program(numbers(), trials=({"rate": 0.1}, {"rate": 0.01}))
def low_rank_adapter(hp: Any) -> keras.Model:
    model = dense(units=8)
    model.layers[1].enable_lora(2)
    return compiled(model, rate=hp.Choice("rate", [0.1, 0.01]))
