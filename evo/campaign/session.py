"""A session of a campaign: from opening its directory to closing it."""

from __future__ import annotations

import concurrent.futures
import copy
import dataclasses
import shutil
import time
import warnings
from collections.abc import Sequence
from concurrent.futures import Executor, Future
from typing import TYPE_CHECKING, Any

import numpy as np

from evo import algorithms
from evo.campaign.planner import Planner, Wait, leading_outcomes
from evo.campaign.retention import kept_states
from evo.campaign.time_left import TimeLeft
from evo.core.errors import RepairWarning, StorageError
from evo.core.events import CampaignInfo
from evo.core.randomness import training_seed
from evo.core.trial import Outcome, Proposal, Status, Trial
from evo.storage import CampaignDirectory
from evo.training.shipped import chosen, train_with
from evo.training.task import DataReference, TrialReport, TrialTask
from evo.workers import LocalProcesses, Serial, settle
from genomes.errors import GenomeError

if TYPE_CHECKING:
    from evo.campaign import Campaign

#: Seconds between two ticks while trials are running.
TICK = 0.5
#: How often a trial is done again whose worker died under it, before that counts as its own doing.
RETRIES = 2
#: Seconds before the end of a budget of minutes at which trainings stop, to be back in time.
RETURN = 1.5
#: Folder of the campaign's directory that holds the data for the workers while a session runs.
CACHE = "cache"


