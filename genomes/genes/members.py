"""Several nets in one, which share all weights but the scale of their inputs and their heads."""

from __future__ import annotations

from typing import Any

import numpy as np

from genomes.costs import Shape
from genomes.domains import Choice
from genomes.errors import GenomeError
from genomes.genes.tally import CountedGene, Tally


class Members(CountedGene):
    """One vector to one for each member: the vector times learned numbers of the member's own.

    What follows acts on every member with the same weights, and each has a head of its own
    (:mod:`genomes.targets.members`): that is "TabM-mini", an ensemble of nets for little more than the weights of one
    (Gorishniy, Kotelnikov & Babenko 2025, arXiv 2410.24210; adapters of BatchEnsemble: Wen, Tran & Ba 2020,
    arXiv 2002.06715). The time of a training grows with the members.

    Fields:
        members: how many.
    """

    members = Choice([2, 4, 8, 16, 32], default=8)
    input_ranks = (1,)

    def build(self, x: Any) -> Any:
        """(batch, features) to (batch, members, features)."""
        import keras
        from keras import ops

        # The numbers of the members, which no input decides.
        numbers = ops.zeros_like(x[:1, :1], dtype="int32") + np.arange(self.members, dtype=np.int32)
        start = keras.initializers.RandomNormal(stddev=1.0)
        scales = keras.layers.Embedding(self.members, int(x.shape[-1]), embeddings_initializer=start)(numbers)
        return ops.expand_dims(x, 1) * scales

    def count(self, tally: Tally) -> None:
        """Count the scales and their products."""
        if len(tally.shape) != 1:
            raise GenomeError(f"Members takes one vector per sample, got shape {tally.shape}")
        tally.parameters += self.members * tally.channels
        tally.shape = (self.members, tally.channels)
        tally.elementwise()

    def fitted(self, shape: Shape) -> CountedGene | None:
        """The gene itself on a vector; None on anything else."""
        return self if len(shape) == 1 else None
