"""What a surrogate is told of a genome."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from genomes.genome import Genome
from genomes.spaces.base import Space


class Features:
    """``space.features``, cached by genome: float64 of shape (d,)."""

    def __init__(self, space: Space) -> None:
        self._features: Callable[[Genome], np.ndarray] = space.features
        self._known: dict[str, np.ndarray] = {}

    def __call__(self, genome: Genome) -> np.ndarray:
        if genome.key not in self._known:
            self._known[genome.key] = self._features(genome)
        return self._known[genome.key]
