"""Names of what the trials of a hypermodel log."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

pytest.importorskip("keras_tuner")

from evo.training.criterion import CompiledCriterion
from evo.training.logged_metrics import logged_metrics
from genomes import spaces


class Range(keras.metrics.Metric):
    def __init__(self) -> None:
        super().__init__(name="range")
        self.high = self.add_weight(name="high", initializer="zeros")

    def update_state(self, y: Any, p: Any, sample_weight: Any = None) -> None:
        self.high.assign(keras.ops.maximum(self.high, keras.ops.max(p)))

    def result(self) -> Any:
        return {"high": self.high, "double": 2 * self.high}


def build(hp: Any) -> keras.Model:
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(hp.Int("units", 2, 3), "softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["acc", Range()])
    return model


def test_short_names_and_dicts_are_logged_as_keras_logs_them() -> None:
    space = spaces.from_hypermodel(build, objective="val_high", builds=1)
    named = logged_metrics(space)
    assert named is not None and {"loss", "acc", "high", "double"} <= set(named)
    model = build(space._hp(space.default()))
    x, y = np.zeros((4, 2), np.float32), np.array([0, 1, 0, 0])
    keras_logs = model.evaluate(x, y, verbose=0, return_dict=True)
    criterion = CompiledCriterion(space, model)
    criterion.reset()
    criterion.update(x, y, model(x), None)
    found = {name: float(value) for name, value in criterion.results().items()}
    assert found == pytest.approx({name: value for name, value in keras_logs.items() if name != "loss"})
    assert found == pytest.approx({"acc": 0.75, "high": 0.5, "double": 1.0})


class TwoOutputs(keras.Model):
    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = keras.layers.Dense(1), keras.layers.Dense(1)

    def call(self, x: Any) -> Any:
        return {"u": self.one(x), "v": self.two(x)}


def two_outputs(hp: Any) -> keras.Model:
    model = TwoOutputs()
    model.compile(keras.optimizers.SGD(hp.Float("rate", 0.1, 0.2)), {"u": "mse", "v": "mae"}, metrics={"u": ["mae"]})
    return model


def nested_outputs(hp: Any) -> keras.Model:
    inputs = keras.Input((2,))
    model = keras.Model(
        inputs, [keras.layers.Dense(1, name="first")(inputs), {name: keras.layers.Dense(1)(inputs) for name in "ab"}]
    )
    model.compile(keras.optimizers.SGD(hp.Float("rate", 0.1, 0.2)), "mse")
    return model


def test_losses_of_outputs_that_only_a_call_tells_are_not_refused() -> None:
    assert logged_metrics(spaces.from_hypermodel(two_outputs, objective="-val_u_loss", builds=1)) is None


def test_losses_of_outputs_within_outputs_have_keras_names() -> None:
    space = spaces.from_hypermodel(nested_outputs, objective="-val_loss", builds=1)
    model = nested_outputs(space._hp(space.default()))
    x = np.zeros((4, 2), np.float32)
    logs = model.evaluate(x, [x[:, :1], {"a": x[:, 1:], "b": x[:, :1]}], verbose=0, return_dict=True)
    assert {"first_loss", "1/a_loss"} <= set(logs) and set(logs) <= set(logged_metrics(space) or ())
