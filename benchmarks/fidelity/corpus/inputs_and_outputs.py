"""Several inputs and outputs as lists, tuples and dicts, matched by position or by name as Keras matches them."""

from __future__ import annotations

from typing import Any

import keras

from benchmarks.fidelity.corpus.small_models import compiled
from benchmarks.fidelity.made_rows import changed, numbers
from benchmarks.fidelity.program import Subject

SUBJECT = Subject("inputs-and-outputs")

L = keras.layers


def _parts(x: Any) -> tuple[Any, Any]:
    return x[:, :2], x[:, 2:]


def _named_x(x: Any) -> Any:
    return dict(zip(("left", "right"), _parts(x), strict=True))


def _columns(y: Any) -> tuple[Any, Any]:
    return y[:, :1], y[:, 1:]


def _named_y(y: Any) -> Any:
    return dict(zip(("first", "second"), _columns(y), strict=True))


def _turned_x(x: Any) -> Any:
    return dict(zip(("right", "left"), reversed(_parts(x)), strict=True))


def _turned_y(y: Any) -> Any:
    return dict(zip(("second", "first"), reversed(_columns(y)), strict=True))


def _body(left: Any, right: Any) -> Any:
    return L.Concatenate()([L.Dense(3, "tanh")(left), L.Dense(4, "relu")(right)])


def _inputs() -> tuple[Any, Any]:
    return keras.Input((2,), name="left"), keras.Input((4,), name="right")


def _one_output(structure: Any) -> keras.Model:
    left, right = _inputs()
    return keras.Model(structure(left, right), L.Dense(1)(_body(left, right)))


def _heads(x: Any) -> tuple[Any, Any]:
    return L.Dense(1, name="first")(x), L.Dense(1, name="second")(L.Dense(3, "tanh")(x))


def _two_outputs(structure: Any) -> keras.Model:
    inputs = keras.Input((6,))
    return keras.Model(inputs, structure(*_heads(L.Dense(5, "tanh")(inputs))))


@SUBJECT.program(changed(numbers(), x=lambda x: list(_parts(x))), quick=True)
def inputs_in_a_list(hp: Any) -> keras.Model:
    return compiled(_one_output(lambda *parts: list(parts)), metrics=["mae"])


@SUBJECT.program(changed(numbers(), x=_parts))
def inputs_in_a_tuple(hp: Any) -> keras.Model:
    return compiled(_one_output(lambda *parts: parts), metrics=["mae"])


@SUBJECT.program(changed(numbers(), x=_named_x), quick=True)
def inputs_in_a_dict(hp: Any) -> keras.Model:
    return compiled(_one_output(lambda left, right: {"left": left, "right": right}), metrics=["mae"])


@SUBJECT.program(changed(numbers(), x=_turned_x))
def dict_for_a_list_of_inputs_by_name(hp: Any) -> keras.Model:
    return compiled(_one_output(lambda *parts: list(parts)), metrics=["mae"])


@SUBJECT.program(changed(numbers(), x=lambda x: dict(zip(("a", "b"), _parts(x), strict=True))))
def dict_keys_that_are_not_the_inputs_names(hp: Any) -> keras.Model:
    return compiled(_one_output(lambda left, right: {"a": left, "b": right}))


@SUBJECT.program(changed(numbers(2), y=lambda y: list(_columns(y))), quick=True)
def outputs_in_a_list(hp: Any) -> keras.Model:
    return compiled(_two_outputs(lambda *parts: list(parts)), ["mse", "mae"], metrics=[["mae"], ["mse"]])


@SUBJECT.program(changed(numbers(2), y=_columns))
def outputs_in_a_tuple(hp: Any) -> keras.Model:
    return compiled(_two_outputs(lambda *parts: parts), ("mse", "mae"))


@SUBJECT.program(changed(numbers(2), y=_named_y), quick=True)
def outputs_in_a_dict(hp: Any) -> keras.Model:
    model = _two_outputs(lambda first, second: {"first": first, "second": second})
    return compiled(model, {"first": "mse", "second": "mae"}, metrics={"first": ["mae"], "second": ["mse"]})


@SUBJECT.program(changed(numbers(2), y=_turned_y))
def dict_of_targets_in_another_order(hp: Any) -> keras.Model:
    model = _two_outputs(lambda first, second: {"first": first, "second": second})
    return compiled(model, {"second": "mae", "first": "mse"}, loss_weights={"second": 0.3, "first": 2.0})


@SUBJECT.program(changed(numbers(2), y=_named_y))
def dict_for_a_list_of_outputs_by_name(hp: Any) -> keras.Model:
    return compiled(_two_outputs(lambda *parts: list(parts)), {"first": "mse", "second": "mae"})


@SUBJECT.program(changed(numbers(2), x=_named_x, y=_named_y), trials=({"u": 3}, {"u": 5}))
def inputs_and_outputs_in_dicts(hp: Any) -> keras.Model:
    left, right = _inputs()
    first, second = _heads(L.Dense(hp.Int("u", 3, 5))(_body(left, right)))
    model = keras.Model({"left": left, "right": right}, {"first": first, "second": second})
    return compiled(model, "mse", metrics={"first": "mae"})


@SUBJECT.program(changed(numbers(2), x=lambda x: list(_parts(x)), y=lambda y: list(_columns(y))))
def inputs_and_outputs_in_lists(hp: Any) -> keras.Model:
    left, right = _inputs()
    return compiled(keras.Model([left, right], list(_heads(_body(left, right)))), ["mse", keras.losses.Huber()])


@SUBJECT.program(numbers())
def one_output_in_a_list(hp: Any) -> keras.Model:
    inputs = keras.Input((6,))
    return compiled(keras.Model([inputs], [L.Dense(1, name="only")(inputs)]), metrics=["mae"])


@SUBJECT.program(changed(numbers(), x=lambda x: {"numbers": x}))
def one_input_in_a_dict(hp: Any) -> keras.Model:
    inputs = keras.Input((6,), name="numbers")
    return compiled(keras.Model(inputs, L.Dense(1)(inputs)), metrics=["mae"])


@SUBJECT.program(changed(numbers(), x=lambda x: {"a": {"left": x[:, :2]}, "b": [x[:, 2:]]}))
def nested_inputs(hp: Any) -> keras.Model:
    left, right = _inputs()
    return compiled(keras.Model({"a": {"left": left}, "b": [right]}, L.Dense(1)(_body(left, right))))


@SUBJECT.program(numbers(2), quick=True)
def one_target_array_for_two_columns(hp: Any) -> keras.Model:
    inputs = keras.Input((6,))
    return compiled(keras.Model(inputs, L.Dense(2)(inputs)), metrics=["mae"])
