"""The weighted median of several models' predictions; NumPy, and the same in Keras operations."""

from __future__ import annotations

from typing import Any

import numpy as np

#: Sums of equal weights meet one half only up to rounding (float32 in a Keras model).
_TOLERANCE = 1e-6


def weighted_median(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The weighted median over the first axis.

    The value at which the weights of the sorted values pass one half; the mean of the
    two neighbours where they meet it exactly (so that equal weights give the plain median).

    Args:
        values: (members, ...).
        weights: (members,), non-negative, with a positive sum.
    """
    order = np.argsort(values, axis=0, kind="stable")
    ordered = np.take_along_axis(values, order, axis=0)
    shares = np.cumsum(weights[order], axis=0) / np.sum(weights)
    lower = (shares >= 0.5 - _TOLERANCE).argmax(axis=0)
    upper = (shares > 0.5 + _TOLERANCE).argmax(axis=0)
    both = [np.take_along_axis(ordered, at[None], axis=0)[0] for at in (lower, upper)]
    return np.asarray((both[0] + both[1]) / 2)


def keras_weighted_median(outputs: list[Any], weights: list[float]) -> Any:
    """:func:`weighted_median` of Keras tensors.

    Args:
        outputs: one tensor (batch, outputs) per member.
        weights: one per member, summing to 1.
    """
    from keras import ops

    members = len(outputs)
    if members == 1:
        return outputs[0]
    stacked = ops.stack(outputs, axis=0)
    order = ops.argsort(stacked, axis=0)
    ordered = ops.take_along_axis(stacked, order, axis=0)
    # one-hot times weights: gathers from a constant, in an operation that every exporter knows
    constant = np.asarray(weights, dtype=np.float32)
    shares = ops.sum(ops.multiply(ops.one_hot(order, members, dtype="float32"), constant), axis=-1)
    reached = ops.cumsum(shares, axis=0)
    lower = ops.argmax(ops.cast(reached >= 0.5 - _TOLERANCE, "int32"), axis=0, keepdims=True)
    upper = ops.argmax(ops.cast(reached > 0.5 + _TOLERANCE, "int32"), axis=0, keepdims=True)
    both = ops.take_along_axis(ordered, lower, axis=0) + ops.take_along_axis(ordered, upper, axis=0)
    return ops.squeeze(both, axis=0) / 2
