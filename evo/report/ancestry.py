"""What every step towards a model changed, and what it gained."""

from __future__ import annotations

import math
from dataclasses import dataclass

from evo.core.history import History
from evo.core.trial import Trial
from evo.display import summary
from evo.report import plots
from genomes.changes import changes

#: Metrics of which less is better.
_LOW = ("loss", "error", "rmse", "mae", "mse")


@dataclass(frozen=True)
class Step:
    """One trial on the way to a model.

    Attributes:
        number: the trial's number.
        source: the trial that it was bred from, or whose training it continues; None for the first of a line.
        origin: how it came about.
        changed: what differs from the source, see :func:`genomes.changes.changes`; empty for a promotion.
        epochs: epochs of training after which the two are compared; its own where there is nothing to compare.
        value: its metric after so many epochs; None if it is not known.
        gained: how much better than the source after as many epochs, negative for worse; of a promotion how much better
            than where it went on from. None if it is not known.
    """

    number: int
    source: int | None
    origin: str
    changed: tuple[str, ...]
    epochs: int
    value: float | None
    gained: float | None


def steps(history: History, number: int) -> tuple[str, list[Step]]:
    """The metric that is compared, and every trial that a model came from, oldest first, itself last.

    A child that was bred from several counts as one step, from the better of them.

    Args:
        history: the trials.
        number: the model's trial.
    """
    name = plots.curve_name(history) or summary.shown_objective(history.objectives.names[0])
    sign = -1.0 if f"-{name}" in history.objectives.names or name.split("_")[-1] in _LOW else 1.0
    return name, [_step(history, trial, name, sign) for trial in summary.lineage(history, number)]


def _step(history: History, trial: Trial, name: str, sign: float) -> Step:
    proposal = trial.proposal
    own = dict(zip(*plots.curve(history, trial.number, name), strict=True))
    if proposal.continues is not None:
        value, before = own.get(trial.epochs), own.get(proposal.first_epoch)
        return Step(
            trial.number, proposal.continues, proposal.origin, (), trial.epochs, value, _gain(value, before, sign)
        )
    found = []
    for parent in proposal.parents:
        theirs = dict(zip(*plots.curve(history, parent, name), strict=True))
        common = max(set(own) & set(theirs), default=None)
        changed = tuple(changes(history[parent].genome, trial.genome))
        value = own.get(trial.epochs) if common is None else own[common]
        gained = None if common is None else _gain(own[common], theirs[common], sign)
        found.append(Step(trial.number, parent, proposal.origin, changed, common or trial.epochs, value, gained))
    # From the better parent the gain is the smaller one.
    known = [step for step in found if step.gained is not None]
    if known or found:
        return min(known, key=lambda step: step.gained or 0.0) if known else found[0]
    return Step(trial.number, None, proposal.origin, (), trial.epochs, own.get(trial.epochs), None)


def _gain(value: float | None, before: float | None, sign: float) -> float | None:
    if value is None or before is None or not (math.isfinite(value) and math.isfinite(before)):
        return None
    return sign * (value - before)
