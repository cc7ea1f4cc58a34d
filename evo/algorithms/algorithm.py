"""What every algorithm is: settings that make a callable from history to proposal."""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from evo.algorithms.problem import Problem
from evo.core.errors import SettingsError
from evo.core.history import History
from evo.core.trial import Proposal
from genomes.genome import Genome

#: What a campaign calls: ``None`` means that nothing can be proposed before an outcome comes in.
Step = Callable[[History, np.random.Generator], Proposal | None]

#: Metadata of a field that is left out of the JSON where it has its default: records from before the field existed
#: stay the same.
LATER = {"later": True}


@dataclass(frozen=True)
class Algorithm(abc.ABC):
    """Settings of an algorithm; :meth:`bind` makes the callable out of them.

    Args:
        initial: genomes to train first (a warm start), in this order.

    Raises:
        SettingsError: a setting that is out of its range; the message names it.
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
        It raises a ``SpaceExhaustedError`` when every phenotype has been trained.
        """

    def to_json(self) -> dict[str, Any]:
        """Name and settings as a JSON object, for the campaign's record."""
        record: dict[str, Any] = {"algorithm": type(self).__name__}
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if field.metadata == LATER and value == field.default:
                continue
            if field.name == "initial":
                value = [genome.to_json() for genome in value]
            record[field.name] = list(value) if isinstance(value, tuple) else value
        return record
