"""Campaign: with its session, the only module that ties algorithms, workers, storage and data together."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import Any

from evo import algorithms
from evo.campaign.result import Result
from evo.campaign.session import Session
from evo.campaign.settings import FREE, CampaignSettings, algorithm_from_json, versions
from evo.core.budget import Budget
from evo.core.errors import CampaignMismatchError, SettingsError, TrialError
from evo.core.events import Callback
from evo.core.history import History
from evo.core.objectives import Objective, Objectives
from evo.data import Data, PreparedData
from evo.storage import CampaignDirectory
from evo.training.task import TrainingSettings, TrialReport, TrialTask
from evo.workers import Serial
from evo.workers.main_module import end_of_main
from genomes.errors import GenomeError
from genomes.genome import Genome
from genomes.spaces.base import Space


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
        objectives: see :class:`evo.core.objectives.Objectives`; by default the space's.
        population: size of the population, and outcomes between two checkpoints of it.
        epochs: full length of a training.
        precision: ``auto``, ``float32``, ``mixed_float16`` or ``mixed_bfloat16``.
        strategy: ``auto``, ``cpu``, ``gpu``, ``mirrored``, ``tpu``, or (with ``executor=Serial()``)
            a ``tf.distribute.Strategy``.
        deterministic: ordered look-ahead and reproducible training; False lets proposals see what
            arrives first, in an order that is recorded.
        executor: any ``concurrent.futures.Executor``; by default local processes. It is left running.
        callbacks: observers, see :class:`evo.core.events.Callback`.
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
        with Session(self, self._open()) as session, self._interrupts():
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
    from evo.campaign.result import load_result

    try:
        return tuple(individual.genome for individual in load_result(directory).population)
    except (SettingsError, TrialError) as error:
        raise SettingsError(f"start_from: {error}") from None


def _stored_settings(directory: Path) -> Mapping[str, Any]:
    with CampaignDirectory.open(directory, read_only=True) as stored:
        return stored.settings
