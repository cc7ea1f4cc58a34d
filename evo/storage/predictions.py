"""Validation predictions: one HDF5 file per trial, dataset ``predictions``, float32."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from evo.errors import StorageError
from evo.storage import atomic, layout
from evo.storage.records import StoredFile
from evo.storage.sealed import Damaged, digest, open_hdf5, read_bytes, seal_hdf5

if TYPE_CHECKING:
    import h5py

KIND = "predictions"


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
    return StoredFile(layout.number_name(number, ".h5"), digest(data), len(data)), data


def write(root: Path, file: StoredFile, data: bytes) -> None:
    """Store what :func:`encode` gave."""
    atomic.write_file(root / layout.PREDICTIONS / file.name, data)


def read(root: Path, file: StoredFile) -> np.ndarray:
    """Predictions, float32, as they were given.

    Raises:
        StorageError: the file is missing or damaged; names it.
    """
    path = root / layout.PREDICTIONS / file.name
    try:
        data = read_bytes(path)
        if digest(data) != file.sha256:
            raise Damaged("its content is not what the trial's record says")
        with open_hdf5(data, KIND) as opened:
            return np.asarray(opened["predictions"][()])
    except (Damaged, KeyError) as damage:
        raise StorageError(f"{path} is damaged: {damage}") from None
