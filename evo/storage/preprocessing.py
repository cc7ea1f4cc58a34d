"""``preprocessing.npz``: the arrays that ``Space.adapt`` found, written once and never changed."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from evo.core.errors import StorageError
from evo.core.npz import read_arrays
from evo.storage import atomic, layout
from evo.storage.sealed import Damaged, digest, read_bytes


class PreprocessingFile:
    """The preprocessing of one campaign.

    Args:
        root: the campaign's directory.
        sha256: checksum of the file, as ``campaign.json`` has it; None if the space needs no preprocessing.
    """

    def __init__(self, root: Path, sha256: str | None) -> None:
        self._path = root / layout.PREPROCESSING
        self._sha256 = sha256

    def path(self) -> Path | None:
        """The file, compared with its checksum; None if the space needs none.

        Raises:
            StorageError: it is missing or damaged.
        """
        if self._sha256 is None:
            return None
        try:
            if digest(read_bytes(self._path)) != self._sha256:
                raise Damaged("its checksum does not match its content")
        except Damaged as damage:
            raise StorageError(f"{self._path} is damaged: {damage}") from None
        return self._path

    def arrays(self) -> dict[str, np.ndarray]:
        """The arrays by name; empty if the space needs none.

        Raises:
            StorageError: the file is missing or damaged.
        """
        path = self.path()
        if path is None:
            return {}
        try:
            return read_arrays(path)
        except (OSError, ValueError) as error:
            raise StorageError(f"{path} is damaged: {error}") from None

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Write the file again after it was damaged.

        Raises:
            StorageError: these are not the arrays that the campaign began with.
        """
        packed = pack_arrays(arrays)
        if digest(packed) != self._sha256:
            raise StorageError(
                f"{self._path} is damaged, and the preprocessing computed from the "
                "data is not the one that the campaign began with. Restore the file from a backup."
            )
        atomic.write_file(self._path, packed)


def of_fold(arrays: Mapping[str, np.ndarray], fold: int) -> dict[str, np.ndarray]:
    """What was found in the training rows of one fold, by its plain names."""
    prefix = f"fold{fold}/"
    return {name[len(prefix) :]: array for name, array in arrays.items() if name.startswith(prefix)}


def pack_arrays(arrays: Mapping[str, np.ndarray]) -> bytes:
    """Arrays as an ``.npz`` file whose bytes depend on nothing else.

    Raises:
        StorageError: an array holds objects.
    """
    buffer = io.BytesIO()
    checked = {}
    for name in sorted(arrays):
        array = np.asarray(arrays[name])
        if array.dtype.hasobject:
            raise StorageError(f"preprocessing {name!r}: expected an array of numbers or text, got objects")
        checked[name] = array
    np.savez(buffer, **checked)  # type: ignore[arg-type]
    return buffer.getvalue()
