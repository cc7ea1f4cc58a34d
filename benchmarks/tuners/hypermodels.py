"""Search spaces as ``build(hp)``: the one that all methods share, and a generous one.

Each function is an ordinary KerasTuner model-building function with the
shape of the data as keyword arguments; it is given to KerasTuner and Optuna as
it is, and to ``genomes.spaces.from_hypermodel`` as it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from benchmarks.tasks import Task
from benchmarks.tuners.numeric import Numeric

#: Batch size of the shared space, for every method.
BATCH_SIZE = 32


def _finish(hp: Any, inputs: Any, x: Any, target: str, outputs: int, optimizer: Any) -> Any:
    """Head and compilation by the kind of target."""
    import keras

    activation = {"regression": "linear", "binary": "sigmoid", "multiclass": "softmax"}[target]
    units = 1 if target == "binary" else outputs
    model = keras.Model(inputs, keras.layers.Dense(units, activation=activation, dtype="float32")(x))
    loss = {"regression": "mse", "binary": "binary_crossentropy", "multiclass": "sparse_categorical_crossentropy"}
    metrics = [keras.metrics.RootMeanSquaredError(name="rmse")] if target == "regression" else ["accuracy"]
    model.compile(optimizer=optimizer, loss=loss[target], metrics=metrics)
    return model


def _simple_optimizer(hp: Any) -> Any:
    import keras

    rate = hp.Float("learning_rate", 1e-4, 1e-2, sampling="log", default=1e-3)
    name = hp.Choice("optimizer", ["adam", "rmsprop", "sgd"])
    if name == "sgd":
        return keras.optimizers.SGD(rate, momentum=0.9)
    return keras.optimizers.Adam(rate) if name == "adam" else keras.optimizers.RMSprop(rate)


def build_shared(hp: Any, kind: str, shape: tuple[int, ...], target: str, outputs: int, vocabulary: int = 0) -> Any:
    """The space that all methods share: a small convolutional net, perceptron, or sequence model.

    Args:
        hp: KerasTuner's hyperparameters, or anything with the same methods.
        kind: ``image``, ``tabular``, ``text`` or ``timeseries``.
        shape: shape of one sample.
        target: ``binary``, ``multiclass`` or ``regression``.
        outputs: number of classes; 1 for regression.
        vocabulary: number of word numbers of texts.

    Returns:
        A compiled model.
    """
    import keras
    from keras import layers

    activation = hp.Choice("activation", ["relu", "elu", "gelu"])
    dropout = hp.Float("dropout", 0.0, 0.5, step=0.1, default=0.2)
    inputs = keras.Input(tuple(shape), dtype="int32" if kind == "text" else "float32")
    x = inputs
    if kind == "image":
        normalize = hp.Boolean("batch_normalization", default=True)
        for block in range(hp.Int("blocks", 1, 3, default=2)):
            filters = hp.Int(f"filters_{block}", 16, 64, step=16, default=32)
            x = layers.Conv2D(filters, hp.Choice(f"kernel_{block}", [3, 5]), padding="same")(x)
            if normalize:
                x = layers.BatchNormalization()(x)
            x = layers.Activation(activation)(x)
            x = layers.MaxPooling2D(2, padding="same")(x)
        x = (
            layers.Flatten()(x)
            if hp.Choice("pooling", ["flatten", "average"]) == "flatten"
            else (layers.GlobalAveragePooling2D()(x))
        )
    elif kind in ("text", "timeseries"):
        if kind == "text":
            x = layers.Embedding(vocabulary, hp.Int("embedding", 16, 64, step=16, default=32))(x)
        body = hp.Choice("body", ["convolution", "recurrent"])
        units = hp.Int("units", 16, 64, step=16, default=32)
        for _ in range(hp.Int("layers", 1, 2, default=1)):
            if body == "convolution":
                x = layers.Conv1D(units, 5, padding="same", activation=activation)(x)
            else:
                x = layers.Bidirectional(layers.GRU(units, return_sequences=True))(x)
        x = layers.GlobalMaxPooling1D()(x)
    else:
        normalize = hp.Boolean("batch_normalization", default=False)
        for layer in range(hp.Int("layers", 1, 4, default=2)):
            x = layers.Dense(hp.Int(f"units_{layer}", 32, 256, step=32, default=128))(x)
            if normalize:
                x = layers.BatchNormalization()(x)
            x = layers.Activation(activation)(x)
            x = layers.Dropout(dropout)(x)
        return _finish(hp, inputs, x, target, outputs, _simple_optimizer(hp))
    x = layers.Dense(hp.Int("dense", 32, 256, step=32, default=128), activation=activation)(x)
    x = layers.Dropout(dropout)(x)
    return _finish(hp, inputs, x, target, outputs, _simple_optimizer(hp))


def _generous_optimizer(hp: Any) -> Any:
    import keras

    rate = hp.Float("learning_rate", 1e-4, 3e-2, sampling="log", default=1e-3)
    name = hp.Choice("optimizer", ["adamw", "adam", "rmsprop", "sgd"])
    if name == "sgd":
        return keras.optimizers.SGD(rate, momentum=hp.Choice("momentum", [0.9, 0.95, 0.0]), nesterov=True)
    if name == "adamw":
        return keras.optimizers.AdamW(
            rate, weight_decay=hp.Float("weight_decay", 1e-5, 1e-1, sampling="log", default=4e-3)
        )
    return keras.optimizers.Adam(rate) if name == "adam" else keras.optimizers.RMSprop(rate)


def _generous_image(hp: Any, x: Any, activation: str, dropout: float, mirror: bool) -> Any:
    from keras import layers

    if hp.Boolean("augmentation", default=False):
        x = layers.RandomTranslation(0.08, 0.08)(x)
        if mirror:
            x = layers.RandomFlip("horizontal")(x)
    kind = hp.Choice("convolution", ["plain", "separable", "residual"])
    filters = hp.Choice("filters", [16, 24, 32, 48])
    for block in range(hp.Int("blocks", 1, 3, default=2)):
        width = filters * min(2**block, 4)
        shortcut = layers.Conv2D(width, 1)(x) if kind == "residual" else None
        for _ in range(hp.Int("convolutions", 1, 2, default=1)):
            layer = layers.SeparableConv2D if kind == "separable" else layers.Conv2D
            x = layer(width, hp.Choice("kernel", [3, 5]), padding="same", use_bias=False)(x)
            x = layers.BatchNormalization()(x)
            x = layers.Activation(activation)(x)
        if shortcut is not None:
            x = layers.Add()([x, shortcut])
        if min(x.shape[1:3]) > 1:
            pool = (
                layers.MaxPooling2D if hp.Choice("reduce", ["max", "average"]) == "max" else (layers.AveragePooling2D)
            )
            x = pool(2, padding="same")(x)
        x = layers.SpatialDropout2D(dropout / 2)(x)
    pooling = hp.Choice("pooling", ["flatten", "average", "max"])
    if pooling == "flatten":
        return layers.Flatten()(x)
    return layers.GlobalAveragePooling2D()(x) if pooling == "average" else layers.GlobalMaxPooling2D()(x)


def _generous_sequence(hp: Any, x: Any, kind: str, vocabulary: int, activation: str, dropout: float) -> Any:
    from keras import layers

    if kind == "text":
        x = layers.Embedding(vocabulary, hp.Choice("embedding", [16, 32, 64, 128]))(x)
        x = layers.SpatialDropout1D(dropout)(x)
    body = hp.Choice("body", ["convolution", "lstm", "gru", "average"])
    units = hp.Choice("units", [16, 32, 64, 96, 128])
    for layer in range(hp.Int("layers", 1, 3, default=1)):
        if body == "convolution":
            x = layers.Conv1D(units, hp.Choice("kernel", [3, 5, 7]), padding="same")(x)
            if hp.Boolean("batch_normalization"):
                x = layers.BatchNormalization()(x)
            x = layers.Activation(activation)(x)
            if layer and x.shape[1] > 8:
                x = layers.MaxPooling1D(2)(x)
        elif body in ("lstm", "gru"):
            recurrent = layers.LSTM if body == "lstm" else layers.GRU
            x = layers.Bidirectional(recurrent(units, return_sequences=True))(x)
    if hp.Choice("pooling", ["max", "average"]) == "max":
        return layers.GlobalMaxPooling1D()(x)
    return layers.GlobalAveragePooling1D()(x)


def _generous_table(hp: Any, x: Any, activation: str, dropout: float) -> Any:
    import keras
    from keras import layers

    decay = hp.Choice("l2", [0.0, 1e-5, 1e-4, 1e-3])
    normalize = hp.Choice("normalization", ["none", "batch", "layer"])
    residual = hp.Boolean("residual", default=False)
    shape = hp.Choice("network", ["constant", "funnel"])
    width = hp.Choice("width", [32, 64, 128, 256, 512])
    for layer in range(hp.Int("layers", 1, 6, default=3)):
        units = width if shape == "constant" else max(16, width // 2**layer)
        regularizer = keras.regularizers.L2(decay) if decay else None
        y = layers.Dense(units, kernel_regularizer=regularizer)(x)
        if normalize != "none":
            y = layers.BatchNormalization()(y) if normalize == "batch" else layers.LayerNormalization()(y)
        y = layers.Activation(activation)(y)
        y = layers.Dropout(dropout)(y)
        x = layers.Add()([x, y]) if residual and x.shape[-1] == units else y
    return x


def build_generous(
    hp: Any,
    kind: str,
    shape: tuple[int, ...],
    target: str,
    outputs: int,
    vocabulary: int = 0,
    mirror: bool = False,
) -> Any:
    """A generous space as a KerasTuner expert writes it.

    Arguments as for :func:`build_shared`; ``mirror`` says that mirrored pictures keep their class.
    """
    import keras
    from keras import layers

    activation = hp.Choice("activation", ["relu", "elu", "gelu", "swish"])
    dropout = hp.Float("dropout", 0.0, 0.5, step=0.1, default=0.1)
    inputs = keras.Input(tuple(shape), dtype="int32" if kind == "text" else "float32")
    if kind == "image":
        x = _generous_image(hp, inputs, activation, dropout, mirror)
    elif kind == "tabular":
        x = _generous_table(hp, inputs, activation, dropout)
    else:
        x = _generous_sequence(hp, inputs, kind, vocabulary, activation, dropout)
    if kind != "tabular":
        for _ in range(hp.Int("dense_layers", 0, 2, default=1)):
            x = layers.Dense(hp.Choice("dense", [64, 128, 256]), activation=activation)(x)
            x = layers.Dropout(dropout)(x)
    return _finish(hp, inputs, x, target, outputs, _generous_optimizer(hp))


@dataclass(frozen=True)
class SharedModel:
    """The shared space for one task, as a thing with ``build(hp)`` that workers can import.

    Arguments as for :func:`build_shared`.
    """

    kind: str
    shape: tuple[int, ...]
    target: str
    outputs: int
    vocabulary: int = 0

    def build(self, hp: Any) -> Any:
        """A compiled model."""
        return build_shared(hp, self.kind, self.shape, self.target, self.outputs, self.vocabulary)


def arguments(task: Task, data: Numeric) -> dict[str, Any]:
    """The keyword arguments of the functions above for a task."""
    return {
        "kind": task.kind,
        "shape": data.shape,
        "target": task.target,
        "outputs": task.outputs,
        "vocabulary": data.vocabulary,
    }


def build_batch_size(hp: Any) -> int:
    """The batch size of the generous space: KerasTuner's documentation tunes it in ``HyperModel.fit``."""
    return int(hp.Choice("batch_size", [32, 64, 128, 256]))
