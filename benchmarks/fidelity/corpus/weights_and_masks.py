"""Class weights, sample weights, weights per output and per step; masks, down to the losses."""

from __future__ import annotations

import dataclasses
from typing import Any

import keras
import numpy as np

from benchmarks.fidelity.corpus.small_models import compiled, dense
from benchmarks.fidelity.made_rows import class_weighted, classes, numbers, series, tokens, two_classes, weighted
from benchmarks.fidelity.program import Rows, Subject

SUBJECT = Subject("weights-and-masks")

L = keras.layers
_SPARSE = "sparse_categorical_crossentropy"


@SUBJECT.program(weighted(classes()), quick=True)
def sample_weights(hp: Any) -> keras.Model:
    return compiled(dense(3, "softmax"), _SPARSE, metrics=["accuracy"], weighted_metrics=["accuracy"])


@SUBJECT.program(weighted(numbers(), validation=False))
def sample_weights_of_training_alone(hp: Any) -> keras.Model:
    return compiled(dense(), metrics=["mae"])


@SUBJECT.program(class_weighted(classes(), {0: 1.0, 1: 5.0, 2: 0.2}), quick=True)
def class_weights(hp: Any) -> keras.Model:
    return compiled(dense(3, "softmax"), _SPARSE, metrics=["accuracy"], weighted_metrics=["acc"])


@SUBJECT.program(class_weighted(classes("one-hot"), {0: 1.0, 1: 5.0, 2: 0.2}))
def class_weights_of_one_hot(hp: Any) -> keras.Model:
    return compiled(dense(3, "softmax"), "categorical_crossentropy", metrics=["accuracy"])


@SUBJECT.program(class_weighted(two_classes(dtype="int64"), {0: 0.3, 1: 3.0}))
def class_weights_of_two(hp: Any) -> keras.Model:
    return compiled(dense(1, "sigmoid"), "binary_crossentropy", metrics=["accuracy"])


def _per_output() -> Rows:
    rows = numbers(2)()
    y, kept = rows.y, rows.validation[1]
    weights = {"first": np.linspace(0, 2, 90, dtype=np.float32), "second": np.linspace(1, 0, 90, dtype=np.float32)}
    targets = {"first": y[:, :1], "second": y[:, 1:]}
    return Rows(rows.x, targets, (rows.validation[0], {"first": kept[:, :1], "second": kept[:, 1:]}), weights)


def _listed_per_output() -> Rows:
    rows = _per_output()
    validation = (rows.validation[0], list(rows.validation[1].values()))
    return dataclasses.replace(rows, y=list(rows.y.values()), validation=validation, weight=list(rows.weight.values()))


def _two_outputs(named: bool) -> keras.Model:
    inputs = keras.Input((6,))
    x = L.Dense(5, "tanh")(inputs)
    first, second = L.Dense(1, name="first")(x), L.Dense(1, name="second")(x)
    return keras.Model(inputs, {"first": first, "second": second} if named else [first, second])


@SUBJECT.program(_per_output)
def sample_weights_per_output_in_a_dict(hp: Any) -> keras.Model:
    weighted_metrics = {"first": ["mae"], "second": ["mse"]}
    return compiled(_two_outputs(True), {"first": "mse", "second": "mae"}, weighted_metrics=weighted_metrics)


@SUBJECT.program(_listed_per_output)
def sample_weights_per_output_in_a_list(hp: Any) -> keras.Model:
    return compiled(_two_outputs(False), ["mse", "mae"], loss_weights=[1.0, 2.0])


def _per_step() -> Rows:
    rows = series(outputs="step")()
    return dataclasses.replace(rows, weight=np.random.default_rng(0).random((90, 6)).astype(np.float32))


@SUBJECT.program(_per_step)
def sample_weights_per_step(hp: Any) -> keras.Model:
    inputs = keras.Input((6, 3))
    return compiled(keras.Model(inputs, L.Dense(1)(L.SimpleRNN(4, return_sequences=True)(inputs))))


@SUBJECT.program(series(padded=True, outputs="step"), quick=True)
def masking_to_the_loss(hp: Any) -> keras.Model:
    inputs = keras.Input((6, 3))
    x = L.GRU(4, return_sequences=True)(L.Masking()(inputs))
    return compiled(keras.Model(inputs, L.Dense(1)(x)), metrics=["mae"], weighted_metrics=["mse"])


@SUBJECT.program(weighted(series(padded=True, outputs="number")))
def masking_and_weights(hp: Any) -> keras.Model:
    inputs = keras.Input((6, 3))
    return compiled(keras.Model(inputs, L.Dense(1)(L.LSTM(4)(L.Masking()(inputs)))), metrics=["mae"])


@SUBJECT.program(tokens("step"), quick=True)
def embedding_mask_to_the_loss(hp: Any) -> keras.Model:
    inputs = keras.Input((7,), dtype="int32")
    x = L.Bidirectional(L.GRU(3, return_sequences=True))(L.Embedding(12, 4, mask_zero=True)(inputs))
    return compiled(keras.Model(inputs, L.Dense(3, "softmax")(x)), _SPARSE, metrics=["accuracy"])


@SUBJECT.program(tokens("class"))
def embedding_mask_pooled(hp: Any) -> keras.Model:
    inputs = keras.Input((7,), dtype="int32")
    x = L.GlobalAveragePooling1D()(L.Embedding(12, 4, mask_zero=True)(inputs))
    return compiled(keras.Model(inputs, L.Dense(1, "sigmoid")(x)), "binary_crossentropy", metrics=["accuracy"])


@SUBJECT.program(
    tokens("class"),
    tolerance=5e-5,
    reason="Keras with and without run_eagerly differ by 1.6e-5, with and without XLA by 3e-5; Adam amplifies rounding",
)
def attention_with_mask(hp: Any) -> keras.Model:
    inputs = keras.Input((7,), dtype="int32")
    x = L.Embedding(12, 4, mask_zero=True)(inputs)
    x = L.LayerNormalization()(x + L.MultiHeadAttention(2, 2)(x, x))
    x = L.Dense(2, "softmax")(L.GlobalMaxPooling1D()(x))
    return compiled(keras.Model(inputs, x), _SPARSE, metrics=["accuracy"])


def _ignored() -> Rows:
    rows = tokens("step")()
    return dataclasses.replace(
        rows,
        y=np.where(rows.x == 0, -1, rows.y),
        validation=(rows.validation[0], np.where(rows.validation[0] == 0, -1, rows.validation[1])),
    )


@SUBJECT.program(_ignored)
def ignored_class(hp: Any) -> keras.Model:
    inputs = keras.Input((7,), dtype="int32")
    x = L.Dense(3)(L.Embedding(12, 4)(inputs))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=-1)
    return compiled(keras.Model(inputs, x), loss)
