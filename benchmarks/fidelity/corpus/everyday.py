"""Programs as strangers write them, several matters at once: nested parts, masks beside weights, added losses."""

from __future__ import annotations

import dataclasses
from typing import Any

import keras
import numpy as np

from benchmarks.fidelity.corpus.small_models import compiled, dense
from benchmarks.fidelity.made_rows import (
    changed,
    class_weighted,
    classes,
    images,
    labels,
    numbers,
    series,
    tokens,
    two_classes,
    weighted,
)
from benchmarks.fidelity.program import Rows, Subject

SUBJECT = Subject("everyday")

L, M, ops, losses = keras.layers, keras.metrics, keras.ops, keras.losses
_SPARSE = "sparse_categorical_crossentropy"


class Penalty(keras.layers.Layer):  # type: ignore[misc]
    """Adds a loss, and a weighed one of its kernel, each time that it is called."""

    def build(self, shape: Any) -> None:
        self.scale = self.add_weight(shape=(shape[-1],), initializer="ones", regularizer="l2", name="scale")

    def call(self, x: Any) -> Any:
        self.add_loss(0.05 * ops.mean(ops.square(x)))
        self.add_loss(0.01 * ops.sum(ops.abs(self.scale)))
        return x * self.scale


@SUBJECT.program(weighted(numbers()))
def added_losses_of_a_layer_called_three_times(hp: Any) -> keras.Model:
    inputs = keras.Input((6,))
    penalty, layer = Penalty(), L.Dense(6, "tanh", activity_regularizer=keras.regularizers.L1(0.01))
    x = penalty(layer(penalty(layer(penalty(inputs)))))
    return compiled(keras.Model(inputs, L.Dense(1)(x)), metrics=["mae"], weighted_metrics=["mse"])


def _tower(name: str) -> keras.Model:
    inputs = keras.Input((3,), name=f"{name}_in")
    x = L.BatchNormalization(name="bn")(L.Dense(4, name="d", kernel_regularizer="l2")(inputs))
    return keras.Model(inputs, ops.tanh(x), name=name)


@SUBJECT.program(
    changed(numbers(2), y=lambda y: {"sum": y[:, :1], "both": {"a": y[:, 1:], "b": y}}), trials=({"w": 0.5}, {"w": 4.0})
)
def outputs_in_nested_dicts_of_a_shared_model(hp: Any) -> keras.Model:
    inputs = keras.Input((6,))
    tower = _tower("tower")
    left, right = tower(inputs[:, :3]), tower(inputs[:, 3:])
    heads = {
        "sum": L.Dense(1, name="sum")(left + right),
        "both": {"a": L.Dense(1, name="a")(left), "b": L.Dense(2, name="b")(right)},
    }
    loss = {"sum": "mse", "both": {"a": "mae", "b": losses.LogCosh()}}
    metrics = {"sum": [M.MeanAbsoluteError(name="off")], "both": {"a": ["mse"], "b": None}}
    weights = {"sum": 1.0, "both": {"a": hp.Choice("w", [0.5, 4.0]), "b": 0.25}}
    return compiled(keras.Model(inputs, heads), loss, metrics=metrics, loss_weights=weights)


@SUBJECT.program(changed(numbers(), y=lambda y: {"a": y, "b": (y > 0).astype("int32"), "c": y}))
def named_metrics_per_output_and_an_output_without_loss(hp: Any) -> keras.Model:
    inputs = keras.Input((6,))
    x = L.Dense(5, "tanh")(inputs)
    outputs = {"a": L.Dense(1, name="a")(x), "b": L.Dense(1, "sigmoid", name="b")(x), "c": L.Dense(1, name="c")(x)}
    metrics = {"b": [M.BinaryAccuracy(name="right"), M.Precision(name="p"), "accuracy"], "c": [M.MeanSquaredError()]}
    return compiled(keras.Model(inputs, outputs), {"a": "huber", "b": "bce"}, metrics=metrics)


def _mixed_inputs() -> Rows:
    rows = numbers()()

    def parts(x: Any) -> dict[str, Any]:
        return {
            "price": x[:, :2].astype("float64"),
            "kind": np.digitize(x[:, 2], [-0.5, 0.5]).astype("int64")[:, None],
            "flags": x[:, 3:5] > 0,
            "counts": np.round(np.abs(x[:, 5:]) * 10).astype("uint8"),
        }

    return dataclasses.replace(rows, x=parts(rows.x), validation=(parts(rows.validation[0]), rows.validation[1]))


