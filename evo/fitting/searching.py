"""The search behind ``evo.fit``: what is spent on which campaign, and the ensemble that comes of it."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from evo.campaign import companions
from evo.campaign.callbacks import listed
from evo.campaign.campaign import Campaign
from evo.campaign.result import Result
from evo.core.checks import whole_number
from evo.core.errors import SearchStopped, TrialError
from evo.data import Data
from evo.display.console import console as printing
from evo.display.progress import Progress
from evo.ensemble import Ensemble, EnsembleWarning
from evo.fitting.effort import budget_of, effort_of, epochs_on, in_words
from evo.workers import Serial
from genomes.spaces.base import Space
from genomes.spaces.tabular import TabularSpace

#: Share of the minutes that models beside the nets may take, before the nets' search begins.
_COMPANIONS = 1 / 3


@dataclasses.dataclass(frozen=True)
class Search:
    """How long is searched, by whom and for what; :func:`evo.fit` says what the fields are."""

    effort: str = "good"
    minutes: float | None = None
    trials: int | None = None
    objective: Any = None
    members: int | None = None
    trees: bool | str = "auto"
    linear: bool | str = "auto"
    seed: int = 0
    workers: int = 2
    verbose: bool = True
    campaign: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        whole_number(self.workers, "workers", 0)
        whole_number(self.seed, "seed", 0)
        if self.members is not None:
            whole_number(self.members, "members", 1)
        budget_of(effort_of(self.effort), self.minutes, self.trials)  # says what is wrong, before data is looked at

    def run(
        self, space: Space, data: Data, place: Path, notes: Sequence[str]
    ) -> tuple[Result, Ensemble, tuple[str, ...]]:
        """Fit what stands beside the nets, run the campaign and form the ensemble.

        Args:
            space: what is searched.
            data: what is trained and judged on.
            place: the campaign's directory.
            notes: lines that are said before it begins.

        Returns:
            What came of it, the ensemble, and all lines that were said.

        Raises:
            SettingsError: a wrong argument.
            TrialError: no candidate could be trained, and nothing stands beside the nets.
            SearchStopped: by Ctrl-C or SIGTERM; the same call goes on.
        """
        preset = effort_of(self.effort)
        budget = budget_of(preset, self.minutes, self.trials)
        campaign = dict(self.campaign)
        epochs = int(campaign.pop("epochs", epochs_on(preset, space, data.rows)))
        beside = companions.wanted(space, {"trees": self.trees, "linear": self.linear})
        share = "" if budget.minutes is None else "; first, in at most a third of the minutes"
        said = (*notes, in_words(self.effort, budget, epochs, self.workers), f"directory: {place}")
        said = (*said[:-1], *(line + share for line in companions.in_words(space, list(beside))), said[-1])
        if self.verbose:
            console = printing(highlight=False, force_jupyter=False)  # one text, in a notebook too
            for line in said:
                console.print(line, markup=False, soft_wrap=not console.is_terminal)
            console.file.flush()
        callbacks = listed(campaign.pop("callbacks", ()))
        progress = Progress() if self.verbose else None
        if progress is not None:
            callbacks.append(progress)
        if self.workers == 0:
            campaign.setdefault("executor", Serial())
        if isinstance(space, TabularSpace) and self.objective is None:
            # As RealMLP does. With an objective of the user's own it would have to be one that is logged.
            campaign.setdefault("best_epoch", True)
        search = Campaign(
            space,
            data,
            place,
            budget=budget,
            epochs=epochs,
            seed=self.seed,
            workers=max(1, self.workers),
            objectives=self.objective,
            callbacks=callbacks,
            **{"verbose": False, **campaign},
        )
        if beside:
            search.companions.plan = companions.Plan(beside, _COMPANIONS)
        try:
            result = search.run()
        finally:
            if progress is not None:
                progress.close()
        if search.stopped_by is not None:  # in place of an ensemble, whose trees may have to be grown yet
            raise SearchStopped(search.stopped_by, place)
        if not result.history.completed():
            if not result.companions:
                raise TrialError(f"no candidate could be trained: {_causes(result)}")
            said = (*said, f"no net could be trained: {_causes(result)}")
            warnings.warn(f"the model has no nets: {said[-1]}", EnsembleWarning, stacklevel=4)
        return result, result.ensemble(size=self.size, trees=self.trees, linear=self.linear), said

    @property
    def in_time(self) -> bool:
        """Whether minutes alone limit the search."""
        return budget_of(effort_of(self.effort), self.minutes, self.trials).only_minutes

    @property
    def size(self) -> int:
        """Most members of the ensemble."""
        return effort_of(self.effort).members if self.members is None else self.members


def _causes(result: Any) -> str:
    if all(trial.outcome is None for trial in result.trials):
        return f"the budget was spent before a trial ended; the same call with more goes on in {result.directory}"
    messages = [trial.outcome.message for trial in result.trials if trial.outcome is not None]
    return messages[-1] if messages and messages[-1] else f"see evo.load_result({str(result.directory)!r}).trials"
