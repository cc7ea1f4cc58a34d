"""Whole programs as tutorials have them: pairs, translation, pixels, adversaries, teachers, texts, tables."""

from __future__ import annotations

import dataclasses
from typing import Any

import keras
import numpy as np

from benchmarks.fidelity.corpus.small_models import compiled
from benchmarks.fidelity.made_rows import changed, classes, images, numbers, series, tokens, two_classes
from benchmarks.fidelity.program import Rows, Subject

SUBJECT = Subject("applications")

L, M, ops = keras.layers, keras.metrics, keras.ops
_SPARSE = "sparse_categorical_crossentropy"


@SUBJECT.program(changed(two_classes(), x=lambda x: {"b": x[:, 3:], "a": x[:, :3]}), trials=({"m": 0.5}, {"m": 2.0}))
def pairs_by_one_encoder(hp: Any) -> keras.Model:
    """Siamese, with a contrastive loss."""
    margin = hp.Choice("m", [0.5, 2.0])
    encoder = keras.Sequential([L.Dense(4, "tanh"), L.Dense(3)], name="encoder")
    inputs = {name: keras.Input((3,), name=name) for name in ("a", "b")}
    apart = L.Lambda(lambda ab: ops.sqrt(ops.sum((ab[0] - ab[1]) ** 2, axis=1, keepdims=True) + 1e-6))

    def contrastive(y: Any, d: Any) -> Any:
        return ops.mean((1 - y) * ops.square(d) + y * ops.square(ops.maximum(margin - d, 0.0)))

    model = keras.Model(inputs, apart([encoder(inputs["a"]), encoder(inputs["b"])]))
    return compiled(model, contrastive, metrics=[M.BinaryAccuracy(threshold=margin / 2)])


def _translated() -> Rows:
    rows = tokens("step")()

    def both(x: Any) -> list[Any]:
        return [x, np.concatenate([np.full((len(x), 1), 1), x[:, :-1]], axis=1).astype("int32")]

    return dataclasses.replace(rows, x=both(rows.x), validation=(both(rows.validation[0]), rows.validation[1]))


@SUBJECT.program(_translated)
def encoder_and_decoder(hp: Any) -> keras.Model:
    """Translation with states handed over, masks on both sides."""
    source, target = keras.Input((7,), dtype="int32"), keras.Input((7,), dtype="int32")
    embedding = L.Embedding(12, 4, mask_zero=True)
    _, h, c = L.LSTM(4, return_state=True)(embedding(source))
    x = L.LSTM(4, return_sequences=True)(embedding(target), initial_state=[h, c])
    x = L.TimeDistributed(L.Dense(3, "softmax"))(x)
    return compiled(keras.Model([source, target], x), _SPARSE, rate=0.1, metrics=["accuracy"])


def _pixels() -> Rows:
    rows = images()()
    validation = rows.validation[0]
    truth = [np.digitize(x[..., 0], [0.3, 0.7]).astype("uint8") for x in (rows.x, validation)]
    return dataclasses.replace(rows, y=truth[0], validation=(validation, truth[1]))


@SUBJECT.program(
    _pixels,
    tolerance=1e-3,
    reason="of 1,920 pixels one whose classes are as likely is another class after rounding",
    not_on={"torch": "Keras' own fit raises a RuntimeError: grad_input must be contiguous"},
)
def class_of_every_pixel(hp: Any) -> keras.Model:
    """A small U-Net."""
    inputs = keras.Input((8, 8, 1))
    first = L.Conv2D(4, 3, padding="same", activation="relu")(inputs)
    x = L.Conv2D(6, 3, padding="same", activation="relu")(L.MaxPooling2D()(first))
    x = L.Concatenate()([L.Conv2DTranspose(4, 2, strides=2)(x), first])
    x = L.Conv2D(3, 1, activation="softmax")(x)
    metrics = ["accuracy", M.MeanIoU(3, sparse_y_pred=False, name="iou")]
    return compiled(keras.Model(inputs, x), _SPARSE, rate=0.2, metrics=metrics)