@SUBJECT.program(_mixed_inputs)
def inputs_of_four_types(hp: Any) -> keras.Model:
    inputs = {
        "price": keras.Input((2,), name="price"),
        "kind": keras.Input((1,), name="kind", dtype="int64"),
        "flags": keras.Input((2,), name="flags", dtype="bool"),
        "counts": keras.Input((1,), name="counts", dtype="uint8"),
    }
    kind = L.Flatten()(L.Embedding(3, 2)(inputs["kind"]))
    flags = ops.cast(inputs["flags"], "float32")
    counts = L.Rescaling(1 / 10)(inputs["counts"])
    x = L.Concatenate()([inputs["price"], kind, flags, counts])
    return compiled(keras.Model(inputs, L.Dense(1)(L.Dense(4, "relu")(x))), metrics=["mae"])


@SUBJECT.program(class_weighted(classes("one-hot"), {0: 0.5, 1: 2.0, 2: 1.0}))
def class_weights_with_smoothing_averaged_by_weights(hp: Any) -> keras.Model:
    loss = losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.2, reduction="mean_with_sample_weight")
    return compiled(dense(3), loss, metrics=["accuracy"], weighted_metrics=["categorical_accuracy"])


@SUBJECT.program(changed(two_classes("flat", "int32"), y=lambda y: y), trials=({"e": 0.1}, {"e": 0.0}))
def smoothing_of_whole_numbers(hp: Any) -> keras.Model:
    loss = losses.BinaryCrossentropy(label_smoothing=hp.Choice("e", [0.1, 0.0]))
    return compiled(dense(1, "sigmoid"), loss, metrics=["accuracy", losses.BinaryCrossentropy(name="plain")])


def _by_name(name: str) -> Any:
    return lambda hp: compiled(dense(1, "softplus"), name, rate=0.01, metrics=["mae"])


#: Names that Keras takes for one thing.
for _name in (
    "MSE",
    "mean_squared_error",
    "MeanSquaredError",
    "msle",
    "mape",
    "log_cosh",
    "poisson",
    "cosine_similarity",
):
    SUBJECT.add(
        f"loss-by-name-{_name}",
        _by_name(_name),
        changed(numbers(), y=lambda y: np.abs(y) + 0.1),
    )


@SUBJECT.program(numbers(2), trials=({"r": "sum"}, {"r": "sum_over_batch_size"}, {"r": "mean"}))
def reduction_by_hyperparameter(hp: Any) -> keras.Model:
    reduction = hp.Choice("r", ["sum", "sum_over_batch_size", "mean"])
    return compiled(dense(2), losses.Huber(reduction=reduction), rate=0.002, metrics=["mae"])


class Asymmetric(keras.losses.Loss):  # type: ignore[misc]
    """Under-estimates cost more; a reduction that the user chooses."""

    def __init__(self, under: float, **settings: Any) -> None:
        super().__init__(**settings)
        self.under = under

    def call(self, y: Any, p: Any) -> Any:
        return ops.where(y > p, self.under, 1.0) * ops.square(y - p)


@SUBJECT.program(weighted(numbers()), trials=({"under": 2.0}, {"under": 9.0}))
def own_loss_summed_with_weights(hp: Any) -> keras.Model:
    loss = Asymmetric(hp.Choice("under", [2.0, 9.0]), reduction="sum", name="asymmetric")
    return compiled(dense(), loss, rate=0.002, metrics=[Asymmetric(1.0, name="even")], weighted_metrics=["mse"])


def _masked_and_weighted() -> Rows:
    rows = series(padded=True, outputs="step")()
    rng = np.random.default_rng(4)
    weight = rng.random((90, 6)).astype("float32")
    validation = (*rows.validation, rng.random((30, 6)).astype("float32"))
    return dataclasses.replace(rows, weight=weight, validation=validation)


@SUBJECT.program(_masked_and_weighted)
def weights_of_steps_beside_masks(hp: Any) -> keras.Model:
    inputs = keras.Input((6, 3))
    x = L.LSTM(4, return_sequences=True, dropout=0.0, recurrent_dropout=0.0)(L.Masking()(inputs))
    x = L.TimeDistributed(L.Dense(1))(x)
    return compiled(keras.Model(inputs, x), "mae", metrics=["mse"], weighted_metrics=["mae"])


@SUBJECT.program(tokens("class"), trials=({"merge": "sum"}, {"merge": "concat"}))
def stacked_recurrence_both_ways(hp: Any) -> keras.Model:
    inputs = keras.Input((7,), dtype="int32")
    x = L.Embedding(12, 4, mask_zero=True)(inputs)
    x = L.Bidirectional(L.LSTM(3, return_sequences=True), merge_mode=hp.Choice("merge", ["sum", "concat"]))(x)
    x = L.Bidirectional(L.GRU(3, reset_after=False, go_backwards=True), merge_mode="ave", backward_layer=L.GRU(3))(x)
    return compiled(keras.Model(inputs, L.Dense(1, "sigmoid")(x)), "binary_crossentropy", metrics=["accuracy"])


