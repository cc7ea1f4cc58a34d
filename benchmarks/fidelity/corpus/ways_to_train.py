"""Steps of a user's own, wrapped optimizers, accumulation over odd numbers of steps, and settings of ``compile``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from benchmarks.fidelity.corpus.small_models import compiled, dense, trained_by
from benchmarks.fidelity.made_rows import changed, class_weighted, classes, numbers, two_classes, weighted
from benchmarks.fidelity.program import Subject

SUBJECT = Subject("ways-to-train")

L, M, ops, _O = keras.layers, keras.metrics, keras.ops, keras.optimizers
_TAPE = {"jax": "its step is TensorFlow's", "torch": "its step is TensorFlow's"}


class Taped(keras.Model):  # type: ignore[misc]
    """The step of Keras' guides: a tape, the compiled loss, every metric by hand."""

    def train_step(self, data: Any) -> Any:
        import tensorflow as tf

        x, y, weight = keras.utils.unpack_x_y_sample_weight(data)
        with tf.GradientTape() as tape:
            predicted = self(x, training=True)
            loss = self.compute_loss(x=x, y=y, y_pred=predicted, sample_weight=weight)
        gradients = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply(gradients, self.trainable_variables)
        for metric in self.metrics:
            if metric.name == "loss":
                metric.update_state(loss)
            else:
                metric.update_state(y, predicted, sample_weight=weight)
        return {metric.name: metric.result() for metric in self.metrics}


@SUBJECT.program(weighted(numbers()), not_on={**_TAPE, "replicas": "it divides no loss by the replicas"})
def own_step_with_a_tape(hp: Any) -> keras.Model:
    inputs = keras.Input((6,))
    x = L.BatchNormalization()(L.Dense(4, "tanh", kernel_regularizer="l2")(inputs))
    return compiled(Taped(inputs, L.Dense(1)(x)), metrics=["mae"], weighted_metrics=["mse"])


