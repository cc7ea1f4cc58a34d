"""Histories of one completed trial per row of scores."""

from __future__ import annotations

from evo.core.history import History
from evo.core.objectives import Objectives
from evo.core.trial import Outcome, Proposal, Status, Trial
from genomes.domains import Float
from genomes.spaces.vector import VectorSpace, vector


def line() -> VectorSpace:
    return vector({"x": Float(0.0, 1.0)})


def history_of(
    scores: list[tuple[float, ...]], objectives: tuple[str, ...] = ("val_accuracy",), epochs: int = 1
) -> History:
    """One completed trial per row of scores, each of another genome."""
    space, history = line(), History((), Objectives(objectives))
    for number, row in enumerate(scores):
        history.append(Trial(number, Proposal(space.genome(x=number / 100), last_epoch=epochs)))
        named = {name.lstrip("-"): value for name, value in zip(objectives, row, strict=True)}
        history.tell(number, Outcome(Status.COMPLETED, named, epochs=epochs))
    return history