class Trimmed(keras.layers.Layer):  # type: ignore[misc]
    """Passes masks on and takes one itself."""

    supports_masking = True

    def call(self, x: Any, mask: Any = None) -> Any:
        if mask is None:
            return ops.mean(x, axis=1)
        kept = ops.cast(mask, x.dtype)[..., None]
        return ops.sum(x * kept, axis=1) / (ops.sum(kept, axis=1) + 1e-6)

    def compute_mask(self, x: Any, mask: Any = None) -> Any:
        return None


@SUBJECT.program(tokens("class"))
def own_layers_with_masks_and_causal_attention(hp: Any) -> keras.Model:
    inputs = keras.Input((7,), dtype="int32")
    x = L.Embedding(12, 4, mask_zero=True)(inputs)
    x = L.Add()([x, L.MultiHeadAttention(2, 3, value_dim=2)(x, x, use_causal_mask=True)])
    return compiled(keras.Model(inputs, L.Dense(2, "softmax")(Trimmed()(x))), _SPARSE, metrics=["accuracy"])


@SUBJECT.program(tokens("class"))
def grouped_attention_and_plain_attention(hp: Any) -> keras.Model:
    inputs = keras.Input((7,), dtype="int32")
    x = L.Embedding(12, 4, mask_zero=True)(inputs)
    x = L.GroupQueryAttention(2, 4, 2)(x, x)
    x = L.Attention(use_scale=True)([x, x])
    x = L.AdditiveAttention()([x, x])
    return compiled(keras.Model(inputs, L.Dense(2, "softmax")(L.Flatten()(x))), _SPARSE, metrics=["accuracy"])


@SUBJECT.program(images(channels=2))
def separable_convolutions_between_normalizations(hp: Any) -> keras.Model:
    inputs = keras.Input((8, 8, 2))
    x = L.SeparableConv2D(4, 3, padding="same", depth_multiplier=2, depthwise_regularizer="l2")(inputs)
    x = L.UnitNormalization(axis=-1)(L.PReLU(shared_axes=[1, 2])(x))
    x = L.DepthwiseConv2D(3, strides=2, use_bias=False)(L.ZeroPadding2D(1)(x))
    x = L.Add()([x, L.Cropping2D(1)(L.UpSampling2D(interpolation="bilinear")(L.MaxPooling2D(2)(x)))][:1] * 2)
    x = L.GlobalMaxPooling2D()(L.LeakyReLU(0.1)(x))
    return compiled(keras.Model(inputs, L.Dense(3, "softmax")(x)), _SPARSE, metrics=["accuracy"])


@SUBJECT.program(series())
def convolutions_of_series(hp: Any) -> keras.Model:
    inputs = keras.Input((6, 3))
    x = L.Conv1D(4, 2, dilation_rate=2, padding="causal", activation="swish")(inputs)
    x = L.SeparableConv1D(4, 3, padding="same")(L.Conv1D(4, 1, groups=2)(x))
    x = L.Concatenate()([L.GlobalAveragePooling1D()(x), L.GlobalMaxPooling1D()(x), L.Flatten()(L.Cropping1D(2)(x))])
    return compiled(keras.Model(inputs, L.Dense(1)(x)), metrics=["mae"])


@SUBJECT.program(
    series(rows=72), batch_size=6, epochs=3, not_on={"replicas": "a state of six rows and a replica's three"}
)
def stateful_lstm_in_a_sequential(hp: Any) -> keras.Model:
    layers = [keras.Input(batch_shape=(6, 6, 3)), L.LSTM(3, stateful=True, return_sequences=True)]
    return compiled(keras.Sequential([*layers, L.LSTM(2, stateful=True), L.Dense(1)]), metrics=["mae"])


@SUBJECT.program(numbers(rows=91))
def a_model_in_a_model_in_a_model(hp: Any) -> keras.Model:
    inner = keras.Sequential([L.Dense(4, "tanh", kernel_regularizer="l1"), L.BatchNormalization()], name="inner")
    middle_in = keras.Input((6,))
    middle = keras.Model(middle_in, [inner(middle_in), L.Dense(4)(middle_in)], name="middle")
    inputs = keras.Input((6,))
    one, two = middle(inputs)
    three, _ = middle(inputs * 0.5)
    return compiled(keras.Model(inputs, L.Dense(1)(L.Multiply()([one, two + three]))), metrics=["mae"])


class Residual(keras.layers.Layer):  # type: ignore[misc]
    """Holds layers in a list and in a dict, and a regularized weight of its own."""

    def __init__(self, units: int, **settings: Any) -> None:
        super().__init__(**settings)
        self.parts = [L.Dense(units, "relu"), L.Dense(units)]
        self.more = {"norm": L.LayerNormalization()}

    def build(self, shape: Any) -> None:
        self.gate = self.add_weight(shape=(), initializer="ones", regularizer="l2", constraint="non_neg", name="gate")

    def call(self, x: Any) -> Any:
        y = x
        for part in self.parts:
            y = part(y)
        return self.more["norm"](x + self.gate * y)


