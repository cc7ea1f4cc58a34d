"""Files that appear whole or not at all.

A file is written aside (``.NAME.partial``), synced, renamed into place, and
the directory is synced: after a kill or a power cut there is the old file or
the new one. No file is changed after that.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from evo.core.errors import StorageError
from evo.storage.layout import DAMAGED

PARTIAL = ".partial"

_REASONS = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EFBIG: "the file would exceed the file-size limit of this process",
    errno.EACCES: "permission denied",
    errno.EPERM: "permission denied",
    errno.EROFS: "the file system is read-only",
    errno.ESTALE: "the network file system has lost the file (stale handle)",
}


@contextlib.contextmanager
def storage_errors(action: str, path: Path) -> Iterator[None]:
    """Turn an ``OSError`` into a :class:`StorageError` that says what could not be done, and why."""
    try:
        yield
    except OSError as error:
        reason = _REASONS.get(error.errno or 0, error.strerror or str(error))
        raise StorageError(
            f"cannot {action} {path}: {reason}. What was stored before is unharmed; "
            "once the cause is removed, the campaign can be resumed."
        ) from error


def _sync_directory(path: Path) -> None:
    """Make renames and removals in a directory durable (a no-op where the system has no such call)."""
    if os.name == "nt":
        return
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0))
    try:
        os.fsync(descriptor)
    except OSError as error:
        # Some network file systems cannot sync a directory; their rename is synchronous.
        if error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.EBADF):
            raise
    finally:
        os.close(descriptor)


def _own_file(path: str, flags: int) -> int:
    """Open a file to write, unless it is a link that leads elsewhere."""
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0), 0o666)


def write_file(path: Path, data: bytes | bytearray | memoryview, *, durable: bool = True) -> None:
    """Write a whole file and put it in place.

    Args:
        path: the file; whatever was there is replaced.
        data: all of its bytes.
        durable: wait until it is on the disk. Without, a kill of the process
            still leaves the old file or the new one, but a power cut may
            leave neither: only for files that can be derived from others.

    Raises:
        StorageError: it could not be written; the old file, if any, is still there.
    """
    partial = path.with_name(f".{path.name}{PARTIAL}")
    with storage_errors("write", path):
        try:
            with open(partial, "wb", opener=_own_file) as file:
                file.write(data)
                file.flush()
                if durable:
                    os.fsync(file.fileno())
            os.replace(partial, path)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(partial)
            raise
        if durable:
            _sync_directory(path.parent)


def settle_file(path: Path, root: Path) -> None:
    """Make a finished file durable where it lies: its bytes, its name, and those of the folders up to ``root``.

    Raises:
        StorageError: it could not be synced.
    """
    with storage_errors("sync", path):
        with open(path, "rb+") as file:
            os.fsync(file.fileno())
        folder = path.parent
        _sync_directory(folder)
        while root in folder.parents:
            folder = folder.parent
            _sync_directory(folder)


def move_file(source: Path, target: Path) -> None:
    """Move a finished file into place, durably; a copy is made where a rename cannot (another disk).

    Raises:
        StorageError: it could not be moved; the source is still there.
    """
    with storage_errors("write", target):
        with open(source, "rb+") as file:
            os.fsync(file.fileno())
        try:
            os.replace(source, target)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            partial = target.with_name(f".{target.name}{PARTIAL}")
            try:
                with open(source, "rb") as read, open(partial, "wb", opener=_own_file) as file:
                    shutil.copyfileobj(read, file)
                    file.flush()
                    os.fsync(file.fileno())
                os.replace(partial, target)
            except BaseException:
                with contextlib.suppress(OSError):
                    os.unlink(partial)
                raise
            # The copy has its name on the disk before the original loses its own.
            _sync_directory(target.parent)
            os.unlink(source)
            return
        _sync_directory(target.parent)


def remove_files(paths: list[Path]) -> None:
    """Remove files that are no longer needed; one that is gone already is no error.

    Raises:
        StorageError: one could not be removed.
    """
    folders = set()
    for path in paths:
        with storage_errors("remove", path), contextlib.suppress(FileNotFoundError):
            os.unlink(path)
            folders.add(path.parent)
    for folder in sorted(folders):
        with storage_errors("sync", folder):
            _sync_directory(folder)


def remove_tree(path: Path) -> None:
    """Remove a folder with all that is in it; one that is gone already is no error."""
    with storage_errors("remove", path), contextlib.suppress(FileNotFoundError):
        shutil.rmtree(path)


def make_folder(path: Path) -> None:
    """Make a folder and its parents, durably; one that exists is no error.

    Raises:
        StorageError: it could not be made.
    """
    with storage_errors("make the folder", path):
        if path.is_dir():
            return
        # Each one is an entry in the one above, which has to be on the disk, too.
        made = [folder for folder in (path, *path.parents) if not folder.exists()]
        path.mkdir(parents=True, exist_ok=True)
        for folder in made:
            _sync_directory(folder.parent)


def remove_partials(folder: Path) -> None:
    """Remove what a kill left half written in a folder."""
    with storage_errors("clean", folder):
        for name in os.listdir(folder):
            if name.startswith(".") and name.endswith(PARTIAL):
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(folder / name)


def set_aside(root: Path, path: Path) -> None:
    """Move a damaged file to ``damaged/``, under a name of its own; one that is gone is no error."""
    if not path.exists():
        return
    folder = root / DAMAGED
    make_folder(folder)
    copy = 0
    while (target := folder / f"{path.parent.name}-{path.name}.{copy}").exists():
        copy += 1
    with storage_errors("set aside", path):
        os.replace(path, target)
        for changed in {folder, path.parent}:
            _sync_directory(changed)