class Unmetered(keras.Model):  # type: ignore[misc]
    """Logs what it likes: no loss, names of its own, a rate; metrics that are made lazily."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.seen = M.Mean(name="seen")

    @property
    def metrics(self) -> list[Any]:
        return [self.seen]

    def train_step(self, data: Any) -> Any:
        import tensorflow as tf

        x, y = data
        with tf.GradientTape() as tape:
            loss = ops.mean((y - self(x, training=True)) ** 2)
        gradients = tape.gradient(loss, self.trainable_weights)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_weights, strict=True))
        self.seen.update_state(loss)
        return {"loss": self.seen.result(), "rate": self.optimizer.learning_rate}

    def test_step(self, data: Any) -> Any:
        x, y = data
        self.seen.update_state(ops.mean(ops.abs(y - self(x, training=False))))
        return {"loss": self.seen.result(), "off": 2 * self.seen.result()}


@SUBJECT.program(numbers(), not_on={**_TAPE, "replicas": "it divides no loss by the replicas"})
def own_steps_with_names_of_their_own(hp: Any) -> keras.Model:
    inputs = keras.Input((6,))
    model = Unmetered(inputs, L.Dense(1)(L.Dense(3, "relu")(inputs)))
    model.compile(_O.SGD(_O.schedules.ExponentialDecay(0.1, 2, 0.5)))
    return model


class Adversarial(keras.Model):  # type: ignore[misc]
    """Fast gradient sign: inputs are moved against the gradient before the step (two tapes)."""

    def __init__(self, *arguments: Any, by: float, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.by = by

    def train_step(self, data: Any) -> Any:
        import tensorflow as tf

        x, y = data
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = self.compute_loss(x, y, self(x, training=False))
        moved = x + self.by * tf.sign(tape.gradient(loss, x))
        return super().train_step((moved, y))


@SUBJECT.program(
    classes(), trials=({"by": 0.01}, {"by": 0.3}), not_on={**_TAPE, "replicas": "the sign of a replica's share"}
)
def own_step_that_moves_inputs(hp: Any) -> keras.Model:
    inputs = keras.Input((6,))
    model = Adversarial(inputs, L.Dense(3, "softmax")(L.Dense(5, "tanh")(inputs)), by=hp.Choice("by", [0.01, 0.3]))
    return compiled(model, "sparse_categorical_crossentropy", metrics=["accuracy"])


class TwoOptimizers(keras.Model):  # type: ignore[misc]
    """A second optimizer for the last layer, given to a ``compile`` of its own."""

    def compile(self, optimizer: Any, last: Any, **settings: Any) -> None:
        super().compile(optimizer=optimizer, **settings)
        self.last_optimizer = last

    def train_step(self, data: Any) -> Any:
        import tensorflow as tf

        x, y = data
        with tf.GradientTape() as tape:
            predicted = self(x, training=True)
            loss = self.compute_loss(y=y, y_pred=predicted)
        body, head = self.trainable_variables[:-2], self.trainable_variables[-2:]
        gradients = tape.gradient(loss, [*body, *head])
        self.optimizer.apply(gradients[: len(body)], body)
        self.last_optimizer.apply(gradients[len(body) :], head)
        self._loss_tracker.update_state(loss)
        return self.compute_metrics(x, y, predicted)


@SUBJECT.program(numbers(), not_on={**_TAPE, "replicas": "it divides no loss by the replicas"}, epochs=3)
def own_compile_with_two_optimizers(hp: Any) -> keras.Model:
    inputs = keras.Input((6,))
    model = TwoOptimizers(inputs, L.Dense(1)(L.Dense(4, "tanh")(inputs)))
    model.compile(_O.SGD(0.05), _O.SGD(0.01, momentum=0.9), loss="mse", metrics=["mae"])
    return model


#: Seven steps of 13 rows make an epoch: no number of steps to be accumulated divides them.
_OPTIMIZERS: dict[str, Callable[[], Any]] = {
    "accumulation-over-odd-epochs": lambda: _O.SGD(0.1, momentum=0.5, gradient_accumulation_steps=3),
    "accumulation-and-decay": lambda: _O.AdamW(0.02, weight_decay=0.3, gradient_accumulation_steps=4),
    "accumulation-and-a-schedule": lambda: _O.SGD(
        _O.schedules.ExponentialDecay(0.2, 2, 0.5, staircase=True), gradient_accumulation_steps=5
    ),
    "accumulation-under-loss-scaling": lambda: _O.LossScaleOptimizer(
        _O.Adam(0.02, gradient_accumulation_steps=3), initial_scale=64.0, dynamic_growth_steps=2
    ),
    "averages-overwriting-at-odd-steps": lambda: _O.SGD(0.1, use_ema=True, ema_momentum=0.7, ema_overwrite_frequency=5),
    "averages-overwriting-each-step": lambda: _O.Adam(0.02, use_ema=True, ema_momentum=0.5, ema_overwrite_frequency=1),
    "averages-of-accumulated": lambda: _O.SGD(0.2, use_ema=True, ema_momentum=0.8, gradient_accumulation_steps=2),
    "a-dict-of-a-schedule": lambda: {
        "class_name": "Adam",
        "config": {
            "learning_rate": {
                "module": "keras.optimizers.schedules",
                "class_name": "CosineDecay",
                "config": {"initial_learning_rate": 0.05, "decay_steps": 9, "alpha": 0.1},
                "registered_name": None,
            },
            "epsilon": 1e-5,
            "clipnorm": 0.5,
        },
    },
    "a-dict-of-loss-scaling": lambda: keras.saving.serialize_keras_object(_O.LossScaleOptimizer(_O.SGD(0.1))),
    "schedule-of-a-schedule-restarts": lambda: _O.Nadam(_O.schedules.CosineDecayRestarts(0.05, 3), clipvalue=0.1),
    "rmsprop-decay-and-averages": lambda: _O.RMSprop(0.01, weight_decay=0.05, use_ema=True, global_clipnorm=0.5),
    "lion-with-decay-and-clipping": lambda: _O.Lion(0.005, weight_decay=0.1, clipnorm=1.0),
}


for _name, _make in _OPTIMIZERS.items():
    SUBJECT.add(_name, trained_by(_make), numbers(), epochs=3, batch_size=13, single_fit=True)


@SUBJECT.program(numbers(rows=85), batch_size=8, trials=({"n": 3}, {"n": 5}), not_on={"torch": "Keras refuses it"})
def odd_steps_per_execution(hp: Any) -> keras.Model:
    return compiled(dense(), steps_per_execution=hp.Choice("n", [3, 5]), metrics=["mae"])


_EAGER = dict.fromkeys(("jax", "torch", "replicas"), "Keras' own fit calls losses and metrics on symbols first")


def _harmonic(y: Any, p: Any) -> float:
    """Harmonic mean of precision and recall, by NumPy."""
    said, true = np.asarray(p) > 0.5, np.asarray(y) > 0.5
    return 2.0 * float((said & true).sum()) / max(1.0, float(said.sum() + true.sum()))


@SUBJECT.program(two_classes(), not_on=_EAGER, quick=True)
def eagerly_with_a_metric_of_numpy(hp: Any) -> keras.Model:
    return compiled(dense(1, "sigmoid"), "binary_crossentropy", run_eagerly=True, metrics=[_harmonic, "accuracy"])


@SUBJECT.program(weighted(numbers()), not_on=_EAGER)
def eagerly_with_a_loss_that_counts_its_calls(hp: Any) -> keras.Model:
    inputs = keras.Input((6,))
    seen: list[float] = []

    def counting(y: Any, p: Any) -> Any:
        seen.append(1.0 + float(np.abs(y.numpy()).mean()))
        return ops.mean((y - p) ** 2, axis=-1) * (1.0 + 0.01 * sum(seen))

    return compiled(keras.Model(inputs, L.Dense(1)(inputs)), counting, rate=0.01, run_eagerly=True, metrics=["mae"])


class Looking(keras.Model):  # type: ignore[misc]
    """Looks at its inputs to decide what it computes, and has no ``build``."""

    def __init__(self, units: int) -> None:
        super().__init__()
        self.body, self.top = L.Dense(units, "tanh"), L.Dense(1)

    def call(self, x: Any) -> Any:
        return self.top(self.body(x)) * (2.0 if float(ops.mean(x)) > 0 else 1.0)


@SUBJECT.program(numbers(), trials=({"u": 3}, {"u": 4}), not_on=_EAGER)
def eagerly_by_what_inputs_are(hp: Any) -> keras.Model:
    return compiled(Looking(hp.Int("u", 3, 4)), run_eagerly=True, metrics=["mae"])


@SUBJECT.program(numbers(), trials=({"jit": True}, {"jit": False}))
def compiled_by_xla_or_not(hp: Any) -> keras.Model:
    return compiled(dense(), jit_compile=hp.Boolean("jit", default=True), metrics=["mae"])


@SUBJECT.program(numbers())
def not_scaled_automatically(hp: Any) -> keras.Model:
    return compiled(dense(), auto_scale_loss=False, metrics=["mae"])


class OwnCompile(keras.Model):  # type: ignore[misc]
    """Adds to the loss in ``compute_loss`` with an argument that its ``compile`` takes."""

    def compile(self, by: float = 0.0, **settings: Any) -> None:
        super().compile(**settings)
        self.by = by

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Any:
        loss = super().compute_loss(x, y, y_pred, sample_weight, training)
        return loss + self.by * ops.mean(ops.square(y_pred))


@SUBJECT.program(class_weighted(two_classes(), {0: 1.0, 1: 3.0}), trials=({"by": 0.1}, {"by": 1.0}))
def own_compile_and_compute_loss(hp: Any) -> keras.Model:
    inputs = keras.Input((6,))
    model = OwnCompile(inputs, L.Dense(1, "sigmoid")(inputs))
    by = hp.Choice("by", [0.1, 1.0])
    model.compile(by=by, optimizer=_O.SGD(0.1), loss="binary_crossentropy", metrics=["accuracy"])
    return model


@SUBJECT.program(numbers())
def compiled_twice(hp: Any) -> keras.Model:
    model = compiled(dense(), "mae", rate=0.5, metrics=["mse"])
    return compiled(model, "mse", metrics=["mae"])


@SUBJECT.program(numbers())
def compiled_before_weights_are_set(hp: Any) -> keras.Model:
    model = compiled(dense(), metrics=["mae"])
    model.set_weights([0.5 * weight + 0.1 for weight in model.get_weights()])
    return model


@SUBJECT.program(numbers(), trials=({"units": 3}, {"units": 5}))
def a_clone_of_a_loaded_json(hp: Any) -> keras.Model:
    model = keras.models.model_from_json(dense(units=hp.Int("units", 3, 5)).to_json())
    return compiled(keras.models.clone_model(model), metrics=["mae"])


@SUBJECT.program(changed(classes(), y=lambda y: y.astype("float32")))
def classes_as_floats(hp: Any) -> keras.Model:
    return compiled(
        dense(3, "softmax"),
        "sparse_categorical_crossentropy",
        metrics=["accuracy", "sparse_top_k_categorical_accuracy"],
    )
