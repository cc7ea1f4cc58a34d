"""States that trials left: weights, optimizer, random state. The only part that is ever dropped."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path

from evo.core.errors import StorageError
from evo.storage import atomic, layout
from evo.storage.records import StoredFile
from evo.storage.sealed import file_digest


class StateFiles:
    """The files of ``states/`` and the trials' working folders in ``work/``.

    Args:
        root: the campaign's directory.
        say: is told about damaged files.

    Attributes:
        files: the state that each trial left, by the trial's number; it may have been dropped since.
    """

    def __init__(self, root: Path, say: Callable[[str], None]) -> None:
        self._root = root
        self._say = say
        self.files: dict[int, StoredFile] = {}
        self._verified: set[int] = set()

    def working_folder(self, number: int) -> Path:
        """The folder of a trial in flight; made if need be."""
        folder = self._root / layout.WORK / layout.number_name(number)
        if not folder.is_dir():
            with atomic.storage_errors("make the folder", folder):
                folder.mkdir(exist_ok=True)
        return folder

    def describe(self, number: int, path: Path) -> StoredFile:
        """The identity that a worker's state file will have once it is kept; the file is safe on the disk from now on.

        Raises:
            StorageError: there is no such file.
        """
        with atomic.storage_errors("read", path):
            sha, size = file_digest(path)
        # Once the outcome is recorded, the trial is not trained again: without power before the file is moved, it is
        # found where it lies now.
        atomic.settle_file(path, self._root)
        return StoredFile(layout.state_name(number, path.name), sha, size)

    def keep(self, number: int, file: StoredFile, path: Path) -> None:
        """Move a worker's state file to its place and drop the trial's working folder."""
        target = self._root / layout.STATES / file.name
        if path != target:
            atomic.move_file(path, target)
        self.files[number] = file
        self._verified.add(number)

    def restore(self, number: int, path: Path) -> None:
        """Put a lost state back, after the trial was trained again.

        Raises:
            StorageError: it is not the state that was lost, to the last bit.
        """
        expected = self.files.get(number)
        found = self.describe(number, path)
        if expected is None or (found.sha256, found.bytes) != (expected.sha256, expected.bytes):
            raise StorageError(
                f"{self._root / layout.STATES / found.name} was lost, and what was trained again for trial "
                f"{number} differs from it. Restore the file from a backup."
            )
        self.keep(number, expected, path)
        self.finish(number)
        self._say(f"{layout.STATES}/{expected.name} was lost; trained again")

    def finish(self, number: int) -> None:
        """Drop a trial's working folder."""
        atomic.remove_tree(self._root / layout.WORK / layout.number_name(number))

    def path(self, number: int, write: bool = True) -> Path | None:
        """Where a trial's state is; None if it left none, it was dropped, or it is damaged (which is said)."""
        file = self.files.get(number)
        if file is None:
            return None
        path = self._root / layout.STATES / file.name
        if number in self._verified and path.exists():
            return path
        try:
            sha, size = file_digest(path)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StorageError(f"cannot read {path}: {error.strerror or error}") from error
        if (sha, size) != (file.sha256, file.bytes):
            self._say(f"{layout.STATES}/{file.name} is damaged: its content is not what the trial's record says")
            if write:
                atomic.set_aside(self._root, path)
            return None
        self._verified.add(number)
        return path

    def recover(self, pending: set[int]) -> None:
        """Finish what a kill interrupted: keep finished states, drop working folders that nobody needs.

        Args:
            pending: trials whose outcome is not known; their working folders stay.
        """
        work = self._root / layout.WORK
        for name in sorted(os.listdir(work)):
            number = layout.parse_number(name)
            folder = work / name
            if number is None or not folder.is_dir() or number in pending:
                continue
            file = self.files.get(number)
            if file is not None and not (self._root / layout.STATES / file.name).exists():
                for candidate in sorted(folder.rglob("*")):
                    if (
                        candidate.is_file()
                        and not candidate.is_symlink()
                        and file_digest(candidate) == (file.sha256, file.bytes)
                    ):
                        self.keep(number, file, candidate)
                        break
            atomic.remove_tree(folder)
        wanted = {file.name for file in self.files.values()}
        orphans = [self._root / layout.STATES / n for n in os.listdir(self._root / layout.STATES) if n not in wanted]
        atomic.remove_files([path for path in orphans if path.is_file()])

    def prune(self, keep: Iterable[int], keep_bytes: int | None) -> int:
        """Drop all states but some.

        Args:
            keep: trials whose state is wanted, the most important first.
            keep_bytes: most bytes to keep; the first of ``keep`` that fit stay. None: no limit.

        Returns:
            bytes that were freed.
        """
        kept: set[str] = set()
        total = 0
        for number in dict.fromkeys(keep):
            file = self.files.get(number)
            if file is None:
                continue
            total += file.bytes
            if keep_bytes is not None and total > keep_bytes:
                break
            kept.add(file.name)
        dropped, freed = [], 0
        for entry in os.scandir(self._root / layout.STATES):
            if entry.name not in kept and entry.is_file() and not entry.name.startswith("."):
                freed += entry.stat().st_size
                dropped.append(Path(entry.path))
        atomic.remove_files(dropped)
        return freed
