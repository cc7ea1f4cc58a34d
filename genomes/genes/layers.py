"""Genes that are layers.

Only standard Keras layers are built, so that a saved model loads in a process
without this package. Layers on images pad to "same" size.
"""

from __future__ import annotations

import math
from typing import Any

from genomes.costs import Shape
from genomes.domains import Choice, Domain, Float, Int
from genomes.errors import GenomeError
from genomes.gene import Gene
from genomes.genes.tally import CountedGene, Tally, groups_of

#: Activations by their Keras names.
ACTIVATIONS = ("linear", "relu", "gelu", "swish", "elu", "leaky_relu", "selu", "mish", "hard_swish", "tanh", "sigmoid")

#: Kinds of normalization; ``none`` for none.
NORMALIZATIONS = ("none", "batch", "layer", "group")

#: Most groups of group normalization (Wu & He 2018, arXiv 1803.08494, use 32 on wide nets).
GROUPS = 8


def activated(x: Any, name: str) -> Any:
    """The Keras tensor after an activation of that name; ``x`` itself for ``linear``."""
    import keras

    return x if name == "linear" else keras.layers.Activation(name)(x)


def normalized(x: Any, kind: str, momentum: float = 0.9) -> Any:
    """The Keras tensor after a normalization of that kind; ``x`` itself for ``none``.

    Batch normalization's moving averages follow faster than by Keras' default
    of 0.99: candidates are judged after few epochs.
    """
    import keras

    if kind == "batch":
        return keras.layers.BatchNormalization(momentum=momentum)(x)
    if kind == "layer":
        return keras.layers.LayerNormalization(epsilon=1e-6)(x)
    if kind == "group":
        return keras.layers.GroupNormalization(groups_of(int(x.shape[-1]), GROUPS))(x)
    return x


def check_strides(shape: Shape, strides: int) -> None:
    """Raise an error for strides that an axis is too short for.

    Raises:
        GenomeError: an axis is shorter than the strides.
    """
    if strides > 1 and any(length is not None and length < strides for length in shape[:-1]):
        raise GenomeError(f"strides of {strides} are too long for an input of shape {shape}")


def _with_fitting_strides(gene: Gene, shape: Shape) -> Gene:
    """The gene with strides that no axis is too short for."""
    known = [length for length in shape[:-1] if length is not None]
    most = max(1, min(known, default=gene.values["strides"]))  # type: ignore[type-var,arg-type]
    strides = gene.values["strides"]
    return gene if strides <= most else gene.replace(strides=most)  # type: ignore[operator]


def _activation(default: str = "relu") -> Domain:
    return Choice(list(ACTIVATIONS), default=default, ordered=False)


def _normalization(default: str = "none") -> Domain:
    return Choice(list(NORMALIZATIONS), default=default, ordered=False)


class Dense(CountedGene):
    """A dense layer on the last axis, then normalization, then activation.

    Fields: ``units``, ``normalization``, ``activation``.
    """

    units = Int(1, 65_536, log=True, default=64)
    normalization = _normalization()
    activation = _activation()

    def build(self, x: Any) -> Any:
        """Dense layer, normalization, activation."""
        import keras

        x = keras.layers.Dense(self.units, use_bias=self.normalization == "none")(x)
        return activated(normalized(x, self.normalization), self.activation)

    def count(self, tally: Tally) -> None:
        """Count the layers of :meth:`build`."""
        tally.dense(self.units, bias=self.normalization == "none")
        tally.normalization(self.normalization)
        tally.elementwise(int(self.activation != "linear"))


class StridedGene(CountedGene):
    """A layer on images that may have strides."""

    input_ranks = (3,)

    def fitted(self, shape: Shape) -> Gene | None:
        """The gene with strides that the image is large enough for; None if the input is no image."""
        if len(shape) != 3:
            return None
        return _with_fitting_strides(self, shape)


