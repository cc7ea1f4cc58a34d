"""Learning rates of single weights, without an optimizer that knows of them.

The recipes of the best nets for tables give some weights a learning rate that is a multiple of the others'. Adam and
its kin move a weight by about the learning rate, however large its gradient is: so a weight ``w`` that is to learn
``c`` times as fast is written ``w = c * v``, and ``v`` is what is trained, at the common rate (Yang & Hu 2021,
arXiv 2011.14522, appendix B, call it abc-parametrization). Only standard Keras layers and products with constants
are needed, and inheritance, saving and every optimizer work as ever.
"""

from __future__ import annotations

import math
from typing import Any

#: Learning rates of RealMLP over those of an ordinary net: with it, RealMLP's rates of 0.2 (regression) and 0.04
#: (classification) become 0.004 and 0.0008, so that one domain of learning rates serves all nets on tables.
RATE_FACTOR = 50.0

#: RealMLP's factors (Holzmüller, Grinsztajn & Steinwart 2024, arXiv 2407.04491, table A.1).
BIAS_FACTOR = 0.1
EMBEDDING_FACTOR = 0.1
SCALE_FACTOR = 6.0
ACTIVATION_FACTOR = 0.1


def learned(x: Any, shape: tuple[int, ...], initializer: Any) -> Any:
    """A learned array that no input decides.

    It is the one row of an embedding: of Keras' own layers that hold an array this is the cheapest to train; for a
    vector it takes a seventh of the time of ``EinsumDense`` with one axis, whose gradient is a matrix product
    (measured on a processor). Weight decay spares embeddings (:class:`genomes.genes.TabularTraining`).

    Args:
        x: any Keras tensor of the net, with the batch axis.
        shape: of the array.
        initializer: Keras initializer of its numbers.

    Returns:
        Keras tensor of that shape, without a batch axis.
    """
    import keras
    from keras import ops

    row = ops.zeros_like(x[(slice(0, 1), *(0 for _ in x.shape[1:]))], dtype="int32")
    numbers = keras.layers.Embedding(1, math.prod(shape), embeddings_initializer=initializer)(row)
    return ops.reshape(numbers, shape)


def learned_vector(x: Any, rate: float) -> Any:
    """A learned number for each feature, 1 at first, that learns ``rate`` times as fast as the learning rate says.

    Args:
        x: Keras tensor whose last axis are the features.
        rate: factor of the learning rate.

    Returns:
        Keras tensor (features,).
    """
    import keras

    return rate * learned(x, (int(x.shape[-1]),), keras.initializers.Constant(1.0 / rate))


def scaled_columns(x: Any, factor: float = SCALE_FACTOR) -> Any:
    """Every feature times a learned number, 1 at first.

    Args:
        x: Keras tensor, (batch, features).
        factor: learning rate of these numbers over RealMLP's common one.
    """
    return x * learned_vector(x, factor * RATE_FACTOR)
