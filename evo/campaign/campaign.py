"""Campaign: a search in a directory, checked before anything is trained."""

from __future__ import annotations

import contextlib
import functools
import os
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import Any, Unpack

from evo import algorithms
from evo.campaign.arguments import (
    CampaignKeywords,
    ResumeKeywords,
    TrialLimits,
    TrialTraining,
    best_epoch_by,
    campaign_names,
    sorted_out,
)
from evo.campaign.callbacks import sorted_callbacks
from evo.campaign.companions import Companions
from evo.campaign.interrupts import Beginning, stopping_on_signals
from evo.campaign.labels import labelled
from evo.campaign.preflight import preflight
from evo.campaign.result import Result
from evo.campaign.scoring import Scoring, resolved
from evo.campaign.session import Session
from evo.campaign.session_executor import SessionExecutor, able_executor, countable, refuse_threads
from evo.campaign.settings import (
    FREE,
    CampaignSettings,
    algorithm_from_json,
    algorithm_json,
    plausible_settings,
    versions,
)
from evo.campaign.setup import CampaignSetup
from evo.campaign.warm_start import warmly_started
from evo.core.budget import Budget
from evo.core.checks import known_names, local_path, whole_number
from evo.core.errors import CampaignMismatchError, SettingsError
from evo.core.history import History
from evo.core.objectives import Objective, Objectives
from evo.data import Data
from evo.display.progress import Progress
from evo.ensemble.scores import Score
from evo.prepared_data import PreparedData
from evo.storage import CampaignDirectory, in_lines
from evo.training.measurements import asked_for
from evo.training.task import TrainingSettings
from evo.workers import Serial
from evo.workers.main_module import end_of_main
from evo.workers.measuring import measuring_elsewhere
from genomes.notebook import facts
from genomes.spaces.base import Space

