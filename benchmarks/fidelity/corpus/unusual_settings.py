"""What ``compile`` and layers take beside the usual: schedules that restart, clipping of what was accumulated."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras.optimizers import schedules

from benchmarks.fidelity.corpus.small_models import compiled, dense, trained_by
from benchmarks.fidelity.made_rows import changed, class_weighted, classes, images, numbers, two_classes, weighted
from benchmarks.fidelity.program import Subject

SUBJECT = Subject("unusual-settings")

L, M, ops, _O = keras.layers, keras.metrics, keras.ops, keras.optimizers

_OPTIMIZERS: dict[str, Callable[[], Any]] = {
    "schedule-restarts": lambda: _O.SGD(schedules.CosineDecayRestarts(0.1, 2, t_mul=1.5, m_mul=0.7, alpha=0.05)),
    "schedule-polynomial-in-cycles": lambda: _O.AdamW(schedules.PolynomialDecay(0.02, 3, 1e-3, power=2.0, cycle=True)),
    "a-config": lambda: {"class_name": "SGD", "config": {"learning_rate": 0.1, "momentum": 0.5, "nesterov": True}},
    "accumulation-clipped-by-norm": lambda: _O.SGD(0.5, global_clipnorm=0.2, gradient_accumulation_steps=2),
    "accumulation-of-averages": lambda: _O.Adam(
        0.02, clipvalue=0.05, gradient_accumulation_steps=3, weight_decay=0.1, use_ema=True, ema_overwrite_frequency=3
    ),
    "loss-scale-clipped-averages": lambda: _O.LossScaleOptimizer(
        _O.SGD(0.2, momentum=0.9, clipnorm=0.1, use_ema=True, ema_momentum=0.6), dynamic_growth_steps=3
    ),
}


for _name, _make in _OPTIMIZERS.items():
    SUBJECT.add(
        _name, trained_by(_make), numbers(), epochs=3, single_fit=True, quick=_name == "accumulation-clipped-by-norm"
    )


def _ramp(step: Any) -> Any:
    return 0.02 * ops.minimum(ops.cast(step, "float32") + 1.0, 4.0)


class Ramp(schedules.LearningRateSchedule):  # type: ignore[misc]
    """A user's schedule that knows its config, around another one."""

    def __init__(self, after: Any) -> None:
        self.after = after

    def __call__(self, step: Any) -> Any:
        return ops.where(step < 3, _ramp(step), self.after(step))

    def get_config(self) -> dict[str, Any]:
        return {"after": self.after}


@SUBJECT.program(numbers(), trials=({"rate": 0.1}, {"rate": 0.01}), epochs=3)
def schedule_around_a_schedule(hp: Any) -> keras.Model:
    after = schedules.ExponentialDecay(hp.Choice("rate", [0.1, 0.01]), 2, 0.5)
    model = dense()
    model.compile(_O.SGD(Ramp(after), momentum=0.5), "mse")
    return model


@SUBJECT.program(numbers(2), not_on=dict.fromkeys(("jax", "torch"), "its fit wants a loss that is one number"))
def loss_of_every_entry(hp: Any) -> keras.Model:
    return compiled(dense(2), keras.losses.MeanSquaredError(reduction=None), metrics=["mae"])


#: Made once, and given to every trial's model.
_EVERY_TRIALS_METRICS = [M.AUC(name="auc", num_thresholds=20), M.BinaryAccuracy(name="right")]


@SUBJECT.program(two_classes(), trials=({"u": 3}, {"u": 5}, {"u": 3}), quick=True)
def metrics_that_all_trials_share(hp: Any) -> keras.Model:
    for metric in _EVERY_TRIALS_METRICS:
        metric.reset_state()  # Keras' own first epoch would begin with what was counted before
    model = dense(1, "sigmoid", units=hp.Int("u", 3, 5))
    return compiled(model, "binary_crossentropy", metrics=_EVERY_TRIALS_METRICS)


def _quantile(level: float) -> Callable[[Any, Any], Any]:
    def pinball(y: Any, p: Any) -> Any:
        return ops.mean(ops.maximum(level * (y - p), (level - 1) * (y - p)), axis=-1)

    return pinball


@SUBJECT.program(changed(numbers(), y=lambda y: {f"q{n}": y for n in (1, 5, 9)}), trials=({"s": 0.1}, {"s": 0.3}))
def quantiles_of_one_target(hp: Any) -> keras.Model:
    inputs = keras.Input((6,))
    x = L.Dense(4, "tanh")(inputs)
    outputs = {f"q{n}": L.Dense(1, name=f"q{n}")(x) for n in (1, 5, 9)}
    step = hp.Choice("s", [0.1, 0.3])
    losses = {"q1": _quantile(step), "q5": _quantile(0.5), "q9": _quantile(1 - step)}
    return compiled(keras.Model(inputs, outputs), losses, metrics={"q5": ["mae"]})


