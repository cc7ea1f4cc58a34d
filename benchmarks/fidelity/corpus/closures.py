"""Values that no config tells: closures as losses, activations, ``Lambda``, initializers; names that stay."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from benchmarks.fidelity.corpus.small_models import compiled, dense
from benchmarks.fidelity.made_rows import classes, numbers
from benchmarks.fidelity.program import Subject

SUBJECT = Subject("closures")

ops = keras.ops
_SCALES = ({"s": 1.0}, {"s": 10.0}, {"s": 100.0})
_TWO = ({"s": 0.5}, {"s": 2.0})


def _scale(hp: Any, values: Any = _TWO) -> float:
    return float(hp.Choice("s", [trial["s"] for trial in values]))


@SUBJECT.program(numbers(), trials=_SCALES, quick=True)
def loss_lambda(hp: Any) -> keras.Model:
    s = _scale(hp, _SCALES)
    return compiled(dense(), lambda y, p: s * ops.mean((y - p) ** 2), rate=0.001)


@SUBJECT.program(numbers(), trials=_TWO, quick=True)
def activation_closure(hp: Any) -> keras.Model:
    s = _scale(hp)
    return compiled(dense(activation=lambda x: s * ops.tanh(x)))


@SUBJECT.program(numbers(), trials=_TWO, quick=True)
def lambda_layer_closure(hp: Any) -> keras.Model:
    s = _scale(hp)
    inputs = keras.Input((6,))
    x = keras.layers.Lambda(lambda t: t * s)(inputs)
    return compiled(keras.Model(inputs, keras.layers.Dense(1)(keras.layers.Dense(4, "relu")(x))))


def _doubled(x: Any) -> Any:
    return 2 * x


def _squared(x: Any) -> Any:
    return x**2


@SUBJECT.program(numbers(), trials=({"f": "doubled"}, {"f": "squared"}), quick=True)
def lambda_layer_function(hp: Any) -> keras.Model:
    function = {"doubled": _doubled, "squared": _squared}[hp.Choice("f", ["doubled", "squared"])]
    inputs = keras.Input((6,))
    x = keras.layers.Lambda(function, name="changed")(inputs)
    return compiled(keras.Model(inputs, keras.layers.Dense(1)(x)))


@SUBJECT.program(numbers(), trials=_TWO)
def lambda_layer_arguments(hp: Any) -> keras.Model:
    inputs = keras.Input((6,))
    x = keras.layers.Lambda(lambda t, by: t * by, arguments={"by": _scale(hp)})(inputs)
    return compiled(keras.Model(inputs, keras.layers.Dense(1)(x)))


@SUBJECT.program(numbers(), trials=_TWO)
def default_argument(hp: Any) -> keras.Model:
    def bent(x: Any, by: float = _scale(hp)) -> Any:
        return ops.tanh(by * x)

    return compiled(dense(activation=bent))


class _Bend:
    def __init__(self, by: float) -> None:
        self.by = by

    def __call__(self, x: Any) -> Any:
        return ops.tanh(self.by * x)

    def bend(self, x: Any) -> Any:
        return ops.sin(self.by * x)


@SUBJECT.program(numbers(), trials=_TWO)
def callable_object(hp: Any) -> keras.Model:
    return compiled(dense(activation=_Bend(_scale(hp))))


@SUBJECT.program(numbers(), trials=_TWO)
def bound_method(hp: Any) -> keras.Model:
    return compiled(dense(activation=_Bend(_scale(hp)).bend))


_SETTING = {"by": 1.0}


def _by_setting(x: Any) -> Any:
    return ops.tanh(_SETTING["by"] * x)


@SUBJECT.program(numbers(), trials=_TWO)
def global_that_changes(hp: Any) -> keras.Model:
    _SETTING["by"] = _scale(hp)
    return compiled(dense(activation=_by_setting))


@SUBJECT.program(numbers(), trials=_TWO)
def closure_over_array(hp: Any) -> keras.Model:
    factors = np.linspace(0, _scale(hp), 5).astype(np.float32)
    return compiled(dense(activation=lambda x: x * factors))


@SUBJECT.program(numbers(), trials=_TWO)
def closure_over_closure(hp: Any) -> keras.Model:
    s = _scale(hp)

    def inner(x: Any) -> Any:
        return ops.tanh(s * x)

    return compiled(dense(activation=lambda x: inner(x) + x))


class _Stretch(keras.layers.Layer):  # type: ignore[misc]
    """A layer whose config does not tell its number."""

    def __init__(self, by: float) -> None:
        super().__init__()
        self.by = by

    def call(self, x: Any) -> Any:
        return x * self.by


@SUBJECT.program(numbers(), trials=_TWO, quick=True)
def own_layer_without_config(hp: Any) -> keras.Model:
    inputs = keras.Input((6,))
    return compiled(keras.Model(inputs, keras.layers.Dense(1)(_Stretch(_scale(hp))(inputs))))


@SUBJECT.program(numbers(), trials=_TWO)
def layer_attribute_set_later(hp: Any) -> keras.Model:
    model = dense()
    s = _scale(hp)
    model.layers[1].activation = lambda x: ops.tanh(s * x)
    return compiled(model)


@SUBJECT.program(numbers(), trials=({"s": "ones"}, {"s": "twos"}))
def initializer_closure(hp: Any) -> keras.Model:
    value = {"ones": 0.1, "twos": 0.2}[hp.Choice("s", ["ones", "twos"])]
    return compiled(dense(kernel_initializer=lambda shape, dtype=None: ops.full(shape, value, dtype)))


@SUBJECT.program(classes(), trials=({"s": 0.5}, {"s": 2.0}))
def operations_in_the_graph(hp: Any) -> keras.Model:
    inputs = keras.Input((6,))
    x = keras.layers.Dense(3)(inputs) * _scale(hp)
    return compiled(keras.Model(inputs, ops.softmax(x)), "sparse_categorical_crossentropy", metrics=["accuracy"])
