"""A session of a campaign: from opening its directory to closing it."""

from __future__ import annotations

import copy
import dataclasses
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from evo import algorithms
from evo.campaign.checkpoints import Checkpoints
from evo.campaign.dispatch import Dispatch
from evo.campaign.first_outcomes import FirstOutcomes
from evo.campaign.observers import Observers
from evo.campaign.planner import Planner, Wait
from evo.campaign.screening import Screening
from evo.campaign.setup import CampaignSetup
from evo.campaign.time_left import TimeLeft, final_training
from evo.core.errors import RepairWarning, StorageError
from evo.core.events import CampaignInfo
from evo.core.trial import Proposal, Trial
from evo.ensemble import selection_by_ensemble
from evo.storage import CampaignDirectory
from evo.training.task import TrialReport
from evo.workers.measuring import MeasuringStopped

#: Reason of a session that ended with trials whose workers were killed from outside each time.
UNDECIDED = "undecided"


class Session:
    """One run of a campaign: proposes, submits, stores, tells; a context manager that ends its workers.

    Args:
        setup: the campaign.
        stored: its directory, open for writing.

    Attributes:
        history: the campaign's trials; grows while the session runs.

    Raises:
        StorageError: the directory's trials cannot be read.
    """

    def __init__(self, setup: CampaignSetup, stored: CampaignDirectory) -> None:
        self.history = stored.load_history(setup.settings.objectives)
        self._setup, self._stored = setup, stored
        self._arrived = len(stored.arrivals)
        self._observers = Observers(setup.callbacks)
        self._checkpoints = Checkpoints(setup, stored, self.history, self._observers)
        self._dispatch = Dispatch(setup, stored, self.history, self._observers, self._checkpoints.keeps)
        self._first = FirstOutcomes(setup, self.history, self._dispatch.control)

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *error: object) -> None:
        self._dispatch.close()

    # -- the loop --------------------------------------------------------------------
    def run(self) -> str:
        """Go on until the budget is spent, nothing is left to propose, or a stop is asked for.

        Returns:
            the reason: ``budget``, ``exhausted``, ``stopped`` or ``undecided``.

        Raises:
            StorageError: something could not be written or read, or not be trained again.
            SettingsError, InfrastructureError: no trial can be done, whatever the candidate.
        """
        stored, dispatch = self._stored, self._dispatch
        self._restore_preprocessing()
        judged = self._setup.data.judged()
        if judged is not None and judged.targets.dtype.kind in "fiub":
            stored.keep_judged(judged)
        planner = self._planner()
        self._observers.tell("on_begin", self._info(), self.history)
        self._checkpoints.update(dispatch.needed())
        lost = [*stored.lost_predictions, *self._checkpoints.lost_states()]
        self._say_repairs(stored.messages)
        dispatch.restore(lost)
        try:
            reason = self._loop(planner)
        except MeasuringStopped:
            reason = "stopped"
        if not dispatch.trials and reason not in ("stopped", UNDECIDED):
            self._checkpoints.finish()
        stored.note(reason=reason)
        self._observers.tell("on_end", reason, self.history)
        return reason

    def _loop(self, planner: Planner) -> str:
        """Submit what was pending, then propose, submit and record until there is a reason to end; returns it."""
        stored, dispatch = self._stored, self._dispatch
        screening = Screening(self._setup.space, self._setup.settings.training, self.history)
        waiting = [self.history[number] for number in stored.pending]
        while not self._setup.stopping.is_set():
            over = self._out_of_time()
            if over and not dispatch.repairing:
                return Wait.BUDGET.value
            if not over:
                for trial in waiting:
                    self._submit(trial, screening)
                waiting = []
            self._say_repairs(dispatch.repairs(), stacklevel=5)
            found = Wait.BUDGET if over else self._next(planner)
            if isinstance(found, Proposal):
                self._propose(found, screening)
                continue
            if dispatch.idle:
                return UNDECIDED if dispatch.undecided else found.value
            for trial, told in dispatch.wait():
                report = self._setup.scoring(told)
                outcome = self._setup.settings.objectives.settled(report.outcome)
                report = dataclasses.replace(report, outcome=outcome)
                if self._first.accept(trial, report):
                    self._record(trial, report)
            running = min(dispatch.running, self._setup.workers)
            self._observers.tell("on_tick", stored.minutes, running, self.history)
        return "stopped"

    def _next(self, planner: Planner) -> Proposal | Wait:
        """What the planner says, once all is there that the search reads."""
        if self._setup.settings.ensemble_share and self._stored.lost_predictions:
            return Wait.OUTCOMES
        return planner.next(self.history, self._stored.minutes)

    def _propose(self, proposal: Proposal, screening: Screening) -> None:
        """Number a proposal, store it, and submit it."""
        trial = Trial(len(self.history), proposal)
        seen = None if self._setup.settings.deterministic else sum(not t.pending for t in self.history)
        self._stored.record_proposal(trial, seen)
        self.history.append(trial)
        self._submit(trial, screening)

    def _submit(self, trial: Trial, screening: Screening) -> None:
        """Hand a trial to a worker, unless it is refused."""
        refused = screening.refusal(trial)
        if refused is not None:
            self._record(trial, TrialReport(trial.number, refused))
        else:
            screening.register(trial)
            self._dispatch.submit(trial)

    def _record(self, trial: Trial, report: TrialReport) -> None:
        """Store an outcome, then let the history and the observers know."""
        arrival = None if self._setup.settings.deterministic else self._arrived
        self._arrived += 1
        trial = self._stored.record_outcome(
            dataclasses.replace(trial, outcome=report.outcome), report.predictions, state=report.state, arrival=arrival
        )
        assert trial.outcome is not None
        self.history.tell(trial.number, trial.outcome)
        self._observers.tell("on_outcome", trial, self.history)
        self._checkpoints.update(self._dispatch.needed())

    # -- beginning -------------------------------------------------------------------
    def _planner(self) -> Planner:
        setup, settings, time_left = self._setup, self._setup.settings, self._time_left()
        problem = algorithms.Problem(
            setup.space,
            settings.epochs,
            settings.objectives,
            self._toolbox(),
            seconds=None if time_left is None else 60 * time_left.minutes * time_left.workers,
            workers=1 if time_left is None else time_left.workers,
        )
        return Planner(
            search=settings.algorithm.bind(problem) if hasattr(settings.algorithm, "bind") else settings.algorithm,
            finish=final_training(settings.population, in_time=time_left is not None).bind(problem),
            budget=setup.budget,
            seed=settings.seed,
            concurrency=settings.concurrency,
            final_share=settings.final_share,
            deterministic=settings.deterministic,
            time=time_left,
        )

    def _time_left(self) -> TimeLeft | None:
        """Where minutes alone end the campaign; elsewhere nothing is decided by the clock."""
        setup, minutes = self._setup, self._setup.budget.minutes
        if minutes is None or not setup.budget.only_minutes:
            return None
        return TimeLeft(algorithms.Pace(setup.space), minutes, setup.workers, setup.settings.final_share)

    def _out_of_time(self) -> bool:
        limit = self._setup.budget.minutes
        return limit is not None and self._stored.minutes >= limit

    def _toolbox(self) -> Any:
        """The user's toolbox; with ``ensemble_share`` its ``select`` also asks what a parent adds to an ensemble."""
        setup, share = self._setup, self._setup.settings.ensemble_share
        if not share:
            return setup.toolbox
        toolbox = copy.copy(setup.toolbox)
        targets = np.asarray(setup.data.get("y_validation"))
        assert setup.space.target is not None
        select = selection_by_ensemble(toolbox.select, self._predictions, targets, setup.space.target.unlabelled, share)
        toolbox.register("select", select)
        return toolbox

    def _predictions(self, number: int) -> np.ndarray | None:
        return self._stored.predictions(number) if self._stored.has_predictions(number) else None

    def _restore_preprocessing(self) -> None:
        """Compute again what was learnt from the data, if its file is damaged."""
        try:
            self._stored.preprocessing_path()
        except StorageError:
            self._stored.restore_preprocessing(self._setup.preprocessing())

    def _say_repairs(self, messages: Sequence[str], stacklevel: int = 4) -> None:
        """A warning points to who called :meth:`evo.Campaign.run`, ``stacklevel`` calls above."""
        for message in messages:
            # Callbacks may be none, or none that shows messages: a repair is never silent.
            warnings.warn(message, RepairWarning, stacklevel=stacklevel)
            self._observers.message(message)

    def _info(self) -> CampaignInfo:
        setup, settings = self._setup, self._setup.settings
        json = settings.to_json()
        return CampaignInfo(
            directory=str(setup.directory),
            seed=settings.seed,
            budget=setup.budget,
            objectives=settings.objectives.written,
            space=setup.space.describe().splitlines()[0],
            workers=setup.workers,
            precision=settings.training.precision,
            strategy=str(json["strategy"]),
            resumed=len(self.history.completed()),
            minutes=self._stored.minutes,
            settings=json,
        )
