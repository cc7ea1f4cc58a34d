"""What a history amounts to: counts, causes, the best so far. Shown by the display, ``evo show`` and the report."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evo.core.history import History
from evo.core.trial import Outcome, Status, Trial

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


def shown_objective(name: str) -> str:
    """``"-val_loss"`` as people say it: ``"val_loss"``."""
    return name.lstrip("-")


def shown_value(value: float, name: str) -> float:
    """A fitness, which is always maximised, as the quantity that the objective names."""
    return -value if name.startswith("-") else value


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
    message = cut(message, _CAUSE)
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
    """The completed trial with the highest first objective; ties go to the lower ``val_loss``, then the older."""
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
        value = history.fitness(trial.number)[0]
        if value > highest:
            highest = value
            found.append(Improvement(epochs, shown_value(value, name), trial.number))
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


def short_number(value: float | None) -> str:
    """``1234567`` as ``1.2M``; three digits at least are kept below 1000."""
    if value is None or not math.isfinite(value):
        return "–"
    for factor, unit in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= factor:
            scaled = value / factor
            return f"{scaled:.0f}{unit}" if scaled >= 100 else f"{scaled:.3g}{unit}"
    return f"{value:.0f}"


def short_value(value: float | None) -> str:
    """A score in four significant decimals, without exponents where they are not needed."""
    if value is None or not math.isfinite(value):
        return "–"
    return f"{value:.4f}" if 1e-3 <= abs(value) < 100 or value == 0 else f"{value:.4g}"


def short_bytes(value: float) -> str:
    """``123456`` as ``121 KB``."""
    for unit in ("B", "KB", "MB", "GB"):
        if value < 1024 or unit == "GB":
            return f"{value:.0f} {unit}" if value >= 10 or unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    raise AssertionError


def clock(minutes: float) -> str:
    """Minutes as ``m:ss`` or ``h:mm:ss``."""
    seconds = max(0, round(minutes * 60))
    hours, rest = divmod(seconds, 3600)
    return f"{hours}:{rest // 60:02d}:{rest % 60:02d}" if hours else f"{rest // 60}:{rest % 60:02d}"


def sparkline(values: Sequence[float], width: int, characters: str = "▁▂▃▄▅▆▇█") -> str:
    """Values as a row of bars, lowest to highest; at most ``width`` characters, later values win within one."""
    finite = [value for value in values if math.isfinite(value)]
    if not finite or width < 1:
        return ""
    if len(finite) > width:
        finite = [finite[(i + 1) * len(finite) // width - 1] for i in range(width)]
    low, high = min(finite), max(finite)
    top = len(characters) - 1
    return "".join(characters[top if high == low else round((v - low) / (high - low) * top)] for v in finite)


def best_over_epochs(history: History, points: int) -> list[float]:
    """Best value so far at ``points`` places equally spaced over the epochs trained; nan before the first."""
    steps, total = improvements(history), epochs_done(history)
    values = []
    for point in range(points):
        reached = [s.value for s in steps if s.epochs <= total * (point + 1) / points]
        values.append(reached[-1] if reached else math.nan)
    return values


def cut(text: str, length: int) -> str:
    """Text of at most ``length`` characters, with a mark where something is left out."""
    return text if len(text) <= length else text[: length - 1] + "…"


def plain(value: Any) -> str:
    """A setting as people read it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, Mapping):
        inner = {k: v for k, v in value.items() if v is not None and v != [] and v != {}}
        name = inner.pop("algorithm", None)
        text = ", ".join(f"{k}={plain(v)}" for k, v in inner.items())
        return f"{name}({text})" if name is not None else text or "–"
    if isinstance(value, (list, tuple)):
        return ", ".join(plain(v) for v in value) or "–"
    return "–" if value is None else str(value)
