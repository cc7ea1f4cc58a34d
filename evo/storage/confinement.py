"""What a campaign's directory may hold, whoever made it: folders and files of its own, and no way out of it.

A directory may come from somebody else. Names of files are derived from numbers (:mod:`evo.storage.layout`) and never
taken from a record; this module keeps the other way out shut: links, which lead elsewhere under a good name, and
pipes and devices, which never end. It is asked before anything in the directory is read or written.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from evo.core.errors import StorageError
from evo.storage import atomic, layout


def check_confined(root: Path) -> None:
    """Raise if anything in a campaign's directory is neither a file nor a folder; nothing is read or changed.

    Looked at are the directory's own entries and those of its folders. What lies deeper, in the working folder of a
    trial, belongs to the worker: see :func:`unlink_ways_out`.

    Args:
        root: the directory. It may itself be reached by a link: the user named it.

    Raises:
        StorageError: a link, a pipe, a socket or a device, or a file where a folder belongs; names it.
    """
    for entry in _entries(root):
        _check_kind(entry)
        if entry.name in (*layout.FOLDERS, layout.DAMAGED, layout.CACHE):
            if not entry.is_dir(follow_symlinks=False):
                raise StorageError(
                    f"{layout.readable(entry.path)} is a file, expected a folder. Restore the folder from a backup."
                )
            for inner in _entries(Path(entry.path)):
                _check_kind(inner)


def unlink_ways_out(root: Path, say: Callable[[str], None]) -> None:
    """Remove links that lead out of a trial's working folder; what they point to is not touched.

    Links inside are left: a user's own evaluation may make them.

    Args:
        root: the campaign's directory, locked.
        say: is told about each link that was removed.

    Raises:
        StorageError: one could not be removed.
    """
    for entry in _entries(root / layout.WORK):
        if not entry.is_dir(follow_symlinks=False):
            continue
        home = Path(entry.path).resolve()
        for folder, folders, files in os.walk(entry.path, followlinks=False):
            for name in (*folders, *files):
                path = Path(folder, name)
                if path.is_symlink() and not _leads_inside(path, home):
                    atomic.remove_files([path])
                    say(f"{layout.relative(path, root)} was a link out of its folder; removed")


def _leads_inside(path: Path, home: Path) -> bool:
    try:
        return path.resolve().is_relative_to(home)
    except (OSError, RuntimeError):  # a loop of links
        return False


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    with atomic.storage_errors("read", folder):
        try:
            with os.scandir(folder) as entries:
                yield from entries
        except FileNotFoundError:
            return


def _check_kind(entry: os.DirEntry[str]) -> None:
    if entry.is_symlink():
        raise StorageError(
            f"{layout.readable(entry.path)} is a link. A campaign's directory holds files and folders of its own only, "
            "so that nothing outside of it can be read or changed through it. Put the file or folder itself in its "
            "place."
        )
    if entry.is_file(follow_symlinks=False) or entry.is_dir(follow_symlinks=False):
        return
    try:
        mode = entry.stat(follow_symlinks=False).st_mode
    except FileNotFoundError:  # another process removed it
        return
    kinds = {stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket", stat.S_IFCHR: "a device", stat.S_IFBLK: "a device"}
    kind = kinds.get(stat.S_IFMT(mode), "no file")
    raise StorageError(f"{layout.readable(entry.path)} is {kind}, expected a file or a folder. Remove it.")
