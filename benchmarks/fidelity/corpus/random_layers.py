"""Dropout-like layers, noise, and random images: each with two rates, so that no trial is trained with another's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras

from benchmarks.fidelity.corpus.small_models import compiled
from benchmarks.fidelity.made_rows import classes, images, numbers, series
from benchmarks.fidelity.program import Subject

SUBJECT = Subject("random-layers", random=True)

L, ops = keras.layers, keras.ops


def _vector(layer: Callable[[float], Any]) -> Callable[[Any], keras.Model]:
    def build(hp: Any) -> keras.Model:
        inputs = keras.Input((6,))
        x = layer(hp.Choice("rate", [0.2, 0.6]))(L.Dense(8, "tanh")(inputs))
        return compiled(keras.Model(inputs, L.Dense(1)(x)), metrics=["mae"])

    return build


class _OwnDropout(keras.layers.Layer):  # type: ignore[misc]
    """A user's layer whose class ends as Keras' do."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate, self.seed = rate, keras.random.SeedGenerator(5)

    def call(self, x: Any, training: bool = False) -> Any:
        return keras.random.dropout(x, self.rate, seed=self.seed) if training else x


class _FullConfigDropout(keras.layers.Dropout):  # type: ignore[misc]
    """Keras' own with a rate that grows."""

    def call(self, inputs: Any, training: bool = False) -> Any:
        return super().call(inputs, training) * (1 + self.rate)


_OF_VECTORS: dict[str, Callable[[float], Any]] = {
    "dropout": lambda rate: L.Dropout(rate),
    "dropout-seeded": lambda rate: L.Dropout(rate, seed=3),
    "alpha-dropout": lambda rate: L.AlphaDropout(rate),
    "gaussian-dropout": lambda rate: L.GaussianDropout(rate),
    "gaussian-noise": lambda rate: L.GaussianNoise(rate),
    "own-dropout": lambda rate: _OwnDropout(rate),
    "subclass-of-dropout": lambda rate: _FullConfigDropout(rate),
}
_RATES = ({"rate": 0.2}, {"rate": 0.6})
for _name, _layer in _OF_VECTORS.items():
    SUBJECT.add(_name, _vector(_layer), numbers(), trials=_RATES, quick=_name not in {"dropout-seeded"})


@SUBJECT.program(numbers(), trials=({"shape": "rows"}, {"shape": "columns"}))
def dropout_noise_shape(hp: Any) -> keras.Model:
    inputs = keras.Input((6,))
    shape = {"rows": (None, 1), "columns": (1, 6)}[hp.Choice("shape", ["rows", "columns"])]
    return compiled(keras.Model(inputs, L.Dense(1)(L.Dropout(0.4, noise_shape=shape)(inputs))))


@SUBJECT.program(series(), trials=_RATES, quick=True)
def spatial_dropout_1d(hp: Any) -> keras.Model:
    inputs = keras.Input((6, 3))
    x = L.SpatialDropout1D(hp.Choice("rate", [0.2, 0.6]))(L.Conv1D(4, 2)(inputs))
    return compiled(keras.Model(inputs, L.Dense(1)(L.Flatten()(x))))


@SUBJECT.program(images(), trials=_RATES)
def spatial_dropout_2d(hp: Any) -> keras.Model:
    inputs = keras.Input((8, 8, 1))
    x = L.SpatialDropout2D(hp.Choice("rate", [0.2, 0.6]))(L.Conv2D(4, 3)(inputs))
    x = L.Dense(3, "softmax")(L.Flatten()(x))
    return compiled(keras.Model(inputs, x), "sparse_categorical_crossentropy")


@SUBJECT.program(images(), trials=_RATES)
def spatial_dropout_3d(hp: Any) -> keras.Model:
    inputs = keras.Input((8, 8, 1))
    x = L.SpatialDropout3D(hp.Choice("rate", [0.2, 0.6]))(L.Reshape((4, 4, 2, 2))(inputs))
    x = L.Dense(3, "softmax")(L.Flatten()(x))
    return compiled(keras.Model(inputs, x), "sparse_categorical_crossentropy")


