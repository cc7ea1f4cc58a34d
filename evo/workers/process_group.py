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


#: Milliseconds between two looks of a guard at what its worker has started.
_LOOK_EVERY = 1000


#: The mark of this worker; None elsewhere.
_mark: str | None = None


def mark_again() -> None:
    """In a worker, before each call: an earlier one may have emptied the environment."""
    if _mark is not None:
        os.environ[MARK] = _mark


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
    global _mark
    mark = _mark = os.environ[MARK] = uuid.uuid4().hex
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
    # What trials start stays below the worker, also when a process in between ends. The guard is elsewhere by now.
    adopt_orphans()


def end_group(leader: int) -> None:
    """In the driver: kill a worker with all of its group, and with its descendants wherever they are."""
    if sys.platform == "win32":
        return
    import psutil

    descendants: list[psutil.Process] = []
    with contextlib.suppress(psutil.Error):
        descendants = psutil.Process(leader).children(recursive=True)
    with contextlib.suppress(OSError):
        os.killpg(leader, signal.SIGKILL)
    for process in descendants:
        with contextlib.suppress(psutil.Error):
            process.kill()


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
    known: dict[int, str] = {}
    while not ended.poll(_LOOK_EVERY):
        for pid in _descendants(worker):
            known.setdefault(pid, _started(pid))
    for pid, started in known.items():
        if started and started == _started(pid):  # another process may bear the number by now
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
    with contextlib.suppress(OSError):
        os.killpg(worker, signal.SIGKILL)
    entry = f"{MARK}={mark}".encode()
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(OSError):
                if entry in _content(f"/proc/{name}/environ").split(b"\0"):
                    os.kill(int(name), signal.SIGKILL)


def _descendants(process: int) -> list[int]:
    """Process ids of all that a process has started; empty where the kernel does not tell."""
    found: list[int] = []
    asked = [process]
    while asked:
        tasks = f"/proc/{asked.pop()}/task"
        with contextlib.suppress(OSError):
            for task in os.listdir(tasks):
                children = [int(pid) for pid in _content(f"{tasks}/{task}/children").split()]
                found += children
                asked += children
    return found


def _started(process: int) -> str:
    """When a process was started, in the kernel's ticks; empty if it is gone."""
    with contextlib.suppress(OSError, IndexError):
        return _content(f"/proc/{process}/stat").rpartition(b")")[2].split()[19].decode()
    return ""


def _content(path: str) -> bytes:
    file = os.open(path, os.O_RDONLY)
    try:
        content = b""
        while part := os.read(file, 65536):
            content += part
        return content
    finally:
        os.close(file)