class ConvolutionGene(StridedGene):
    """A two-dimensional convolution, then normalization, then activation.

    Subclasses declare ``strides``, ``normalization`` and ``activation`` among their fields (in their own
    order, which is that of stored genomes) and say which convolution it is. There is a bias only where no
    normalization follows, which would take it away.
    """

    def convolution(self, bias: bool) -> Any:
        """The Keras layer, new."""
        raise TypeError(f"{type(self).__name__} defines no convolution(self, bias)")

    def count_convolution(self, tally: Tally, bias: bool) -> None:
        """Count :meth:`convolution` on ``tally``."""
        raise TypeError(f"{type(self).__name__} defines no count_convolution(self, tally, bias)")

    def build(self, x: Any) -> Any:
        """Convolution, normalization, activation."""
        x = self.convolution(bias=self.normalization == "none")(x)
        return activated(normalized(x, self.normalization), self.activation)

    def count(self, tally: Tally) -> None:
        """Count the layers of :meth:`build`."""
        check_strides(tally.shape, self.strides)
        self.count_convolution(tally, bias=self.normalization == "none")
        tally.normalization(self.normalization)
        tally.elementwise(int(self.activation != "linear"))


class Conv(ConvolutionGene):
    """An ordinary convolution.

    Fields: ``filters``, ``kernel`` (side), ``strides``, ``normalization``, ``activation``.
    """

    filters = Int(1, 65_536, log=True, default=32)
    kernel = Int(1, 31, default=3)
    strides = Int(1, 16, default=1)
    normalization = _normalization("batch")
    activation = _activation()

    def convolution(self, bias: bool) -> Any:
        """``Conv2D``."""
        import keras

        return keras.layers.Conv2D(self.filters, self.kernel, strides=self.strides, padding="same", use_bias=bias)

    def count_convolution(self, tally: Tally, bias: bool) -> None:
        """One convolution."""
        tally.convolution(self.filters, self.kernel, self.strides, bias=bias)


class SeparableConv(ConvolutionGene):
    """A depthwise and a pointwise convolution (Chollet 2017, arXiv 1610.02357).

    Fields: ``filters``, ``kernel``, ``strides``, ``normalization``, ``activation``.
    """

    filters = Int(1, 65_536, log=True, default=32)
    kernel = Int(1, 31, default=3)
    strides = Int(1, 16, default=1)
    normalization = _normalization("batch")
    activation = _activation()

    def convolution(self, bias: bool) -> Any:
        """``SeparableConv2D``; the bias is the pointwise part's."""
        import keras

        return keras.layers.SeparableConv2D(
            self.filters, self.kernel, strides=self.strides, padding="same", use_bias=bias
        )

    def count_convolution(self, tally: Tally, bias: bool) -> None:
        """A depthwise convolution without bias, then a pointwise one."""
        tally.depthwise(self.kernel, self.strides, bias=False)
        tally.convolution(self.filters, 1, bias=bias)


class DepthwiseConv(ConvolutionGene):
    """A depthwise convolution: every channel by itself.

    Fields: ``kernel``, ``strides``, ``normalization``, ``activation``.
    """

    kernel = Int(1, 31, default=3)
    strides = Int(1, 16, default=1)
    normalization = _normalization("batch")
    activation = _activation()

    def convolution(self, bias: bool) -> Any:
        """``DepthwiseConv2D``."""
        import keras

        return keras.layers.DepthwiseConv2D(self.kernel, strides=self.strides, padding="same", use_bias=bias)

    def count_convolution(self, tally: Tally, bias: bool) -> None:
        """One depthwise convolution."""
        tally.depthwise(self.kernel, self.strides, bias=bias)


class Pool(StridedGene):
    """Two-dimensional pooling.

    Fields: ``kind`` (``max`` or ``average``), ``window`` (its side), ``strides``.
    """

    kind = Choice(["max", "average"])
    window = Int(1, 16, default=2)
    strides = Int(1, 16, default=2)

    def build(self, x: Any) -> Any:
        """Pooling with "same" padding."""
        import keras

        layer = keras.layers.MaxPooling2D if self.kind == "max" else keras.layers.AveragePooling2D
        return layer(self.window, strides=self.strides, padding="same")(x)

    def count(self, tally: Tally) -> None:
        """Count the layers of :meth:`build`."""
        check_strides(tally.shape, self.strides)
        if self.canonical():
            tally.pool(self.window, self.strides)

    def fitted(self, shape: Shape) -> Gene | None:
        """As for other strides; None on an image of one point, where nothing is left to pool."""
        if len(shape) != 3 or any(length == 1 for length in shape[:-1]):
            return None
        return _with_fitting_strides(self, shape)

    def canonical(self) -> tuple[Gene, ...]:
        """Nothing, if window and strides are 1."""
        return () if self.window == 1 and self.strides == 1 else (self,)


