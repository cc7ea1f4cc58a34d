"""Batch normalization over the rows of all replicas, so that several devices compute what one would."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from typing import Any

import keras


def can_be_synchronized(layer: Any) -> bool:
    """Whether a layer is Keras' own batch normalization, of whose statistics is known how they are computed."""
    return type(layer) is keras.layers.BatchNormalization


def synchronized(model: Any) -> contextlib.AbstractContextManager[None]:
    """Inside the ``with`` block, Keras' batch normalizations of the model are traced over all replicas.

    The model's config stays as it is, so that what is saved does not depend on the devices that it was trained on.
    """
    return _with_moments(model, _of_all_replicas)


def without_statistics(model: Any) -> contextlib.AbstractContextManager[None]:
    """Inside the ``with`` block, Keras' batch normalizations of the model use what they have learnt."""
    return _with_moments(model, _learnt)


@contextlib.contextmanager
def _with_moments(model: Any, moments: Callable[..., tuple[Any, Any]]) -> Iterator[None]:
    layers = [layer for layer in model._flatten_layers() if can_be_synchronized(layer)]
    for layer in layers:
        object.__setattr__(layer, "_moments", functools.partial(moments, layer))
    try:
        yield
    finally:
        for layer in layers:
            object.__delattr__(layer, "_moments")


def _learnt(layer: Any, inputs: Any, mask: Any) -> tuple[Any, Any]:
    return layer.moving_mean + 0.0, layer.moving_variance + 0.0


def _of_all_replicas(layer: Any, inputs: Any, mask: Any) -> tuple[Any, Any]:
    """Mean and variance by channel over the rows of all replicas; those of one device outside of replicas.

    In two passes, as on one device: ``E(x^2) - E(x)^2``, which Keras' own ``synchronized=True`` computes, is rounding
    alone where the mean is large.

    Args:
        layer: a ``keras.layers.BatchNormalization``.
        inputs: of this replica, float32.
        mask: of the inputs without their last axis, or None.
    """
    import tensorflow as tf

    axes = layer._reduction_axes
    context = tf.distribute.get_replica_context()

    def summed(values: Any) -> Any:
        local = tf.reduce_sum(values, axes, keepdims=True)
        return local if context is None else context.all_reduce(tf.distribute.ReduceOp.SUM, local)

    if mask is None:
        kept = tf.ones_like(inputs)
        count = summed(kept)
    else:
        # A mask has the inputs' shape without the last axis; Keras adds its epsilon to the count.
        kept = tf.cast(tf.broadcast_to(tf.expand_dims(mask, -1), tf.shape(inputs)), inputs.dtype)
        count = summed(kept) + keras.config.epsilon()
    inputs = tf.where(kept > 0, inputs, tf.zeros_like(inputs))
    mean = summed(inputs) / count
    variance = summed(tf.square((inputs - mean) * kept)) / count
    return tf.squeeze(mean, axes), tf.squeeze(variance, axes)
