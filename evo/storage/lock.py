"""One process per campaign's directory: a lock file that says who holds it.

The file appears complete or not at all (written aside, then hard-linked,
which is atomic on network file systems too). It names host, process, the
process's start time and when it was taken. A holder on this host that is no
longer alive left a stale lock, which is taken over with a message. Whether a
holder on another host is alive cannot be known from here: that is refused,
with a hint on how to break it.
"""

from __future__ import annotations

import contextlib
import datetime
import errno
import json
import math
import os
import platform
import uuid
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from evo.core.errors import DirectoryLockedError, StorageError
from evo.core.json_text import parsed
from evo.core.regular_files import open_regular
from evo.storage import atomic
from evo.storage.layout import LOCK

#: Most bytes of a lock that is read.
_MOST_BYTES = 2**16


def _read_text(path: str) -> str:
    try:
        return Path(path).read_text().strip()
    except OSError:
        return ""


def _process_namespace() -> str:
    """Identity of the process-id namespace (containers of one host have several); '' where there is none."""
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:
        return ""


def _process_identity(pid: int) -> str:
    """What tells a process from every other one, whatever the clock says meanwhile; "" where the system has none.

    Its start in ticks since the boot, and the boot: seconds since 1970, which psutil works out, move when the clock is
    set, and a living process would look like another one.
    """
    boot = _read_text("/proc/sys/kernel/random/boot_id")
    # The name of the program, in parentheses, may hold anything.
    fields = _read_text(f"/proc/{pid}/stat").rpartition(")")[2].split()
    return f"{boot} {fields[19]}" if boot and len(fields) > 19 else ""


@dataclass(frozen=True)
class LockHolder:
    """Who holds a lock.

    Attributes:
        host: name of the computer.
        machine: its machine id, '' if it has none: two hosts may share a name.
        namespace: process-id namespace, '' if the system has none.
        pid: process id.
        started: when the process started, seconds since 1970.
        taken: when the lock was taken, ISO 8601, UTC.
        token: random; tells this lock from any other.
        process: identity of the process, '' if the system has none.
    """

    host: str
    machine: str
    namespace: str
    pid: int
    started: float
    taken: str
    token: str
    process: str = ""

    @classmethod
    def this_process(cls) -> LockHolder:
        """This process, now."""
        import psutil  # only who opens a directory waits for it

        return cls(
            host=platform.node(),
            machine=_read_text("/etc/machine-id"),
            namespace=_process_namespace(),
            pid=os.getpid(),
            started=psutil.Process().create_time(),
            taken=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            token=uuid.uuid4().hex,
            process=_process_identity(os.getpid()),
        )

    @property
    def is_local(self) -> bool:
        """Whether the holder's process can be seen from here."""
        here = LockHolder.this_process()
        return (self.host, self.machine, self.namespace) == (here.host, here.machine, here.namespace)

    def is_alive(self) -> bool:
        """Whether the holder's process still runs; only for a local one."""
        import psutil

        now = _process_identity(self.pid)
        try:
            process = psutil.Process(self.pid)
            if now and self.process:
                return now == self.process and process.status() != psutil.STATUS_ZOMBIE
            # Another process may have got the number since.
            same = abs(process.create_time() - self.started) < 1.0
            return same and process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False
        except psutil.AccessDenied:
            return True

    def __str__(self) -> str:
        return f"process {self.pid} on host {self.host!r}, since {self.taken}"


def _content(path: Path) -> bytes:
    """What a lock holds; of one that is far too long, its begin, which is no lock."""
    with open_regular(path) as file:
        return file.read(_MOST_BYTES)


def _parse(text: bytes) -> LockHolder | None:
    try:
        found = parsed(text)
        texts = {name: found[name] for name in ("host", "machine", "namespace", "taken", "token")}
        texts["process"] = found.get("process", "")
        pid, started = found["pid"], float(found["started"])
    except (ValueError, LookupError, TypeError, AttributeError, OverflowError):
        return None
    if type(pid) is not int or not 0 < pid < 2**31 or not math.isfinite(started):
        return None
    if not all(isinstance(value, str) and len(value) < 1000 and value.isprintable() for value in texts.values()):
        return None
    return LockHolder(pid=pid, started=started, **texts)


def is_held(directory: Path) -> bool:
    """Whether a process works in a campaign's directory, as far as its lock tells; one on another host is believed."""
    try:
        holder = _parse(_content(directory / LOCK))
    except OSError:
        return False
    return holder is not None and (not holder.is_local or holder.is_alive())


