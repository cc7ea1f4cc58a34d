"""A model of a disk that loses its power: what may be left of a folder, by what POSIX promises and nothing more.

- What a file holds is on the disk once the file was synced; before that, any part of it may be.
- That a name is in a folder, or no longer, is on the disk once the folder was synced; before that, each such change
  may be there or not, whatever the others are. A rename is one change.

File systems keep more than that, each one something else; what survives here survives on all of them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

#: Everything that changes names, or syncs, goes through these.
_CALLS = ("fsync", "replace", "rename", "unlink", "link", "mkdir", "rmdir")
_FOLDER = -1


@dataclass(frozen=True)
class _Change:
    """Names that appear (with what they name) and that vanish, together."""

    added: str | None
    what: int
    removed: str | None

    def folders(self) -> set[str]:
        return {os.path.dirname(name) for name in (self.added, self.removed) if name is not None}


@dataclass(frozen=True, repr=False)
class Moment:
    """What is known of a disk at one moment.

    Attributes:
        names: what is durably there: a path below the root, and the number of the file that it names.
        changes: of names, in order, that may be there or not.
        synced: what is durably in each file.
        written: what was written to it.
        acknowledged: what the program had been told to be stored.
    """

    names: dict[str, int] = field(default_factory=dict)
    changes: tuple[_Change, ...] = ()
    synced: dict[int, bytes] = field(default_factory=dict)
    written: dict[int, bytes] = field(default_factory=dict)
    acknowledged: tuple[int, ...] = ()

    def leave(self, root: Path, rng: np.random.Generator) -> None:
        """Write to an empty folder what one loss of power leaves."""
        names = dict(self.names)
        for change in self.changes:
            if rng.random() < 0.5:
                _apply(change, names)
        for name, number in sorted(names.items()):
            path = root / name
            if not path.parent.is_dir():
                continue  # the name of a folder above was lost, and with it all that is below
            if number == _FOLDER:
                path.mkdir()
            else:
                path.write_bytes(self._left(number, rng))

    def _left(self, number: int, rng: np.random.Generator) -> bytes:
        synced, written = self.synced.get(number, b""), self.written[number]
        if synced == written:
            return written
        part = written[: rng.integers(len(written) + 1)]
        forms = (synced, written, part, bytes(len(written)), part + bytes(len(written) - len(part)))
        return forms[rng.integers(len(forms))]


def _apply(change: _Change, names: dict[str, int]) -> None:
    if change.removed is not None:
        names.pop(change.removed, None)
    if change.added is not None:
        names[change.added] = change.what


class Disk:
    """Watches a folder.

    Args:
        root: an empty folder; it lasts itself.

    Attributes:
        moments: before each call that changed something, and at the end.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.moments = [Moment()]
        self._files: dict[int, int] = {}
        self._count = 0

    @contextmanager
    def watched(self) -> Iterator[Disk]:
        """Watch what is done in the ``with`` block."""
        with pytest.MonkeyPatch.context() as patch:
            for name in _CALLS:
                patch.setattr(os, name, self._wrapped(name, getattr(os, name)))
            yield self
        self._look()

    def acknowledge(self, number: int) -> None:
        """The program was told that this is stored."""
        self._look()
        last = self.moments[-1]
        self.moments.append(replace(last, acknowledged=(*last.acknowledged, number)))

    def _wrapped(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def watched(*args: Any, **kwargs: Any) -> Any:
            self._look()
            given = call(*args, **kwargs)
            self._look()
            if name == "fsync":
                self._synced(args[0])
            return given

        return watched

    def _look(self) -> None:
        """Notice what changed since the last look."""
        last = self.moments[-1]
        before = dict(last.names)
        for change in last.changes:
            _apply(change, before)
        now, found = self._now()
        # What has no name any more may still be there after a loss of power.
        written = {**last.written, **found}
        gone = {number: name for name, number in before.items() if now.get(name) != number and number != _FOLDER}
        changes = []
        for name, number in now.items():
            if before.get(name) != number:
                changes.append(_Change(name, number, gone.pop(number, None)))
        # What was replaced has vanished by that.
        taken = {change.removed for change in changes}
        changes += [_Change(None, 0, name) for name in before if name not in now and name not in taken]
        if changes or written != last.written:
            self.moments.append(replace(last, changes=(*last.changes, *changes), written=written))

    def _now(self) -> tuple[dict[str, int], dict[int, bytes]]:
        names: dict[str, int] = {}
        written: dict[int, bytes] = {}
        files: dict[int, int] = {}
        for folder, folders, found in os.walk(self.root):
            for name in folders:
                names[os.path.relpath(os.path.join(folder, name), self.root)] = _FOLDER
            for name in found:
                path = os.path.join(folder, name)
                inode = os.stat(path).st_ino
                if inode not in self._files:
                    self._count += 1
                    self._files[inode] = self._count
                number = files[inode] = self._files[inode]
                names[os.path.relpath(path, self.root)] = number
                written[number] = Path(path).read_bytes()
        # The system gives the number of a file that is gone to the next one.
        self._files = files
        return names, written

    def _synced(self, descriptor: int) -> None:
        last = self.moments[-1]
        path = os.readlink(f"/proc/self/fd/{descriptor}")
        if os.path.isdir(path):
            folder = "" if Path(path) == self.root else os.path.relpath(path, self.root)
            names, left = dict(last.names), []
            for change in last.changes:
                if folder in change.folders():
                    _apply(change, names)
                else:
                    left.append(change)
            self.moments.append(replace(last, names=names, changes=tuple(left)))
        else:
            number = self._files.get(os.fstat(descriptor).st_ino)
            if number is not None:
                synced = {**last.synced, number: last.written[number]}
                self.moments.append(replace(last, synced=synced))
