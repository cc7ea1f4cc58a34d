"""``judged.h5``: targets of the rows that candidates are judged by: ensembles are chosen by it without the data."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from evo.core.hdf5 import UnsafeFileError, array
from evo.storage import atomic, layout
from evo.storage.sealed import Damaged, open_hdf5, read_bytes, seal_hdf5

if TYPE_CHECKING:
    import h5py

KIND = "judged"


@dataclass(frozen=True, eq=False)
class JudgedTargets:
    """What candidates' predictions are compared with, row by row.

    Attributes:
        targets: as the campaign's data has them once prepared, numbers, (rows,) or (rows, outputs); with folds those
            of one fold after the other.
        weights: of each row, float32 (rows,), or None.
        folds: number of folds; 0 for one split.
    """

    targets: np.ndarray
    weights: np.ndarray | None = None
    folds: int = 0


def write_judged(root: Path, fingerprint: str, judged: JudgedTargets) -> None:
    """Store them with the fingerprint of the data that they are of; the same ones give the same bytes.

    Raises:
        StorageError: the file cannot be written.
    """

    def fill(file: h5py.File) -> None:
        file.create_dataset("targets", data=np.ascontiguousarray(judged.targets), track_times=False)
        if judged.weights is not None:
            weights = np.ascontiguousarray(judged.weights, dtype="<f4")
            file.create_dataset("weights", data=weights, track_times=False)
        file.create_dataset("data", data=np.frombuffer(fingerprint.encode(), np.uint8), track_times=False)
        file.attrs["folds"] = judged.folds

    atomic.write_file(root / layout.JUDGED, seal_hdf5(KIND, fill))


def read_judged(root: Path, fingerprint: str) -> JudgedTargets | None:
    """What :func:`write_judged` stored; None where there is none, a damaged one, or one of other data.

    It is written anew from the data by the next session.
    """
    try:
        with open_hdf5(read_bytes(root / layout.JUDGED), KIND) as file:
            if array(file, "data", "u").tobytes() != fingerprint.encode():
                return None
            targets = array(file, "targets", "fiub")
            weights = array(file, "weights", "f", (len(targets),)) if "weights" in file else None
            folds = int(file.attrs["folds"])
            if targets.ndim not in (1, 2) or not 0 <= folds <= len(targets):
                return None
            return JudgedTargets(targets, weights, folds)
    except (Damaged, UnsafeFileError, LookupError, TypeError, ValueError, OverflowError):
        return None
