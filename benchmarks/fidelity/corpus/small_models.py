"""Networks that programs of several subjects compile."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras


def dense(outputs: int = 1, activation: Any = None, units: int = 5, **settings: Any) -> keras.Model:
    """Six numbers, a layer of ``tanh``, an output layer; ``settings`` are those of the first layer."""
    inputs = keras.Input((6,))
    x = keras.layers.Dense(units, **{"activation": "tanh", **settings})(inputs)
    return keras.Model(inputs, keras.layers.Dense(outputs, activation=activation)(x))


def compiled(model: keras.Model, loss: Any = "mse", rate: float = 0.05, **settings: Any) -> keras.Model:
    """The model, compiled with gradient descent, which does not amplify what rounding leaves."""
    model.compile(**{"optimizer": keras.optimizers.SGD(rate), "loss": loss, **settings})
    return model


def trained_by(make: Callable[[], Any]) -> Callable[[Any], keras.Model]:
    """A program: :func:`dense` with the optimizer that ``make`` gives, one for every build."""

    def build(hp: Any) -> keras.Model:
        return compiled(dense(), optimizer=make(), metrics=["mae"])

    return build
