"""Efforts: how much ``evo.fit`` spends, by name."""

from __future__ import annotations

from dataclasses import dataclass

from evo.core.budget import Budget
from evo.core.errors import SettingsError


@dataclass(frozen=True)
class Effort:
    """What a preset spends where nothing else is said.

    Attributes:
        minutes: of wall-clock time.
        epochs: full length of a training.
        members: most members of the ensemble.
    """

    minutes: float
    epochs: int
    members: int


#: The presets by name.
EFFORTS = {
    "quick": Effort(minutes=1, epochs=9, members=4),
    "good": Effort(minutes=5, epochs=27, members=8),
    "best": Effort(minutes=30, epochs=81, members=16),
}


def effort_of(name: str) -> Effort:
    """The preset of a name.

    Raises:
        SettingsError: there is none.
    """
    if not isinstance(name, str) or name not in EFFORTS:
        raise SettingsError(f"effort: expected one of {', '.join(EFFORTS)}, got {name!r}")
    return EFFORTS[name]


def budget_of(effort: Effort, minutes: float | None, trials: int | None) -> Budget:
    """The budget: what is given by itself, else the preset's minutes.

    Raises:
        SettingsError: minutes or trials that are no positive number.
    """
    if minutes is None and trials is None:
        return Budget(minutes=effort.minutes)
    return Budget(minutes=minutes, trials=trials)


def in_words(name: str, budget: Budget, epochs: int, workers: int) -> str:
    """One line that says what will be spent."""
    limits = [
        f"{value:g} {unit if value != 1 else unit[:-1]}"
        for value, unit in ((budget.minutes, "minutes"), (budget.trials, "trials"))
        if value is not None
    ]
    where = f"on {workers} worker{'s' if workers != 1 else ''}" if workers else "in this process"
    return f'effort "{name}": {" or ".join(limits)} {where}, networks trained for up to {epochs} epochs'
