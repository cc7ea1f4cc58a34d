"""Genes that hold a whole published network for pictures, with the weights that it was published with or without.

They stand first, before the genes that learn what is particular to the task: transfer learning (Yosinski, Clune, Bengio
& Lipson 2014, arXiv 1411.1792). Weights that were learned on ImageNet expect its numbers: a standardized channel is
given ImageNet's mean and deviation, and then goes through the preparation of the network's own.

Which part of the network learns is a field: it is frozen at first, and a mutation thaws it. With inherited weights
(``inherit=True`` of an algorithm) the child goes on with what its frozen parent learned behind it: the two phases of
fine-tuning, of which the second is kept where it helps.
"""

from __future__ import annotations

import random
import sys
from functools import lru_cache
from typing import Any

from genomes.costs import Cost, Shape, positions
from genomes.domains import Choice
from genomes.errors import GenomeError, told
from genomes.gene import Gene

#: Mean and deviation of ImageNet's channels, red, green and blue, of numbers from 0 to 255.
IMAGENET_MEAN = (123.675, 116.28, 103.53)
IMAGENET_DEVIATION = (58.395, 57.12, 57.375)

#: Names in ``keras.applications``.
APPLICATIONS = (
    "MobileNetV2", "MobileNetV3Small", "MobileNetV3Large", "MobileNet", "EfficientNetV2B0", "EfficientNetV2B1",
    "EfficientNetV2B2", "EfficientNetV2B3", "EfficientNetV2S", "EfficientNetV2M", "EfficientNetV2L", "EfficientNetB0",
    "EfficientNetB1", "EfficientNetB2", "EfficientNetB3", "EfficientNetB4", "EfficientNetB5", "EfficientNetB6",
    "EfficientNetB7", "ConvNeXtTiny", "ConvNeXtSmall", "ConvNeXtBase", "ConvNeXtLarge", "ConvNeXtXLarge", "DenseNet121",
    "DenseNet169", "DenseNet201", "ResNet50V2", "ResNet101V2", "ResNet152V2", "ResNet50", "ResNet101", "ResNet152",
    "NASNetMobile", "NASNetLarge", "Xception", "InceptionV3", "InceptionResNetV2", "VGG16", "VGG19",
)  # fmt: skip

#: Share of the weights, from the output on, that learn where ``tuning`` is ``top``.
_TOP = 1 / 3
#: Pixels that pictures are scaled to.
SIDES = (32, 48, 64, 96, 128, 160, 192, 224, 256, 299)


class _Pretrained:
    """What the genes of this module share; a gene class is this and :class:`genomes.Gene`."""

    side: int
    tuning: str

    def network(self) -> Any:
        """The network, without the layers that tell ImageNet's classes apart."""
        raise NotImplementedError

    def prepared(self, x: Any) -> Any:
        """From standardized channels to what the network takes."""
        raise NotImplementedError

    def build(self, x: Any) -> Any:
        """Pictures scaled to the network's side, prepared as it was trained on them, and its last feature maps.

        Normalization layers stay with the statistics that they came with, frozen or not, as Keras' guide to transfer
        learning has it: those of a small batch would undo what was learned.
        """
        import keras

        channels = int(x.shape[-1])
        if channels not in (1, 3):
            raise GenomeError(f"{type(self).__name__} takes pictures of 1 or 3 channels, got {channels}")
        x = keras.layers.Resizing(self.side, self.side)(x)
        if channels == 1:
            x = keras.layers.Concatenate()([x, x, x])
        network = self.network()
        _thaw(network, self.tuning)
        return network(self.prepared(x), training=False)


class Backbone(_Pretrained, Gene):
    """One of ``keras.applications``.

    Fields:
        architecture: name in ``keras.applications``.
        weights: ``imagenet``, which Keras downloads once and keeps in its own folder, or ``none``: random ones.
        side: pixels that pictures are scaled to; a network is quicker on fewer and sees more on more.
        tuning: what learns: ``frozen`` nothing, ``top`` a third of the weights, from the output on, ``all``.
    """

    architecture = Choice(APPLICATIONS, default="MobileNetV2", ordered=False)
    weights = Choice(["none", "imagenet"], ordered=False)
    side = Choice(SIDES, default=96)  # type: ignore[assignment]
    tuning = Choice(["frozen", "top", "all"])  # type: ignore[assignment]
    input_ranks = (3,)

    @property
    def inherits_as(self) -> str:
        """Weights of one architecture mean nothing in another."""
        return f"{type(self).__name__} {self.architecture}"

    def network(self) -> Any:
        """The application, without its top."""
        return application(self.architecture, self.side, None if self.weights == "none" else self.weights)

    def prepared(self, x: Any) -> Any:
        """As ``preprocess_input`` of the application's own does it."""
        import keras

        x = _as_imagenet(x)
        return sys.modules[getattr(keras.applications, self.architecture).__module__].preprocess_input(x)

    def output_shape(self, shape: Shape) -> Shape:
        """The last feature maps."""
        return _measured(self.architecture, self.side)[0]

    def cost(self, shape: Shape) -> Cost:
        """The application's weights, and two FLOPs for each of them at every position of its layer's output."""
        return _measured(self.architecture, self.side)[1]


