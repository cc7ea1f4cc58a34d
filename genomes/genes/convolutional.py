"""Blocks of several convolutions, as published nets have them."""

from __future__ import annotations

from typing import Any

from genomes.costs import Shape
from genomes.domains import Boolean, Choice, Int
from genomes.genes.blocks import count_projection, projected
from genomes.genes.layers import ACTIVATIONS, NORMALIZATIONS, StridedGene, activated, check_strides, normalized
from genomes.genes.tally import CountedGene, Tally


class Bottleneck(StridedGene):
    """Pointwise down, convolution, pointwise up, added to the input (He et al. 2016, arXiv 1512.03385).

    The input is projected where the shape changes.

    Fields: ``filters`` (of the output), ``reduction`` (how much fewer inside), ``kernel``,
    ``strides``, ``normalization``, ``activation``.
    """

    filters = Int(1, 65_536, log=True, default=64)
    reduction = Int(1, 16, default=4)
    kernel = Int(1, 31, default=3)
    strides = Int(1, 16, default=1)
    normalization = Choice(list(NORMALIZATIONS), default="batch", ordered=False)
    activation = Choice(list(ACTIVATIONS), default="relu", ordered=False)

    @property
    def _inner(self) -> int:
        return max(1, int(self.filters) // int(self.reduction))

    def build(self, x: Any) -> Any:
        """Three convolutions, added to the (projected) input; then the activation."""
        import keras

        bias = self.normalization == "none"
        y = keras.layers.Conv2D(self._inner, 1, use_bias=bias)(x)
        y = activated(normalized(y, self.normalization), self.activation)
        y = keras.layers.Conv2D(self._inner, self.kernel, strides=self.strides, padding="same", use_bias=bias)(y)
        y = activated(normalized(y, self.normalization), self.activation)
        y = keras.layers.Conv2D(self.filters, 1, use_bias=bias)(y)
        y = normalized(y, self.normalization)
        shortcut = projected(x, self.filters, (self.strides, self.strides), self.normalization)
        return activated(keras.layers.Add()([shortcut, y]), self.activation)

    def count(self, tally: Tally) -> None:
        """Count the layers of :meth:`build`."""
        check_strides(tally.shape, self.strides)
        shortcut = Tally(tally.shape)
        count_projection(shortcut, self.filters, (self.strides, self.strides), self.normalization)
        bias = self.normalization == "none"
        acts = int(self.activation != "linear")
        tally.convolution(self._inner, 1, bias=bias)
        tally.normalization(self.normalization)
        tally.elementwise(acts)
        tally.convolution(self._inner, self.kernel, self.strides, bias=bias)
        tally.normalization(self.normalization)
        tally.elementwise(acts)
        tally.convolution(self.filters, 1, bias=bias)
        tally.normalization(self.normalization)
        tally.add(shortcut.cost, tally.shape)
        tally.elementwise(1 + acts)


def _squeezed(x: Any, ratio: int) -> Any:
    """Channels weighted by squeeze-and-excite."""
    import keras

    channels = int(x.shape[-1])
    weights = keras.layers.GlobalAveragePooling2D(keepdims=True)(x)
    weights = keras.layers.Conv2D(max(1, channels // ratio), 1, activation="relu")(weights)
    weights = keras.layers.Conv2D(channels, 1, activation="sigmoid")(weights)
    return keras.layers.Multiply()([x, weights])


def _count_squeezed(tally: Tally, ratio: int) -> None:
    """Count what squeeze and excitation costs."""
    weights = Tally(tally.shape)
    weights.global_pool(keep=True)
    weights.convolution(max(1, tally.channels // ratio), 1)
    weights.elementwise()
    weights.convolution(tally.channels, 1)
    weights.elementwise()
    tally.add(weights.cost, tally.shape)
    tally.elementwise()


class SqueezeExcite(CountedGene):
    """Every channel weighted by what the whole image says (Hu et al. 2018, arXiv 1709.01507).

    Fields: ``ratio`` (how much fewer channels inside).
    """

    input_ranks = (3,)
    ratio = Int(1, 64, default=4)

    def build(self, x: Any) -> Any:
        """Channels times their weights."""
        return _squeezed(x, self.ratio)

    def count(self, tally: Tally) -> None:
        """Count the layers of :meth:`build`."""
        _count_squeezed(tally, self.ratio)


class InvertedResidual(StridedGene):
    """Pointwise up, depthwise, pointwise down (Sandler et al. 2018, arXiv 1801.04381).

    The input is added where the shape stays the same.

    Fields: ``filters`` (of the output), ``expansion`` (how much more inside), ``kernel``, ``strides``,
    ``squeeze`` (squeeze-and-excite inside), ``normalization``, ``activation``.
    """

    filters = Int(1, 65_536, log=True, default=32)
    expansion = Int(1, 16, default=4)
    kernel = Int(1, 31, default=3)
    strides = Int(1, 16, default=1)
    squeeze = Boolean(default=False)
    normalization = Choice(list(NORMALIZATIONS), default="batch", ordered=False)
    activation = Choice(list(ACTIVATIONS), default="swish", ordered=False)

    def build(self, x: Any) -> Any:
        """Expansion, depthwise convolution, projection; added to the input where shapes agree."""
        import keras

        bias = self.normalization == "none"
        y = x
        if self.expansion > 1:
            y = keras.layers.Conv2D(int(x.shape[-1]) * self.expansion, 1, use_bias=bias)(y)
            y = activated(normalized(y, self.normalization), self.activation)
        y = keras.layers.DepthwiseConv2D(self.kernel, strides=self.strides, padding="same", use_bias=bias)(y)
        y = activated(normalized(y, self.normalization), self.activation)
        if self.squeeze:
            y = _squeezed(y, 4 * self.expansion)
        y = keras.layers.Conv2D(self.filters, 1, use_bias=bias)(y)
        y = normalized(y, self.normalization)
        return keras.layers.Add()([x, y]) if tuple(x.shape) == tuple(y.shape) else y

    def count(self, tally: Tally) -> None:
        """Count the layers of :meth:`build`."""
        check_strides(tally.shape, self.strides)
        before = tally.shape
        bias = self.normalization == "none"
        acts = int(self.activation != "linear")
        if self.expansion > 1:
            tally.convolution(tally.channels * self.expansion, 1, bias=bias)
            tally.normalization(self.normalization)
            tally.elementwise(acts)
        tally.depthwise(self.kernel, self.strides, bias=bias)
        tally.normalization(self.normalization)
        tally.elementwise(acts)
        if self.squeeze:
            _count_squeezed(tally, 4 * self.expansion)
        tally.convolution(self.filters, 1, bias=bias)
        tally.normalization(self.normalization)
        tally.elementwise(int(self._adds(before, tally.shape)))

    def _adds(self, before: Shape, after: Shape) -> bool:
        return before == after and self.strides == 1


class XceptionBlock(StridedGene):
    """Separable convolutions, each behind an activation, and pooling, added to the projected input.

    As in Xception (Chollet 2017, arXiv 1610.02357).

    Fields: ``filters``, ``convolutions`` (how many), ``kernel``, ``strides`` (of the pooling; 1 for
    none), ``normalization``, ``activation``.
    """

    filters = Int(1, 65_536, log=True, default=64)
    convolutions = Int(1, 8, default=2)
    kernel = Int(1, 31, default=3)
    strides = Int(1, 16, default=1)
    normalization = Choice(list(NORMALIZATIONS), default="batch", ordered=False)
    activation = Choice(list(ACTIVATIONS), default="relu", ordered=False)

    def build(self, x: Any) -> Any:
        """Separable convolutions and pooling, added to the projected input."""
        import keras

        y = x
        for _ in range(self.convolutions):
            y = activated(y, self.activation)
            y = keras.layers.SeparableConv2D(
                self.filters, self.kernel, padding="same", use_bias=self.normalization == "none"
            )(y)
            y = normalized(y, self.normalization)
        if self.strides > 1:
            y = keras.layers.MaxPooling2D(self.strides + 1, strides=self.strides, padding="same")(y)
        shortcut = projected(x, self.filters, (self.strides, self.strides), self.normalization)
        return keras.layers.Add()([shortcut, y])

    def count(self, tally: Tally) -> None:
        """Count the layers of :meth:`build`."""
        check_strides(tally.shape, self.strides)
        shortcut = Tally(tally.shape)
        count_projection(shortcut, self.filters, (self.strides, self.strides), self.normalization)
        for _ in range(self.convolutions):
            tally.elementwise(int(self.activation != "linear"))
            tally.depthwise(self.kernel, bias=False)
            tally.convolution(self.filters, 1, bias=self.normalization == "none")
            tally.normalization(self.normalization)
        if self.strides > 1:
            tally.pool(self.strides + 1, self.strides)
        tally.add(shortcut.cost, tally.shape)
        tally.elementwise()


class ConvNeXtBlock(CountedGene):
    """Wide depthwise convolution, layer normalization, two pointwise layers, added to the input.

    As in ConvNeXt (Liu et al. 2022, arXiv 2201.03545), without its layer scale. The shape stays the same.

    Fields: ``kernel``, ``expansion``, ``activation``.
    """

    input_ranks = (3,)
    kernel = Int(1, 31, default=7)
    expansion = Int(1, 16, default=4)
    activation = Choice(list(ACTIVATIONS), default="gelu", ordered=False)

    def build(self, x: Any) -> Any:
        """Depthwise convolution, normalization, two pointwise layers, added to the input."""
        import keras

        channels = int(x.shape[-1])
        y = keras.layers.DepthwiseConv2D(self.kernel, padding="same")(x)
        y = normalized(y, "layer")
        y = activated(keras.layers.Conv2D(channels * self.expansion, 1)(y), self.activation)
        y = keras.layers.Conv2D(channels, 1)(y)
        return keras.layers.Add()([x, y])

    def count(self, tally: Tally) -> None:
        """Count the layers of :meth:`build`."""
        channels = tally.channels
        tally.depthwise(self.kernel)
        tally.normalization("layer")
        tally.convolution(channels * self.expansion, 1)
        tally.elementwise(int(self.activation != "linear"))
        tally.convolution(channels, 1)
        tally.elementwise()
