"""Screening: what is refused before a worker is asked."""

from __future__ import annotations

from evo.core.history import History
from evo.core.trial import Outcome, Status, Trial
from evo.training.limits import over_limit
from evo.training.task import TrainingSettings
from genomes.errors import GenomeError
from genomes.spaces.base import Space


class Screening:
    """Knows which phenotypes were trained, and what a model may cost.

    Args:
        space: the campaign's space.
        settings: limits on parameters and FLOPs.
        history: the trials so far.
    """

    def __init__(self, space: Space, settings: TrainingSettings, history: History) -> None:
        self._space, self._settings, self._history = space, settings, history
        self._trained: dict[str, int] = {}
        for trial in history:
            # As when it was proposed: a worker may have rejected it, and a kill may have come before its refusal.
            done = trial.outcome is not None and trial.outcome.status is not Status.REJECTED
            if done or self.refusal(trial) is None:
                self.register(trial)

    def register(self, trial: Trial) -> None:
        """From now on the phenotype of ``trial`` counts as trained."""
        if trial.proposal.continues is None:
            self._trained.setdefault(self._space.key(trial.genome), trial.number)

    def refusal(self, trial: Trial) -> Outcome | None:
        """The outcome of a proposal that is not to be trained; None if it is."""
        reason = self._reason(trial)
        if reason:
            return Outcome(Status.REJECTED, message=reason)
        return None if trial.proposal.continues is not None else self._too_large(trial)

    def _reason(self, trial: Trial) -> str:
        proposal = trial.proposal
        if proposal.epochs < 1:
            return f"asks for {proposal.epochs} epochs"
        if proposal.continues is not None:
            before = self._history[proposal.continues] if 0 <= proposal.continues < trial.number else None
            if before is None or not before.completed or before.epochs != proposal.first_epoch:
                return f"continues trial {proposal.continues}, which did not end at epoch {proposal.first_epoch}"
            return ""
        try:
            self._space.validate(proposal.genome)
            key = self._space.key(proposal.genome)
        except GenomeError as error:
            return str(error)
        known = self._trained.get(key)
        if known is not None and known != trial.number and proposal.replicate == 0:
            return f"the same phenotype as trial {known}"
        return ""

    def _too_large(self, trial: Trial) -> Outcome | None:
        if self._settings.parameters is None and self._settings.flops is None:
            return None
        try:
            cost = self._space.cost(trial.genome)
        except GenomeError:  # the build says why, with the gene's path
            return None
        parameters, flops = int(cost.parameters), int(cost.flops)
        reason = over_limit(self._settings, parameters, flops)
        return Outcome(Status.REJECTED, parameters=parameters, flops=flops, message=reason) if reason else None
