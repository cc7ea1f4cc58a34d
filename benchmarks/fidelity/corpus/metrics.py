"""Metrics in every form that Keras takes, under Keras' own names."""

from __future__ import annotations

from typing import Any

import keras

from benchmarks.fidelity.corpus.small_models import compiled, dense
from benchmarks.fidelity.made_rows import changed, classes, labels, numbers, two_classes, weighted
from benchmarks.fidelity.program import Subject

SUBJECT = Subject("metrics")

ops, M = keras.ops, keras.metrics


def _two_outputs(named: bool = False) -> keras.Model:
    inputs = keras.Input((6,))
    x = keras.layers.Dense(5, "tanh")(inputs)
    number = keras.layers.Dense(1, name="number")(x)
    kind = keras.layers.Dense(3, "softmax", name="kind")(x)
    return keras.Model(inputs, {"number": number, "kind": kind} if named else [number, kind])


def _both(named: bool) -> Any:
    def split(y: Any) -> Any:
        number, kind = y[:, None].astype("float32") / 2, y
        return {"number": number, "kind": kind} if named else [number, kind]

    return changed(classes(), y=split)


_LOSSES = ["mse", "sparse_categorical_crossentropy"]
_NAMED_LOSSES = {"number": "mse", "kind": "sparse_categorical_crossentropy"}


@SUBJECT.program(classes("one-hot"), quick=True)
def accuracy_of_one_hot_under_own_loss(hp: Any) -> keras.Model:
    def loss(y: Any, p: Any) -> Any:
        return ops.mean((y - p) ** 2, axis=-1)

    return compiled(dense(3, "softmax"), loss, metrics=["accuracy"])


@SUBJECT.program(classes("integers"), quick=True)
def accuracy_of_integers_under_own_loss(hp: Any) -> keras.Model:
    def loss(y: Any, p: Any) -> Any:
        return ops.mean((ops.one_hot(ops.cast(y, "int32"), 3) - p) ** 2, axis=-1)

    return compiled(dense(3, "softmax"), loss, metrics=["acc"])


@SUBJECT.program(classes("column"))
def accuracy_of_a_column(hp: Any) -> keras.Model:
    return compiled(dense(3, "softmax"), "sparse_categorical_crossentropy", metrics=["accuracy"])


@SUBJECT.program(labels, quick=True)
def accuracy_of_labels(hp: Any) -> keras.Model:
    return compiled(dense(2, "sigmoid"), "binary_crossentropy", metrics=["accuracy"])


@SUBJECT.program(two_classes(), quick=True)
def accuracy_of_squared_error(hp: Any) -> keras.Model:
    return compiled(dense(1, "sigmoid"), "mse", metrics=["accuracy", "bce"])


@SUBJECT.program(two_classes("flat", "int64"), quick=True)
def accuracy_of_flat_targets(hp: Any) -> keras.Model:
    return compiled(dense(1, "sigmoid"), "binary_crossentropy", metrics=["accuracy"])


@SUBJECT.program(numbers())
def in_a_dict_of_one_output(hp: Any) -> keras.Model:
    inputs = keras.Input((6,))
    model = keras.Model(inputs, keras.layers.Dense(1, name="price")(inputs))
    return compiled(model, metrics={"price": ["mae", "mse"]})


@SUBJECT.program(_both(False), quick=True)
def nested_list_per_output(hp: Any) -> keras.Model:
    return compiled(_two_outputs(), _LOSSES, metrics=[["mae", "mse"], ["accuracy"]])


@SUBJECT.program(_both(True), quick=True)
def dict_per_output(hp: Any) -> keras.Model:
    metrics = {"kind": ["accuracy", M.SparseTopKCategoricalAccuracy(2, name="top2")], "number": "mae"}
    return compiled(_two_outputs(named=True), _NAMED_LOSSES, metrics=metrics)


@SUBJECT.program(_both(False))
def dict_per_output_for_a_list(hp: Any) -> keras.Model:
    return compiled(_two_outputs(), _NAMED_LOSSES, metrics={"kind": "accuracy"})


@SUBJECT.program(_both(False))
def none_for_one_output(hp: Any) -> keras.Model:
    return compiled(_two_outputs(), _LOSSES, metrics=[None, ["accuracy"]])


