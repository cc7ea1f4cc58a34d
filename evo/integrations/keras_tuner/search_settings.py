"""What KerasTuner's tuners call their settings, as settings of evo's search; what would do nothing is refused."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from evo.algorithms import Algorithm, ScreenedEvolution
from evo.core.checks import whole_number
from evo.core.errors import SettingsError

#: Settings of KerasTuner's Gaussian process, and what of ours comes nearest.
_THEIRS = {
    "alpha": "leave it out: how noisy scores are is estimated from the trials",
    "beta": "leave it out, or give algorithm=evo.algorithms.ScreenedEvolution(beta=...), which explores the more the "
    "larger it is; it is on another scale",
}


@dataclass(frozen=True)
class SearchSettings:
    """How long to search, and by which algorithm.

    Attributes:
        max_trials: most trials; None for 10 without ``max_epochs``, and for no limit with it.
        max_epochs: epochs of a full training, if training lengths are searched.
        factor: between the lengths of two rungs; None for 3.
        hyperband_iterations: multiple of the epochs that Hyperband announces; None for 1.
        num_initial_points: genomes in the initial design; None for the algorithm's.
        given: one of ``evo.algorithms``; None for the default.

    Raises:
        SettingsError: a setting that would do nothing, or not a number of its kind.
        ValueError: ``factor`` below 2, as for KerasTuner.
    """

    max_trials: int | None
    max_epochs: int | None
    factor: float | None
    hyperband_iterations: float | None
    num_initial_points: int | None
    given: Algorithm | None

    def __post_init__(self) -> None:
        if self.max_epochs is not None:
            whole_number(self.max_epochs, "max_epochs", 1)
        if self.num_initial_points is not None:
            whole_number(self.num_initial_points, "num_initial_points", 1)
            if self.given is not None:
                raise SettingsError("num_initial_points: give it to the algorithm, as ScreenedEvolution(design=...)")
        for name in ("factor", "hyperband_iterations"):
            if getattr(self, name) is not None and self.max_epochs is None:
                raise SettingsError(f"{name}: would do nothing without max_epochs=, the epochs of a full training")
        if self.factor is not None and self.factor < 2:
            raise ValueError("factor needs to be a int larger than 1.")
        if self.max_trials is None:
            return
        if self.hyperband_iterations is not None:
            raise SettingsError("hyperband_iterations: would do nothing beside max_trials; leave one of them out")
        if self.factor is not None and self.given is not None:
            raise SettingsError("factor: give it to the algorithm, as ScreenedEvolution(eta=...)")

    @property
    def trials(self) -> int | None:
        """Most trials; None for no limit."""
        return 10 if self.max_trials is None and self.max_epochs is None else self.max_trials

    @property
    def epoch_budget(self) -> float | None:
        """Epochs that end the search: as many as Hyperband announces; None for no limit."""
        if self.max_epochs is None or self.max_trials is not None:
            return None
        iterations = 1 if self.hyperband_iterations is None else self.hyperband_iterations
        return iterations * self.max_epochs * max(1.0, math.log(self.max_epochs, self.factor or 3) ** 2)

    @property
    def algorithm(self) -> Algorithm | None:
        """The algorithm; None for the default."""
        if self.given is not None or (self.factor is None and self.num_initial_points is None):
            return self.given
        eta = ScreenedEvolution.eta if self.factor is None else float(self.factor)
        return ScreenedEvolution(design=self.num_initial_points, eta=eta)


def refuse_foreign(names: Iterable[str]) -> None:
    """Refuse settings of KerasTuner's tuners that have no meaning here.

    Args:
        names: of the settings that were given.

    Raises:
        SettingsError: one of them would do nothing.
    """
    for name in names:
        if name in _THEIRS:
            raise SettingsError(
                f"{name}: belongs to KerasTuner's Gaussian process and would do nothing; {_THEIRS[name]}"
            )