@SUBJECT.program(series(), trials=_RATES)
def recurrent_dropout(hp: Any) -> keras.Model:
    inputs = keras.Input((6, 3))
    x = L.LSTM(4, dropout=hp.Choice("rate", [0.2, 0.6]), recurrent_dropout=0.3)(inputs)
    return compiled(keras.Model(inputs, L.Dense(1)(x)))


@SUBJECT.program(series(), trials=_RATES)
def attention_dropout(hp: Any) -> keras.Model:
    inputs = keras.Input((6, 3))
    x = L.MultiHeadAttention(2, 2, dropout=hp.Choice("rate", [0.2, 0.6]))(inputs, inputs)
    return compiled(keras.Model(inputs, L.Dense(1)(L.Flatten()(x))))


@SUBJECT.program(classes(), trials=({"rate": 0.0}, {"rate": 0.5}, {"rate": 0.0}))
def dropout_of_nothing(hp: Any) -> keras.Model:
    inputs = keras.Input((6,))
    x = L.Dropout(hp.Choice("rate", [0.0, 0.5]))(inputs)
    return compiled(keras.Model(inputs, L.Dense(3, "softmax")(x)), "sparse_categorical_crossentropy")


@SUBJECT.program(numbers())
def noise_in_a_lambda(hp: Any) -> keras.Model:
    seed = keras.random.SeedGenerator(4)
    inputs = keras.Input((6,))
    x = L.Lambda(lambda t: t + 0.1 * keras.random.normal(ops.shape(t), seed=seed))(inputs)
    return compiled(keras.Model(inputs, L.Dense(1)(x)))


@SUBJECT.program(images(), trials=_RATES)
def random_crop(hp: Any) -> keras.Model:
    inputs = keras.Input((8, 8, 1))
    x = L.RandomCrop(6, 6)(inputs) if hp.Choice("rate", [0.2, 0.6]) < 0.5 else L.RandomCrop(4, 8)(inputs)
    x = L.Dense(3, "softmax")(L.GlobalMaxPooling2D()(x))
    return compiled(keras.Model(inputs, x), "sparse_categorical_crossentropy", metrics=["accuracy"])


def _image(layer: Callable[[float], Any], channels: int = 1) -> Callable[[Any], keras.Model]:
    def build(hp: Any) -> keras.Model:
        inputs = keras.Input((8, 8, channels))
        x = layer(hp.Choice("rate", [0.2, 0.6]))(inputs)
        x = L.Dense(3, "softmax")(L.Flatten()(x))
        return compiled(keras.Model(inputs, x), "sparse_categorical_crossentropy", metrics=["accuracy"])

    return build


_OF_IMAGES: dict[str, tuple[int, Callable[[float], Any]]] = {
    "random-flip": (1, lambda rate: L.RandomFlip("horizontal" if rate < 0.5 else "vertical")),
    "random-rotation": (1, lambda rate: L.RandomRotation(rate)),
    "random-zoom": (1, lambda rate: L.RandomZoom(rate)),
    "random-translation": (1, lambda rate: L.RandomTranslation(rate, rate)),
    "random-shear": (1, lambda rate: L.RandomShear(rate, rate)),
    "random-contrast": (1, lambda rate: L.RandomContrast(rate, value_range=(0, 1))),
    "random-brightness": (1, lambda rate: L.RandomBrightness(rate, value_range=(0, 1))),
    "random-erasing": (1, lambda rate: L.RandomErasing(rate, value_range=(0, 1))),
    "random-hue": (3, lambda rate: L.RandomHue(rate, value_range=(0, 1))),
    "random-saturation": (3, lambda rate: L.RandomSaturation(rate, value_range=(0, 1))),
    "random-grayscale": (3, lambda rate: L.RandomGrayscale(rate)),
    "random-gaussian-blur": (1, lambda rate: L.RandomGaussianBlur(rate)),
}
for _name, (_channels, _layer) in _OF_IMAGES.items():
    SUBJECT.add(
        _name, _image(_layer, _channels), images(channels=_channels), trials=_RATES, quick=_name == "random-flip"
    )
