"""From a future to a report: whatever happened to the worker becomes an outcome with its cause."""

from __future__ import annotations

from concurrent.futures import CancelledError, Future
from pickle import PicklingError
from typing import Any

from evo.core.errors import DataError, InfrastructureError, SettingsError, StorageError, is_the_machines
from evo.core.trial import Outcome, Status
from evo.training.task import TrialReport, TrialTask
from evo.workers.failures import TimeLimitError, WorkerDiedError, WorkerKilledError

#: Beginning of the message of a trial whose worker was killed from outside: no outcome that is to be recorded.
KILLED = "killed: "

#: Names of other executors' errors that mean a dead worker (Ray, Dask, loky, mpi4py).
_DEATHS = (
    "BrokenProcessPool",
    "BrokenExecutor",
    "BrokenWorkerError",
    "KilledWorker",
    "TerminatedWorkerError",
    "ProcessExpired",
    "WorkerCrashedError",
    "ActorDiedError",
    "ActorUnavailableError",
)
#: Those that mean a machine that is gone, which no trial does.
_KILLINGS = ("NodeDiedError", "NodePreemptedError")
_MEMORY = ("OutOfMemoryError",)


def settle(future: Future[Any], task: TrialTask) -> TrialReport:
    """The report of a trial whose future is done.

    Args:
        future: what an executor gave for ``train(task)``; waited for if it is not done.
        task: the task.

    Returns:
        The worker's report, or one that says why there is none: ``TIMED_OUT`` for a time limit,
        ``FAILED`` for memory, a dead worker or any exception. Epochs of a trial
        that left no report count as none. A message that begins with :data:`KILLED` tells of a worker that was
        killed from outside: the trial is to be done again.

    Raises:
        concurrent.futures.CancelledError: the trial was never done.
        StorageError, DataError, SettingsError, InfrastructureError: a full disk, a file that cannot be read, a device
            that is not there, a worker that cannot start or import: not the candidate's fault.
    """
    try:
        # What comes with the future is the call's; what is raised while it is waited for is the driver's, a Ctrl-C say.
        raised = future.exception()
        if isinstance(raised, (KeyboardInterrupt, SystemExit)):
            return _lost(task, *_cause(raised))
        report = future.result()
    except CancelledError:
        raise
    except (KeyboardInterrupt, SystemExit, StorageError, DataError, SettingsError, InfrastructureError):
        raise
    except (ImportError, PicklingError) as error:
        # What a candidate's own code raises is in the report: this is raised before it, where the call is unpacked.
        raise InfrastructureError(
            f"a worker cannot import or send what it needs: {type(error).__name__}: "
            f"{' '.join(str(error).split())[:300]}"
        ) from error
    except BaseException as error:
        if is_the_machines(error):
            raise StorageError(f"trial {task.number}: {type(error).__name__}: {error}") from error
        return _lost(task, *_cause(error))
    if not isinstance(report, TrialReport):
        return _lost(task, Status.FAILED, f"worker: expected a TrialReport, got {type(report).__name__}")
    if report.number != task.number:
        return _lost(task, Status.FAILED, f"worker: report of trial {report.number} for trial {task.number}")
    return report


def _cause(error: BaseException) -> tuple[Status, str]:
    kinds = {kind.__name__ for kind in type(error).__mro__}
    text = " ".join(str(error).split())[:500]
    if isinstance(error, TimeLimitError):
        return Status.TIMED_OUT, f"time: {text}"
    if isinstance(error, TimeoutError):
        return Status.TIMED_OUT, f"time: the trial passed its limit ({text})" if text else "time: limit passed"
    if isinstance(error, MemoryError) or kinds.intersection(_MEMORY):
        return Status.FAILED, f"memory: {text}" if text else "memory: the worker ran out of it"
    if isinstance(error, WorkerKilledError):
        return Status.FAILED, f"{KILLED}{text}"
    if kinds.intersection(_KILLINGS):
        return Status.FAILED, f"{KILLED}the worker's machine is gone ({type(error).__name__}: {text})"
    if isinstance(error, WorkerDiedError):
        return Status.FAILED, f"worker: {text}"
    if kinds.intersection(_DEATHS):
        return Status.FAILED, f"worker: the worker process died ({type(error).__name__}: {text})"
    return Status.FAILED, f"{type(error).__name__}: {text}"


def _lost(task: TrialTask, status: Status, message: str) -> TrialReport:
    return TrialReport(task.number, Outcome(status=status, message=message))
