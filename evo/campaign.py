"""Campaign: ties algorithms, workers, storage and data together, and is the only module that does."""

from __future__ import annotations

import concurrent.futures
import contextlib
import copy
import dataclasses
import os
import shutil
import signal
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any

import numpy as np

from evo import algorithms
from evo.budget import Budget
from evo.campaign_settings import FREE, CampaignSettings, algorithm_from_json, versions
from evo.data import Data, PreparedData
from evo.errors import CampaignMismatchError, RepairWarning, SettingsError, StorageError, TrialError
from evo.events import Callback, CampaignInfo
from evo.history import History, Outcome, Proposal, Status, Trial
from evo.lookahead import Planner, Wait, leading_outcomes
from evo.objectives import Objective, Objectives
from evo.randomness import training_seed
from evo.result import Result
from evo.retention import kept_states
from evo.storage import CampaignDirectory
from evo.training.shipped import chosen, train_with
from evo.training.task import DataReference, TrainingSettings, TrialReport, TrialTask
from evo.workers import LocalProcesses, Serial, settle
from evo.workers.main_module import end_of_main
from genomes.errors import GenomeError
from genomes.genome import Genome
from genomes.space import Space

#: Seconds between two ticks while trials are running.
TICK = 0.5
#: How often a trial is done again whose worker died under it, before that counts as its own doing.
RETRIES = 2
#: Folder of the campaign's directory that holds the data for the workers while a session runs.
CACHE = "cache"


