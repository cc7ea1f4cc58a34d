"""Learning rates of single weights, without an optimizer that knows of them.

The recipes of the best nets for tables give some weights a learning rate that is a multiple of the others'. Adam and
its kin move a weight by about the learning rate, however large its gradient is: so a weight ``w`` that is to learn
``c`` times as fast is written ``w = c * v``, and ``v`` is what is trained, at the common rate (Yang & Hu 2021,
arXiv 2011.14522, appendix B, call it abc-parametrization). Only standard Keras layers and products with constants
are needed, and inheritance, saving and every optimizer work as ever.
"""

from __future__ import annotations

from typing import Any

#: Learning rates of RealMLP over those of an ordinary net: with it, RealMLP's rates of 0.2 (regression) and 0.04
#: (classification) become 0.004 and 0.0008, so that one domain of learning rates serves all nets on tables.
RATE_FACTOR = 50.0

#: RealMLP's factors (Holzmüller, Grinsztajn & Steinwart 2024, arXiv 2407.04491, table A.1).
BIAS_FACTOR = 0.1
EMBEDDING_FACTOR = 0.1
SCALE_FACTOR = 6.0
ACTIVATION_FACTOR = 0.1


def learned_vector(x: Any, rate: float) -> Any:
    """A learned number for each feature, 1 at first, that learns ``rate`` times as fast as the learning rate says.

    It is the one row of an embedding: of Keras' own layers that hold a vector this is the cheapest to train, five
    times cheaper than ``EinsumDense`` with one axis, whose gradient is a matrix product (measured on a processor).

    Args:
        x: Keras tensor whose last axis are the features.
        rate: factor of the learning rate.

    Returns:
        Keras tensor that a product with ``x`` broadcasts: (1, features).
    """
    import keras
    from keras import ops

    width = int(x.shape[-1])
    # The number of that row, which no input decides: 0.
    row = ops.zeros_like(x[(slice(0, 1), *(0 for _ in x.shape[1:]))], dtype="int32")
    start = keras.initializers.Constant(1.0 / rate)
    return rate * keras.layers.Embedding(1, width, embeddings_initializer=start)(row)


def scaled_columns(x: Any, factor: float = SCALE_FACTOR) -> Any:
    """Every feature times a learned number, 1 at first.

    Args:
        x: Keras tensor, (batch, features).
        factor: learning rate of these numbers over RealMLP's common one.
    """
    return x * learned_vector(x, factor * RATE_FACTOR)
