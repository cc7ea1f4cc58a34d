"""Numbers that enter a compiled function as an argument, so that changing them needs no new one.

Weight decay and the rates of dropout layers. (The learning rate comes in
step by step anyway.)
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf

_DROPOUTS = (
    keras.layers.Dropout,
    keras.layers.SpatialDropout1D,
    keras.layers.SpatialDropout2D,
    keras.layers.SpatialDropout3D,
)


def _is_dropout(layer: Any) -> bool:
    """Whether a layer is one of Keras' own dropouts, and drops something."""
    return type(layer) in _DROPOUTS and 0 < layer.rate < 1


def current(model: Any, optimizer: Any) -> np.ndarray:
    """The numbers of a model and its optimizer, float32."""
    decay = getattr(optimizer, "inner_optimizer", optimizer).weight_decay
    rates = [layer.rate for layer in _layers(model)]
    return np.asarray([0.0 if decay is None else decay, *rates], np.float32)


@contextlib.contextmanager
def traced(model: Any, optimizer: Any, numbers: tf.Tensor) -> Iterator[None]:
    """Inside the ``with`` block the model and the optimizer take their numbers from a tensor.

    Args:
        model: what :func:`current` was given.
        optimizer: what :func:`current` was given.
        numbers: as :func:`current` gave them, as a tensor of the function that is traced.
    """
    inner = getattr(optimizer, "inner_optimizer", optimizer)
    decay = inner.weight_decay
    layers = _layers(model)
    if decay is not None:
        object.__setattr__(inner, "weight_decay", numbers[0])
    for index, layer in enumerate(layers):
        object.__setattr__(layer, "call", _dropping(layer, numbers[1 + index]))
    try:
        yield
    finally:
        object.__setattr__(inner, "weight_decay", decay)
        for layer in layers:
            object.__delattr__(layer, "call")


def _dropping(layer: Any, rate: tf.Tensor) -> Any:
    """The layer's call with a tensor for its rate: Python's ``if`` cannot ask a tensor whether it is 0."""

    def call(inputs: Any, training: bool = False) -> Any:
        if not training:
            return inputs
        spatial = hasattr(layer, "_get_noise_shape")
        shape = layer._get_noise_shape(inputs) if spatial else layer.noise_shape
        if shape is not None:
            actual = tf.shape(inputs)
            shape = [actual[axis] if length is None else length for axis, length in enumerate(shape)]
        # As Keras casts its seeds for TensorFlow's stateless functions.
        seed = tf.cast(tf.math.floormod(layer.seed_generator.next(), tf.int32.max - 1), tf.int32)
        return tf.nn.experimental.stateless_dropout(inputs, tf.cast(rate, inputs.dtype), seed, noise_shape=shape)

    return call


def _layers(model: Any) -> list[Any]:
    return [layer for layer in model._flatten_layers() if _is_dropout(layer)]