class Sampling(keras.layers.Layer):  # type: ignore[misc]
    """The reparameterization trick."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.seed = keras.random.SeedGenerator(1337)

    def call(self, inputs: Any) -> Any:
        mean, spread = inputs
        return mean + ops.exp(0.5 * spread) * keras.random.normal(ops.shape(mean), seed=self.seed)


class VariationalAutoencoder(keras.Model):  # type: ignore[misc]
    """Adds its divergence, counts it in a metric of its own."""

    def __init__(self, by: float) -> None:
        super().__init__()
        self.by = by
        self.code, self.mean, self.spread = L.Dense(4, "relu"), L.Dense(2), L.Dense(2)
        self.sampling, self.decoded = Sampling(), keras.Sequential([L.Dense(4, "relu"), L.Dense(6)])

    def call(self, x: Any, training: bool | None = None) -> Any:
        code = self.code(x)
        mean, spread = self.mean(code), self.spread(code)
        divergence = -0.5 * ops.mean(ops.sum(1 + spread - ops.square(mean) - ops.exp(spread), axis=1))
        self.add_loss(self.by * divergence)
        return self.decoded(self.sampling([mean, spread]) if training else mean)


@SUBJECT.program(
    changed(numbers(), y=lambda y: np.repeat(y, 6, axis=1)), trials=({"by": 0.1}, {"by": 1.0}), random=True
)
def variational_autoencoder(hp: Any) -> keras.Model:
    return compiled(VariationalAutoencoder(hp.Choice("by", [0.1, 1.0])), metrics=["mae"])


class Adversaries(keras.Model):  # type: ignore[misc]
    """Keras' example of adversaries: a compile and a step of its own, two optimizers, no targets."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size
        self.judge = keras.Sequential([keras.Input((6,)), L.Dense(5, "relu"), L.Dense(1)])
        self.maker = keras.Sequential([keras.Input((size,)), L.Dense(5, "relu"), L.Dense(6)])
        self.seed = keras.random.SeedGenerator(3)
        self.of_judge, self.of_maker = M.Mean(name="judge_loss"), M.Mean(name="maker_loss")

    def compile(self, judge: Any, maker: Any, loss: Any) -> None:
        super().compile()
        self.judge_optimizer, self.maker_optimizer, self.truth = judge, maker, loss

    @property
    def metrics(self) -> list[Any]:
        return [self.of_judge, self.of_maker]

    def call(self, x: Any) -> Any:
        return self.judge(x)

    def train_step(self, real: Any) -> Any:
        import tensorflow as tf

        count = ops.shape(real)[0]
        made = self.maker(keras.random.normal((count, self.size), seed=self.seed))
        both = ops.concatenate([made, real], axis=0)
        labels = ops.concatenate([ops.ones((count, 1)), ops.zeros((count, 1))], axis=0)
        with tf.GradientTape() as tape:
            loss = self.truth(labels, self.judge(both))
        gradients = tape.gradient(loss, self.judge.trainable_weights)
        self.judge_optimizer.apply_gradients(zip(gradients, self.judge.trainable_weights, strict=True))
        noise = keras.random.normal((count, self.size), seed=self.seed)
        with tf.GradientTape() as tape:
            fooled = self.truth(ops.zeros((count, 1)), self.judge(self.maker(noise)))
        gradients = tape.gradient(fooled, self.maker.trainable_weights)
        self.maker_optimizer.apply_gradients(zip(gradients, self.maker.trainable_weights, strict=True))
        self.of_judge.update_state(loss)
        self.of_maker.update_state(fooled)
        return {"judge_loss": self.of_judge.result(), "maker_loss": self.of_maker.result()}

    def test_step(self, real: Any) -> Any:
        self.of_judge.update_state(self.truth(ops.zeros((ops.shape(real)[0], 1)), self.judge(real)))
        return {"judge_loss": self.of_judge.result()}


@SUBJECT.program(
    changed(numbers(), y=lambda y: None),
    trials=({"size": 2}, {"size": 4}),
    not_on={"jax": "its steps are TensorFlow's", "torch": "its steps are TensorFlow's", "replicas": "undivided losses"},
)
def adversaries(hp: Any) -> keras.Model:
    model = Adversaries(hp.Choice("size", [2, 4]))
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(0.05), keras.optimizers.SGD(0.02), loss)
    return model


