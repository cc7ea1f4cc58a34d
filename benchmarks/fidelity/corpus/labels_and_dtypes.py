"""Logits and probabilities, one-hot and whole numbers; bytes, long integers and doubles."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from benchmarks.fidelity.corpus.small_models import compiled, dense
from benchmarks.fidelity.made_rows import changed, classes, images, labels, numbers, tokens, two_classes
from benchmarks.fidelity.program import Subject

SUBJECT = Subject("labels-and-dtypes")

L, losses = keras.layers, keras.losses


@SUBJECT.program(classes(), quick=True)
def sparse_logits(hp: Any) -> keras.Model:
    return compiled(dense(3), losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])


@SUBJECT.program(classes("one-hot"), trials=({"logits": True}, {"logits": False}), quick=True)
def one_hot_logits_or_probabilities(hp: Any) -> keras.Model:
    logits = hp.Boolean("logits", default=True)
    loss = losses.CategoricalCrossentropy(from_logits=logits)
    return compiled(dense(3, None if logits else "softmax"), loss, metrics=["accuracy"])


@SUBJECT.program(two_classes("flat", "int64"))
def flat_binary_logits(hp: Any) -> keras.Model:
    metrics = [keras.metrics.BinaryAccuracy(threshold=0.0), "accuracy"]
    return compiled(dense(1), losses.BinaryCrossentropy(from_logits=True), metrics=metrics)


@SUBJECT.program(two_classes("flat", "bool"))
def boolean_targets(hp: Any) -> keras.Model:
    return compiled(dense(1, "sigmoid"), "binary_crossentropy", metrics=["accuracy"])


@SUBJECT.program(two_classes("column", "uint8"))
def byte_targets(hp: Any) -> keras.Model:
    return compiled(dense(1, "sigmoid"), "binary_crossentropy", metrics=["accuracy"])


@SUBJECT.program(two_classes("flat", "int32"))
def two_classes_by_softmax(hp: Any) -> keras.Model:
    return compiled(dense(2, "softmax"), "sparse_categorical_crossentropy", metrics=["accuracy"])


@SUBJECT.program(labels)
def label_logits(hp: Any) -> keras.Model:
    metrics = [keras.metrics.BinaryAccuracy(threshold=0.0), keras.metrics.AUC(multi_label=True, from_logits=True)]
    return compiled(dense(2), losses.BinaryCrossentropy(from_logits=True), metrics=metrics)


@SUBJECT.program(two_classes("column"))
def hinge(hp: Any) -> keras.Model:
    return compiled(dense(1, "tanh"), "hinge", metrics=["accuracy", "binary_accuracy"])


@SUBJECT.program(changed(numbers(), y=lambda y: y[:, 0]), quick=True)
def flat_numbers(hp: Any) -> keras.Model:
    return compiled(dense(), metrics=["mae"])


@SUBJECT.program(changed(numbers(), y=lambda y: np.round(y * 9).astype("int64")))
def whole_numbers_as_targets(hp: Any) -> keras.Model:
    return compiled(dense(), rate=0.01, metrics=["mae"])


@SUBJECT.program(changed(numbers(), x=lambda x: x.astype("float64"), y=lambda y: y.astype("float64")), quick=True)
def doubles(hp: Any) -> keras.Model:
    return compiled(dense(), metrics=["mae"])


@SUBJECT.program(changed(numbers(), x=lambda x: np.round(x * 3).astype("int64")))
def long_integers(hp: Any) -> keras.Model:
    return compiled(dense(), metrics=["mae"])


@SUBJECT.program(changed(numbers(), x=lambda x: x > 0))
def booleans(hp: Any) -> keras.Model:
    return compiled(dense(), metrics=["mae"])


@SUBJECT.program(changed(numbers(), x=lambda x: x.astype("float16")))
def halves(hp: Any) -> keras.Model:
    return compiled(dense(), metrics=["mae"])


@SUBJECT.program(images("uint8"), quick=True)
def bytes_rescaled(hp: Any) -> keras.Model:
    inputs = keras.Input((8, 8, 1))
    x = L.Conv2D(3, 3, activation="relu")(L.Rescaling(1 / 255)(inputs))
    x = L.Dense(3, "softmax")(L.Flatten()(x))
    return compiled(keras.Model(inputs, x), "sparse_categorical_crossentropy", metrics=["accuracy"])


@SUBJECT.program(images("uint8"))
def bytes_declared(hp: Any) -> keras.Model:
    inputs = keras.Input((8, 8, 1), dtype="uint8")
    x = keras.ops.cast(inputs, "float32") / 255.0
    x = L.Dense(3, "softmax")(L.Flatten()(x))
    return compiled(keras.Model(inputs, x), "sparse_categorical_crossentropy", metrics=["accuracy"])


@SUBJECT.program(changed(images("uint8"), y=lambda y: y.astype("uint8")))
def bytes_without_an_input(hp: Any) -> keras.Model:
    model = keras.Sequential([L.Rescaling(1 / 255), L.Flatten(), L.Dense(3, "softmax")])
    return compiled(model, "sparse_categorical_crossentropy", metrics=["accuracy"])


@SUBJECT.program(changed(tokens(), x=lambda x: x.astype("int64")), quick=True)
def word_numbers_as_long_integers(hp: Any) -> keras.Model:
    model = keras.Sequential([keras.Input((7,), dtype="int64"), L.Embedding(12, 4), L.Flatten(), L.Dense(2)])
    return compiled(model, losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])


@SUBJECT.program(changed(tokens(), x=lambda x: x.astype("float32")))
def word_numbers_as_floats(hp: Any) -> keras.Model:
    model = keras.Sequential([L.Embedding(12, 4), L.Flatten(), L.Dense(1, "sigmoid")])
    return compiled(model, "binary_crossentropy", metrics=["accuracy"])


@SUBJECT.program(numbers(scale=1e4))
def large_targets(hp: Any) -> keras.Model:
    return compiled(dense(), "mae", metrics=["mse"])


@SUBJECT.program(numbers(scale=1e-6))
def tiny_targets(hp: Any) -> keras.Model:
    return compiled(dense(kernel_initializer="zeros", activation=None), metrics=["mae"])
