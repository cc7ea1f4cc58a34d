"""Batch normalisation in one operation, inside compiled functions only.

Keras writes it as some fifteen operations, forty with their gradients, each
of them a pass over the activations. TensorFlow's fused operation computes the
same: the model stays Keras' own, only the trace is shorter and faster.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import keras
import tensorflow as tf


@contextlib.contextmanager
def fused(model: Any) -> Iterator[None]:
    """Inside the ``with`` block, batch normalisations of the model are traced as fused operations."""
    layers = [layer for layer in model._flatten_layers() if _suits(layer)]
    for layer in layers:
        object.__setattr__(layer, "call", _call(layer))
    try:
        yield
    finally:
        for layer in layers:
            object.__delattr__(layer, "call")


def _suits(layer: Any) -> bool:
    return (
        type(layer) is keras.layers.BatchNormalization
        and layer.built
        and not getattr(layer, "synchronized", False)
        and not getattr(layer, "renorm", False)
        and layer.axis == -1
    )


def _call(layer: Any) -> Any:
    """The layer's call, fused where no mask is given."""

    def call(inputs: Any, training: Any = None, mask: Any = None) -> Any:
        if mask is not None or inputs.shape.rank is None or inputs.shape.rank < 2:
            return type(layer).call(layer, inputs, training=training, mask=mask)
        # In float32 whatever the policy, as Keras does it.
        x = tf.cast(inputs, tf.float32)
        channels = inputs.shape[-1]
        flat = x if inputs.shape.rank == 4 else tf.reshape(x, [-1, 1, 1, channels])
        mean, variance = _value(layer.moving_mean), _value(layer.moving_variance)
        gamma = _value(layer.gamma) if layer.scale else tf.ones_like(mean)
        beta = _value(layer.beta) if layer.center else tf.zeros_like(mean)
        if training and layer.trainable:
            y, batch_mean, batch_variance = tf.compat.v1.nn.fused_batch_norm(
                flat, gamma, beta, epsilon=layer.epsilon, is_training=True
            )
            # The operation returns the unbiased variance, Keras keeps the biased one.
            count = tf.cast(tf.size(flat) // channels, tf.float32)
            batch_variance *= tf.maximum(count - 1.0, 1.0) / count
            momentum = layer.momentum
            layer.moving_mean.assign(mean * momentum + batch_mean * (1.0 - momentum))
            layer.moving_variance.assign(variance * momentum + batch_variance * (1.0 - momentum))
        else:
            y, _, _ = tf.compat.v1.nn.fused_batch_norm(
                flat, gamma, beta, mean=mean, variance=variance, epsilon=layer.epsilon, is_training=False
            )
        if inputs.shape.rank != 4:
            y = tf.reshape(y, tf.shape(inputs))
            y.set_shape(inputs.shape)
        return tf.cast(y, layer.compute_dtype)

    return call


def _value(variable: Any) -> tf.Tensor:
    return tf.convert_to_tensor(variable.value)
