"""Functional, sequential and subclassed models; own ``train_step`` and ``test_step``; ways to compile."""

from __future__ import annotations

import tempfile
from typing import Any

import keras

from benchmarks.fidelity.corpus.small_models import compiled, dense
from benchmarks.fidelity.made_rows import changed, classes, images, numbers, series, weighted
from benchmarks.fidelity.program import Subject

SUBJECT = Subject("model-styles")

L, ops = keras.layers, keras.ops
_SPARSE = "sparse_categorical_crossentropy"


@SUBJECT.program(classes(), quick=True)
def sequential_with_input(hp: Any) -> keras.Model:
    model = keras.Sequential([keras.Input((6,)), L.Dense(5, "relu"), L.Dense(3, "softmax")])
    return compiled(model, _SPARSE, metrics=["accuracy"])


@SUBJECT.program(classes(), trials=({"u": 4}, {"u": 6}), quick=True)
def sequential_without_input(hp: Any) -> keras.Model:
    model = keras.Sequential([L.Dense(hp.Int("u", 4, 6), "relu"), L.Dense(3, "softmax")])
    return compiled(model, _SPARSE, metrics=["accuracy"])


class Subclassed(keras.Model):  # type: ignore[misc]
    def __init__(self, units: int, outputs: int = 3) -> None:
        super().__init__()
        self.body, self.drop, self.top = L.Dense(units, "relu"), L.Dropout(0.2), L.Dense(outputs, "softmax")

    def call(self, x: Any, training: bool = False) -> Any:
        return self.top(self.drop(self.body(x), training=training))


@SUBJECT.program(classes(), trials=({"u": 4}, {"u": 6}), quick=True, random=True)
def subclassed(hp: Any) -> keras.Model:
    return compiled(Subclassed(hp.Int("u", 4, 6)), _SPARSE, metrics=["accuracy"])


class TwoHeads(keras.Model):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = L.Dense(1), L.Dense(1)

    def call(self, x: Any) -> Any:
        return self.one(x) + self.two(x) * x[:, :1]


@SUBJECT.program(weighted(numbers()))
def subclassed_without_training_argument(hp: Any) -> keras.Model:
    return compiled(TwoHeads(), metrics=["mae"], weighted_metrics=["mse"])


class Doubled(keras.Model):  # type: ignore[misc]
    """A step that minimises twice the loss, through Keras' own."""

    def compute_loss(self, *arguments: Any, **named: Any) -> Any:
        return 2.0 * super().compute_loss(*arguments, **named)


@SUBJECT.program(numbers(), quick=True)
def own_compute_loss(hp: Any) -> keras.Model:
    inputs = keras.Input((6,))
    return compiled(Doubled(inputs, L.Dense(1)(inputs)), metrics=["mae"])


class OwnMetrics(keras.Model):  # type: ignore[misc]
    """Reports something else than its metrics."""

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        found = super().compute_metrics(x, y, y_pred, sample_weight)
        return {**found, "twice": 2 * found["mae"]}


@SUBJECT.program(numbers())
def own_compute_metrics(hp: Any) -> keras.Model:
    inputs = keras.Input((6,))
    return compiled(OwnMetrics(inputs, L.Dense(1)(inputs)), metrics=["mae"])


class OwnSteps(keras.Model):  # type: ignore[misc]
    """Shifts its targets in training and in testing."""

    def __init__(self, *arguments: Any, by: float = 0.0, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.by = by

    def train_step(self, *data: Any) -> Any:
        return super().train_step(*self._shifted(data))

    def test_step(self, *data: Any) -> Any:
        return super().test_step(*self._shifted(data))

    def _shifted(self, data: Any) -> Any:
        x, y, weight = keras.utils.unpack_x_y_sample_weight(data[-1])
        return (*data[:-1], keras.utils.pack_x_y_sample_weight(x, y + self.by, weight))


@SUBJECT.program(weighted(numbers()), trials=({"by": 1.0}, {"by": 2.0}), quick=True)
def own_train_step_and_test_step(hp: Any) -> keras.Model:
    inputs = keras.Input((6,))
    model = OwnSteps(inputs, L.Dense(1)(inputs), by=hp.Choice("by", [1.0, 2.0]))
    return compiled(model, metrics=["mae"])


class Encoder(keras.Model):  # type: ignore[misc]
    """Steps that are given inputs alone, with a metric of its own."""

    def __init__(self, by: float) -> None:
        super().__init__()
        self.by = by
        self.code, self.decoded = L.Dense(2, "tanh"), L.Dense(6)
        self.error = keras.metrics.Mean(name="error")

    @property
    def metrics(self) -> list[Any]:
        return [self.error]

    def call(self, x: Any) -> Any:
        return self.decoded(self.code(x))

    def train_step(self, data: Any) -> Any:
        import tensorflow as tf

        with tf.GradientTape() as tape:
            loss = ops.mean((self(data) - data) ** 2) + self.by * ops.mean(self.code(data) ** 2)
        gradients = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_variables, strict=True))
        self.error.update_state(loss)
        return {"loss": self.error.result()}

    def test_step(self, data: Any) -> Any:
        self.error.update_state(ops.mean((self(data) - data) ** 2))
        return {"loss": self.error.result()}