@SUBJECT.program(weighted(classes("one-hot")), quick=True)
def metrics_with_a_result_per_class(hp: Any) -> keras.Model:
    metrics = [M.F1Score(threshold=0.4), M.CategoricalHinge(), M.PrecisionAtRecall(0.4, num_thresholds=30)]
    weighted_metrics = [M.F1Score(average="weighted", name="f1w"), "accuracy"]
    model = dense(3, "softmax")
    return compiled(model, "categorical_crossentropy", metrics=metrics, weighted_metrics=weighted_metrics)


@SUBJECT.program(class_weighted(classes("column"), {0: 0.5, 1: 1.0, 2: 3.0}))
def class_weights_of_a_column_of_logits(hp: Any) -> keras.Model:
    weighted_metrics = ["accuracy", M.SparseCategoricalCrossentropy(name="entropy", from_logits=True)]
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    return compiled(dense(3), loss, weighted_metrics=weighted_metrics)


class Budget(keras.constraints.Constraint):  # type: ignore[misc]
    """A user's constraint whose number no config tells."""

    def __init__(self, most: float) -> None:
        self.most = most

    def __call__(self, w: Any) -> Any:
        return w * ops.minimum(1.0, self.most / (ops.sum(ops.abs(w)) + 1e-7))


@SUBJECT.program(numbers(), trials=({"most": 1.0}, {"most": 4.0}))
def own_constraint_and_activity_regularizer(hp: Any) -> keras.Model:
    most = hp.Choice("most", [1.0, 4.0])
    settings: dict[str, Any] = {
        "kernel_constraint": Budget(most),
        "activity_regularizer": lambda a: 0.01 * most * ops.sum(a**2),
    }
    return compiled(dense(**settings), metrics=["mse"])


@SUBJECT.program(images())
def spectral_normalization_of_images(hp: Any) -> keras.Model:
    inputs = keras.Input((8, 8, 1))
    x = L.SpectralNormalization(L.Conv2D(4, 3, activation="relu"))(inputs)
    x = L.Dense(3, "softmax", kernel_regularizer="l2")(L.GlobalAveragePooling2D()(x))
    return compiled(keras.Model(inputs, x), "sparse_categorical_crossentropy", metrics=["accuracy"])


@SUBJECT.program(numbers(), tolerance=5e-3, reason="bfloat16 has eight bits; sums are in another order")
def layers_in_bfloat16(hp: Any) -> keras.Model:
    inputs = keras.Input((6,))
    x = L.Dense(8, "tanh", dtype="mixed_bfloat16")(inputs)
    return compiled(keras.Model(inputs, L.Dense(1, dtype="float32")(x)), metrics=["mae"])


#: Keras itself puts loss scaling around the optimizer of a model that is compiled under float16.
for _policy, _bits in {"mixed_float16": "eleven", "mixed_bfloat16": "eight"}.items():
    SUBJECT.add(
        _policy.replace("_", "-"),
        lambda hp: compiled(dense(), metrics=["mae"]),
        numbers(),
        epochs=3,
        precision=_policy,
        tolerance=5e-3,
        reason=f"the numbers of this precision have {_bits} bits; sums are in another order",
        quick=_policy == "mixed_float16",
    )


@SUBJECT.program(numbers(), epochs=3, precision="mixed_float16", tolerance=5e-3, reason="as above")
def policy_and_own_loss_scaling(hp: Any) -> keras.Model:
    model = dense()
    model.compile(_O.LossScaleOptimizer(_O.SGD(0.1), initial_scale=256.0), "mse", metrics=["mae"])
    return model


@SUBJECT.program(changed(numbers(), x=lambda x: x.astype("float64")))
def layers_in_doubles(hp: Any) -> keras.Model:
    inputs = keras.Input((6,), dtype="float64")
    x = L.Dense(8, "tanh", dtype="float64")(inputs)
    return compiled(keras.Model(inputs, L.Dense(1, dtype="float64")(x)), metrics=["mae"])


@SUBJECT.program(numbers(rows=70), batch_size=8, not_on={"torch": "Keras refuses steps_per_execution"})
def four_steps_per_execution_and_xla(hp: Any) -> keras.Model:
    return compiled(dense(), steps_per_execution=4, jit_compile=True, metrics=["mae"])


@SUBJECT.program(numbers())
def adapted_inside_build(hp: Any) -> keras.Model:
    rows = numbers()().x
    normalization, bins = L.Normalization(), L.Discretization(num_bins=4, output_mode="one_hot")
    normalization.adapt(rows)
    bins.adapt(rows[:, 0])
    inputs = keras.Input((6,))
    x = L.Concatenate()([normalization(inputs), L.Flatten()(bins(inputs[:, :1]))])
    return compiled(keras.Model(inputs, L.Dense(1)(L.Dense(4, "relu")(x))), metrics=["mae"])


@SUBJECT.program(changed(numbers(), x=lambda x: np.repeat(x[:, None], 2, axis=1)))
def layer_per_step_and_frozen_part(hp: Any) -> keras.Model:
    base = keras.Sequential([keras.Input((6,)), L.Dense(4), L.BatchNormalization(), L.ReLU()])
    base.layers[1].trainable = False
    inputs = keras.Input((2, 6))
    x = L.Flatten()(L.TimeDistributed(base)(inputs))
    return compiled(keras.Model(inputs, L.Dense(1)(x)), metrics=["mae"])
