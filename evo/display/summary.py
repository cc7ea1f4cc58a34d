"""What a history amounts to: counts, causes, the best so far. Shown by the display, ``evo show`` and the report."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from evo.core.history import History
from evo.core.trial import Outcome, Status, Trial
from evo.display import formatting

#: Longest cause that is shown.
_CAUSE = 70


@dataclass(frozen=True)
class Improvement:
    """A trial that was better than all before it.

    Attributes:
        epochs: epochs that the campaign had trained when its outcome was in.
        value: its first objective, with the objective's own sign (a loss is shown as a loss).
        number: the trial's number.
    """

    epochs: int
    value: float
    number: int


@dataclass(frozen=True)
class Rung:
    """What was trained to one length.

    Attributes:
        epochs: epochs behind the trials at their end.
        completed: trials that completed.
        running: trials that have no outcome yet.
        bad: trials that ended otherwise.
        best: number of the best completed trial; None if there is none.
    """

    epochs: int
    completed: int
    running: int
    bad: int
    best: int | None


def shown_objective(name: str) -> str:
    """``"-val_loss"`` as people say it: ``"val_loss"``."""
    return name.lstrip("-")


def shown_value(value: float, name: str) -> float:
    """A fitness, which is always maximised, as the quantity that the objective names."""
    return -value if name.startswith("-") else value


def short_score(value: float, name: str) -> str:
    """A fitness as the quantity that its objective names, in few digits; a dash where it is not finite."""
    counted = shown_objective(name) in ("parameters", "flops")
    shorten = formatting.short_number if counted else formatting.short_value
    return shorten(shown_value(value, name))


def short_scores(history: History, number: int) -> str:
    """A trial's objectives with their values, e.g. ``"val_accuracy 0.9312, parameters 12k"``, and the constraints
    that it breaks, e.g. ``"latency 0.0071 instead of <= 0.005"``."""
    pairs = zip(history.objectives.names, history.fitness(number), strict=True)
    shown = [f"{shown_objective(name)} {short_score(value, name)}" for name, value in pairs]
    return ", ".join([*shown, *_broken(history, number)])


def _broken(history: History, number: int) -> list[str]:
    """The constraints that a completed trial breaks, each with what was measured."""
    outcome = history[number].outcome
    if outcome is None or not outcome.completed:
        return []
    found = []
    for constraint in history.objectives.constraints:
        if constraint.violation(outcome) > 0:
            value = constraint.value(outcome)
            shown = "unknown" if value is None else short_score(value, constraint.name)
            wanted = str(constraint).removeprefix(constraint.name).strip()
            found.append(f"{constraint.name} {shown} instead of {wanted}")
    return found


def kept_constraints(history: History) -> str:
    """How many completed trials keep the constraints, in a sentence; empty where there are none."""
    if not history.objectives.constraints:
        return ""
    completed = history.completed()
    kept = sum(history.feasible(trial.number) for trial in completed)
    wanted = " and ".join(map(str, history.objectives.constraints))
    if kept or not completed:
        return f"{kept} of {len(completed)} completed trials keep {wanted}."
    return f"No completed trial keeps {wanted}; the best shown is the one that breaks it least."


def cause(outcome: Outcome, exact: bool = False) -> str:
    """Why a trial did not complete, in one line.

    Args:
        outcome: an outcome that did not complete.
        exact: keep the numbers; else they become ``#``, so that what is alike counts as one.
    """
    if not outcome.message:
        return outcome.status.value
    message = outcome.message.splitlines()[0]
    if not exact:
        message = re.sub(r"\d+(\.\d+)?", "#", message)
    message = formatting.cut(message, _CAUSE)
    return message if message.startswith(outcome.status.value) else f"{outcome.status.value}: {message}"


def statuses(history: Iterable[Trial]) -> Counter[Status]:
    """How many trials ended how; pending ones are not counted."""
    return Counter(trial.outcome.status for trial in history if trial.outcome is not None)


def causes(history: Iterable[Trial]) -> Counter[str]:
    """How many trials did not complete, by cause; numbers are kept where they are the same in all."""
    alike: dict[str, list[Outcome]] = {}
    for trial in history:
        if trial.outcome is not None and not trial.outcome.completed:
            alike.setdefault(cause(trial.outcome), []).append(trial.outcome)
    found: Counter[str] = Counter()
    for name, outcomes in alike.items():
        same = all(outcome.message == outcomes[0].message for outcome in outcomes)
        found[cause(outcomes[0], exact=True) if same else name] += len(outcomes)
    return found


def epochs_done(history: Iterable[Trial]) -> int:
    """Epochs really trained so far, without what pending trials ask for."""
    return sum(trial.outcome.epochs for trial in history if trial.outcome is not None)


def best(history: History) -> Trial | None:
    """The completed trial with the highest first objective; ties go to the lower ``val_loss``, then the older.

    What keeps the constraints comes before what does not.
    """
    completed = [t for t in history.completed() if math.isfinite(history.fitness(t.number)[0])]
    return max(completed, key=lambda trial: history.rank_key(trial.number), default=None)


def improvements(history: History) -> list[Improvement]:
    """Every trial that was better than all with lower numbers, in order."""
    name = history.objectives.names[0]
    found: list[Improvement] = []
    epochs, highest = 0, -math.inf
    for trial in history:
        if trial.outcome is None:
            continue
        epochs += trial.outcome.epochs
        merit = history.merit(trial.number)[0]
        if merit > highest:
            highest = merit
            found.append(Improvement(epochs, shown_value(history.fitness(trial.number)[0], name), trial.number))
    return found


def rungs(history: History) -> list[Rung]:
    """Trials by the length that they are trained to, shortest first."""
    lengths: dict[int, list[Trial]] = {}
    for trial in history:
        lengths.setdefault(trial.proposal.last_epoch, []).append(trial)
    found = []
    for epochs, trials in sorted(lengths.items()):
        done = [trial for trial in trials if trial.completed and math.isfinite(history.fitness(trial.number)[0])]
        best = max(done, key=lambda trial: history.rank_key(trial.number), default=None)
        running = sum(trial.outcome is None for trial in trials)
        completed = sum(trial.completed for trial in trials)
        number = None if best is None else best.number
        found.append(Rung(epochs, completed, running, len(trials) - completed - running, number))
    return found


def lineage(history: History, number: int) -> list[Trial]:
    """A trial and all that it came from, oldest first: parents, and what it continued or inherited from."""
    seen: set[int] = set()
    waiting = [number]
    while waiting:
        current = waiting.pop()
        if current in seen or not 0 <= current < len(history):
            continue
        seen.add(current)
        proposal = history[current].proposal
        waiting += [*proposal.parents, *(n for n in (proposal.continues, proposal.inherits) if n is not None)]
    return [history[n] for n in sorted(seen)]


def best_over_epochs(history: History, points: int) -> list[float]:
    """Best value so far at ``points`` places equally spaced over the epochs trained; nan before the first."""
    steps, total = improvements(history), epochs_done(history)
    values = []
    for point in range(points):
        reached = [s.value for s in steps if s.epochs <= total * (point + 1) / points]
        values.append(reached[-1] if reached else math.nan)
    return values