class Campaign:
    """A search over a space of genomes, in a directory that makes it resumable.

    Everything that can be checked is checked here, before anything is
    trained and without touching what is on the disk.

    Args:
        space: what is searched.
        data: what is trained and validated on; None only with ``evaluate``.
        directory: a new or empty folder, or one that holds this very campaign, which is then resumed.
        budget: what may be spent, over all sessions.
        seed: the campaign is a pure function of space, data, settings and this number.
        workers: local worker processes.
        concurrency: trials under way at once; a setting of the campaign, not of the machine: the same number
            gives the same history with any number of workers. By default twice the workers of the first session.
        algorithm: one of :mod:`evo.algorithms`, or a callable ``(history, rng) -> Proposal | None``.
            By default :class:`evo.algorithms.ScreenedEvolution`.
        objectives: see :class:`evo.objectives.Objectives`; by default the space's.
        population: size of the population, and outcomes between two checkpoints of it.
        epochs: full length of a training.
        precision: ``auto``, ``float32``, ``mixed_float16`` or ``mixed_bfloat16``.
        strategy: ``auto``, ``cpu``, ``gpu``, ``mirrored``, ``tpu``, or (with ``executor=Serial()``)
            a ``tf.distribute.Strategy``.
        deterministic: ordered look-ahead and reproducible training; False lets proposals see what
            arrives first, in an order that is recorded.
        executor: any ``concurrent.futures.Executor``; by default local processes. It is left running.
        callbacks: observers, see :class:`evo.events.Callback`.
        start_from: genomes to train first, or the directory of another campaign, whose
            population is taken.
        final_share: share of the budget kept for training the survivors to the full length.
        ensemble_share: share of the parents that are drawn by what they add to an ensemble of the best
            (NES-RE: Zaidi et al. 2021) instead of by fitness; see
            :func:`evo.ensemble.selection_by_ensemble`.
        seconds: limit per trial.
        memory: limit per worker, in bytes.
        parameters: most parameters of a model.
        flops: most FLOPs of a model, per sample.
        threads: threads per worker.
        keep_weights: how many trials' weights are kept, besides those in use.
        evaluate: does a trial instead of training: ``(TrialTask) -> TrialReport``, importable by workers.
        break_lock: take the directory's lock from whoever holds it.

    Raises:
        SettingsError: a wrong argument; the message names it, what was given and what was expected.
        DataError: data that does not fit the space.
        CampaignMismatchError: the directory holds a campaign with other settings, space or data.
        StorageError: the directory cannot be used.
    """

    def __init__(
        self,
        space: Space,
        data: Data | None,
        directory: str | os.PathLike[str],
        *,
        budget: Budget,
        seed: int = 0,
        workers: int = 2,
        concurrency: int | None = None,
        algorithm: Any = None,
        objectives: Objective | Sequence[Objective] | None = None,
        population: int = 10,
        epochs: int = 27,
        precision: str = "auto",
        strategy: Any = "auto",
        deterministic: bool = True,
        executor: Executor | None = None,
        callbacks: Sequence[Callback] = (),
        start_from: Sequence[Genome] | str | os.PathLike[str] = (),
        final_share: float = 0.25,
        ensemble_share: float = 0.0,
        seconds: float | None = None,
        memory: int | None = None,
        parameters: int | None = None,
        flops: int | None = None,
        threads: int = 1,
        keep_weights: int = 256,
        evaluate: Callable[[TrialTask], TrialReport] | None = None,
        break_lock: bool = False,
    ) -> None:
        end_of_main()
        if not isinstance(space, Space):
            raise SettingsError(f"space: expected a genomes.Space, got {type(space).__name__}")
        if not isinstance(budget, Budget):
            raise SettingsError(f"budget: expected an evo.Budget, got {budget!r}")
        if not isinstance(data, Data) and not (data is None and evaluate is not None):
            raise SettingsError(f"data: expected an evo.Data, got {type(data).__name__}")
        if isinstance(workers, bool) or not isinstance(workers, int) or workers < 1:
            raise SettingsError(f"workers: expected a whole number of 1 or more, got {workers!r}")
        if not isinstance(strategy, str) and not isinstance(executor, Serial):
            raise SettingsError("strategy: a tf.distribute.Strategy cannot travel: give executor=evo.workers.Serial()")
        self.space = space
        self.directory = Path(directory)
        self.budget = budget
        self.workers = workers if executor is None else int(getattr(executor, "workers", workers))
        self._executor = executor
        self._callbacks = [*callbacks]
        self._evaluate = evaluate
        self._break_lock = break_lock
        wanted = Objectives(objectives if objectives is not None else space.objective)
        algorithm = algorithms.ScreenedEvolution() if algorithm is None else algorithm
        known = CampaignDirectory.exists(self.directory)
        stored = _stored_settings(self.directory) if known else {}
        if concurrency is None:
            concurrency = int(stored.get("concurrency", 2 * self.workers))
        self.settings = CampaignSettings(
            seed=seed, objectives=wanted, algorithm=_started(algorithm, start_from, space), epochs=epochs,
            population=population, concurrency=concurrency, deterministic=deterministic,
            final_share=final_share, ensemble_share=ensemble_share, keep_weights=keep_weights,
            training=TrainingSettings(
                precision=precision, strategy=strategy, deterministic=deterministic, threads=threads,
                seconds=seconds, memory=memory, parameters=parameters, flops=flops,
                latency=any("latency" in name for name in wanted.names),
            ),
        )  # fmt: skip
        if ensemble_share and (data is None or space.target is None or space.task is None):
            raise SettingsError("ensemble_share: needs data, and a space that says what is predicted")
        #: DEAP's toolbox: register an operator of your own under DEAP's name before :meth:`run`.
        self.toolbox = algorithms.make_toolbox(space)
        self._data = PreparedData({}) if data is None else data.prepare(space)
        if known:
            self._check_same(self.directory)
        else:
            CampaignDirectory.check_free(self.directory)
        self.history = History((), wanted)
        self._stop = threading.Event()

    # -- before anything is trained ------------------------------------------------------
    def _check_same(self, directory: Path) -> None:
        """Raise a CampaignMismatchError if the directory holds another campaign; reads only."""
        with CampaignDirectory.open(directory, read_only=True) as stored:
            differences = stored.compare(
                self.settings.to_json(), self.space.to_json(), self._data.fingerprint, ignore=FREE
            )
        if differences:
            raise CampaignMismatchError(
                f"directory: {directory} holds another campaign. What differs:\n  " + "\n  ".join(differences)
            )

    def stop(self) -> None:
        """Ask for a clean stop: no further trial begins, what is running is left for the resume. Returns at once."""
        self._stop.set()

    # -- running ---------------------------------------------------------------------
    def run(self) -> Result:
        """Run, or go on, until the budget is spent or :meth:`stop` is called.

        In the main thread, a first Ctrl-C (or SIGTERM) stops cleanly and a second one at once.

        Returns:
            What came of it so far.

        Raises:
            DirectoryLockedError: another process works in the directory.
            StorageError: something could not be written or read; what was stored is unharmed.
            KeyboardInterrupt: at the second Ctrl-C.
        """
        self._stop.clear()
        with _Session(self, self._open()) as session, self._interrupts():
            reason = session.run()
        return Result(
            self.directory, self.space, self.history, reason, seed=self.settings.seed,
            population=self.settings.population, keep_weights=self.settings.keep_weights,
            fingerprint=self._data.fingerprint, data=self._data,
        )  # fmt: skip

    def _open(self) -> CampaignDirectory:
        note = {"budget": self.budget.to_json(), "workers": self.workers}
        if CampaignDirectory.exists(self.directory):
            self._check_same(self.directory)
            return CampaignDirectory.open(self.directory, break_lock=self._break_lock, session=note)
        return CampaignDirectory.create(
            self.directory, settings=self.settings.to_json(), space=self.space.to_json(),
            data_fingerprint=self._data.fingerprint, preprocessing=self._adapted(), versions=versions(),
            session=note, break_lock=self._break_lock,
        )  # fmt: skip

    def _adapted(self) -> dict[str, Any]:
        return self.space.adapt(self._data.get("x_train"), self._data.get("y_train"))

    @contextlib.contextmanager
    def _interrupts(self) -> Iterator[None]:
        """Ctrl-C and SIGTERM stop cleanly, unless the program has handlers of its own."""
        own: dict[int, Any] = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}
        replaced: dict[int, Any] = {}

        def handle(number: int, frame: Any) -> None:
            if self._stop.is_set():
                raise KeyboardInterrupt
            self.stop()

        if threading.current_thread() is threading.main_thread():
            for number, default in own.items():
                if signal.getsignal(number) is default:
                    replaced[number] = signal.signal(number, handle)
        try:
            yield
        finally:
            for code, before in replaced.items():
                signal.signal(code, before)

    def __repr__(self) -> str:
        return f"Campaign({self.directory}, seed={self.settings.seed}, {self.budget})"


