"""A dense layer in the neural tangent parametrization, with an activation that learns how bent it is."""

from __future__ import annotations

import math
from typing import Any

from genomes.domains import Boolean, Choice, Int
from genomes.genes.layers import ACTIVATIONS
from genomes.genes.rate_factors import ACTIVATION_FACTOR, BIAS_FACTOR, RATE_FACTOR, learned_vector
from genomes.genes.tally import CountedGene, Tally

#: Standard deviation of the first biases. RealMLP puts each unit's kink at a random convex combination of five rows
#: ("he+5"); of standardized sums that is a normal number of variance E[sum w^2] = 5 * 2 / (5 * 6) = 1/3.
_BIAS_DEVIATION = math.sqrt(1.0 / 3.0)


class NeuralTangentDense(CountedGene):
    """A dense layer whose weights have variance 1 and whose sums are divided by the root of the inputs' number.

    ``y = a * act(z) + (1 - a) * z`` with ``z = W x / sqrt(d) + b``: the neural tangent parametrization (Jacot, Gabriel
    & Hongler 2018, arXiv 1806.07572) as RealMLP has it, with its learning rates of biases and of the mixture ``a``,
    one per unit and 1 at first (Holzmüller, Grinsztajn & Steinwart 2024, arXiv 2407.04491, section 3). What RealMLP
    draws by the first batch (weights rescaled to sums of variance 1, biases at rows) is drawn without data here.
    Learning rates of single weights: see :mod:`genomes.genes.rate_factors`.

    Fields:
        units: width.
        activation: ``mish`` is RealMLP's for regression, ``selu`` for classification.
        parametric: whether ``a`` is learned; otherwise it is 1.
    """

    units = Int(1, 65_536, log=True, default=256)
    activation = Choice(list(ACTIVATIONS), default="mish", ordered=False)
    parametric = Boolean(default=True)

    def build(self, x: Any) -> Any:
        """Dense layer between two constant factors, activation, mixture."""
        import keras

        draw = keras.initializers
        # z = rate * (v x f + u): v learns RATE_FACTOR times as fast as the learning rate says, u rate times.
        rate = BIAS_FACTOR * RATE_FACTOR
        factor = RATE_FACTOR / (rate * math.sqrt(int(x.shape[-1])))
        z = rate * keras.layers.Dense(
            self.units,
            kernel_initializer=draw.RandomNormal(stddev=1.0 / RATE_FACTOR),
            bias_initializer=draw.RandomNormal(stddev=_BIAS_DEVIATION / rate),
        )(factor * x)
        if self.activation == "linear":
            return z
        bent = keras.layers.Activation(self.activation)(z)
        if not self.parametric:
            return bent
        return z + learned_vector(z, ACTIVATION_FACTOR * RATE_FACTOR) * (bent - z)

    def count(self, tally: Tally) -> None:
        """Count the layers of :meth:`build`."""
        tally.dense(self.units)
        if self.activation != "linear":
            tally.elementwise()
            if self.parametric:
                tally.parameters += tally.channels
                tally.elementwise(3)
