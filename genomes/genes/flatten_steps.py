"""A gene that makes one vector of a sequence and keeps which step was which."""

from __future__ import annotations

from typing import Any

from genomes import masks
from genomes.costs import Cost, Shape
from genomes.domains import Int
from genomes.errors import GenomeError
from genomes.gene import Gene


class FlattenSteps(Gene):
    """From a sequence of known length to one vector: a few numbers of each step, side by side.

    The head of forecasts by patches (Nie et al. 2023): what comes next depends on where in the window a step stands,
    which means and maxima forget.

    Fields:
        channels: numbers of each step.
    """

    channels = Int(1, 64, log=True, default=8)
    input_ranks = (2,)

    def build(self, x: Any) -> Any:
        """A linear layer of every step, 0 where the step is not real, then all of them."""
        import keras

        mask = masks.mask_of(x)
        x = keras.layers.Dense(self.channels)(x)
        if mask is not None:
            x = masks.zeroed(masks.with_mask(x, mask))
        return keras.layers.Flatten()(x)

    def output_shape(self, shape: Shape) -> Shape:
        """Steps times channels."""
        if shape[0] is None:
            raise GenomeError(f"FlattenSteps needs a known number of steps, got shape {shape}")
        return (shape[0] * self.channels,)

    def cost(self, shape: Shape) -> Cost:
        """Parameters and FLOPs for an input of ``shape``."""
        length, channels = shape
        if length is None or channels is None:
            raise GenomeError(f"FlattenSteps needs a known shape, got {shape}")
        return Cost((channels + 1) * self.channels, length * self.channels * (2 * channels + 2))
