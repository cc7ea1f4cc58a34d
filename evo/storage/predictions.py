"""Validation predictions: one HDF5 file per trial, dataset ``predictions``, float32."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from evo.core.errors import StorageError
from evo.core.hdf5 import UnsafeFileError, array
from evo.storage import atomic, layout
from evo.storage.records import StoredFile
from evo.storage.sealed import Damaged, digest, file_digest, open_hdf5, read_bytes, seal_hdf5

if TYPE_CHECKING:
    import h5py

KIND = "predictions"

#: Predictions of more bytes than this are compared with their checksums when they are read,
#: not all at once when the directory is opened.
_VERIFY_BYTES = 512 * 2**20


class PredictionFiles:
    """The files of ``predictions/``.

    Args:
        root: the campaign's directory.
        say: is told about damaged files.
    """

    def __init__(self, root: Path, say: Callable[[str], None]) -> None:
        self._root = root
        self._folder = root / layout.PREDICTIONS
        self._say = say
        #: Trials whose predictions were found damaged or missing.
        self.lost: list[int] = []

    def write(self, file: StoredFile, data: bytes) -> None:
        """Store what :func:`encode` gave."""
        atomic.write_file(self._folder / file.name, data)

    def read(self, file: StoredFile) -> np.ndarray:
        """Predictions, float32, as they were given.

        Raises:
            StorageError: the file is missing or damaged; names it.
        """
        path = self._folder / file.name
        try:
            data = read_bytes(path, most=file.bytes)
            if digest(data) != file.sha256:
                raise Damaged("its content is not what the trial's record says")
            with open_hdf5(data, KIND) as opened:
                return array(opened, "predictions", "f").astype(np.float32, copy=False)
        except (Damaged, UnsafeFileError) as damage:
            raise StorageError(f"{path} is damaged: {damage}") from None

    def restore(self, number: int, expected: StoredFile | None, predictions: np.ndarray) -> None:
        """Write damaged predictions again.

        Raises:
            StorageError: these are not the predictions that were lost, to the last bit.
        """
        file, data = encode(number, predictions)
        if file != expected:
            raise StorageError(
                f"{self._folder / file.name} was lost, and what was computed again for trial {number} "
                "differs from it. Restore the file from a backup."
            )
        self.write(file, data)
        if number in self.lost:
            self.lost.remove(number)
        self._say(f"{layout.PREDICTIONS}/{file.name} was damaged; computed again")

    def check(self, files: Mapping[int, StoredFile]) -> None:
        """Find damaged files, and remove those that no trial knows.

        Args:
            files: the files that there should be, by trial.
        """
        known = {file.name for file in files.values()}
        unknown = [self._folder / name for name in sorted(os.listdir(self._folder)) if name not in known]
        atomic.remove_files([path for path in unknown if path.is_file()])
        thorough = sum(file.bytes for file in files.values()) <= _VERIFY_BYTES
        for number, file in files.items():
            path = self._folder / file.name
            reason = ""
            try:
                sha, size = file_digest(path) if thorough else (file.sha256, path.stat().st_size)
                if (sha, size) != (file.sha256, file.bytes):
                    reason = "its content is not what the trial's record says"
            except FileNotFoundError:
                reason = "it is missing"
            except OSError as error:
                reason = f"it cannot be read: {error.strerror or error}"
            if reason:
                self._say(f"{layout.PREDICTIONS}/{file.name} is damaged: {reason}")
                atomic.set_aside(self._root, path)
                self.lost.append(number)


def encode(number: int, predictions: np.ndarray) -> tuple[StoredFile, bytes]:
    """A trial's predictions as a file, with its identity.

    Raises:
        StorageError: something that is no array of numbers.
    """
    array = np.asarray(predictions)
    if array.dtype.kind not in "fiub":
        raise StorageError(f"predictions of trial {number}: expected an array of numbers, got {array.dtype}")
    array = np.ascontiguousarray(array, dtype="<f4")

    def fill(file: h5py.File) -> None:
        file.create_dataset("predictions", data=array, track_times=False)
        file.attrs["number"] = number

    data = seal_hdf5(KIND, fill)
    return StoredFile(layout.predictions_name(number), digest(data), len(data)), data