class GlobalPool(CountedGene):
    """Pooling over all positions: from an image or a sequence to a vector.

    Fields: ``kind`` (``average`` or ``max``).
    """

    input_ranks = (2, 3)
    kind = Choice(["average", "max"])

    def build(self, x: Any) -> Any:
        """Global pooling over steps or over positions."""
        import keras

        layers = keras.layers
        if len(x.shape) == 3:
            layer = layers.GlobalAveragePooling1D if self.kind == "average" else layers.GlobalMaxPooling1D
        else:
            layer = layers.GlobalAveragePooling2D if self.kind == "average" else layers.GlobalMaxPooling2D
        return layer()(x)

    def count(self, tally: Tally) -> None:
        """Count the layers of :meth:`build`."""
        tally.global_pool()


class Flatten(CountedGene):
    """All positions and channels in one vector."""

    def build(self, x: Any) -> Any:
        """All axes but the batch in one."""
        import keras

        return x if len(x.shape) == 2 else keras.layers.Flatten()(x)

    def count(self, tally: Tally) -> None:
        """Count the layers of :meth:`build`."""
        if any(length is None for length in tally.shape):
            raise GenomeError(f"Flatten needs known lengths, got shape {tally.shape}")
        tally.shape = (math.prod(length for length in tally.shape if length is not None),)


class Normalization(CountedGene):
    """Normalization by itself.

    Fields: ``kind`` (``batch``, ``layer`` or ``group``).
    """

    kind = Choice(["batch", "layer", "group"], ordered=False)

    def build(self, x: Any) -> Any:
        """The normalization."""
        return normalized(x, self.kind)

    def count(self, tally: Tally) -> None:
        """Count the layers of :meth:`build`."""
        tally.normalization(self.kind)


class Activation(CountedGene):
    """An activation by itself.

    Fields: ``function``.
    """

    function = _activation()

    def build(self, x: Any) -> Any:
        """The activation."""
        return activated(x, self.function)

    def count(self, tally: Tally) -> None:
        """Count the layers of :meth:`build`."""
        tally.elementwise(int(self.function != "linear"))

    def canonical(self) -> tuple[Gene, ...]:
        """Nothing, if it is linear."""
        return () if self.function == "linear" else (self,)


class Dropout(CountedGene):
    """Dropout of single values (Srivastava et al. 2014).

    Fields: ``rate``.
    """

    rate = Float(0.0, 0.95, default=0.2)

    def build(self, x: Any) -> Any:
        """Dropout of single values."""
        import keras

        return x if self.rate == 0 else keras.layers.Dropout(self.rate)(x)

    def count(self, tally: Tally) -> None:
        """Nothing: dropout does not count in a forward pass."""

    def canonical(self) -> tuple[Gene, ...]:
        """Nothing, if the rate is 0."""
        return () if self.rate == 0 else (self,)


class SpatialDropout(Dropout):
    """Dropout of whole channels (Tompson et al. 2015, arXiv 1411.4280), on images and sequences.

    Fields: ``rate``.
    """

    input_ranks = (2, 3)

    def build(self, x: Any) -> Any:
        """Dropout of whole channels."""
        import keras

        if self.rate == 0:
            return x
        layer = keras.layers.SpatialDropout1D if len(x.shape) == 3 else keras.layers.SpatialDropout2D
        return layer(self.rate)(x)


class StochasticDepth(Dropout):
    """At the end of a residual's body: drops the body for whole samples (Huang et al. 2016, arXiv 1603.09382).

    It is Keras' dropout with one decision per sample, so that saved models need no code of this package.

    Fields: ``rate``.
    """

    def build(self, x: Any) -> Any:
        """Dropout with one decision per sample."""
        import keras

        if self.rate == 0:
            return x
        return keras.layers.Dropout(self.rate, noise_shape=(None, *(1 for _ in x.shape[1:])))(x)
