"""What a budget of time can pay for."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from evo.algorithms.pace import Pace, seconds_spent
from evo.algorithms.toolbox import Candidate
from evo.core.history import History
from genomes.genome import Genome
from genomes.spaces.base import Space

#: The share of the budget that one training of full length may take,
_TRAINING = 0.25
#: and the share that the initial design may.
_DESIGN = 0.25


class Affordability:
    """Which genomes a budget of time can pay for; it is known once something has been timed.

    Args:
        space: where genomes come from.
        epochs: full length of training.
        seconds: of training, over all workers, that there are.

    Attributes:
        timed: whether the history last seen has any timed training; until then nothing is predicted.
    """

    def __init__(self, space: Space, epochs: int, seconds: float) -> None:
        self.epochs, self.seconds = epochs, seconds
        self.pace = Pace(space)
        self.timed = False

    def fit(self, history: History) -> None:
        """Learn from the visible outcomes."""
        self.timed = self.pace.fit(history)

    def __call__(self, genomes: Sequence[Genome]) -> np.ndarray:
        """Whether a training of full length takes at most a quarter of the time: booleans, shape (genomes,)."""
        return self.pace.training(genomes, self.epochs) <= _TRAINING * self.seconds

    def among(self, candidates: list[Candidate]) -> list[Candidate]:
        """The affordable ones, in their order; if there are none, the quickest."""
        genomes = [candidate.genome for candidate in candidates]
        affordable = self(genomes)
        if affordable.any():
            return [candidate for candidate, can in zip(candidates, affordable, strict=True) if can]
        return [candidates[int(np.argmin(self.pace.per_epoch(genomes)))]]

    def design_ends(self, history: History) -> bool:
        """Whether the trials so far have used up the initial design's share of the time."""
        return seconds_spent(history) >= _DESIGN * self.seconds
