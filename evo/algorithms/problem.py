"""What an algorithm searches for, and what every algorithm is."""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from deap import base

from evo.algorithms.toolbox import make_toolbox
from evo.core.errors import SettingsError
from evo.core.history import History
from evo.core.objectives import Objectives
from evo.core.trial import Proposal
from genomes.genome import Genome
from genomes.spaces.base import Space

#: What a campaign calls: ``None`` means that nothing can be proposed before an outcome comes in.
Step = Callable[[History, np.random.Generator], Proposal | None]


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
    """

    space: Space
    epochs: int = 1
    objectives: Objectives = dataclasses.field(default_factory=lambda: Objectives("val_accuracy"))
    toolbox: base.Toolbox = None  # type: ignore[assignment]
    seconds: float | None = None

    def __post_init__(self) -> None:
        if isinstance(self.epochs, bool) or not isinstance(self.epochs, int) or self.epochs < 1:
            raise SettingsError(f"epochs: expected a whole number of 1 or more, got {self.epochs!r}")
        if self.toolbox is None:
            object.__setattr__(self, "toolbox", make_toolbox(self.space))


@dataclass(frozen=True)
class Algorithm(abc.ABC):
    """Settings of an algorithm; :meth:`bind` makes the callable out of them.

    Args:
        initial: genomes to train first (a warm start), in this order.
    """

    initial: tuple[Genome, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "initial", tuple(self.initial))
        for index, genome in enumerate(self.initial):
            if not isinstance(genome, Genome):
                raise SettingsError(f"initial[{index}]: expected a Genome, got {type(genome).__name__}")

    @abc.abstractmethod
    def bind(self, problem: Problem) -> Step:
        """The callable ``(history, rng) -> Proposal | None`` for a problem.

        It keeps no state between calls but caches of pure functions: the same history
        and the same generator give the same proposal, in this process and in another.
        """

    def to_json(self) -> dict[str, Any]:
        """Name and settings as a JSON object, for the campaign's record."""
        record: dict[str, Any] = {"algorithm": type(self).__name__}
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if field.name == "initial":
                value = [genome.to_json() for genome in value]
            record[field.name] = list(value) if isinstance(value, tuple) else value
        return record


def check(name: str, value: float | None, low: float, high: float = float("inf"), whole: bool = False) -> None:
    """Raise a SettingsError that names the setting unless ``low <= value <= high``."""
    kinds = (int,) if whole else (int, float)
    if isinstance(value, bool) or not isinstance(value, kinds) or not low <= value <= high:
        kind = "a whole number" if whole else "a number"
        limits = f"of {low} or more" if high == float("inf") else f"from {low} to {high}"
        raise SettingsError(f"{name}: expected {kind} {limits}, got {value!r}")
