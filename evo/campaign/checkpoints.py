"""Checkpoints: populations that are stored, and weights that are dropped with them."""

from __future__ import annotations

from evo import algorithms
from evo.algorithms.phenotypes import Keys, PhenotypeFold
from evo.campaign.observers import Observers
from evo.campaign.planner import leading_outcomes
from evo.campaign.retention import kept_states
from evo.campaign.setup import CampaignSetup
from evo.core.history import History
from evo.storage import CampaignDirectory


class Checkpoints:
    """Stores the population after every ``population`` outcomes, in the order of the trials.

    A checkpoint is a function of the outcomes of the first trials alone: when it is made does not matter.

    Args:
        setup: the campaign.
        stored: its directory.
        history: its trials; grows while the session runs.
        observers: are told of each checkpoint.
    """

    def __init__(self, setup: CampaignSetup, stored: CampaignDirectory, history: History, observers: Observers) -> None:
        self._settings, self._phenotypes = setup.settings, PhenotypeFold(Keys(setup.space))
        self._stored, self._history, self._observers = stored, history, observers
        # The last one may be of a generation that was not full when an earlier budget was spent.
        self._written = set(stored.generations[:-1])
        self._visible = 0
        self._kept: set[int] = set()
        if stored.generations:
            self._look(min(stored.generations[-1] * self._settings.population, len(history)))

    def update(self, needed: set[int]) -> None:
        """Store every checkpoint that the outcomes so far allow.

        Args:
            needed: trials whose states are not dropped in any case.
        """
        known, size = leading_outcomes(self._history), self._settings.population
        for generation in range(1, known // size + 1):
            if generation not in self._written:
                self._write(generation, generation * size, needed)
                self._written.add(generation)

    def finish(self) -> None:
        """The last checkpoint, of a generation that may not be full."""
        trials, size = len(self._history), self._settings.population
        if trials % size:
            self._write(trials // size + 1, trials, set())
        else:
            # What was needed when the last one was made is needed no more.
            self._stored.prune({number for number in range(trials) if self.keeps(number)})

    def keeps(self, number: int) -> bool:
        """Whether the state of a trial is to be kept, by the last checkpoint."""
        return number >= self._visible or number in self._kept

    def lost_states(self) -> list[int]:
        """Trials whose state is to be kept, and whose file is gone or damaged, in order."""
        records = self._stored.records
        left = [trial.number for trial in self._history if not trial.pending and records[trial.number].state]
        return [number for number in left if self.keeps(number) and self._stored.state_path(number) is None]

    def _look(self, visible: int) -> tuple[History, list[int]]:
        """The first ``visible`` outcomes, and who survives by them; notes whose states are kept."""
        view = self._history.seen(visible)
        found = self._phenotypes(view).values()
        survivors = algorithms.survivors(view, self._settings.population, found=found)
        self._visible, self._kept = visible, kept_states(view, self._settings.keep_weights, survivors)
        return view, survivors

    def _write(self, generation: int, visible: int, needed: set[int]) -> None:
        view, survivors = self._look(visible)
        # Weights go first: a kill in between makes the resume come here again.
        self._stored.prune(self._kept | needed)
        self._stored.record_population(generation, survivors, view)
        self._observers.tell("on_population", generation, survivors, self._history)
