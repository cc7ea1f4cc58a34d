"""The residual block of nets on tables."""

from __future__ import annotations

from typing import Any

from genomes.domains import Choice, Float
from genomes.genes.layers import activated, normalized
from genomes.genes.tally import CountedGene, Tally


class DenseResidual(CountedGene):
    """``x + dropout(linear(dropout(activation(linear(norm(x))))))``: the block of ResNet for tables.

    Gorishniy, Rubachev, Khrulkov & Babenko 2021, arXiv 2106.11959, section 3.2, after He et al. 2016,
    arXiv 1603.05027. The last linear layer begins at 0, so that a new block changes nothing at first (Zhang, Dauphin &
    Ma 2019, arXiv 1901.09321).

    Fields:
        expansion: width inside, as a multiple of the input's.
        normalization: ``batch`` (the paper's), ``layer`` or ``none``.
        activation: inside.
        hidden_dropout: behind the activation.
        dropout: at the end, before the addition.
    """

    expansion = Choice([1, 2, 4], default=2)
    normalization = Choice(["none", "batch", "layer"], default="batch", ordered=False)
    activation = Choice(["relu", "gelu", "swish"], default="relu", ordered=False)
    hidden_dropout = Float(0.0, 0.9, default=0.2)
    dropout = Float(0.0, 0.9, default=0.0)

    def build(self, x: Any) -> Any:
        """Normalization, two dense layers, their dropout; added to the input."""
        import keras

        channels = int(x.shape[-1])
        y = normalized(x, self.normalization)
        y = activated(keras.layers.Dense(self.expansion * channels)(y), self.activation)
        if self.hidden_dropout:
            y = keras.layers.Dropout(self.hidden_dropout)(y)
        y = keras.layers.Dense(channels, kernel_initializer="zeros")(y)
        if self.dropout:
            y = keras.layers.Dropout(self.dropout)(y)
        return keras.layers.Add()([x, y])

    def count(self, tally: Tally) -> None:
        """Count the layers of :meth:`build`."""
        channels = tally.channels
        tally.normalization(self.normalization)
        tally.dense(self.expansion * channels)
        tally.elementwise()
        tally.dense(channels)
        tally.elementwise()
