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
#: a training that nothing speaks for yet but its reputation,
_AT_ONCE = 0.125
#: and the share that the initial design may.
_DESIGN = 0.25


class Affordability:
    """Which genomes a budget of time can pay for; it is known once something has been timed.

    Args:
        space: where genomes come from.
        epochs: full length of training.
        seconds: of training, over all workers, that there are.
        workers: among which they are shared.

    Attributes:
        timed: whether the history last seen has any timed training; until then nothing is predicted.
    """

    def __init__(self, space: Space, epochs: int, seconds: float, workers: int = 1) -> None:
        self.epochs, self.seconds, self.workers = epochs, seconds, workers
        self.pace = Pace(space)
        self.timed = False

    def fit(self, history: History) -> None:
        """Learn from the visible outcomes."""
        self.timed = self.pace.fit(history)

    def __call__(self, genomes: Sequence[Genome]) -> np.ndarray:
        """Whether a training of full length takes at most a quarter of the time: booleans, shape (genomes,)."""
        return self.pace.training(genomes, self.epochs) <= _TRAINING * self.seconds

    def at_once(self, genome: Genome) -> bool:
        """Whether a genome may be trained to the full length before anything is known of it.

        That takes at most an eighth of all time, and at most half of one worker's, so that much is left for others.
        """
        most = min(_AT_ONCE * self.seconds, self.seconds / self.workers / 2)
        return self.timed and float(self.pace.training([genome], self.epochs)[0]) <= most

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