class Pupil(keras.Model):  # type: ignore[misc]
    """Learns from a frozen teacher: distillation by ``compute_loss``."""

    def __init__(self, pupil: Any, teacher: Any, temperature: float) -> None:
        super().__init__()
        self.pupil, self.teacher, self.temperature = pupil, teacher, temperature
        self.teacher.trainable = False

    def call(self, x: Any, training: bool = False) -> Any:
        return self.pupil(x, training=training)

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Any:
        soft = ops.softmax(self.teacher(x, training=False) / self.temperature)
        softened = keras.losses.kl_divergence(soft, ops.softmax(y_pred / self.temperature))
        loss = super().compute_loss(x=x, y=y, y_pred=y_pred, sample_weight=sample_weight)
        return 0.3 * loss + 0.7 * self.temperature**2 * ops.mean(softened)


@SUBJECT.program(classes(), trials=({"t": 1.0}, {"t": 4.0}), quick=True)
def teacher_and_pupil(hp: Any) -> keras.Model:
    teacher = keras.Sequential([keras.Input((6,)), L.Dense(8, "relu"), L.Dense(3)])
    pupil = keras.Sequential([keras.Input((6,)), L.Dense(3)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    return compiled(Pupil(pupil, teacher, hp.Choice("t", [1.0, 4.0])), loss, metrics=["accuracy"])


class Endpoint(keras.layers.Layer):  # type: ignore[misc]
    """Takes the targets as an input, adds the loss and a metric: a model without targets of its own."""

    def __init__(self, name: str) -> None:
        super().__init__(name=name)
        self.truth = keras.losses.BinaryCrossentropy(from_logits=True)

    def call(self, targets: Any, logits: Any, weight: Any) -> Any:
        self.add_loss(self.truth(targets, logits, weight))
        return ops.sigmoid(logits)


def _targets_inside() -> Rows:
    rows = two_classes()()

    def inside(x: Any, y: Any) -> Any:
        return {"x": x, "targets": y, "weight": np.linspace(0, 1, len(x), dtype="float32")[:, None]}

    return Rows(inside(rows.x, rows.y), None, (inside(*rows.validation[:2]), None))


@SUBJECT.program(_targets_inside)
def targets_as_an_input(hp: Any) -> keras.Model:
    x, y, w = keras.Input((6,), name="x"), keras.Input((1,), name="targets"), keras.Input((1,), name="weight")
    probability = Endpoint(name="probability")(y, L.Dense(1)(L.Dense(4, "tanh")(x)), w)
    model = keras.Model([x, y, w], probability)
    model.compile(keras.optimizers.SGD(0.1))
    return model


_WORDS = np.array(["the", "cat", "dog", "sat", "ran", "on", "a", "mat", "hill", "slowly", "twice", "unheard"])


def _texts() -> Rows:
    rows = tokens()()

    def said(x: Any) -> Any:
        return np.array([" ".join(_WORDS[row[row > 0]]) for row in x], dtype=object)

    return dataclasses.replace(rows, x=said(rows.x), validation=(said(rows.validation[0]), rows.validation[1]))


@SUBJECT.program(
    _texts,
    trials=({"n": 8}, {"n": 20}),
    quick=True,
    not_on={"jax": "has no strings", "torch": "has no strings"},
)
def texts_as_they_are(hp: Any) -> keras.Model:
    vectorization = L.TextVectorization(max_tokens=hp.Choice("n", [8, 20]), output_sequence_length=7)
    vectorization.adapt(_texts().x)
    inputs = keras.Input((1,), dtype="string")
    x = L.Embedding(vectorization.vocabulary_size(), 4, mask_zero=True)(vectorization(inputs))
    x = L.Dense(1, "sigmoid")(L.Bidirectional(L.LSTM(3))(x))
    return compiled(keras.Model(inputs, x), "binary_crossentropy", metrics=["accuracy"])


def _table() -> Rows:
    rows = two_classes("flat", "int64")()

    def columns(x: Any) -> Any:
        towns = np.array(["Ulm", "Bonn", "Jena"], dtype=object)[np.digitize(x[:, 0], [-0.5, 0.5])]
        return {
            "town": towns,
            "rooms": np.abs(np.round(x[:, 1] * 3)).astype("int64"),
            "size": x[:, 2].astype("float64"),
        }

    return dataclasses.replace(rows, x=columns(rows.x), validation=(columns(rows.validation[0]), rows.validation[1]))


@SUBJECT.program(_table, not_on={"jax": "has no strings", "torch": "has no strings"})
def columns_of_a_table(hp: Any) -> keras.Model:
    columns = _table().x
    lookup, normalization = L.StringLookup(output_mode="one_hot"), L.Normalization(axis=None)
    lookup.adapt(columns["town"])
    normalization.adapt(columns["size"])
    size = keras.Input((1,), name="size")
    town = keras.Input((1,), name="town", dtype="string")
    rooms = keras.Input((1,), name="rooms", dtype="int64")
    parts = [normalization(size), lookup(town), L.CategoryEncoding(num_tokens=16, output_mode="multi_hot")(rooms)]
    x = L.Dense(1, "sigmoid")(L.Dense(5, "relu")(L.Concatenate()(parts)))
    model = keras.Model({"size": size, "town": town, "rooms": rooms}, x)
    return compiled(model, "binary_crossentropy", metrics=["accuracy", M.AUC(num_thresholds=30)])


class Positions(keras.layers.Layer):  # type: ignore[misc]
    """Embeds words and their places, and hands the mask on."""

    def __init__(self, words: int, length: int, width: int) -> None:
        super().__init__()
        self.words, self.places = L.Embedding(words, width), L.Embedding(length, width)
        self.supports_masking = True

    def call(self, x: Any) -> Any:
        return self.words(x) + self.places(ops.arange(ops.shape(x)[-1]))

    def compute_mask(self, x: Any, mask: Any = None) -> Any:
        return ops.not_equal(x, 0)


@SUBJECT.program(tokens("step"))
def language_model(hp: Any) -> keras.Model:
    inputs = keras.Input((7,), dtype="int32")
    x = Positions(12, 7, 4)(inputs)
    x = L.LayerNormalization()(x + L.MultiHeadAttention(2, 2)(x, x, use_causal_mask=True))
    x = L.Dense(3)(x + L.Dense(4, "gelu")(x))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    return compiled(
        keras.Model(inputs, x), loss, metrics=["accuracy"], weighted_metrics=["sparse_categorical_accuracy"]
    )


class Leaky(keras.layers.Layer):  # type: ignore[misc]
    """A cell of a user's."""

    def __init__(self, units: int) -> None:
        super().__init__()
        self.units = self.state_size = units

    def build(self, shape: Any) -> None:
        self.inner = self.add_weight(shape=(shape[-1], self.units), name="inner")
        self.rate = self.add_weight(shape=(self.units,), initializer="zeros", name="rate")

    def call(self, x: Any, states: Any) -> Any:
        kept = ops.sigmoid(self.rate)
        state = kept * states[0] + (1 - kept) * ops.tanh(ops.matmul(x, self.inner))
        return state, [state]


@SUBJECT.program(
    series(padded=True, outputs="step"),
    not_on={"jax": "Keras' own fit raises a ValueError for a mask and stacked cells of different widths"},
)
def own_cell_stacked(hp: Any) -> keras.Model:
    inputs = keras.Input((6, 3))
    x = L.RNN([Leaky(4), L.GRUCell(3)], return_sequences=True)(L.Masking()(inputs))
    return compiled(keras.Model(inputs, L.Dense(1)(x)), metrics=["mae"])


class Annealing(keras.callbacks.Callback):  # type: ignore[misc]
    """Changes a variable of the model's from epoch to epoch."""

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.model.share.assign(1.0 / (epoch + 1))


class Annealed(keras.Model):  # type: ignore[misc]
    """Minimises a loss and a share of another."""

    def __init__(self) -> None:
        super().__init__()
        self.share = keras.Variable(0.0, trainable=False, name="share")
        self.body, self.top = L.Dense(4, "tanh"), L.Dense(1)

    def call(self, x: Any) -> Any:
        code = self.body(x)
        self.add_loss(self.share * ops.mean(ops.abs(code)))
        return self.top(code)


@SUBJECT.program(numbers(), epochs=3, single_fit=True, callbacks=lambda: [Annealing()])
def share_annealed_by_a_callback(hp: Any) -> keras.Model:
    return compiled(Annealed(), metrics=["mae"])