#: Most workers per core that a resume takes from what an earlier session noted.
_WORKERS_PER_CORE = 4


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
        objectives: see :class:`evo.core.objectives.Objectives`; or a name of a metric of scikit-learn (``auc``,
            ``f1_macro``, ``mape``; :func:`evo.ensemble.scores.names`), or a scorer; by default the space's.
        algorithm: one of :mod:`evo.algorithms`, or a callable ``(history, rng) -> Proposal | None``.
            By default :class:`evo.algorithms.ScreenedEvolution`.
        workers: local worker processes.
        executor: any ``concurrent.futures.Executor``; by default local processes. It is left running.
        callbacks: observers, see :class:`evo.core.events.Callback`; and Keras callbacks, of which every trial gets
            copies, or functions that make them.
        training: how one trial is trained: full length, precision, strategy, threads; see
            :class:`evo.TrialTraining`.
        limits: what one trial may take: seconds, memory, parameters, FLOPs; see :class:`evo.TrialLimits`.
        **keywords: every field of ``training`` and ``limits`` may be given by itself instead (``epochs=9``), and

            ``concurrency``: trials under way at once; a setting of the campaign, not of the machine: the same
            number gives the same history with any number of workers. By default twice the workers of the
            first session.

            ``population`` (10): size of the population, and outcomes between two checkpoints of it.

            ``start_from``: genomes to train first, or the directory of another campaign, whose population is taken.

            ``final_share`` (0.25): share of the budget kept for training the survivors to the full length.

            ``ensemble_share`` (0): share of the parents that are drawn by what they add to an ensemble of the best
            (NES-RE: Zaidi et al. 2021) instead of by fitness; see :func:`evo.ensemble.selection_by_ensemble`.

            ``keep_weights`` (256): how many trials' weights are kept, besides those in use.

            ``evaluate``: does a trial instead of training: ``(TrialTask) -> TrialReport``, importable by workers.

            ``break_lock``: take the directory's lock from whoever holds it.

            ``verbose`` (True): show the progress: :class:`evo.report.Progress`, unless one is among the callbacks.

    Attributes:
        toolbox: DEAP's toolbox: register an operator of your own under DEAP's name before :meth:`run`.
        history: the trials so far; filled by :meth:`run`.

    Raises:
        SettingsError: a wrong argument; the message names it, what was given and what was expected.
        DataError: data that does not fit the space.
        CampaignMismatchError: the directory holds a campaign with other settings, space or data.
        StorageError: the directory cannot be used.
    """

    #: The number of the signal that stopped the last :meth:`run`; None where none did.
    stopped_by: int | None = None

    def __init__(
        self,
        space: Space,
        data: Data | None,
        directory: str | os.PathLike[str],
        *,
        budget: Budget,
        seed: int = 0,
        objectives: Objective | Sequence[Objective] | None = None,
        algorithm: Any = None,
        workers: int = 2,
        executor: Executor | None = None,
        callbacks: Sequence[Any] = (),
        training: TrialTraining | None = None,
        limits: TrialLimits | None = None,
        **keywords: Unpack[CampaignKeywords],
    ) -> None:
        end_of_main()
        training, limits, search = sorted_out(keywords, training, limits)
        if not isinstance(space, Space):
            raise SettingsError(f"space: expected a genomes.Space, got {type(space).__name__}")
        if not isinstance(budget, Budget):
            raise SettingsError(f"budget: expected an evo.Budget, got {budget!r}")
        if not isinstance(data, Data) and not (data is None and search["evaluate"] is not None):
            raise SettingsError(f"data: expected an evo.Data, got {type(data).__name__}")
        space = labelled(space, data)
        whole_number(workers, "workers", 1)
        if search["evaluate"] is None:
            refuse_threads(executor)
            executor = able_executor(executor, space, limits)
        if not isinstance(training.strategy, str) and not isinstance(executor, Serial):
            raise SettingsError("strategy: a tf.distribute.Strategy cannot travel: give executor=evo.workers.Serial()")
        self.space = space
        self.directory = local_path(directory, "directory")
        self.budget = budget
        self.workers = workers if executor is None else int(getattr(executor, "workers", workers))
        self._executor = executor
        self._callbacks, keras_callbacks = sorted_callbacks(callbacks, executor, search["evaluate"] is None)
        self._evaluate = search["evaluate"]
        self._break_lock, self._verbose = search["break_lock"], search["verbose"]
        self._data = PreparedData({})
        if data is not None:
            if data.folds and keras_callbacks:
                raise SettingsError("callbacks: with folds no Keras callbacks, which could end each at another epoch")
            self._data = data.prepare(space)
            self.space = space = countable(space.with_inputs(self._data.get("x_train")), limits)
        wanted, self._scoring = self._objectives(space.objective if objectives is None else objectives)
        algorithm = algorithms.ScreenedEvolution() if algorithm is None else algorithm
        known = CampaignDirectory.exists(self.directory)
        stored = _stored_settings(self.directory) if known else {}
        concurrency = search["concurrency"]
        if concurrency is None:
            with plausible_settings(self.directory):
                concurrency = int(stored.get("concurrency", 2 * self.workers))
        self.settings = CampaignSettings(
            seed=seed,
            objectives=wanted,
            algorithm=warmly_started(algorithm, search["start_from"], space),
            epochs=training.epochs,
            population=search["population"],
            concurrency=concurrency,
            deterministic=training.deterministic,
            final_share=search["final_share"],
            ensemble_share=search["ensemble_share"],
            keep_weights=search["keep_weights"],
            training=TrainingSettings(
                precision=training.precision,
                strategy=training.strategy,
                deterministic=training.deterministic,
                threads=training.threads,
                seconds=limits.seconds,
                memory=limits.memory,
                parameters=limits.parameters,
                flops=limits.flops,
                best_epoch=self._best_epoch(wanted) if training.best_epoch else None,
                measured=asked_for(wanted.written),
            ),
            callbacks=keras_callbacks,
        )
        if space.metric_names is not None and self._evaluate is None and not keras_callbacks.needs_fit:
            logged = [prefix + name for prefix in ("", "val_") for name in ("loss", *space.metric_names)]
            wanted.check_names([*logged, *self.settings.training.measured, *self._scoring.scores])
        if self.settings.ensemble_share and (data is None or space.target is None or space.task is None):
            raise SettingsError("ensemble_share: needs data, and a space that says what is predicted")
        self.toolbox = algorithms.make_toolbox(space)
        if known:
            self._check_same(self.directory)
        else:
            CampaignDirectory.check_free(self.directory)
        self.history = History((), wanted)
        self._stop, self._beginning = threading.Event(), Beginning()

    def _trainer(self) -> str:
        """What trains instead of evo; empty where evo does."""
        return "evaluate" if self._evaluate is not None else "the hypermodel's fit" if self.space.has_own_fit else ""

    def _best_epoch(self, wanted: Objectives) -> str:
        # Where it is not known what a model logs, it may log what could also be computed.
        computed = () if self.space.metric_names is None else self._scoring.scores
        return best_epoch_by(wanted, self._trainer(), computed)

    # -- before anything is trained ------------------------------------------------------
    def _objectives(self, given: Any) -> tuple[Objectives, Scoring]:
        """The objectives, and what computes those that trials do not log."""
        scores: dict[str, Score] = {}
        if self._evaluate is None:
            weighed = "weight_validation" in self._data.arrays
            given, scores = resolved(given, self.space.target, self.space.metric_names, weighed)
        wanted, scoring = Objectives(given), Scoring(self.space, self._data, scores)
        scoring.check()
        return wanted, scoring

    def _check_same(self, directory: Path) -> None:
        """Raise a CampaignMismatchError if the directory holds another campaign; reads only."""
        with CampaignDirectory.open(directory, read_only=True) as stored:
            space = self.space.to_json() | {"arguments": self.space.arguments_as_in(stored.space["arguments"])}
            differences = stored.compare(self.settings.to_json(), space, self._data.fingerprint, ignore=FREE)
        if differences:
            raise CampaignMismatchError(
                f"directory: {directory} holds another campaign. What differs:{in_lines(differences)}"
            )

    def stop(self, signal: int | None = None) -> None:
        """Ask for a clean stop: no further trial begins, what is running is left for the resume. Returns at once.

        Args:
            signal: the number of the signal whose handler asks; it is given once more where something runs that cannot
                be asked to stop, and does not end in some seconds.
        """
        self._stop.set()
        if signal is not None:
            self.stopped_by = signal
            self._beginning.leave_soon(signal)

    # -- running ---------------------------------------------------------------------
    def run(self) -> Result:
        """Run, or resume, until the budget is spent or :meth:`stop` is called.

        In the main thread, a first Ctrl-C (or SIGTERM) stops cleanly and a second one at once.

        Returns:
            What came of it so far.

        Raises:
            DirectoryLockedError: another process works in the directory.
            StorageError: something could not be written or read; what was stored is unharmed.
            SettingsError, InfrastructureError: no trial can be done, whatever the candidate: a device that is not
                there, an objective that no trial gives, workers that cannot start or import. Nothing is charged to
                candidates; run again when it is mended.
            KeyboardInterrupt: at the second Ctrl-C.
        """
        self._stop.clear()
        self.stopped_by = None
        shown = self._verbose and not any(isinstance(callback, Progress) for callback in self._callbacks)
        progress = [Progress(few=True)] if shown else []
        setup = CampaignSetup(
            self.space,
            self._data,
            self.directory,
            self.settings,
            self.budget,
            self.workers,
            SessionExecutor(self._executor, self.workers, self.settings.training),
            (*self._callbacks, *progress),
            self._evaluate,
            self.toolbox,
            self._stop,
            self._scoring,
        )
        signals = stopping_on_signals(self.stop, self._stop, self._executor)
        with signals, contextlib.closing(setup.executor), contextlib.ExitStack() as stack:
            for display in progress:
                stack.callback(display.close)
            began = time.monotonic()
            with self._beginning.running():
                if not CampaignDirectory.exists(self.directory):
                    # Before there is a directory: what is refused can be mended and begun in the same place.
                    preflight(setup)
                waited = time.monotonic() - began
                stored = stack.enter_context(self._measured_and_opened(setup))
            with Session(setup, stored) as session:
                stored.count_seconds(waited)
                self.history = session.history
                with self._beginning.running():
                    self.companions.fit_planned(stored, self.budget, self._stop)
                reason = session.run()
        return Result(
            self.directory,
            self.space,
            self.history,
            reason,
            seed=self.settings.seed,
            population=self.settings.population,
            keep_weights=self.settings.keep_weights,
            fingerprint=self._data.fingerprint,
            data=self._data,
            companions=self.companions,
        )

    @functools.cached_property
    def companions(self) -> Companions:
        """The models beside the nets; those of its plan are fitted before the search."""
        return Companions(self.space, self._data, self.settings.seed, self.directory)

    @contextlib.contextmanager
    def _measured_and_opened(self, setup: CampaignSetup) -> Iterator[CampaignDirectory]:
        with self._measuring(), self._open(setup) as stored:
            yield stored

    def _measuring(self) -> contextlib.AbstractContextManager[None]:
        """Where genes are measured that declare no shape: elsewhere, unless all is done in this process."""
        if isinstance(self._executor, Serial):
            return contextlib.nullcontext()
        return measuring_elsewhere(self.settings.training, self._stop)

    def _open(self, setup: CampaignSetup) -> CampaignDirectory:
        note = {"budget": self.budget.to_json(), "workers": self.workers}
        if CampaignDirectory.exists(self.directory):
            self._check_same(self.directory)
            return CampaignDirectory.open(self.directory, break_lock=self._break_lock, session=note)
        return CampaignDirectory.create(
            self.directory,
            settings=self.settings.to_json(),
            space=self.space.to_json(),
            data_fingerprint=self._data.fingerprint,
            preprocessing=setup.preprocessing(),
            versions=versions(),
            session=note,
            break_lock=self._break_lock,
        )

    def __repr__(self) -> str:
        return f"Campaign({self.directory}, {self.space.headline()}, seed={self.settings.seed}, {self.budget})"

    def _repr_html_(self) -> str:
        settings = self.settings
        limits = {name: value for name, value in self.budget.to_json().items() if value is not None}
        values = {
            "directory": self.directory,
            "space": self.space.headline(),
            "objectives": ", ".join(settings.objectives.written),
            "algorithm": algorithm_json(settings.algorithm)["algorithm"],
            "budget": ", ".join(f"{value} {name}" for name, value in limits.items()),
            "workers": self.workers,
            "seed": settings.seed,
        }
        return facts("Campaign", values) + self.history._repr_html_()


def resume(
    directory: str | os.PathLike[str],
    data: Data | None,
    budget: Budget | None = None,
    *,
    space: Space | None = None,
    algorithm: Any = None,
    objectives: Objective | Sequence[Objective] | None = None,
    **changes: Unpack[ResumeKeywords],
) -> Campaign:
    """The campaign of a directory, ready to be resumed by ``.run()``.

    Args:
        directory: the campaign's directory.
        data: the very data that it was begun with.
        budget: a new budget, over all sessions; by default the last session's.
        space: the space, where its JSON is not enough to make it again (hypermodels).
        algorithm: the algorithm, where it is a callable of your own.
        objectives: the objectives, where some are callables.
        **changes: ``workers``, ``executor``, ``strategy``, ``callbacks``, ``seconds``, ``memory``,
            ``evaluate``, ``break_lock``, ``verbose``: what may differ from session to session.

    Raises:
        SettingsError: the directory holds no campaign, or a change that would make it another campaign.
        CampaignMismatchError: the data is not the same.
    """
    allowed = sorted(ResumeKeywords.__annotations__)
    for name in changes:
        if name in campaign_names() and name not in allowed:
            raise SettingsError(f"{name}: cannot be changed on resume; expected one of {', '.join(allowed)}")
    known_names(changes, allowed)
    if not CampaignDirectory.exists(directory):
        raise SettingsError(f"directory: {directory} holds no campaign")
    with CampaignDirectory.open(directory, read_only=True) as stored, plausible_settings(directory):
        settings, sessions = stored.settings, stored.sessions
        space = Space.from_json(stored.space) if space is None else space
        if budget is None:
            noted = next((s["budget"] for s in reversed(sessions) if s.get("budget")), None)
            if noted is None:
                raise SettingsError("budget: no earlier session noted one; give budget=evo.Budget(...)")
            budget = Budget(**noted)
        training = settings["training"]
        workers = next((int(s["workers"]) for s in reversed(sessions) if s.get("workers")), 2)
        # A directory may come from a larger machine, or from a stranger.
        workers = max(1, min(workers, _WORKERS_PER_CORE * (os.cpu_count() or 1)))
        arguments: dict[str, Any] = {
            **{name: settings[name] for name in FREE},
            "workers": workers,
            "seed": settings["seed"],
            "concurrency": settings["concurrency"],
            "algorithm": algorithm_from_json(settings["algorithm"]) if algorithm is None else algorithm,
            "objectives": settings["objectives"] if objectives is None else objectives,
            "population": settings["population"],
            "epochs": settings["epochs"],
            "precision": training["precision"],
            "deterministic": settings["deterministic"],
            "final_share": settings["final_share"],
            "ensemble_share": settings.get("ensemble_share", 0.0),
            "parameters": training["parameters"],
            "flops": training["flops"],
            "threads": training["threads"],
            "best_epoch": "best_epoch" in training,
            "keep_weights": settings["keep_weights"],
            **changes,
        }
    return Campaign(space, data, directory, budget=budget, **arguments)


def _stored_settings(directory: Path) -> Mapping[str, Any]:
    with CampaignDirectory.open(directory, read_only=True) as stored:
        return stored.settings
