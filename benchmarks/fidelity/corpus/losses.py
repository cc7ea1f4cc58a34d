"""Losses as strings, objects, classes, functions and closures; their weights; several of them."""

from __future__ import annotations

import functools
from typing import Any

import keras

from benchmarks.fidelity.corpus.small_models import compiled, dense
from benchmarks.fidelity.made_rows import changed, classes, labels, numbers, two_classes
from benchmarks.fidelity.program import Subject

SUBJECT = Subject("losses")

ops = keras.ops


def _two_outputs(named: bool = False) -> keras.Model:
    inputs = keras.Input((6,))
    x = keras.layers.Dense(5, "tanh")(inputs)
    first, second = keras.layers.Dense(1, name="first")(x), keras.layers.Dense(1, name="second")(x)
    return keras.Model(inputs, {"first": first, "second": second} if named else [first, second])


_listed = changed(numbers(2), y=lambda y: [y[:, :1], y[:, 1:]])
_named = changed(numbers(2), y=lambda y: {"first": y[:, :1], "second": y[:, 1:]})


@SUBJECT.program(numbers(), quick=True)
def a_function(hp: Any) -> keras.Model:
    def fourth_power(y: Any, p: Any) -> Any:
        return ops.mean((y - p) ** 4, axis=-1)

    return compiled(dense(), fourth_power)


@SUBJECT.program(numbers(2))
def a_function_per_entry(hp: Any) -> keras.Model:
    return compiled(dense(2), lambda y, p: ops.abs(y - p))


@SUBJECT.program(numbers())
def a_function_of_the_whole_batch(hp: Any) -> keras.Model:
    return compiled(dense(), lambda y, p: ops.sqrt(ops.mean((y - p) ** 2)))


@SUBJECT.program(numbers())
def a_partial(hp: Any) -> keras.Model:
    def powered(y: Any, p: Any, power: float) -> Any:
        return ops.mean(ops.abs(y - p) ** power, axis=-1)

    return compiled(dense(), functools.partial(powered, power=3.0))


class _Scaled(keras.losses.Loss):  # type: ignore[misc]
    """A loss whose number no config tells."""

    def __init__(self, by: float) -> None:
        super().__init__()
        self.by = by

    def call(self, y: Any, p: Any) -> Any:
        return self.by * ops.mean((y - p) ** 2, axis=-1)


@SUBJECT.program(numbers(), trials=({"by": 1.0}, {"by": 5.0}), quick=True)
def class_without_config(hp: Any) -> keras.Model:
    return compiled(dense(), _Scaled(hp.Choice("by", [1.0, 5.0])))


@SUBJECT.program(numbers(), trials=({"delta": 1.0}, {"delta": 0.1}), quick=True)
def huber(hp: Any) -> keras.Model:
    return compiled(dense(), keras.losses.Huber(delta=hp.Choice("delta", [1.0, 0.1])), metrics=["mse"])


@SUBJECT.program(numbers(), trials=({"loss": "mse"}, {"loss": "mae"}))
def either_name(hp: Any) -> keras.Model:
    return compiled(dense(), hp.Choice("loss", ["mse", "mae"]))


@SUBJECT.program(numbers(2))
def summed(hp: Any) -> keras.Model:
    return compiled(dense(2), keras.losses.MeanSquaredError(reduction="sum"), rate=0.001)


@SUBJECT.program(numbers(2))
def averaged_by_weights(hp: Any) -> keras.Model:
    return compiled(dense(2), keras.losses.MeanAbsoluteError(reduction="mean_with_sample_weight"))


@SUBJECT.program(classes("one-hot"), trials=({"e": 0.0}, {"e": 0.1}, {"e": 0.3}), quick=True)
def label_smoothing(hp: Any) -> keras.Model:
    loss = keras.losses.CategoricalCrossentropy(label_smoothing=hp.Choice("e", [0.0, 0.1, 0.3]))
    return compiled(dense(3, "softmax"), loss, metrics=["accuracy"])


@SUBJECT.program(classes("one-hot"))
def focal(hp: Any) -> keras.Model:
    return compiled(dense(3, "softmax"), keras.losses.CategoricalFocalCrossentropy(gamma=1.5))


@SUBJECT.program(two_classes())
def binary_focal_logits(hp: Any) -> keras.Model:
    return compiled(dense(), keras.losses.BinaryFocalCrossentropy(from_logits=True, apply_class_balancing=True))


@SUBJECT.program(numbers(2))
def cosine(hp: Any) -> keras.Model:
    return compiled(dense(2), keras.losses.CosineSimilarity())


@SUBJECT.program(labels)
def dice(hp: Any) -> keras.Model:
    return compiled(dense(2, "sigmoid"), keras.losses.Dice())


@SUBJECT.program(classes("one-hot"))
def kullback_leibler(hp: Any) -> keras.Model:
    return compiled(dense(3, "softmax"), "kl_divergence", metrics=["kl_divergence", "categorical_accuracy"])


@SUBJECT.program(_listed)
def one_for_several_outputs(hp: Any) -> keras.Model:
    return compiled(_two_outputs(), "mse")


@SUBJECT.program(_listed, quick=True)
def a_list(hp: Any) -> keras.Model:
    return compiled(_two_outputs(), ["mse", "mae"])


@SUBJECT.program(_named)
def a_dict(hp: Any) -> keras.Model:
    return compiled(_two_outputs(named=True), {"first": "mse", "second": keras.losses.Huber()})


@SUBJECT.program(_listed)
def one_output_without(hp: Any) -> keras.Model:
    return compiled(_two_outputs(), ["mse", None])


@SUBJECT.program(_listed, trials=({"w": 10.0}, {"w": 0.1}), quick=True)
def loss_weights_in_a_list(hp: Any) -> keras.Model:
    return compiled(_two_outputs(), ["mse", "mae"], rate=0.01, loss_weights=[1.0, hp.Choice("w", [10.0, 0.1])])


@SUBJECT.program(_named, quick=True)
def loss_weights_in_a_dict(hp: Any) -> keras.Model:
    weights = {"first": 0.2, "second": 3.0}
    return compiled(_two_outputs(named=True), {"first": "mse", "second": "mae"}, loss_weights=weights)


@SUBJECT.program(numbers(), quick=True)
def loss_weight_of_one_output(hp: Any) -> keras.Model:
    return compiled(dense(), "mse", rate=0.01, loss_weights=[55.0], metrics=["mse"])