class Stacked(keras.Model):  # type: ignore[misc]
    """Blocks in a list, made in a loop; built at its first call."""

    def __init__(self, depth: int) -> None:
        super().__init__(name="stacked")
        self.first = L.Dense(4)
        self.blocks = [Residual(4, name=f"block_{n}") for n in range(depth)]
        self.last = L.Dense(1)

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        x = self.first(inputs)
        for block in self.blocks:
            x = block(x)
        if training:
            self.add_loss(0.01 * ops.mean(ops.abs(x)))
        return self.last(x)


@SUBJECT.program(numbers(), trials=({"depth": 1}, {"depth": 3}, {"depth": 1}))
def blocks_in_a_loop(hp: Any) -> keras.Model:
    return compiled(Stacked(hp.Int("depth", 1, 3)), metrics=["mae"])


@SUBJECT.program(changed(labels, y=lambda y: y.astype("int32")))
def scores_of_labels_by_several_metrics(hp: Any) -> keras.Model:
    metrics = [M.AUC(multi_label=True, num_labels=2, name="auc"), M.F1Score(average=None, threshold=0.5, name="f1")]
    metrics += [M.BinaryIoU(target_class_ids=[1], name="iou"), M.FBetaScore(beta=2.0, threshold=0.4, average="micro")]
    metrics += [M.SensitivityAtSpecificity(0.5, num_thresholds=20), M.TruePositives(), M.FalseNegatives(name="missed")]
    return compiled(dense(2, "sigmoid"), "bce", metrics=metrics)


@SUBJECT.program(classes())
def confusion_by_mean_iou_and_means(hp: Any) -> keras.Model:
    metrics = [M.SparseCategoricalAccuracy(), M.SparseTopKCategoricalAccuracy(k=2), M.MeanIoU(3, sparse_y_pred=False)]
    return compiled(dense(3, "softmax"), _SPARSE, metrics=metrics)


@SUBJECT.program(numbers(), trials=({"act": "gelu"}, {"act": "selu"}, {"act": "hard_silu"}))
def activation_by_hyperparameter(hp: Any) -> keras.Model:
    return compiled(dense(activation=hp.Choice("act", ["gelu", "selu", "hard_silu"])), metrics=["mae"])


@SUBJECT.program(numbers())
def initializers_with_seeds(hp: Any) -> keras.Model:
    inputs = keras.Input((6,))
    shared = keras.initializers.HeNormal(seed=3)
    x = L.Dense(6, "relu", kernel_initializer=shared)(inputs)
    x = L.Dense(6, "relu", kernel_initializer=keras.initializers.Orthogonal(seed=1), bias_initializer="ones")(x)
    return compiled(keras.Model(inputs, L.Dense(1, kernel_initializer="lecun_uniform")(x)), metrics=["mae"])


@SUBJECT.program(changed(numbers(), x=lambda x: {"a": {"left": x[:, :2]}, "b": [x[:, 2:]]}), quick=True)
def inputs_within_inputs_of_a_subclassed_model(hp: Any) -> keras.Model:
    class Joined(keras.Model):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.one, self.two = L.Dense(1), L.Dense(1)

        def call(self, x: Any) -> Any:
            return self.one(x["a"]["left"]) + self.two(x["b"][0])

    return compiled(Joined(), metrics=["mae"])


@SUBJECT.program(changed(numbers(2), y=lambda y: [y[:, :1], {"a": y[:, 1:], "b": y}]), quick=True)
def a_dict_of_outputs_in_a_list(hp: Any) -> keras.Model:
    inputs = keras.Input((6,))
    x = L.Dense(4, "tanh")(inputs)
    return compiled(keras.Model(inputs, [L.Dense(1)(x), {"a": L.Dense(1)(x), "b": L.Dense(2)(x)}]))


class DictOfHeads(keras.Model):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__()
        self.u, self.v = L.Dense(1), L.Dense(1)

    def call(self, x: Any) -> Any:
        return {"u": self.u(x), "v": self.v(x)}


@SUBJECT.program(changed(numbers(2), y=lambda y: {"v": y[:, 1:], "u": y[:, :1]}))
def outputs_in_a_dict_of_a_subclassed_model(hp: Any) -> keras.Model:
    loss, weights = {"u": "mse", "v": "mae"}, {"u": 1.0, "v": 0.3}
    return compiled(DictOfHeads(), loss, metrics={"u": ["mae"]}, loss_weights=weights)
