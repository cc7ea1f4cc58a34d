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
