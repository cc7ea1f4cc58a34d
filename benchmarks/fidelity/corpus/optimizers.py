"""Optimizers of Keras: rules, schedules, clipping, averages of weights, decay, accumulation, loss scaling."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
from keras.optimizers import schedules

from benchmarks.fidelity.corpus.small_models import dense
from benchmarks.fidelity.made_rows import numbers
from benchmarks.fidelity.program import Subject

SUBJECT = Subject("optimizers")


def _regression(optimizer: Callable[[Any], Any]) -> Callable[[Any], keras.Model]:
    def build(hp: Any) -> keras.Model:
        model = dense()
        model.compile(optimizer=optimizer(hp), loss="mse", metrics=["mae"])
        return model

    return build


class _Halving(schedules.LearningRateSchedule):  # type: ignore[misc]
    """A user's own schedule; it cannot be written as a config."""

    def __init__(self, first: float) -> None:
        self.first = first

    def __call__(self, step: Any) -> Any:
        return self.first * keras.ops.power(0.5, keras.ops.cast(step, "float32"))


class SignDescent(keras.optimizers.SGD):  # type: ignore[misc]
    """A user's own optimizer; ``get_config`` does not tell its number."""

    def __init__(self, power: float = 0.5, **settings: Any) -> None:
        super().__init__(**settings)
        self.power = power

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        rate = keras.ops.cast(learning_rate, variable.dtype)
        step = keras.ops.sign(gradient) * keras.ops.power(keras.ops.abs(gradient) + 1e-3, self.power)
        self.assign_sub(variable, rate * step)


def _excluding(pattern: str) -> keras.optimizers.Optimizer:
    optimizer = keras.optimizers.AdamW(0.01, weight_decay=0.3)
    optimizer.exclude_from_weight_decay(var_names=[pattern])
    return optimizer


_O = keras.optimizers

#: One trial each.
_ONE: dict[str, Callable[[Any], Any]] = {
    "name-adam": lambda hp: "adam",
    "sgd-nesterov": lambda hp: _O.SGD(0.05, momentum=0.9, nesterov=True),
    "rmsprop-centered": lambda hp: _O.RMSprop(0.01, centered=True, momentum=0.5),
    "adagrad": lambda hp: _O.Adagrad(0.05),
    "adadelta": lambda hp: _O.Adadelta(1.0),
    "adamax": lambda hp: _O.Adamax(0.01),
    "nadam": lambda hp: _O.Nadam(0.01),
    "ftrl": lambda hp: _O.Ftrl(0.05, l1_regularization_strength=1e-3),
    "lion": lambda hp: _O.Lion(0.003),
    "lamb": lambda hp: _O.Lamb(0.01),
    "adafactor": lambda hp: _O.Adafactor(0.05),
    "muon": lambda hp: _O.Muon(0.01),
    "adam-amsgrad": lambda hp: _O.Adam(0.01, amsgrad=True),
    "sgd-weight-decay": lambda hp: _O.SGD(0.05, weight_decay=0.1),
    "loss-scale": lambda hp: _O.LossScaleOptimizer(_O.Adam(0.01), initial_scale=1024.0, dynamic_growth_steps=2),
    "global-clipnorm": lambda hp: _O.SGD(0.5, global_clipnorm=0.1),
    "clipvalue": lambda hp: _O.SGD(0.5, clipvalue=0.02),
    "schedule-exponential": lambda hp: _O.SGD(schedules.ExponentialDecay(0.1, 2, 0.8, staircase=True)),
    "schedule-piecewise": lambda hp: _O.SGD(schedules.PiecewiseConstantDecay([2, 4], [0.1, 0.05, 0.01])),
    "schedule-loss-scale": lambda hp: _O.LossScaleOptimizer(_O.SGD(schedules.InverseTimeDecay(0.1, 1, 0.5))),
    "schedule-own-class": lambda hp: _O.SGD(_Halving(0.1)),
    "rate-callable": lambda hp: _O.SGD(learning_rate=lambda: 0.03),
}

#: Two or three trials each: the later ones must not be trained with the first one's number.
_NUMBERS: dict[str, tuple[Callable[[Any], Any], str, tuple[Any, ...]]] = {
    "momentum": (lambda n: _O.SGD(0.05, momentum=n), "momentum", (0.1, 0.9, 0.0)),
    "adam-epsilon": (lambda n: _O.Adam(0.01, epsilon=n), "epsilon", (1e-7, 0.1)),
    "adam-beta": (lambda n: _O.Adam(0.01, beta_1=n), "beta", (0.9, 0.2)),
    "adamw-decay": (lambda n: _O.AdamW(0.01, weight_decay=n), "decay", (0.01, 1.0)),
    "clipnorm": (lambda n: _O.SGD(0.5, clipnorm=n), "clipnorm", (1.0, 0.05)),
    "learning-rate": (lambda n: _O.SGD(n), "rate", (0.1, 0.001)),
    "schedule-cosine": (
        lambda n: _O.Adam(schedules.CosineDecay(1e-4, n, warmup_target=0.05, warmup_steps=2)),
        "steps",
        (4, 40),
    ),
    "schedule-own-number": (lambda n: _O.SGD(_Halving(n)), "first", (0.2, 0.02)),
    "own-optimizer": (lambda n: SignDescent(n, learning_rate=0.05), "power", (0.5, 1.0)),
}


def _number(make: Callable[[Any], Any], name: str, values: tuple[Any, ...]) -> Callable[[Any], Any]:
    return lambda hp: make(hp.Choice(name, list(values)))


_QUICK = {"name-adam", "sgd-nesterov", "loss-scale", "schedule-exponential", "schedule-own-class"}
for _name, _make in _ONE.items():
    SUBJECT.add(_name, _regression(_make), numbers(), quick=_name in _QUICK)

for _name, (_make, _hp, _values) in _NUMBERS.items():
    SUBJECT.add(
        _name,
        _regression(_number(_make, _hp, _values)),
        numbers(),
        trials=tuple({_hp: value} for value in _values),
        quick=_name in {"momentum", "adamw-decay", "schedule-cosine"},
    )

SUBJECT.add(
    "adamw-exclusion",
    _regression(lambda hp: _excluding(hp.Choice("spared", ["bias", "kernel"]))),
    numbers(),
    trials=({"spared": "bias"}, {"spared": "kernel"}),
    quick=True,
)
SUBJECT.add(
    "ema",
    _regression(lambda hp: _O.SGD(0.1, use_ema=True, ema_momentum=hp.Choice("kept", [0.5, 0.9]))),
    numbers(),
    trials=({"kept": 0.5}, {"kept": 0.9}),
    single_fit=True,
    quick=True,
)
SUBJECT.add(
    "ema-overwriting",
    _regression(lambda hp: _O.Adam(0.01, use_ema=True, ema_momentum=0.8, ema_overwrite_frequency=2)),
    numbers(),
    single_fit=True,
)
SUBJECT.add(
    "gradient-accumulation",
    _regression(lambda hp: _O.SGD(0.1, gradient_accumulation_steps=hp.Choice("steps", [2, 4]))),
    numbers(),
    trials=({"steps": 2}, {"steps": 4}),
    epochs=3,
    quick=True,
)