class DirectoryLock:
    """The lock of one campaign's directory.

    Args:
        directory: the campaign's directory; must exist.
    """

    def __init__(self, directory: Path) -> None:
        self.path = directory / LOCK
        self.holder: LockHolder | None = None
        self._identity: tuple[int, int] | None = None

    def acquire(self, break_lock: bool = False) -> list[str]:
        """Take the lock.

        Args:
            break_lock: take it from whoever holds it. Only when that process
                is known to be dead: two processes would spoil each other's work.

        Returns:
            messages on what was taken over, usually none.

        Raises:
            DirectoryLockedError: another process holds it.
            StorageError: the directory cannot be written.
        """
        messages: list[str] = []
        directory = self.path.parent
        with atomic.storage_errors("lock", directory), _guard(directory):
            for _ in range(10):
                if self._try():
                    return messages
                try:
                    found = _content(self.path)
                except FileNotFoundError:
                    continue
                messages.extend(self._judge(found, break_lock))
                self._take_away(found)
        raise DirectoryLockedError(f"directory {directory}: other processes are taking its lock again and again")

    def _judge(self, found: bytes, break_lock: bool) -> list[str]:
        """Say why an existing lock may be taken away, or raise."""
        directory = self.path.parent
        holder = _parse(found)
        hint = (
            "If that process is certainly dead, break its lock: evo resume --break-lock DIR, "
            "or evo.resume(directory, data, break_lock=True)."
        )
        if holder is None:
            if break_lock:
                return [f"{LOCK} was unreadable; it was broken as asked"]
            raise DirectoryLockedError(
                f"directory {directory}: its lock file {LOCK} is unreadable, so that nobody can say "
                f"who holds it. {hint}"
            )
        if break_lock:
            return [f"the lock held by {holder} was broken as asked"]
        if not holder.is_local:
            raise DirectoryLockedError(
                f"directory {directory} is in use by {holder}; whether it still runs cannot be seen from "
                f"host {platform.node()!r}. {hint}"
            )
        if holder.pid == os.getpid() and holder.is_alive():
            raise DirectoryLockedError(f"directory {directory} is already open in this process (since {holder.taken})")
        if holder.is_alive():
            raise DirectoryLockedError(f"directory {directory} is in use by {holder}. Wait for it, or stop it first.")
        return [f"took over the lock of a process that no longer runs: {holder}"]

    def _try(self) -> bool:
        holder = LockHolder.this_process()
        aside = self.path.with_name(f".{LOCK}.{holder.token}{atomic.PARTIAL}")
        aside.write_text(json.dumps(asdict(holder), indent=2) + "\n")
        try:
            try:
                os.link(aside, self.path)
            except FileExistsError:
                return False
            except OSError as error:
                if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK):
                    raise
                # A file system without hard links: exclusive creation is the next best.
                try:
                    with open(self.path, "x") as file:
                        file.write(json.dumps(asdict(holder), indent=2) + "\n")
                except FileExistsError:
                    return False
        finally:
            with contextlib.suppress(OSError):
                os.unlink(aside)
        self.holder = holder
        self._identity = self._stat()
        return True

    def _take_away(self, found: bytes) -> None:
        """Remove the lock that was judged, and no other one that came in between."""
        aside = self.path.with_name(f".{LOCK}.{uuid.uuid4().hex}{atomic.PARTIAL}")
        try:
            os.replace(self.path, aside)
        except FileNotFoundError:
            return
        if _content(aside) != found:
            with contextlib.suppress(OSError):
                os.link(aside, self.path)
        os.unlink(aside)

    def _stat(self) -> tuple[int, int] | None:
        try:
            status = os.stat(self.path)
        except OSError:
            return None
        return status.st_ino, status.st_mtime_ns

    def check(self) -> None:
        """Make sure that the lock is still ours.

        Raises:
            DirectoryLockedError: somebody has broken it.
            StorageError: it was released or never taken.
        """
        if self.holder is None:
            raise StorageError(f"directory {self.path.parent} is closed, or was opened only for reading")
        if self._stat() == self._identity:
            return
        try:
            now = _parse(_content(self.path))
        except OSError:
            now = None
        if now is not None and now.token == self.holder.token:
            self._identity = self._stat()
            return
        taken = f"by {now}" if now is not None else "or removed"
        raise DirectoryLockedError(
            f"directory {self.path.parent}: the lock of this process was broken {taken}; nothing more is written here"
        )

    def release(self) -> None:
        """Give the lock back, if it is still ours."""
        if self.holder is None:
            return
        with contextlib.suppress(OSError):
            now = _parse(_content(self.path))
            if now is not None and now.token == self.holder.token:
                os.unlink(self.path)
        self.holder = None


@contextlib.contextmanager
def _guard(directory: Path) -> Iterator[None]:
    """Let one process of this host at a time judge the lock, where the system has ``flock``.

    Without, two processes that both find the same stale lock could each
    remove what the other has just taken.
    """
    try:
        import fcntl
    except ImportError:
        yield
        return
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
