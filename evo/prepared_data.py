"""Prepared data: arrays by name, checked against a space, as they are hashed and shipped to workers."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from evo.core.errors import DataError, StorageError
from evo.storage import JudgedTargets
from evo.training.task import DataReference
from genomes.spaces.base import Space


@dataclass
class PreparedData:
    """Arrays by name (see :class:`evo.training.task.DataReference`), checked and in their final dtype.

    Args:
        arrays: float32, integer or fixed-width string arrays. With folds ``fold/N/train`` and ``fold/N/validation``
            are the rows of fold N, and ``fold/N/weight`` the weights of its training rows where classes are weighed.
        kept: data sets that a worker keeps open.
    """

    arrays: dict[str, np.ndarray]
    _fingerprint: str = field(default="", repr=False)
    is_encoded: bool = False
    kept: int = 2

    @property
    def fingerprint(self) -> str:
        """Hash of every array's name, dtype, shape and bytes: 32 hexadecimal digits."""
        if not self._fingerprint:
            digest = hashlib.sha256()
            for name in sorted(self.arrays):
                array = self.arrays[name]
                digest.update(f"{name}:{array.dtype.str}:{array.shape};".encode())
                for start in range(0, len(array), 65536):
                    digest.update(np.ascontiguousarray(array[start : start + 65536]).data.cast("B"))
            self._fingerprint = digest.hexdigest()[:32]
        return self._fingerprint

    def get(self, name: str) -> Any:
        """One array, or a dict of arrays where there are several under that name."""
        if name in self.arrays:
            return self.arrays[name]
        prefix = name + "/"
        several = {k[len(prefix) :]: v for k, v in self.arrays.items() if k.startswith(prefix)}
        return several or None

    @property
    def folds(self) -> int:
        """Number of folds; 0 where there is one split."""
        return sum(name.startswith("fold/") and name.endswith("/train") for name in self.arrays)

    def judged(self) -> JudgedTargets | None:
        """What predictions are compared with; None where there is nothing, or several arrays."""
        targets = self.get("y_validation")
        if not isinstance(targets, np.ndarray):
            return None
        return JudgedTargets(targets, self.arrays.get("weight_validation"), self.folds)

    def fold(self, number: int) -> PreparedData:
        """The rows of one fold, as those of one split."""
        rows = {role: self.arrays[f"fold/{number}/{role}"] for role in ("train", "validation")}
        arrays: dict[str, np.ndarray] = {}
        for name, array in self.arrays.items():
            part, train, rest = name.partition("_train")
            if train and not part.startswith("fold/"):
                arrays |= {f"{part}_{role}{rest}": array[which] for role, which in rows.items()}
        weight = self.arrays.get(f"fold/{number}/weight")
        if weight is not None:
            arrays["weight_train"] = weight
        return PreparedData(arrays, f"{self.fingerprint}-fold{number}", kept=max(2, self.folds))

    def encoded(self, space: Space, preprocessing: Mapping[str, np.ndarray]) -> PreparedData:
        """The same rows after ``space.encode``: look-ups and scaling done once, for all trials."""
        arrays = {name: array for name, array in self.arrays.items() if not name.startswith("x_")}
        for role in ("train", "validation"):
            arrays |= named(f"x_{role}", space.encode(self.get(f"x_{role}"), preprocessing))
        return PreparedData(arrays, f"{self.fingerprint}-encoded", is_encoded=True, kept=self.kept)

    def in_memory(self) -> DataReference:
        """A reference for work in this very process: nothing is copied."""
        return DataReference(self.fingerprint, None, dict(self.arrays), self.is_encoded, self.kept)

    def on_disk(self, directory: Path) -> DataReference:
        """A reference for other processes: ``.npy`` files in ``directory``, to be memory-mapped.

        Raises:
            StorageError: the files cannot be written.
        """
        folder = directory / self.fingerprint
        # Numbered: a column's name may be longer than a file's, or hold what a file system refuses.
        names = {name: f"{index}.npy" for index, name in enumerate(sorted(self.arrays))}
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for name, file in names.items():
                np.save(folder / file, self.arrays[name], allow_pickle=False)
        except OSError as error:
            raise StorageError(f"{folder}: the data cannot be written for the workers: {error}") from error
        return DataReference(self.fingerprint, str(folder.resolve()), names, self.is_encoded, self.kept)


def named(name: str, value: Any) -> dict[str, np.ndarray]:
    """Arrays under ``name``, or under ``name/KEY`` for several."""
    if isinstance(value, Mapping):
        return {f"{name}/{key}": _storable(f"{name}[{key!r}]", part) for key, part in value.items()}
    return {name: _storable(name, value)}


def _storable(name: str, value: Any) -> np.ndarray:
    """An array in a dtype that Keras computes in as it is, and that is stored without pickle."""
    array = value if isinstance(value, np.ndarray) else np.asarray(value)
    if array.dtype.kind in "fb" and array.dtype != np.float32:
        array = array.astype(np.float32)
    elif array.dtype.kind == "O" and array.size and all(isinstance(entry, str) for entry in array.flat):
        # What pandas has for texts, and Keras takes as such.
        array = array.astype(str)
    elif array.dtype.kind == "O":
        raise DataError(f"{name}: expected numbers or strings, got Python objects")
    elif array.dtype.kind not in "fiuUS":
        raise DataError(f"{name}: expected numbers or strings, got dtype {array.dtype}")
    return array
