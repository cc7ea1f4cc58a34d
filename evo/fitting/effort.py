"""Efforts: how much ``evo.fit`` spends, by name."""

from __future__ import annotations

from dataclasses import dataclass

from evo.core.budget import Budget
from evo.core.errors import SettingsError
from genomes.spaces.base import Space
from genomes.spaces.tabular import TabularSpace


@dataclass(frozen=True)
class Effort:
    """What a preset spends where nothing else is said.

    Attributes:
        minutes: of wall-clock time.
        epochs: full length of a training; on small tables more (:func:`epochs_on`).
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


#: Rows that a training of full length on a table passes per minute of the preset, at most: a tenth of what two
#: processors do in the minutes that trees leave.
_ROWS_PER_MINUTE = 400_000
#: Longest training on a table: RealMLP's 256 epochs (arXiv 2407.04491), as a rung of ladders of thirds.
_LONGEST = 243


def epochs_on(effort: Effort, space: Space, rows: int) -> int:
    """Full length of a training: the preset's; of a table 3, 9 or 27 times that, where rows are few enough.

    A small table's epoch has few steps: 27 of them on 500 rows are no training at all.

    Args:
        effort: the preset; minutes given in its place change nothing, as a longer budget continues a campaign.
        space: what is searched.
        rows: that are trained on.
    """
    epochs = effort.epochs
    if isinstance(space, TabularSpace):
        while 3 * epochs <= _LONGEST and 3 * epochs * rows <= _ROWS_PER_MINUTE * effort.minutes:
            epochs *= 3
    return epochs


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
