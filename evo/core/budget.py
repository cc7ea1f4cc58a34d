"""Budget: when a campaign ends."""

from __future__ import annotations

from dataclasses import dataclass

from evo.core.checks import positive_number, whole_number
from evo.core.errors import SettingsError
from evo.core.history import History


@dataclass(frozen=True)
class Budget:
    """How much a campaign may spend; it ends as soon as any of the given limits is reached.

    Args:
        epochs: epochs of training, over all trials; one that fails before its first epoch counts as one.
        trials: number of trials.
        minutes: wall-clock minutes, over all sessions of the campaign. The
            only limit that is not deterministic.

    Raises:
        SettingsError: none given, or one that is not a positive number.

    Example:
        >>> Budget(epochs=300)
        Budget(epochs=300)
    """

    epochs: int | None = None
    trials: int | None = None
    minutes: float | None = None

    def __post_init__(self) -> None:
        given = {"epochs": self.epochs, "trials": self.trials, "minutes": self.minutes}
        if all(value is None for value in given.values()):
            raise SettingsError("budget: give at least one of epochs, trials, minutes; got none")
        for name, value in given.items():
            if value is not None and name == "minutes":
                positive_number(value, f"budget: {name}")
            elif value is not None:
                whole_number(value, f"budget: {name}", 1)

    def __repr__(self) -> str:
        limits = ", ".join(f"{name}={value!r}" for name, value in self.to_json().items() if value is not None)
        return f"Budget({limits})"

    @property
    def only_minutes(self) -> bool:
        """Whether time alone ends the campaign, so that its search has to look at it."""
        return self.epochs is None and self.trials is None

    def spent(self, history: History, minutes: float = 0.0) -> float:
        """Share of the budget that is spent: 0 at the start, 1 or more when it is used up.

        Args:
            history: trials so far; pending ones count with the epochs they ask for.
            minutes: wall-clock minutes that the campaign has run.
        """
        shares = [0.0]
        if self.epochs is not None:
            shares.append(history.epochs_charged / self.epochs)
        if self.trials is not None:
            shares.append(len(history) / self.trials)
        if self.minutes is not None:
            shares.append(minutes / self.minutes)
        return max(shares)

    def to_json(self) -> dict[str, float | int | None]:
        """The limits as a JSON object."""
        return {"epochs": self.epochs, "trials": self.trials, "minutes": self.minutes}
