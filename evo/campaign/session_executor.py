"""The executor of a session: the user's, or local processes that are started when they are first needed."""

from __future__ import annotations

import contextlib
import math
import warnings
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from multiprocessing.reduction import ForkingPickler
from typing import Any

from evo.campaign.arguments import TrialLimits
from evo.core.errors import InfrastructureError, SettingsError
from evo.training.task import TrainingSettings
from evo.workers import LocalProcesses, Serial
from genomes.errors import GenomeError
from genomes.spaces.base import Space


class SessionExecutor:
    """What does the trials of a session.

    Args:
        given: the user's executor, which is left running; None for local processes, which are ended.
        workers: local processes.
        settings: how they train.

    Attributes:
        told: precision and strategy as a worker told them (:mod:`evo.campaign.preflight`); None before it was asked.
    """

    def __init__(self, given: Executor | None, workers: int, settings: TrainingSettings) -> None:
        self._given = given
        self._workers, self._settings = workers, settings
        self._own: LocalProcesses | None = None
        self.told: dict[str, str] | None = None

    def started(self) -> Executor:
        """The executor; it takes calls."""
        if self._given is not None:
            return self._given
        if self._own is None:
            self._own = LocalProcesses(self._workers, self._settings)
        return self._own

    def submit(self, call: Callable[..., Any], *args: Any) -> Future[Any]:
        """Hand a call to the executor.

        Raises:
            InfrastructureError: it takes none: it is shut down, or broken by the death of a worker.
        """
        executor = self.started()
        try:
            return executor.submit(call, *args)
        except RuntimeError as error:  # concurrent.futures' BrokenExecutor is one
            raise InfrastructureError(
                f"executor: {type(executor).__name__} takes no more calls ({type(error).__name__}: "
                f"{' '.join(str(error).split())[:200]}). What is known is stored: run the campaign again with a new one"
            ) from error

    def close(self) -> None:
        """End the workers that were started here."""
        if self._own is not None:
            self._own.shutdown(wait=False, cancel_futures=True)


def countable(space: Space, limits: TrialLimits) -> Space:
    """The space, if a limit on FLOPs can act in it.

    Args:
        space: what is searched, with the inputs that its models take.
        limits: limits per trial.

    Returns:
        ``space``.

    Raises:
        SettingsError: the limit would do nothing.
    """
    if limits.flops in (None, math.inf) or not space.compiles_models:
        return space
    with contextlib.suppress(GenomeError):  # trials say why
        if space.cost(space.default()).flops == 0:
            raise SettingsError(
                "flops: what this hypermodel's models compute is not known, and the limit would do nothing; "
                "give parameters="
            )
    return space


def able_executor(given: Executor | None, space: Space, limits: TrialLimits) -> Executor | None:
    """The executor, or this process where local processes cannot be sent what the space consists of.

    Args:
        given: the user's; None for local processes.
        space: what is searched.
        limits: limits per trial.

    Returns:
        ``given``; :class:`evo.workers.Serial` where only that can do the trials, with a warning.

    Raises:
        SettingsError: this process would have to do the trials and cannot keep their limits.
    """
    if given is not None:
        return given
    try:
        ForkingPickler.dumps(space.definitions)
    except Exception as error:  # whatever a user's object raises when it is pickled
        cause = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
        reason = f"what the space is made of cannot be sent to worker processes ({cause})"
        for name, limit in (("seconds", limits.seconds), ("memory", limits.memory)):
            if limit is not None and limit != math.inf:
                raise SettingsError(
                    f"{name}: limits need worker processes, and {reason}; make it inside of build(hp), or leave "
                    f"{name} out"
                ) from error
        warnings.warn(f"trials run in this process, one after the other: {reason}", stacklevel=3)
        return Serial()
    return given


def refuse_threads(executor: Executor | None) -> None:
    """Refuse executors that train several trials in one process at the same moment.

    Keras' state is the process': names of layers, seeds, the dtype policy. Trainings in two threads of one process
    count each other's layers and draw each other's seeds: other numbers, and names that clash.

    Raises:
        SettingsError: an executor of threads; the message says what to give instead.
    """
    way_out = (
        "give workers=N for N local processes (executor=evo.workers.LocalProcesses(N)), or "
        "executor=evo.workers.Serial() for one trial after the other in this process"
    )
    if isinstance(executor, ThreadPoolExecutor):
        raise SettingsError(
            f"executor: {type(executor).__name__} trains in threads of one process, which share Keras' names and "
            f"seeds; {way_out}"
        )
    # A Dask client's executor (Client.get_executor()); asked without importing Dask.
    if type(executor).__module__.partition(".")[0] == "distributed":
        client = getattr(executor, "_client", None)
        threads = client.nthreads() if client is not None else {}
        if any(count > 1 for count in threads.values()):
            raise SettingsError(
                "executor: Dask's workers have several threads each, which share Keras' names and seeds; start them "
                f"with threads_per_worker=1 (dask worker --nthreads 1), or {way_out}"
            )
