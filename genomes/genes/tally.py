"""Counting layers as ``build`` adds them: shapes, parameters and FLOPs without Keras.

FLOPs follow TensorFlow's profiler where it counts (convolutions, matrix products, biases,
pooling); elementwise work counts one per element, normalization two.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from genomes.costs import Cost, Shape, elements, positions
from genomes.errors import GenomeError
from genomes.gene import Gene


def _strided(shape: Shape, strides: int | Sequence[int]) -> Shape:
    """Shape after a layer with "same" padding and these strides (one for all axes, or one per axis)."""
    axes = shape[:-1]
    steps = [strides] * len(axes) if isinstance(strides, int) else strides
    return (*(None if n is None else -(-n // s) for n, s in zip(axes, steps, strict=True)), shape[-1])


class Tally:
    """A shape on its way through layers, and what they cost; each method is one Keras layer.

    Args:
        shape: shape of the input without the batch axis.

    Attributes:
        shape: shape after the layers so far.
        parameters: weights so far.
        flops: floating-point operations so far.
    """

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        self.parameters = 0
        self.flops = 0

    @property
    def channels(self) -> int:
        """Length of the last axis.

        Raises:
            GenomeError: it is unknown.
        """
        channels = self.shape[-1] if self.shape else None
        if channels is None:
            raise GenomeError(f"the last axis must be known, got shape {self.shape}")
        return channels

    @property
    def cost(self) -> Cost:
        """Parameters and FLOPs so far."""
        return Cost(self.parameters, self.flops)

    def add(self, cost: Cost, shape: Shape) -> None:
        """Count something else that costs ``cost`` and gives ``shape``."""
        self.parameters += cost.parameters
        self.flops += cost.flops
        self.shape = shape

    def convolution(self, filters: int, kernel: int, strides: int | Sequence[int] = 1, bias: bool = True) -> None:
        """A convolution over all axes but the last, "same" padding."""
        area = kernel ** (len(self.shape) - 1) * self.channels
        after = (*_strided(self.shape, strides)[:-1], filters)
        self.parameters += area * filters + (filters if bias else 0)
        self.flops += (2 * area + (1 if bias else 0)) * elements(after)
        self.shape = after

    def depthwise(self, kernel: int, strides: int = 1, bias: bool = True) -> None:
        """A depthwise convolution over all axes but the last."""
        area = kernel ** (len(self.shape) - 1)
        channels = self.channels
        after = _strided(self.shape, strides)
        self.parameters += area * channels + (channels if bias else 0)
        self.flops += (2 * area + (1 if bias else 0)) * elements(after)
        self.shape = after

    def dense(self, units: int, bias: bool = True) -> None:
        """A dense layer on the last axis."""
        self.parameters += self.channels * units + (units if bias else 0)
        self.flops += (2 * self.channels + (1 if bias else 0)) * units * positions(self.shape)
        self.shape = (*self.shape[:-1], units)

    def pool(self, size: int, strides: int | Sequence[int]) -> None:
        """Max or average pooling, "same" padding."""
        self.shape = _strided(self.shape, strides)
        self.flops += size ** (len(self.shape) - 1) * elements(self.shape)

    def global_pool(self, keep: bool = False) -> None:
        """Global max or average pooling; with ``keep``, axes of length 1 stay."""
        self.flops += elements(self.shape)
        self.shape = (*(1 for _ in self.shape[:-1]), self.channels) if keep else (self.channels,)

    def normalization(self, kind: str) -> None:
        """``none``, ``batch``, ``layer`` or ``group`` normalization."""
        if kind != "none":
            self.parameters += (4 if kind == "batch" else 2) * self.channels
            self.flops += 2 * elements(self.shape)

    def elementwise(self, times: int = 1) -> None:
        """An activation, an addition, a product."""
        self.flops += times * elements(self.shape)


class CountedGene(Gene):
    """A gene that says what it costs by counting its layers in :meth:`count`."""

    def count(self, tally: Tally) -> None:
        """Count the layers of :meth:`build` on ``tally``.

        Raises:
            GenomeError: the shape is one that the gene cannot take.
        """
        raise TypeError(f"{type(self).__name__} defines no count(self, tally)")

    def output_shape(self, shape: Shape) -> Shape:
        """Shape after :meth:`count`."""
        tally = Tally(shape)
        self.count(tally)
        return tally.shape

    def cost(self, shape: Shape) -> Cost:
        """Parameters and FLOPs that :meth:`count` finds."""
        tally = Tally(shape)
        self.count(tally)
        return tally.cost


def groups_of(channels: int, groups: int) -> int:
    """The number of groups, at most ``groups``, that ``channels`` can be divided into."""
    return math.gcd(channels, groups)