class HubBackbone(_Pretrained, Gene):
    """A backbone for pictures of KerasHub (``pip install keras-hub``), with its published weights.

    Subclass it to choose among other presets: names that ``keras_hub.models.Backbone.from_preset`` takes, or folders
    that ``save_to_preset`` wrote.

    Fields:
        preset: see above; KerasHub downloads it once.
        side: pixels that pictures are scaled to.
        tuning: as for :class:`Backbone`.
    """

    preset = Choice(
        ["mobilenet_v3_small_100_imagenet", "resnet_18_imagenet", "efficientnet_b0_ra_imagenet"], ordered=False
    )
    side = Choice(SIDES, default=96)  # type: ignore[assignment]
    tuning = Choice(["frozen", "top", "all"])  # type: ignore[assignment]
    input_ranks = (3,)

    @property
    def inherits_as(self) -> str:
        """Weights of one preset mean nothing in another."""
        return f"{type(self).__name__} {self.preset}"

    def network(self) -> Any:
        """The preset's backbone, with its weights."""
        return _hub().models.Backbone.from_preset(self.preset)

    def prepared(self, x: Any) -> Any:
        """By scale and offset of the preset's image converter; by ImageNet's standardization where it has none."""
        import keras

        try:
            converter = _hub().layers.ImageConverter.from_preset(self.preset)
        except FileNotFoundError:
            return x
        x = _as_imagenet(x)
        scale = 1.0 if converter.scale is None else converter.scale
        return keras.layers.Rescaling(scale, 0.0 if converter.offset is None else converter.offset)(x)


def application(name: str, side: int, weights: str | None) -> Any:
    """One of ``keras.applications`` without its top, for square pictures of three channels.

    Args:
        name: its name there.
        side: of the pictures, in pixels.
        weights: ``imagenet``, or None for random ones.

    Raises:
        GenomeError: there is none of that name, or its weights cannot be had.
    """
    import keras

    make = getattr(keras.applications, name, None)
    if not callable(make):
        raise GenomeError(f"keras.applications has no {name!r}")
    try:
        return make(include_top=False, weights=weights, input_shape=(side, side, 3))
    except Exception as error:
        what = f"{name} for pictures of {side} pixels" if weights is None else f"{name} with the weights {weights!r}"
        raise GenomeError(f"{what} cannot be had: {told(error)}") from error


@lru_cache(maxsize=256)
def _measured(name: str, side: int) -> tuple[Shape, Cost]:
    """Output shape and cost; the weights are none that were published, and are thrown away."""
    state = random.getstate()
    network = application(name, side, None)
    random.setstate(state)  # Keras draws seeds from it, and what is built around the gene must not depend on this
    own = [layer for layer in network.layers if layer.weights]
    flops = sum(2 * layer.count_params() * positions(tuple(layer.output.shape[1:])) for layer in own)
    return tuple(network.output.shape[1:]), Cost(network.count_params(), flops)


def _as_imagenet(x: Any) -> Any:
    """Standardized channels with ImageNet's mean and deviation."""
    import keras

    return keras.layers.Rescaling(list(IMAGENET_DEVIATION), list(IMAGENET_MEAN))(x)


def _thaw(network: Any, tuning: str) -> None:
    network.trainable = tuning != "frozen"  # and so is every layer in it
    if tuning != "top":
        return
    left = _TOP * sum(layer.count_params() for layer in network.layers)
    for layer in reversed(network.layers):
        layer.trainable = left > 0
        left -= layer.count_params()


def _hub() -> Any:
    try:
        import keras_hub
    except ImportError as error:
        raise GenomeError(f"HubBackbone needs another package: pip install keras-hub ({told(error)})") from None
    return keras_hub