class Session:
    """One run of a campaign: proposes, submits, stores, tells."""

    def __init__(self, campaign: Campaign, stored: CampaignDirectory) -> None:
        self.campaign, self.stored = campaign, stored
        self.settings = campaign.settings
        self.executor = campaign._executor
        self.running: dict[Future[Any], tuple[Trial, TrialTask]] = {}
        self.choice: Future[dict[str, str]] | None = None
        self.asked = False
        self.retried: dict[int, int] = {}
        self.reference: DataReference | None = None
        self.keys: dict[str, int] = {}
        self.written: set[int] = set()
        self.dead_callbacks: set[int] = set()

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *error: object) -> None:
        try:
            if self.campaign._executor is None and self.executor is not None:
                self.executor.shutdown(wait=False, cancel_futures=True)
            shutil.rmtree(self.stored.path / CACHE, ignore_errors=True)
        finally:
            self.stored.close()

    # -- the loop --------------------------------------------------------------------
    def run(self) -> str:
        """Until the end; returns the reason."""
        campaign, stored, settings = self.campaign, self.stored, self.settings
        self.history = campaign.history = stored.load_history(settings.objectives)
        self.arrived = len(stored.arrivals)
        self._repair()
        self._register(self.history)
        time_left = self._time_left()
        problem = algorithms.Problem(
            campaign.space, settings.epochs, settings.objectives, self._toolbox(),
            seconds=None if time_left is None else 60 * time_left.minutes * time_left.workers,
        )  # fmt: skip
        planner = Planner(
            search=settings.algorithm.bind(problem) if hasattr(settings.algorithm, "bind") else settings.algorithm,
            finish=algorithms.FinalTraining(size=settings.population).bind(problem),
            budget=campaign.budget, seed=settings.seed, concurrency=settings.concurrency,
            final_share=settings.final_share, deterministic=settings.deterministic, time=time_left,
        )  # fmt: skip
        self._tell("on_begin", self._info(), self.history)
        self._say_repairs()
        # The last one may be of a generation that was not full when an earlier budget was spent.
        self.written = set(stored.generations[:-1])
        self._checkpoints()
        waiting = [self.history[number] for number in stored.pending]
        reason = "stopped"
        while not campaign._stop.is_set():
            if self._out_of_time():
                reason = Wait.BUDGET.value
                break
            for trial in waiting:
                self._submit(trial)
            waiting = []
            found = planner.next(self.history, stored.minutes)
            if isinstance(found, Proposal):
                self._propose(found)
                continue
            if not self.running:
                reason = found.value
                break
            self._await()
        if not self.running and reason != "stopped":
            self._finish()
        stored.note(reason=reason)
        self._tell("on_end", reason, self.history)
        return reason

    def _time_left(self) -> TimeLeft | None:
        """Where minutes alone end the campaign; elsewhere nothing is decided by the clock."""
        campaign, minutes = self.campaign, self.campaign.budget.minutes
        if minutes is None or not campaign.budget.only_minutes:
            return None
        return TimeLeft(algorithms.Pace(campaign.space), minutes, campaign.workers, self.settings.final_share)

    def _toolbox(self) -> Any:
        """The user's toolbox; with ``ensemble_share`` its ``select`` also asks what a parent adds to an ensemble."""
        campaign, share = self.campaign, self.settings.ensemble_share
        if not share:
            return campaign.toolbox
        from evo.ensemble import selection_by_ensemble

        toolbox = copy.copy(campaign.toolbox)
        targets = np.asarray(campaign._data.get("y_validation"))
        assert campaign.space.task is not None
        select = selection_by_ensemble(toolbox.select, self._predictions, targets, campaign.space.task, share)
        toolbox.register("select", select)
        return toolbox

    def _predictions(self, number: int) -> np.ndarray | None:
        return self.stored.predictions(number) if self.stored.has_predictions(number) else None

    def _out_of_time(self) -> bool:
        limit = self.campaign.budget.minutes
        return limit is not None and self.stored.minutes >= limit

    def _deadline(self) -> float | None:
        """When what runs has to be back, in Unix time."""
        budget = self.campaign.budget
        if budget.minutes is None or not budget.only_minutes:
            # Left as it is, to be gone on with: what came of it does not depend on the clock.
            return None
        return time.time() + 60 * (budget.minutes - self.stored.minutes) - RETURN

    def _propose(self, proposal: Proposal) -> None:
        """Number a proposal, store it, screen it, and hand it to a worker."""
        trial = Trial(len(self.history), proposal)
        settings = self.settings
        seen = sum(not t.pending for t in self.history) if not settings.deterministic else None
        self.stored.record_proposal(trial, seen)
        self.history.append(trial)
        refused = self._refusal(trial)
        if refused:
            self._record(trial, TrialReport(trial.number, Outcome(Status.REJECTED, message=refused)))
        else:
            self._register([trial])
            self._submit(trial)

    def _refusal(self, trial: Trial) -> str:
        """Why a proposal is not trained; empty if it is."""
        proposal, space = trial.proposal, self.campaign.space
        if proposal.epochs < 1:
            return f"asks for {proposal.epochs} epochs"
        if proposal.continues is not None:
            before = self.history[proposal.continues] if 0 <= proposal.continues < trial.number else None
            if before is None or not before.completed or before.epochs != proposal.first_epoch:
                return f"continues trial {proposal.continues}, which did not end at epoch {proposal.first_epoch}"
            return ""
        try:
            space.validate(proposal.genome)
            key = space.key(proposal.genome)
        except GenomeError as error:
            return str(error)
        known = self.keys.get(key)
        if known is not None and proposal.replicate == 0:
            return f"the same phenotype as trial {known}"
        return ""

    def _register(self, trials: Sequence[Trial]) -> None:
        for trial in trials:
            if trial.proposal.continues is None and (trial.outcome is None or trial.outcome.status != Status.REJECTED):
                self.keys.setdefault(self.campaign.space.key(trial.genome), trial.number)

    # -- workers ----------------------------------------------------------------------
    def _submit(self, trial: Trial) -> None:
        task = dataclasses.replace(self._task(trial), deadline=self._deadline())
        self.running[self._begin(task)] = (trial, task)
        self._tell("on_submit", trial, self.history)

    def _begin(self, task: TrialTask) -> Future[Any]:
        executor = self._started_executor()
        if self.campaign._evaluate is not None:
            return executor.submit(self.campaign._evaluate, task)
        return executor.submit(train_with, task, self.campaign.space.definitions)

    def _started_executor(self) -> Executor:
        if self.executor is None:
            self.executor = LocalProcesses(self.campaign.workers, self.settings.training)
        if self.reference is None:
            data = self.campaign._data
            if data.arrays and self.campaign.space.target is not None:
                data = data.encoded(self.campaign.space, self.stored.preprocessing())
            if isinstance(self.executor, Serial) or not data.arrays:
                self.reference = data.in_memory()
            else:
                # Written anew in each session: what a kill left half-written is not to be trusted.
                shutil.rmtree(self.stored.path / CACHE, ignore_errors=True)
                self.reference = data.on_disk(self.stored.path / CACHE)
        if not self.asked and self.campaign._evaluate is None:
            self.asked = True
            self.choice = self.executor.submit(chosen, self.settings.training)
        return self.executor

    def _task(self, trial: Trial) -> TrialTask:
        """The task of a trial; a state that it begins from and that is gone is trained again first."""
        proposal, stored = trial.proposal, self.stored
        self._started_executor()
        assert self.reference is not None
        start = None if proposal.continues is None else self._state(proposal.continues)
        inherit = None if proposal.inherits is None else self._state(proposal.inherits)
        preprocessing = stored.preprocessing_path()
        return TrialTask(
            number=trial.number,
            space=self.campaign.space.to_json(),
            genome=proposal.genome.to_json(),
            first_epoch=proposal.first_epoch,
            last_epoch=proposal.last_epoch,
            seed=training_seed(self.settings.seed, self.history.beginning(trial).number),
            directory=str(stored.trial_directory(trial.number).resolve()),
            data=self.reference,
            final=proposal.final,
            start=start,
            inherit=inherit,
            inherit_genome=None if proposal.inherits is None else self.history[proposal.inherits].genome.to_json(),
            preprocessing=None if preprocessing is None else str(preprocessing.resolve()),
            settings=self.settings.training,
        )

    def _state(self, number: int) -> str | None:
        """The state that a trial left; trained again, to the same bits, if it is gone; None if it never left one."""
        if self.stored.records[number].state is None:
            return None
        path = self.stored.state_path(number)
        if path is None:
            self._again(number, restore_state=True)
            path = self.stored.state_path(number)
        if path is None:
            raise StorageError(f"the state of trial {number} is gone and could not be trained again")
        return str(path.resolve())

    def _again(self, number: int, *, restore_state: bool = False, restore_predictions: bool = False) -> None:
        """Train a finished trial again and put back what was lost of it."""
        self._tell("on_message", f"trial {number}: what it left is needed again and is trained again")
        trial = self.history[number]
        task = self._task(trial)
        report = settle(self._begin(task), task)
        if not report.outcome.completed or (report.state is None and restore_state):
            raise StorageError(f"trial {number} cannot be trained again: {report.outcome.message}")
        if restore_predictions and report.predictions is not None:
            self.stored.restore_predictions(number, report.predictions)
        if restore_state and report.state is not None:
            self.stored.restore_state(number, report.state)

    def _await(self) -> None:
        """Wait for outcomes, at most a tick, and store what came."""
        waiting = set(self.running)
        if self.choice is not None:
            waiting.add(self.choice)
        wait_any = getattr(self.executor, "wait_any", None)
        if wait_any is not None:
            done = wait_any(waiting)
        else:
            done, _ = concurrent.futures.wait(waiting, TICK, concurrent.futures.FIRST_COMPLETED)
        if self.choice is not None and self.choice in done:
            self._chosen(self.choice)
            done = done - {self.choice}
            self.choice = None
        for future in sorted(done, key=lambda f: self.running[f][0].number):
            trial, task = self.running.pop(future)
            try:
                report = settle(future, task)
            except concurrent.futures.CancelledError:
                self._submit(trial)
                continue
            if report.outcome.message.startswith("worker:") and self.retried.get(trial.number, 0) < RETRIES:
                # The machine may have killed it, not the candidate: that must not change the history.
                self.retried[trial.number] = self.retried.get(trial.number, 0) + 1
                self._tell("on_message", f"trial {trial.number}: {report.outcome.message}; it is done again")
                self._submit(trial)
                continue
            self._record(trial, report)
        self._tell("on_tick", self.stored.minutes, min(len(self.running), self.campaign.workers), self.history)

    def _chosen(self, future: Future[dict[str, str]]) -> None:
        try:
            found = future.result()
        except Exception as error:  # the first trial will say the same
            self._tell("on_message", f"precision and strategy could not be asked for: {error}")
            return
        self.stored.note(**found)
        self._tell("on_message", f"precision {found['precision']}, strategy {found['strategy']}")

    def _record(self, trial: Trial, report: TrialReport) -> None:
        """Store an outcome, then let the history and the observers know."""
        arrival = None if self.settings.deterministic else self.arrived
        self.arrived += 1
        trial = self.stored.record_outcome(
            dataclasses.replace(trial, outcome=report.outcome), report.predictions, state=report.state, arrival=arrival
        )
        assert trial.outcome is not None
        self.history.tell(trial.number, trial.outcome)
        self._tell("on_outcome", trial, self.history)
        self._checkpoints()

    # -- checkpoints -------------------------------------------------------------------
    def _checkpoints(self) -> None:
        """Store the population after every so many outcomes, in order of the trials."""
        known, size = leading_outcomes(self.history), self.settings.population
        for generation in range(1, known // size + 1):
            if generation not in self.written:
                self._population(generation, generation * size)
                self.written.add(generation)

    def _population(self, generation: int, visible: int) -> None:
        """One checkpoint, from the outcomes of the first ``visible`` trials alone: when it is made does not matter."""
        view = self.history.seen(visible)
        numbers = algorithms.survivors(view, self.settings.population, self.campaign.space)
        # Weights go first: a kill in between makes the resume come here again.
        self.stored.prune(kept_states(view, self.settings.keep_weights, numbers))
        self.stored.record_population(generation, numbers, view)
        self._tell("on_population", generation, numbers, self.history)

    def _finish(self) -> None:
        """The last population, of a generation that may not be full."""
        trials, size = len(self.history), self.settings.population
        if trials % size:
            self._population(trials // size + 1, trials)

    # -- beginning ----------------------------------------------------------------------
    def _repair(self) -> None:
        """Put back what can be computed again."""
        try:
            self.stored.preprocessing_path()
        except StorageError:
            self.stored.restore_preprocessing(self.campaign._adapted())
        for number in list(self.stored.lost_predictions):
            self._again(number, restore_predictions=True)
        for number in self._lost_states():
            self._again(number, restore_state=True)

    def _lost_states(self) -> list[int]:
        """Trials whose weights the last checkpoint kept, or that came after it, and whose file is gone or damaged."""
        history, settings, stored = self.history, self.settings, self.stored
        visible = min(stored.generations[-1] * settings.population, len(history)) if stored.generations else 0
        view = history.seen(visible)
        elite = algorithms.survivors(view, settings.population, self.campaign.space)
        kept = kept_states(view, settings.keep_weights, elite)
        left = [number for number in sorted(kept) if not history[number].pending and stored.records[number].state]
        return [number for number in left if stored.state_path(number) is None]

    def _say_repairs(self) -> None:
        for message in self.stored.messages:
            # Callbacks may be none, or none that shows messages: a repair is never silent.
            warnings.warn(message, RepairWarning, stacklevel=4)
            self._tell("on_message", message)

    def _info(self) -> CampaignInfo:
        settings, campaign = self.settings, self.campaign
        return CampaignInfo(
            directory=str(campaign.directory),
            seed=settings.seed,
            budget=campaign.budget,
            objectives=settings.objectives.names,
            space=campaign.space.describe().splitlines()[0],
            workers=campaign.workers,
            precision=settings.training.precision,
            strategy=str(settings.to_json()["strategy"]),
            resumed=len(self.history.completed()),
            minutes=self.stored.minutes,
            settings=settings.to_json(),
        )

    def _tell(self, event: str, *arguments: Any) -> None:
        """Call the callbacks; one that raises is reported once and no longer called."""
        for callback in self.campaign._callbacks:
            if id(callback) in self.dead_callbacks:
                continue
            try:
                getattr(callback, event)(*arguments)
            except Exception as error:
                self.dead_callbacks.add(id(callback))
                self._tell(
                    "on_message",
                    f"callback {type(callback).__name__} failed in {event} and is no longer called: "
                    f"{type(error).__name__}: {error}",
                )