class _Spread(keras.metrics.Metric):  # type: ignore[misc]
    """A user's own metric, not registered, whose number no config tells."""

    def __init__(self, power: float, name: str = "spread") -> None:
        super().__init__(name=name)
        self.power = power
        self.total = self.add_weight(name="total", initializer="zeros")
        self.count = self.add_weight(name="count", initializer="zeros")

    def update_state(self, y: Any, p: Any, sample_weight: Any = None) -> None:
        self.total.assign_add(ops.sum(ops.abs(ops.cast(y, p.dtype) - p) ** self.power))
        self.count.assign_add(ops.cast(ops.shape(p)[0], "float32"))

    def result(self) -> Any:
        return self.total / self.count


@SUBJECT.program(numbers(), trials=({"power": 1.0}, {"power": 3.0}), quick=True)
def own_class_not_registered(hp: Any) -> keras.Model:
    return compiled(dense(), metrics=[_Spread(hp.Choice("power", [1.0, 3.0]))])


@SUBJECT.program(classes(), trials=({"name": "acc"}, {"name": "accuracy"}))
def short_name(hp: Any) -> keras.Model:
    name = hp.Choice("name", ["acc", "accuracy"])
    return compiled(dense(3, "softmax"), "sparse_categorical_crossentropy", metrics=[name])


@SUBJECT.program(numbers(), trials=({"s": 1.0}, {"s": 7.0}), quick=True)
def function_closure(hp: Any) -> keras.Model:
    s = hp.Choice("s", [1.0, 7.0])

    def scaled_error(y: Any, p: Any) -> Any:
        return s * ops.mean(ops.abs(y - p), axis=-1)

    return compiled(dense(), metrics=[scaled_error, lambda y, p: ops.mean(p) * s])


@SUBJECT.program(two_classes(), trials=({"t": 0.5}, {"t": 0.7}), quick=True)
def precision_threshold(hp: Any) -> keras.Model:
    metrics = [M.Precision(thresholds=hp.Choice("t", [0.5, 0.7]), name="p"), M.Recall(), M.AUC(num_thresholds=50)]
    return compiled(dense(1, "sigmoid"), "binary_crossentropy", metrics=metrics)


@SUBJECT.program(numbers(), trials=({"m": "mae"}, {"m": "mse"}), quick=True)
def either_metric(hp: Any) -> keras.Model:
    return compiled(dense(), metrics=[hp.Choice("m", ["mae", "mse"])])


@SUBJECT.program(classes("one-hot"))
def several_of_classes(hp: Any) -> keras.Model:
    metrics = [M.F1Score(average="macro"), M.TopKCategoricalAccuracy(2), M.CategoricalCrossentropy(), "accuracy"]
    return compiled(dense(3, "softmax"), "categorical_crossentropy", metrics=metrics)


@SUBJECT.program(numbers(2))
def several_of_numbers(hp: Any) -> keras.Model:
    metrics = [M.R2Score(), M.RootMeanSquaredError(), M.CosineSimilarity(), "mean_absolute_error", "MSE"]
    return compiled(dense(2), metrics=metrics)


@SUBJECT.program(numbers())
def the_same_twice(hp: Any) -> keras.Model:
    return compiled(dense(), metrics=["mae", "mae"])


@SUBJECT.program(weighted(numbers()), quick=True)
def weighted_and_not(hp: Any) -> keras.Model:
    return compiled(dense(), metrics=["mae"], weighted_metrics=["mse", M.RootMeanSquaredError(name="rmse")])


@SUBJECT.program(numbers())
def weighted_without_weights(hp: Any) -> keras.Model:
    return compiled(dense(), weighted_metrics=["mae"])


class _Watched(keras.layers.Layer):  # type: ignore[misc]
    """A layer with a metric of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.size = M.Mean(name="size")

    def call(self, x: Any) -> Any:
        self.size.update_state(ops.abs(x))
        return x


@SUBJECT.program(numbers(), not_on={"jax": "Keras' own fit raises a TypeError for a metric inside a layer"})
def of_a_layer(hp: Any) -> keras.Model:
    inputs = keras.Input((6,))
    x = _Watched()(keras.layers.Dense(4, "tanh")(inputs))
    return compiled(keras.Model(inputs, keras.layers.Dense(1)(x)), metrics=["mae"])
