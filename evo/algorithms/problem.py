"""What an algorithm searches for."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
from deap import base

from evo.algorithms.toolbox import Operators, make_toolbox
from evo.algorithms.trust import PreferringOperators, Trust
from evo.core.checks import whole_number
from evo.core.history import History
from evo.core.objectives import Objectives
from genomes.spaces.base import Space


@dataclass(frozen=True)
class Problem:
    """What to search for.

    Args:
        space: where the genomes come from.
        epochs: full length of training, in epochs.
        objectives: what is maximised.
        toolbox: the DEAP toolbox; made from the space if not given.
        seconds: of training, over all workers, that a budget of minutes pays for; None where
            something else ends the search, which then does not look at time.

        workers: trainings that run at once, among which ``seconds`` are shared.

    Raises:
        SettingsError: epochs that are no whole number of 1 or more.
    """

    space: Space
    epochs: int = 1
    objectives: Objectives = dataclasses.field(default_factory=lambda: Objectives("val_accuracy"))
    toolbox: base.Toolbox = None  # type: ignore[assignment]
    seconds: float | None = None
    workers: int = 1
    _trust: Trust = dataclasses.field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        whole_number(self.epochs, "epochs", 1)
        object.__setattr__(self, "_trust", Trust(self.space))
        if self.toolbox is None:
            object.__setattr__(self, "toolbox", make_toolbox(self.space))

    def operators(self, history: History, rng: np.random.Generator) -> Operators:
        """The toolbox's operators for one proposal; they follow what is preferred in the space as far as it is trusted.

        Args:
            history: the trials so far.
            rng: generator of the proposal.
        """
        if not self.space.preferences:
            return Operators(self.toolbox, rng)
        return PreferringOperators(self.toolbox, rng, self.space, self._trust(history))