@SUBJECT.program(
    changed(numbers(), y=lambda y: None),
    trials=({"by": 0.1}, {"by": 1.0}),
    not_on={"jax": "its steps are TensorFlow's", "replicas": "it divides no loss by the replicas"},
)
def own_steps_without_targets(hp: Any) -> keras.Model:
    model = Encoder(hp.Choice("by", [0.1, 1.0]))
    model.compile(keras.optimizers.SGD(0.1))
    return model


class OwnTestStep(keras.Model):  # type: ignore[misc]
    def test_step(self, *data: Any) -> Any:
        x, y, weight = keras.utils.unpack_x_y_sample_weight(data[-1])
        return super().test_step(*data[:-1], keras.utils.pack_x_y_sample_weight(x, y * 3, weight))


@SUBJECT.program(numbers())
def own_test_step_alone(hp: Any) -> keras.Model:
    inputs = keras.Input((6,))
    return compiled(OwnTestStep(inputs, L.Dense(1)(inputs)), metrics=["mae"])


@SUBJECT.program(numbers())
def run_eagerly(hp: Any) -> keras.Model:
    return compiled(dense(), run_eagerly=True, metrics=["mae"])


@SUBJECT.program(numbers())
def jit_compiled(hp: Any) -> keras.Model:
    return compiled(dense(), jit_compile=True, metrics=["mae"])


@SUBJECT.program(numbers())
def steps_per_execution(hp: Any) -> keras.Model:
    return compiled(dense(), steps_per_execution=2, metrics=["mae"])


@SUBJECT.program(numbers(rows=20), quick=True)
def batch_larger_than_the_data(hp: Any) -> keras.Model:
    return compiled(dense(), metrics=["mae"])


@SUBJECT.program(numbers(), trials=({"epochs": 1}, {"epochs": 2}))
def trained_before_inside_build(hp: Any) -> keras.Model:
    """Its optimizer has a state already."""
    rows, model = numbers()(), dense()
    model.compile(keras.optimizers.Adam(0.05), "mse", metrics=["mae"])
    model.fit(rows.x, rows.y, epochs=hp.Choice("epochs", [1, 2]), shuffle=False, verbose=0)
    return model


@SUBJECT.program(numbers(), quick=True)
def loaded_from_a_file(hp: Any) -> keras.Model:
    """Compiled when it was saved, and trained: its optimizer has a state already."""
    rows, model = numbers()(), dense()
    model.compile(keras.optimizers.Adam(0.05), "mse", metrics=["mae"])
    model.fit(rows.x, rows.y, shuffle=False, verbose=0)
    with tempfile.TemporaryDirectory() as folder:
        model.save(f"{folder}/model.keras")
        return keras.models.load_model(f"{folder}/model.keras")


SUBJECT.add("batch-of-one", lambda hp: compiled(dense(), metrics=["mae"]), numbers(rows=12), batch_size=1)
SUBJECT.add("whole-batches", lambda hp: compiled(dense(), metrics=["mae"]), numbers(rows=64))


@SUBJECT.program(images())
def nested_models(hp: Any) -> keras.Model:
    block = keras.Sequential([L.Conv2D(3, 3, activation="relu"), L.MaxPooling2D()])
    inputs = keras.Input((8, 8, 1))
    x = block(inputs)
    top = keras.Sequential([L.Flatten(), L.Dense(3, "softmax")])
    return compiled(keras.Model(inputs, top(x)), _SPARSE, metrics=["accuracy"])


@SUBJECT.program(images())
def depthwise_and_transposed(hp: Any) -> keras.Model:
    inputs = keras.Input((8, 8, 1))
    x = L.SeparableConv2D(4, 3, activation="gelu")(inputs)
    x = L.Conv2DTranspose(2, 2, strides=2)(L.AveragePooling2D(2)(x))
    return compiled(keras.Model(inputs, L.Dense(3, "softmax")(L.Flatten()(x))), _SPARSE, metrics=["accuracy"])


@SUBJECT.program(series(), trials=({"rnn": "LSTM"}, {"rnn": "GRU"}))
def recurrent(hp: Any) -> keras.Model:
    inputs = keras.Input((6, 3))
    layer = getattr(L, hp.Choice("rnn", ["LSTM", "GRU"]))
    return compiled(keras.Model(inputs, L.Dense(1)(layer(4)(inputs))), metrics=["mae"])


@SUBJECT.program(numbers(), trials=({"wide": True}, {"wide": False}))
def structure_by_hyperparameter(hp: Any) -> keras.Model:
    inputs = keras.Input((6,))
    x = L.Dense(8, "relu")(inputs) if hp.Boolean("wide", default=True) else inputs
    return compiled(keras.Model(inputs, L.Dense(1)(x)))
