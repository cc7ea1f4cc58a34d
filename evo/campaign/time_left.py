"""What still fits into a budget of minutes, and how the final trainings share it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from evo.algorithms.final_training import FinalTraining
from evo.algorithms.pace import Pace
from evo.core.history import History
from evo.core.trial import Proposal

#: Share of the time left that a training is planned to take: predictions err.
MARGIN = 0.9
#: Models among which the time left for final trainings is shared, at least.
_FINALISTS = 6
#: Share of the final trainings' time that the last trials of the search may take.
_OVERLAP = 0.5


#: Further seeds of each survivor under a budget of minutes: as many as fit into what is left.
_SEEDS = 1000


def final_training(size: int, in_time: bool) -> FinalTraining:
    """What proposes the final trainings.

    Args:
        size: survivors that are finished.
        in_time: whether minutes alone limit the campaign: then the best are trained with further seeds until nothing
            fits into what is left of them.
    """
    return FinalTraining(size=size, replicates=_SEEDS) if in_time else FinalTraining(size=size)


@dataclass(frozen=True)
class TimeLeft:
    """The rest of a budget of minutes, in seconds of the campaign's workers.

    Args:
        pace: how long trainings take.
        minutes: the budget.
        workers: trials that are trained at once.
        final_share: share of the minutes that is kept for the final trainings.
    """

    pace: Pace
    minutes: float
    workers: int
    final_share: float

    def searching(self, spent: float) -> bool:
        """Whether the search's share is not used up after ``spent`` minutes."""
        return spent < (1 - self.final_share) * self.minutes

    def fits(self, history: History, proposal: Proposal, spent: float) -> bool:
        """Whether a trial of the search would be back early enough for the final trainings."""
        end = (1 - self.final_share * (1 - _OVERLAP)) * self.minutes
        return self._wait(history) + self.pace.proposal(proposal) <= 60 * (end - spent)

    def ready(self, history: History) -> bool:
        """Whether a final training may be proposed: each worker has one, and one more waits."""
        return len(history.pending()) <= self.workers

    def epochs(self, history: History, proposal: Proposal, spent: float) -> int:
        """How many of its epochs a final training gets.

        The time of all workers is shared equally among those that are still to come, so that
        several are finished however slow they are; whom the time allows gets all epochs. Where a share would go mostly
        into building and compiling, fewer are finished.
        """
        wanted = math.ceil(_FINALISTS / self.workers) * self.workers
        wanted -= sum(trial.proposal.final for trial in history)
        left = 60 * (self.minutes - spent)
        wait = self._wait(history)
        share = (self.workers * left - sum(self._ahead(history))) / max(1, wanted)
        share = max(share, 2 * self.pace.fixed)
        seconds = MARGIN * min(share, left - wait)
        return min(proposal.epochs, self.pace.epochs(proposal.genome, seconds))

    def _ahead(self, history: History) -> list[float]:
        """Seconds that the pending trials still take; those that run are taken to be half done."""
        seconds = [self.pace.proposal(trial.proposal) for trial in history.pending()]
        return [s / 2 if place < self.workers else s for place, s in enumerate(seconds)]

    def _wait(self, history: History) -> float:
        """Seconds until a worker is free."""
        lanes = [0.0] * self.workers
        for seconds in self._ahead(history):
            lanes[lanes.index(min(lanes))] += seconds
        return min(lanes)
