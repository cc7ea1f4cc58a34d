"""What a session needs of its campaign, as one value."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from deap import base

from evo.campaign.scoring import Scoring
from evo.campaign.session_executor import SessionExecutor
from evo.campaign.settings import CampaignSettings
from evo.core.budget import Budget
from evo.core.events import Callback
from evo.prepared_data import PreparedData
from evo.training.task import TrialReport, TrialTask
from genomes.spaces.base import Space


@dataclass(frozen=True)
class CampaignSetup:
    """A campaign as its sessions see it; made by :meth:`evo.Campaign.run`.

    Attributes:
        space: what is searched.
        data: what is trained and validated on, checked; without arrays where ``evaluate`` needs none.
        directory: the campaign's directory.
        settings: everything that decides the history, besides space, data and budget.
        budget: what may be spent, over all sessions.
        workers: trials that are trained at once.
        executor: does the trials.
        callbacks: observers.
        evaluate: does a trial instead of training it; None to train.
        toolbox: DEAP's toolbox, with what the user registered.
        stopping: set by whoever wants the session to end cleanly.
        scoring: computes what objectives ask for and trials do not log.
    """

    space: Space
    data: PreparedData
    directory: Path
    settings: CampaignSettings
    budget: Budget
    workers: int
    executor: SessionExecutor
    callbacks: tuple[Callback, ...]
    evaluate: Callable[[TrialTask], TrialReport] | None
    toolbox: base.Toolbox
    stopping: threading.Event
    scoring: Scoring

    def preprocessing(self) -> dict[str, np.ndarray]:
        """What the space learns from the training rows, by name; empty where it learns nothing, or there are none.

        With folds, of the training rows of each: ``fold0/mean``, ``fold1/mean``, ...
        """
        if not self.data.arrays:
            return {}
        found: dict[str, np.ndarray] = {}
        for number in range(self.data.folds):
            fold = self.data.fold(number)
            adapted = self.space.adapt(fold.get("x_train"), fold.get("y_train"))
            found |= {f"fold{number}/{name}": array for name, array in adapted.items()}
        if self.data.folds:
            return found
        return self.space.adapt(self.data.get("x_train"), self.data.get("y_train"))
