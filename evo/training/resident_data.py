"""The data of a campaign inside one worker: opened once, kept as tensors, never copied per trial."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from evo.core.errors import DataError
from evo.training.task import DataReference

Arrays = np.ndarray | Mapping[str, np.ndarray]

_opened: OrderedDict[str, ResidentData] = OrderedDict()


@dataclass
class Split:
    """Rows of one part of the data: inputs, targets (None where a model takes none) and weights (or None)."""

    x: Any
    y: Any = None
    weight: Any = None

    @property
    def rows(self) -> int:
        """Number of samples."""
        return len(_first(self.x))


@dataclass
class ResidentData:
    """Training and validation rows, memory-mapped; a backend adds its tensors to ``tensors``."""

    fingerprint: str
    train: Split
    validation: Split
    tensors: dict[Any, Any] = field(default_factory=dict)

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays, as they are stored."""
        total = 0
        for split in (self.train, self.validation):
            for arrays in (split.x, split.y, split.weight):
                parts = arrays.values() if isinstance(arrays, Mapping) else [arrays]
                total += sum(part.nbytes for part in parts if part is not None)
        return total


def open_data(reference: DataReference) -> ResidentData:
    """The data that a reference names; opened on first use, then kept for this process.

    Raises:
        DataError: a file is missing or training rows are not given.
    """
    found = _opened.get(reference.fingerprint)
    if found is not None:
        _opened.move_to_end(reference.fingerprint)
        return found
    arrays = {name: _open_array(reference, name, value) for name, value in reference.arrays.items()}
    splits = {}
    for part in ("train", "validation"):
        x, y = _gather(arrays, f"x_{part}"), _gather(arrays, f"y_{part}")
        if x is None:
            raise DataError(f"data: x_{part} is needed, got {sorted(arrays)}")
        splits[part] = Split(x, y, _gather(arrays, f"weight_{part}"))
    data = ResidentData(reference.fingerprint, splits["train"], splits["validation"])
    _opened[reference.fingerprint] = data
    while len(_opened) > reference.kept:
        _opened.popitem(last=False)
    return data


def computing_type(array: np.ndarray) -> np.dtype[Any]:
    """The type in which an array is kept on a device.

    float64 becomes float32 (Keras would silently compute in another type),
    int64 becomes int32 where every value fits; small integers such as the
    bytes of images stay as they are and are cast batch by batch.
    """
    if array.dtype == np.float64:
        return np.dtype(np.float32)
    if array.dtype == np.bool_:
        return np.dtype(np.int8)
    if array.dtype.kind in "iu" and array.dtype.itemsize == 8:
        limits = np.iinfo(np.int32)
        if array.size == 0 or (array.min() >= limits.min and array.max() <= limits.max):
            return np.dtype(np.int32)
    return array.dtype


def _first(arrays: Arrays) -> np.ndarray:
    return next(iter(arrays.values())) if isinstance(arrays, Mapping) else arrays


def _open_array(reference: DataReference, name: str, value: Any) -> np.ndarray | None:
    if value is None or isinstance(value, np.ndarray):
        return value
    if not isinstance(value, (str, os.PathLike)):
        return np.asarray(value)
    path = os.path.join(reference.directory or "", value)
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except OSError as error:
        raise DataError(f"data: the file of {name}, {path}, cannot be read: {error}") from error


def _gather(arrays: Mapping[str, np.ndarray | None], name: str) -> Arrays | None:
    if name in arrays:
        return arrays[name]
    parts = {
        key[len(name) + 1 :]: value for key, value in arrays.items() if key.startswith(name + "/") and value is not None
    }
    return parts or None
