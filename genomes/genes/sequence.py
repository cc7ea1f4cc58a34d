"""Genes for sequences: text and time series.

All take and give (length, channels), but for :class:`TokenEmbedding`, which
takes token numbers (length,), and :class:`SequenceReduce`, which gives one vector.
Steps that are not real (:mod:`genomes.masks`) influence nothing: a prediction
does not depend on how far a sequence was padded.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from genomes import masks
from genomes.costs import UNKNOWN_LENGTH, Cost, Shape
from genomes.domains import Boolean, Choice, Float, Int
from genomes.errors import GenomeError
from genomes.gene import Gene

#: Activations of sequence genes.
ACTIVATIONS = ("linear", "relu", "gelu", "swish", "tanh")

#: Operations of layer normalization on one number, as TensorFlow's profiler counts them.
_LAYER_NORMALIZATION = 9


def _length(shape: Shape) -> int:
    return UNKNOWN_LENGTH if shape[0] is None else shape[0]


def _channels(shape: Shape, gene: Gene) -> int:
    if shape[-1] is None:
        raise GenomeError(f"{type(gene).__name__} needs a known number of channels, got shape {shape}")
    return shape[-1]


class TokenEmbedding(Gene):
    """Token numbers to vectors. Token 0 is padding: where it stands, no step is real.

    Fields:
        tokens: number of tokens, padding and unknown included.
        units: length of a vector.
        dropout: share of whole vectors that are dropped in training.
    """

    tokens = Int(2, 2_000_000)
    units = Int(1, 1024, log=True, default=64)
    dropout = Float(0.0, 0.9)
    input_ranks = (1,)

    def build(self, x: Any) -> Any:
        """Look the vectors up; the mask is where tokens are not 0."""
        import keras

        mask = keras.ops.not_equal(x, 0)
        y = keras.layers.Embedding(self.tokens, self.units)(x)
        if self.dropout:
            y = keras.layers.Dropout(self.dropout, noise_shape=(None, None, 1))(y)
        return masks.with_mask(y, mask)

    def output_shape(self, shape: Shape) -> Shape:
        """Shape of what :meth:`build` gives, without the batch axis."""
        return (shape[0], self.units)

    def cost(self, shape: Shape) -> Cost:
        """The table of vectors; a look-up computes nothing."""
        return Cost(self.tokens * self.units, 0)


class PositionEncoding(Gene):
    """Adds to every step what tells its position.

    Fields:
        kind: ``sine`` (Vaswani et al. 2017, arXiv 1706.03762, without weights) or ``learned``.
    """

    kind = Choice(["sine", "learned"])
    input_ranks = (2,)

    def build(self, x: Any) -> Any:
        """The input plus one vector per position."""
        import keras
        from keras import ops

        length, channels = x.shape[1:]
        if self.kind == "learned":
            places = ops.cumsum(ops.ones_like(x[:, :, 0], dtype="int32"), axis=1) - 1
            added = keras.layers.Embedding(length, channels)(places)
        else:
            added = ops.expand_dims(_sine_positions(length, channels), 0)
        y = ops.cast(ops.add(x, ops.cast(added, x.dtype) if self.kind == "learned" else added), x.dtype)
        return masks.with_mask(y, masks.mask_of(x))

    def output_shape(self, shape: Shape) -> Shape:
        """The shape itself."""
        if shape[0] is None:
            raise GenomeError(f"PositionEncoding needs a known length, got shape {shape}")
        return shape

    def cost(self, shape: Shape) -> Cost:
        """Parameters and FLOPs for an input of ``shape``."""
        size = _length(shape) * _channels(shape, self)
        return Cost(size if self.kind == "learned" else 0, size)


def _sine_positions(length: int, channels: int) -> np.ndarray:
    """Sines and cosines of geometrically growing periods: float32, shape (length, channels)."""
    place = np.arange(length)[:, None]
    period = np.exp(-math.log(10_000.0) * (2 * (np.arange(channels) // 2)) / max(1, channels))
    angle = place * period[None, :]
    return np.where(np.arange(channels) % 2 == 0, np.sin(angle), np.cos(angle)).astype(np.float32)


class SequenceConv(Gene):
    """Convolution over steps, normalization, activation, dropout; the length stays.

    Fields:
        filters: channels that it gives.
        kernel: steps that it sees at once.
        dilation: distance of these steps.
        normalization: ``none``, ``batch`` (over real steps only) or ``layer``.
        activation: applied after the normalization.
        dropout: share of outputs that are dropped in training.
    """

    filters = Int(1, 2048, log=True, default=64)
    kernel = Choice([1, 2, 3, 5, 7, 9, 15, 31], default=3)
    dilation = Choice([1, 2, 4, 8, 16])
    normalization = Choice(["none", "batch", "layer"], default="batch")
    activation = Choice(ACTIVATIONS, default="relu")
    dropout = Float(0.0, 0.9)
    input_ranks = (2,)

    def build(self, x: Any) -> Any:
        """Convolution, normalization, activation and dropout; padding counts as 0."""
        import keras

        mask = masks.mask_of(x)
        y = keras.layers.Conv1D(
            self.filters,
            self.kernel,
            dilation_rate=self.dilation,
            padding="same",
            use_bias=self.normalization == "none",
        )(masks.zeroed(x))
        if self.normalization == "batch":
            layer = keras.layers.BatchNormalization()
            y = layer(y) if mask is None else layer(y, mask=mask)
        elif self.normalization == "layer":
            y = keras.layers.LayerNormalization()(y)
        if self.activation != "linear":
            y = keras.layers.Activation(self.activation)(y)
        if self.dropout:
            y = keras.layers.Dropout(self.dropout)(y)
        return masks.with_mask(y, mask)

    def output_shape(self, shape: Shape) -> Shape:
        """Shape of what :meth:`build` gives, without the batch axis."""
        return (shape[0], self.filters)

    def cost(self, shape: Shape) -> Cost:
        """Parameters and FLOPs for an input of ``shape``."""
        kernel = self.kernel * _channels(shape, self) * self.filters
        extra = {"none": 1, "batch": 4, "layer": 2}[self.normalization]
        bias = self.filters if self.normalization == "none" else 0
        per_step = {"none": 0, "batch": 2, "layer": _LAYER_NORMALIZATION}[self.normalization] * self.filters
        per_step += self.filters if self.activation != "linear" else 0
        return Cost(kernel + extra * self.filters, _length(shape) * (2 * kernel + bias + per_step))

    def canonical(self) -> tuple[Gene, ...]:
        """Dilation 1 where a kernel of 1 leaves it without effect."""
        return (self.replace(dilation=1) if self.kernel == 1 and self.dilation != 1 else self,)


class SequencePool(Gene):
    """Neighbouring steps become one: the largest or the mean of what is real among them.

    Fields:
        kind: ``max`` or ``average``.
        steps: how many become one; the last group may be smaller.
    """

    kind = Choice(["max", "average"])
    steps = Choice([2, 3, 4, 8])
    input_ranks = (2,)

    def build(self, x: Any) -> Any:
        """Group the steps and pool each group over its real ones."""
        from keras import ops

        mask = masks.mask_of(x)
        length, channels = x.shape[1:]
        groups = -(-length // self.steps)
        missing = groups * self.steps - length
        real = ops.ones_like(x[:, :, 0], dtype="bool") if mask is None else mask
        x = ops.reshape(ops.pad(x, [[0, 0], [0, missing], [0, 0]]), (-1, groups, self.steps, channels))
        real = ops.reshape(ops.pad(real, [[0, 0], [0, missing]]), (-1, groups, self.steps))
        some = ops.any(real, axis=2)
        there = ops.expand_dims(real, -1)
        if self.kind == "max":
            y = ops.max(ops.where(there, x, ops.full_like(x, -60000.0)), axis=2)
            y = ops.where(ops.expand_dims(some, -1), y, ops.zeros_like(y))
        else:
            share = ops.cast(there, x.dtype)
            y = ops.sum(x * share, axis=2) / ops.maximum(ops.sum(share, axis=2), 1)
        return masks.with_mask(y, None if mask is None else some)

    def output_shape(self, shape: Shape) -> Shape:
        """Shape of what :meth:`build` gives, without the batch axis."""
        if shape[0] is None:
            raise GenomeError(f"SequencePool needs a known length, got shape {shape}")
        return (-(-shape[0] // self.steps), shape[1])

    def cost(self, shape: Shape) -> Cost:
        """Parameters and FLOPs for an input of ``shape``."""
        return Cost(0, _length(shape) * _channels(shape, self))

    def fitted(self, shape: Shape) -> Gene | None:
        """The gene itself; None on less than two steps, where nothing is left to pool."""
        return None if len(shape) != 2 or shape[0] is None or shape[0] < 2 else self


class Recurrent(Gene):
    """LSTM or GRU that gives all its steps.

    Fields:
        cell: ``lstm`` (Hochreiter & Schmidhuber 1997) or ``gru`` (Cho et al. 2014).
        units: length of the state; twice as many channels come out if it runs both ways.
        bidirectional: one runs forward, one backward; their outputs are joined.
        dropout: share of inputs that are dropped in training.
    """

    cell = Choice(["lstm", "gru"])
    units = Int(1, 1024, log=True, default=64)
    bidirectional = Boolean(default=False)
    dropout = Float(0.0, 0.9)
    input_ranks = (2,)

    def build(self, x: Any) -> Any:
        """Dropout, then the recurrent layer, over real steps."""
        import keras

        mask = masks.mask_of(x)
        kind = keras.layers.LSTM if self.cell == "lstm" else keras.layers.GRU
        if self.dropout:
            # A layer of its own: the cell's own dropout keeps it from the fast implementations.
            x = keras.layers.Dropout(self.dropout)(x)
        layer = kind(self.units, return_sequences=True)
        if self.bidirectional:
            layer = keras.layers.Bidirectional(layer)
        return masks.with_mask(layer(x) if mask is None else layer(x, mask=mask), mask)

    def output_shape(self, shape: Shape) -> Shape:
        """Shape of what :meth:`build` gives, without the batch axis."""
        return (shape[0], self.units * (2 if self.bidirectional else 1))

    def cost(self, shape: Shape) -> Cost:
        """Parameters and FLOPs for an input of ``shape``."""
        kernels = (_channels(shape, self) + self.units) * self.units
        gates, biases = (4, 1) if self.cell == "lstm" else (3, 2)
        ways = 2 if self.bidirectional else 1
        parameters = ways * gates * (kernels + biases * self.units)
        return Cost(parameters, ways * gates * _length(shape) * (2 * kernels + biases * self.units))


def _attention_cost(length: int, channels: int, heads: int, key: int) -> Cost:
    inner = heads * key
    parameters = 4 * channels * inner + 3 * inner + channels
    projections = length * (8 * channels * inner + 3 * inner + channels)
    return Cost(parameters, projections + 4 * length * length * inner)


def _attend(x: Any, heads: int, key: int, dropout: float, mask: Any) -> Any:
    """Multi-head self-attention over the steps that ``mask`` says are real; None for all."""
    import keras

    layer = keras.layers.MultiHeadAttention(heads, key, dropout=dropout)
    return layer(x, x) if mask is None else layer(x, x, attention_mask=keras.ops.expand_dims(mask, 1))


class Attention(Gene):
    """Multi-head self-attention (Vaswani et al. 2017, arXiv 1706.03762); steps that are not real are not attended to.

    Fields:
        heads: number of heads.
        key_dimension: length of each head's queries, keys and values.
        dropout: share of attention weights that are dropped in training.
    """

    heads = Choice([1, 2, 4, 8, 16], default=4)
    key_dimension = Int(4, 256, log=True, default=16)
    dropout = Float(0.0, 0.9)
    input_ranks = (2,)

    def build(self, x: Any) -> Any:
        """Self-attention over real steps."""
        mask = masks.mask_of(x)
        return masks.with_mask(_attend(x, self.heads, self.key_dimension, self.dropout, mask), mask)

    def output_shape(self, shape: Shape) -> Shape:
        """The shape itself."""
        return shape

    def cost(self, shape: Shape) -> Cost:
        """Parameters and FLOPs for an input of ``shape``."""
        return _attention_cost(_length(shape), _channels(shape, self), self.heads, self.key_dimension)


class TransformerEncoder(Gene):
    """Transformer encoder block, normalization first (Xiong et al. 2020, arXiv 2002.04745).

    ``x + attention(norm(x))``, then ``x + feed_forward(norm(x))``.

    Fields:
        heads: number of heads.
        key_dimension: length of each head's queries, keys and values.
        expansion: width of the feed-forward part, as a multiple of the input's channels.
        activation: inside the feed-forward part.
        dropout: in training, behind attention and feed-forward part.
    """

    heads = Choice([1, 2, 4, 8, 16], default=4)
    key_dimension = Int(4, 256, log=True, default=16)
    expansion = Choice([1, 2, 4], default=2)
    activation = Choice(["relu", "gelu", "swish"], default="gelu")
    dropout = Float(0.0, 0.9, default=0.1)
    input_ranks = (2,)

    def build(self, x: Any) -> Any:
        """Attention and feed-forward part, each behind a normalization and added to its input."""
        import keras

        mask = masks.mask_of(x)
        channels = x.shape[-1]
        y = keras.layers.LayerNormalization()(x)
        y = _attend(y, self.heads, self.key_dimension, 0.0, mask)
        if self.dropout:
            y = keras.layers.Dropout(self.dropout)(y)
        x = keras.layers.Add()([x, y])
        y = keras.layers.LayerNormalization()(x)
        y = keras.layers.Dense(self.expansion * channels, activation=self.activation)(y)
        y = keras.layers.Dense(channels)(y)
        if self.dropout:
            y = keras.layers.Dropout(self.dropout)(y)
        return masks.with_mask(keras.layers.Add()([x, y]), mask)

    def output_shape(self, shape: Shape) -> Shape:
        """The shape itself."""
        return shape

    def cost(self, shape: Shape) -> Cost:
        """Parameters and FLOPs for an input of ``shape``."""
        length, channels = _length(shape), _channels(shape, self)
        hidden = self.expansion * channels
        dense = Cost(2 * channels * hidden + hidden + channels, length * (4 * channels * hidden + hidden + channels))
        norms = Cost(4 * channels, 2 * _LAYER_NORMALIZATION * length * channels)
        return norms + dense + _attention_cost(length, channels, self.heads, self.key_dimension)


class SequenceReduce(Gene):
    """From a sequence to one vector, over the steps that are real.

    Fields:
        kind: ``average``, ``max``, ``both`` (side by side), ``last`` (the last real step), or
            ``attention`` (a mean with learned weights).
    """

    kind = Choice(["average", "max", "both", "last", "attention"])
    input_ranks = (2,)

    def build(self, x: Any) -> Any:
        """Reduce over the steps that are real."""
        import keras
        from keras import ops

        mask = masks.mask_of(x)
        real = ops.ones_like(x[:, :, 0], dtype="bool") if mask is None else mask
        there = ops.expand_dims(real, -1)
        share = ops.cast(there, x.dtype)
        parts = []
        if self.kind in ("average", "both"):
            parts.append(ops.sum(x * share, axis=1) / ops.maximum(ops.sum(share, axis=1), 1))
        if self.kind in ("max", "both"):
            largest = ops.max(ops.where(there, x, ops.full_like(x, -60000.0)), axis=1)
            some = ops.any(real, axis=1, keepdims=True)
            parts.append(ops.where(some, largest, ops.zeros_like(largest)))
        if self.kind == "last":
            places = ops.cumsum(ops.ones_like(real, dtype="int32"), axis=1)
            last = ops.argmax(places * ops.cast(real, "int32"), axis=1)
            parts.append(ops.squeeze(ops.take_along_axis(x, ops.reshape(last, (-1, 1, 1)), axis=1), axis=1))
        if self.kind == "attention":
            scores = keras.layers.Dense(1, dtype="float32")(x)
            scores = ops.where(there, scores, ops.full_like(scores, -1e9))
            parts.append(ops.sum(x * ops.cast(ops.softmax(scores, axis=1), x.dtype), axis=1))
        return parts[0] if len(parts) == 1 else keras.layers.Concatenate()(parts)

    def output_shape(self, shape: Shape) -> Shape:
        """One vector; twice as long for ``both``."""
        return (_channels(shape, self) * (2 if self.kind == "both" else 1),)

    def cost(self, shape: Shape) -> Cost:
        """Parameters and FLOPs for an input of ``shape``."""
        length, channels = _length(shape), _channels(shape, self)
        if self.kind == "attention":
            return Cost(channels + 1, length * (2 * channels + 1) + 2 * length * channels)
        return Cost(0, length * channels)
