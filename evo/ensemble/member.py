"""A trained model as a member of an ensemble."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from evo.core.errors import EnsembleError
from evo.ensemble.arguments import as_predictions
from evo.ensemble.keras_input import keras_input, without_retracing_warnings
from genomes.genome import Genome
from genomes.notebook import table
from genomes.spaces.hypermodel.user_state import state_put_back
from genomes.targets import Target


@dataclass(eq=False)
class Member:
    """A model of an ensemble.

    Attributes:
        source: the trained model, or a callable that loads it.
        number: number of its trial; the position where there is none.
        weight: its share, 0 to 1.
        genome: its :class:`genomes.Genome`, or None.
        scores: validation scores of its trial.
        kind: ``net``, ``trees`` or ``linear``.
        parameters: number of weights of the model, or None if not known.
    """

    source: Any
    number: int
    weight: float = 0.0
    genome: Any = None
    scores: Mapping[str, float] = field(default_factory=dict)
    kind: str = "net"
    parameters: int | None = None

    def __repr__(self) -> str:
        about = self.genome.summary() if isinstance(self.genome, Genome) else self.kind
        return f"Member({self.number}: weight {self.weight:.3g}; {about})"

    @property
    def title(self) -> str:
        """What it is called: its trial, or what else it is."""
        return f"trial {self.number}" if self.kind == "net" else str(getattr(self.model(), "name", self.kind))

    def model(self) -> Any:
        """The trained model; loaded at the first call.

        Raises:
            EnsembleError: it cannot be loaded.
        """
        if not hasattr(self.source, "predict"):
            try:
                with state_put_back():
                    model = self.source()
            except Exception as error:
                raise EnsembleError(
                    f"member {self.number}: its model cannot be loaded: {type(error).__name__}: {error}"
                ) from error
            if not hasattr(model, "predict"):
                raise EnsembleError(f"member {self.number}: loading gave {type(model).__name__}, not a model")
            self.source = model
        return self.source

    def predict(self, x: Any, target: Target | str, batch_size: int = 256) -> np.ndarray:
        """Predictions, float32 (rows, outputs); probabilities for classifiers.

        Args:
            x: input as the model takes it.
            target: what is predicted, or the name of its task.
            batch_size: rows per batch of a net.

        Raises:
            EnsembleError: the model cannot be loaded, or predicts something else.
        """
        model = self.model()
        if self.kind != "net":
            outputs = model.predict(x)
        else:
            with without_retracing_warnings():
                outputs = model.predict(keras_input(x), batch_size=batch_size, verbose=0)
        return as_predictions(outputs, target, f"member {self.number}")


def members_table(title: str, members: Sequence[Member]) -> str:
    """Members as a table of HTML: weight, scores, size, genome."""
    names = list(dict.fromkeys(name for one in members for name in one.scores if name.startswith("val_")))
    rows = (
        (
            one.number,
            one.weight,
            *(one.scores.get(name) for name in names),
            one.parameters,
            one.kind if one.genome is None else one.genome.summary(),
        )
        for one in members
    )
    return table(title, ("member", "weight", *names, "parameters", "what it is"), rows)
