"""Histories of a few trials, written down by hand."""

from __future__ import annotations

from typing import Any

from evo import History, Outcome, Proposal, Status, Trial
from genomes import Cost, Float, Genome
from genomes.spaces.vector import VectorSpace, vector
from tests.evo.search_parts import Keys, Objectives, Phenotype, phenotypes

#: A proposal, and what came of it if that is known.
Row = tuple[Proposal, Outcome | None]


def line(default: float = 0.5) -> VectorSpace:
    """Numbers from 0 to 1; x costs 1000x parameters and 1000x operations."""
    return vector(
        {"x": Float(0.0, 1.0, default=default)},
        cost=lambda values: Cost(round(1000 * float(values["x"])), round(1000 * float(values["x"]))),  # type: ignore[arg-type]
    )


SPACE = line()


def genome(x: float) -> Genome:
    return SPACE.genome(x=x)


def x_of(found: Genome) -> float:
    return float(SPACE.values(found)["x"])  # type: ignore[arg-type]


def waiting(x: float, last: int = 1, first: int = 0, **proposal: Any) -> Row:
    """A trial without an outcome."""
    return Proposal(genome(x), first, last, **proposal), None


def done(
    x: float,
    score: float | tuple[float, ...],
    last: int = 1,
    first: int = 0,
    *,
    seconds: dict[str, float] | None = None,
    loss: float | None = None,
    parameters: int | None = None,
    epochs: int | None = None,
    **proposal: Any,
) -> Row:
    """A trial that completed."""
    scores = {"val_accuracy": score} if isinstance(score, float) else {"a": score[0], "b": score[1]}
    outcome = Outcome(
        Status.COMPLETED,
        scores if loss is None else scores | {"val_loss": loss},
        epochs=last - first if epochs is None else epochs,
        parameters=parameters,
        seconds=seconds or {},
    )
    return Proposal(genome(x), first, last, **proposal), outcome


def failed(
    x: float, last: int = 1, first: int = 0, status: Status = Status.FAILED, epochs: int = 0, **more: Any
) -> Row:
    """A trial that did not complete."""
    return Proposal(genome(x), first, last, **more), Outcome(status, epochs=epochs)


def history_of(*rows: Row, objectives: tuple[str, ...] = ("val_accuracy",)) -> History:
    """Trials 0, 1, ... in this order."""
    trials = [Trial(number, proposal, outcome) for number, (proposal, outcome) in enumerate(rows)]
    return History(trials, Objectives(objectives))


def found_in(history: History) -> dict[str, Phenotype]:
    """The phenotypes of a history by the key of their genomes."""
    return phenotypes(history, Keys(SPACE))
