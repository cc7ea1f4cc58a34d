"""Individuals: genomes with what their training led to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from evo.core.objectives import Objectives
from evo.core.trial import in_words
from genomes.genome import Genome
from genomes.notebook import facts, table


@dataclass(frozen=True)
class Individual:
    """A genome and what its training led to.

    Attributes:
        number: the trial that trained it last.
        genome: its genome.
        scores: validation scores after its last epoch.
        epochs: epochs of training behind it, over all its trials.
        parents: numbers of the trials that it was bred from.
        parameters: number of weights of its model.
    """

    number: int
    genome: Genome
    scores: Mapping[str, float]
    epochs: int
    parents: tuple[int, ...]
    parameters: int | None
    _result: Any = field(repr=False, compare=False)

    def model(self) -> Any:
        """The trained ``keras.Model``: raw input (as ``space.prepare`` gives it) to float32 predictions.

        Raises:
            TrialError: the weights were dropped (see ``keep_weights`` of the campaign).
        """
        return self._result.model(self.number)

    def predictions(self) -> np.ndarray:
        """Predictions on the validation data, float32, shape (rows, outputs)."""
        return self._result.predictions(self.number)

    def __repr__(self) -> str:
        scores = "".join(f"{word}, " for word in in_words(self.scores))
        epochs = f"{self.epochs} epoch{'s' if self.epochs != 1 else ''}"
        return f"Individual({self.number}: {scores}{epochs}; {self.genome.summary()})"

    def _repr_html_(self) -> str:
        values: dict[str, Any] = {
            **self.scores,
            "epochs": self.epochs,
            "parents": ", ".join(map(str, self.parents)) or None,
            "parameters": self.parameters,
        }
        return facts(f"Individual of trial {self.number}", values) + self.genome._repr_html_()


class Population(list[Individual]):
    """Individuals in their order; a list that notebooks show as a table.

    Args:
        individuals: the individuals.
        objectives: what they were searched for.
    """

    def __init__(self, individuals: Iterable[Individual], objectives: Objectives) -> None:
        super().__init__(individuals)
        self._objectives = objectives

    def __repr__(self) -> str:
        lines = "".join(f"\n  {one!r}," for one in self)
        return f"Population of {len(self)}: [{lines}]"

    def _repr_html_(self) -> str:
        names = [name.lstrip("-") for name in self._objectives.names]
        rows = (
            (
                one.number,
                *(one.scores.get(name) for name in names),
                one.epochs,
                one.parameters,
                ", ".join(map(str, one.parents)) or None,
                one.genome.summary(),
            )
            for one in self
        )
        return table(
            f"Population of {len(self)}, the longest trained first, then the best",
            ("trial", *names, "epochs", "parameters", "parents", "genome"),
            rows,
        )
