"""What came of a tuner's search, in evo's terms."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evo.core.errors import TrialError
from evo.core.history import History
from evo.core.trial import Trial
from evo.integrations.keras_tuner.oracle import EvolutionOracle
from evo.integrations.keras_tuner.search_space import OracleSpace

if TYPE_CHECKING:
    import pandas


class TunerResult:
    """The trials of a tuner as evo sees them; a snapshot.

    The objective's value is the score ``score``; other metrics are there by their names.

    Attributes:
        space: the space as it is known now.
        history: the trials in order of their starts, those of ``start_from`` before them.
    """

    def __init__(self, oracle: EvolutionOracle) -> None:
        self.space: OracleSpace = oracle.space
        self.history: History = oracle.history(self.space)

    @property
    def trials(self) -> list[Trial]:
        """Every trial in order, also those that failed."""
        return list(self.history)

    @property
    def best(self) -> Trial:
        """The best trial.

        Raises:
            TrialError: no trial completed.
        """
        completed = self.history.completed()
        if not completed:
            raise TrialError("no trial completed: see result.trials for the causes")
        return max(completed, key=lambda trial: self.history.rank_key(trial.number))

    def to_dataframe(self) -> pandas.DataFrame:
        """One row per trial: number, origin, status, score, message, and the hyperparameters by name."""
        import pandas

        rows = []
        for trial in self.history:
            outcome = trial.outcome
            rows.append(
                {
                    "number": trial.number,
                    "origin": trial.proposal.origin,
                    "status": "running" if outcome is None else outcome.status.value,
                    "score": None if outcome is None else outcome.scores.get("score"),
                    "message": "" if outcome is None else outcome.message,
                    **self.space.values(trial.genome),
                }
            )
        return pandas.DataFrame(rows)

    def __repr__(self) -> str:
        return f"TunerResult({len(self.history)} trials, {len(self.history.completed())} completed)"
