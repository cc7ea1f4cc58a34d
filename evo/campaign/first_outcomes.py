"""Whose fault the first failures are: the candidates', or that of everything that they have in common.

As long as no trial of a campaign has completed, nothing shows that any can. So the first failure is compared with a
control: the space's default and smallest genomes, trained for an epoch and not recorded. If they fail for the same
cause, no candidate is to blame, and the campaign ends with that cause before its budget is spent on failures.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from evo.campaign.setup import CampaignSetup
from evo.core.errors import InfrastructureError
from evo.core.history import History
from evo.core.trial import Outcome, Status, Trial
from evo.training.task import TrialReport
from genomes.genome import Genome

#: Beginnings of messages of limits, which say nothing of what others need.
_LIMITS = ("memory:", "time:")


class FirstOutcomes:
    """Watches the outcomes of a campaign until the first one has completed.

    Args:
        setup: the campaign.
        history: its trials.
        control: trains a genome for one epoch without recording it, in place of a given trial; None where the campaign
            was stopped meanwhile.
    """

    def __init__(
        self,
        setup: CampaignSetup,
        history: History,
        control: Callable[[Genome, Trial], TrialReport | None],
    ) -> None:
        self._setup, self._control = setup, control
        self._completed = bool(history.completed())
        # Simulated and measured campaigns have failures of their own making, and no default that must work.
        self._innocent = self._completed or setup.evaluate is not None

    def accept(self, trial: Trial, report: TrialReport) -> bool:
        """Look at an outcome before it is recorded.

        Args:
            trial: the trial.
            report: what came of it.

        Returns:
            whether it is to be recorded; not, where the campaign was stopped before that could be told.

        Raises:
            SettingsError: the first trial that completed does not have what the objectives ask for.
            InfrastructureError: the trial failed for a cause that is not its own.
        """
        outcome = report.outcome
        if outcome.completed and not self._completed:
            self._setup.settings.objectives.check_outcome(outcome)
            self._completed = self._innocent = True
        if self._innocent or outcome.status is not Status.FAILED or outcome.message.startswith(_LIMITS):
            return True
        space = self._setup.space
        others = {space.key(genome): genome for genome in (space.default(), space.smallest())}
        others.pop(space.key(trial.genome), None)
        for other in others.values():
            found = self._control(other, trial)
            if found is None:
                return False
            if not _same_cause(outcome, found.outcome):
                self._innocent = True
                return True
        if not others:
            return True
        raise InfrastructureError(
            f"no trial can be done: trial {trial.number} failed, and so do the space's default and smallest genomes, "
            f"with {outcome.message}. Nothing is charged to candidates: mend the cause and run the campaign again"
        )


def _same_cause(one: Outcome, other: Outcome) -> bool:
    """Whether two failures are one: the same message but for numbers, which are sizes of the candidates."""
    return other.status is Status.FAILED and _cause(one) == _cause(other)


def _cause(outcome: Outcome) -> str:
    return re.sub(r"0x[0-9a-f]+|\d+", "#", outcome.message)
