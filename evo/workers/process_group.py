"""A worker's process group: what a trial starts besides ends with the worker, whatever the worker ends of.

A worker leads a session of its own. On Linux a guard, a process that sleeps until the kernel tells it that the worker
is gone, then kills what is left of that session, and whatever left it but has the worker's mark in its environment.
So it does not matter whether the worker ended in order, died, or was killed together with its driver.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import signal
import sys
import uuid

#: Environment variable that marks what was started by one worker.
MARK = "EVO_WORKER_MARK"

_PR_SET_CHILD_SUBREAPER = 36


def adopt_orphans() -> None:
    """Have this process become the parent of what its workers leave behind, and reap it (Linux; else nothing)."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)


def lead_group() -> None:
    """In a worker, before its first call: lead a group, and have a guard watch it."""
    if sys.platform == "win32":
        return
    with contextlib.suppress(OSError):  # it leads one already
        os.setsid()
    mark = os.environ[MARK] = uuid.uuid4().hex
    worker = os.getpid()
    try:
        watched = os.pidfd_open(worker)
    except (AttributeError, OSError):  # not Linux, or an old kernel: the driver alone ends the group
        return
    between = os.fork()
    if between == 0:
        # Through a process in between: the worker itself has no child that a trial could wait for.
        try:
            if os.fork() == 0:
                _guard(worker, watched, mark)
        finally:
            os._exit(0)
    os.waitpid(between, 0)
    os.close(watched)


def end_group(leader: int) -> None:
    """In the driver: kill a worker with all of its group."""
    if sys.platform == "win32":
        return
    with contextlib.suppress(OSError):
        os.killpg(leader, signal.SIGKILL)


def _guard(worker: int, watched: int, mark: str) -> None:
    """Wait for the worker's end, then end what it left; calls nothing that a fork could have left locked."""
    if sys.platform == "win32":
        return
    os.setsid()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    # Nothing of the worker's is held open: neither its pipes, whose end its driver waits for, nor its terminal.
    os.closerange(0, watched)
    os.closerange(watched + 1, 65536)
    ended = select.poll()
    ended.register(watched, select.POLLIN)
    ended.poll()
    with contextlib.suppress(OSError):
        os.killpg(worker, signal.SIGKILL)
    entry = f"{MARK}={mark}".encode()
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(OSError):
                file = os.open(f"/proc/{name}/environ", os.O_RDONLY)
                found = b""
                while part := os.read(file, 65536):
                    found += part
                os.close(file)
                if entry in found.split(b"\0"):
                    os.kill(int(name), signal.SIGKILL)
