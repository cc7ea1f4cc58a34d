"""What can go wrong in a worker; executors set these on futures."""

from __future__ import annotations

import signal

from evo.core.errors import EvoError, InfrastructureError


class TimeLimitError(EvoError, TimeoutError):
    """A trial took longer than its limit; its worker was stopped."""


class MemoryLimitError(EvoError, MemoryError):
    """A worker grew past its limit; it was stopped."""


class WorkerDiedError(EvoError):
    """A worker process ended in the middle of a trial."""


class WorkerKilledError(WorkerDiedError):
    """A worker process was killed from outside in the middle of a trial, which says nothing of the trial."""


class WorkerStartError(InfrastructureError, WorkerDiedError):
    """No worker process can be started, so that no call is to blame."""


def exit_cause(code: int | None) -> str:
    """What an exit code tells, e.g. ``killed by signal 11 (SIGSEGV)``."""
    if code is None:
        return "the worker process ended"
    if code >= 0:
        return f"the worker process ended with exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = "unknown"
    return f"the worker process was killed by signal {-code} ({name})"