class _Session:
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

    def __enter__(self) -> _Session:
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
        problem = algorithms.Problem(campaign.space, settings.epochs, settings.objectives, self._toolbox())
        planner = Planner(
            search=settings.algorithm.bind(problem) if hasattr(settings.algorithm, "bind") else settings.algorithm,
            finish=algorithms.FinalTraining(size=settings.population).bind(problem),
            budget=campaign.budget, seed=settings.seed, concurrency=settings.concurrency,
            final_share=settings.final_share, deterministic=settings.deterministic,
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
        task = self._task(trial)
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
        root = trial
        while root.proposal.continues is not None:
            root = self.history[root.proposal.continues]
        start = None if proposal.continues is None else self._state(proposal.continues)
        inherit = None if proposal.inherits is None else self._state(proposal.inherits)
        preprocessing = stored.preprocessing_path()
        return TrialTask(
            number=trial.number,
            space=self.campaign.space.to_json(),
            genome=proposal.genome.to_json(),
            first_epoch=proposal.first_epoch,
            last_epoch=proposal.last_epoch,
            seed=training_seed(self.settings.seed, root.number),
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


def resume(
    directory: str | os.PathLike[str],
    data: Data | None,
    budget: Budget | None = None,
    *,
    space: Space | None = None,
    algorithm: Any = None,
    objectives: Objective | Sequence[Objective] | None = None,
    **changes: Any,
) -> Campaign:
    """The campaign of a directory, to be gone on with by ``.run()``.

    Args:
        directory: the campaign's directory.
        data: the very data that it was begun with.
        budget: a new budget, over all sessions; by default the last session's.
        space: the space, where its JSON is not enough to make it again (hypermodels).
        algorithm: the algorithm, where it is a callable of your own.
        objectives: the objectives, where some are callables.
        **changes: ``workers``, ``executor``, ``strategy``, ``callbacks``, ``seconds``, ``memory``,
            ``evaluate``, ``break_lock``: what another machine may have otherwise.

    Raises:
        SettingsError: the directory holds no campaign, or a change that would make it another campaign.
        CampaignMismatchError: the data is not the same.
    """
    allowed = {"workers", "executor", "strategy", "callbacks", "seconds", "memory", "evaluate", "break_lock"}
    for name in changes:
        if name not in allowed:
            raise SettingsError(f"{name}: cannot be changed on resume; expected one of {', '.join(sorted(allowed))}")
    if not CampaignDirectory.exists(directory):
        raise SettingsError(f"directory: {directory} holds no campaign")
    with CampaignDirectory.open(directory, read_only=True) as stored:
        settings, sessions = stored.settings, stored.sessions
        space = Space.from_json(stored.space) if space is None else space
    if budget is None:
        noted = next((s["budget"] for s in reversed(sessions) if s.get("budget")), None)
        if noted is None:
            raise SettingsError("budget: no earlier session noted one; give budget=evo.Budget(...)")
        budget = Budget(**noted)
    training = settings["training"]
    workers = next((int(s["workers"]) for s in reversed(sessions) if s.get("workers")), 2)
    arguments: dict[str, Any] = {
        **{name: settings[name] for name in ("strategy", "seconds", "memory")},
        "workers": workers,
        **changes,
    }
    return Campaign(
        space, data, directory, budget=budget, seed=settings["seed"], concurrency=settings["concurrency"],
        algorithm=algorithm_from_json(settings["algorithm"]) if algorithm is None else algorithm,
        objectives=settings["objectives"] if objectives is None else objectives,
        population=settings["population"], epochs=settings["epochs"], precision=training["precision"],
        deterministic=settings["deterministic"], final_share=settings["final_share"],
        ensemble_share=settings.get("ensemble_share", 0.0),
        parameters=training["parameters"], flops=training["flops"], threads=training["threads"],
        keep_weights=settings["keep_weights"], **arguments,
    )  # fmt: skip


def _started(algorithm: Any, start_from: Any, space: Space) -> Any:
    """The algorithm with a warm start in its initial design."""
    if isinstance(start_from, (str, os.PathLike)):
        genomes = _population_of(start_from)
    else:
        genomes = tuple(start_from)
    if not genomes:
        return algorithm
    for index, genome in enumerate(genomes):
        if not isinstance(genome, Genome):
            raise SettingsError(f"start_from[{index}]: expected a Genome, got {type(genome).__name__}")
        try:
            space.validate(genome)
        except GenomeError as error:
            raise SettingsError(f"start_from[{index}]: is not in the space: {error}") from None
    if not dataclasses.is_dataclass(algorithm) or not hasattr(algorithm, "initial"):
        raise SettingsError("start_from: an algorithm of your own takes its first genomes itself")
    return dataclasses.replace(algorithm, initial=(*algorithm.initial, *genomes))  # type: ignore[type-var]


def _population_of(directory: str | os.PathLike[str]) -> tuple[Genome, ...]:
    from evo.result import load_result

    try:
        return tuple(individual.genome for individual in load_result(directory).population)
    except (SettingsError, TrialError) as error:
        raise SettingsError(f"start_from: {error}") from None


def _stored_settings(directory: Path) -> Mapping[str, Any]:
    with CampaignDirectory.open(directory, read_only=True) as stored:
        return stored.settings
