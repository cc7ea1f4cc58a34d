"""Whose doing the death of a worker was: the candidate's, or that of somebody outside.

A process that crashes or exits by itself is the candidate's doing. One that is killed is not (the system that needs
memory for others, a scheduler, an operator), unless memory ran out where the worker itself held much of it.
"""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from pathlib import Path

from evo.workers.failures import MemoryLimitError, WorkerDiedError, WorkerKilledError, exit_cause

#: Signals that come from others; a crash raises SIGSEGV, SIGABRT, SIGBUS, SIGILL or SIGFPE.
_FROM_OUTSIDE = ("SIGKILL", "SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT", "SIGXCPU", "SIGPWR", "SIGUSR1", "SIGUSR2")
#: Share of a worker's limit of memory from which on a kill for memory is its own doing.
_MUCH = 0.5

_CGROUPS = Path("/sys/fs/cgroup")


def death(code: int | None, seen: int, memory: float | None, killings: int) -> Exception:
    """The error that tells of a worker's death.

    Args:
        code: its exit code; minus the number of the signal that it died of.
        seen: most bytes that it was seen to hold during the call.
        memory: its limit of bytes; None for none.
        killings: :func:`memory_killings` from before the call.

    Returns:
        ``WorkerDiedError``: it crashed or exited. ``MemoryLimitError``: the system killed it for memory that it held.
        ``WorkerKilledError``: somebody else's doing.
    """
    outside = {-getattr(signal, name) for name in _FROM_OUTSIDE if hasattr(signal, name)}
    if code not in outside:
        return WorkerDiedError(exit_cause(code))
    for_memory = memory_killings() > killings
    if for_memory and memory is not None and seen >= _MUCH * memory:
        return MemoryLimitError(f"the system ran out of it while the worker held {seen / 2**20:,.0f} MB")
    told = "the system killed it to free memory, of which it held little" if for_memory else "by nothing that it did"
    return WorkerKilledError(f"{exit_cause(code)}: {told} ({seen / 2**20:,.0f} MB)")


def memory_killings() -> int:
    """How many processes were killed for memory so far, here and in this process's control groups; 0 if unknown."""
    found = 0
    with contextlib.suppress(OSError, ValueError):
        found = max(found, _entry(Path("/proc/vmstat")))
    for file in _event_files():
        with contextlib.suppress(OSError, ValueError):
            found += _entry(file)
    return found


def _event_files() -> Iterator[Path]:
    """Where the kernel counts events of memory: of this process's control group and of those above it."""
    yield _CGROUPS / "memory.events"
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines():
            _, controllers, path = line.split(":", 2)
            if controllers in ("", "memory"):
                group = _CGROUPS / controllers / path.lstrip("/")
                yield group / ("memory.events" if not controllers else "memory.oom_control")


def _entry(file: Path) -> int:
    """The entry ``oom_kill`` of a file; 0 if there is none."""
    for line in file.read_text(encoding="utf-8").splitlines():
        name, _, value = line.partition(" ")
        if name == "oom_kill":
            return int(value)
    return 0
