"""Models beside the nets: one HDF5 file for each, and one JSON file for each kind that is finished."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from evo.core.errors import DirectoryLockedError, StorageError
from evo.core.hdf5 import UnsafeFileError, array
from evo.core.json_text import parsed
from evo.storage import atomic, layout
from evo.storage.lock import DirectoryLock
from evo.storage.sealed import Damaged, open_hdf5, open_json, read_bytes, seal_hdf5, seal_json

if TYPE_CHECKING:
    import h5py

KIND = "companion"


@dataclass(frozen=True, eq=False)
class StoredCompanion:
    """A model beside the nets as it is stored.

    Attributes:
        number: negative; unique in the campaign.
        kind: ``trees``, ``linear``.
        scores: on the rows that it was judged by.
        parameters: numbers that make it up.
        predictions: for those rows, float32 (rows, outputs).
        model: bytes of the model's own file; empty where they were not asked for.
    """

    number: int
    kind: str
    scores: Mapping[str, float]
    parameters: int | None
    predictions: np.ndarray
    model: bytes = b""


class CompanionFiles:
    """The files of ``companions/``.

    Args:
        root: the campaign's directory.
        say: is told about damaged files.
    """

    def __init__(self, root: Path, say: Callable[[str], None] | None = None) -> None:
        self._folder = root / layout.COMPANIONS
        self._say = say or (lambda message: None)

    def write(self, companion: StoredCompanion) -> None:
        """Store a model; the directory must be locked by this process.

        Raises:
            StorageError: it cannot be written.
        """
        about = {
            "number": companion.number,
            "kind": companion.kind,
            "scores": {name: float(value) for name, value in companion.scores.items()},
            "parameters": companion.parameters,
        }

        def fill(file: h5py.File) -> None:
            file.create_dataset("about", data=np.frombuffer(json.dumps(about).encode(), np.uint8), track_times=False)
            predictions = np.ascontiguousarray(companion.predictions, dtype="<f4")
            file.create_dataset("predictions", data=predictions, track_times=False)
            file.create_dataset("model", data=np.frombuffer(companion.model, np.uint8), track_times=False)

        atomic.make_folder(self._folder)
        atomic.write_file(self._folder / layout.number_name(-companion.number, ".h5"), seal_hdf5(KIND, fill))

    def finish(self, kind: str, about: Mapping[str, Any]) -> None:
        """Note that all models of a kind are there, so that none is fitted again."""
        atomic.make_folder(self._folder)
        atomic.write_file(self._folder / f"{kind}.json", seal_json(about))

    def finished(self, kind: str) -> dict[str, Any] | None:
        """What was noted when a kind was finished; None if it is not."""
        path = self._folder / f"{kind}.json"
        if not path.is_file():
            return None
        try:
            return open_json(read_bytes(path))
        except Damaged as damage:
            self._say(f"{layout.COMPANIONS}/{path.name} is damaged: {damage}; what is missing is fitted again")
            return None

    def read(self) -> list[StoredCompanion]:
        """All models, without their bytes, the highest number first; what is damaged is left out and said."""
        if not self._folder.is_dir():
            return []
        found = []
        for name in sorted(os.listdir(self._folder)):
            number = layout.parse_number(name)
            if number is None or not name.endswith(".h5"):
                continue
            try:
                found.append(self._read(-number, with_model=False))
            except StorageError as damage:
                self._say(f"{damage}; the model is left out")
        return found

    def model(self, number: int) -> bytes:
        """The bytes of a model's own file.

        Raises:
            StorageError: there is no such model, or its file is damaged; names it.
        """
        return self._read(number, with_model=True).model

    def _read(self, number: int, with_model: bool) -> StoredCompanion:
        path = self._folder / layout.number_name(-number, ".h5")
        try:
            with open_hdf5(read_bytes(path), KIND) as file:
                about = parsed(array(file, "about", "u").tobytes())
                if about["number"] != number:
                    raise Damaged(f"it is that of model {about['number']!r:.20}")
                return StoredCompanion(
                    number,
                    str(about["kind"]),
                    {str(name): float(value) for name, value in about["scores"].items()},
                    None if about["parameters"] is None else int(about["parameters"]),
                    array(file, "predictions", "f", (None, None)).astype(np.float32, copy=False),
                    array(file, "model", "u").tobytes() if with_model else b"",
                )
        except (Damaged, UnsafeFileError, ValueError, LookupError, TypeError, AttributeError) as damage:
            raise StorageError(f"{path} is damaged: {damage}") from None


@contextlib.contextmanager
def locked(root: Path) -> Iterator[bool]:
    """Hold a campaign's directory for a moment, without a session.

    Gives:
        Whether it could be had: nobody else works in it, and it can be written.
    """
    lock = DirectoryLock(root)
    try:
        lock.acquire()
    except (DirectoryLockedError, StorageError):
        yield False
        return
    try:
        yield True
    finally:
        lock.release()
