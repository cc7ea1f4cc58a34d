"""Checkpoints of the population: one self-contained HDF5 file per generation.

Each holds the tables of :mod:`evo.storage.tables` for the members, and

- ``members``: numbers of the trials, best first;
- ``fitness``: shape (members, objectives), float64, all to be maximised;
- attributes ``generation`` and ``objectives`` (names with their signs).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from evo.errors import StorageError
from evo.storage import layout, tables
from evo.storage.records import TrialRecord
from evo.storage.sealed import Damaged, open_hdf5, read_bytes, seal_hdf5

if TYPE_CHECKING:
    import h5py

KIND = "population"


@dataclass(frozen=True)
class Population:
    """A stored population.

    Attributes:
        generation: its number.
        members: numbers of the trials, best first.
        fitness: shape (members, objectives), float64.
        objectives: names with their signs.
        records: the members' records, in the order of ``members``.
    """

    generation: int
    members: tuple[int, ...]
    fitness: np.ndarray
    objectives: tuple[str, ...]
    records: tuple[TrialRecord, ...]


def path_of(root: Path, generation: int) -> Path:
    """The file of a generation."""
    return root / layout.POPULATIONS / layout.number_name(generation, ".h5")


def encode(
    generation: int, records: Sequence[TrialRecord], fitness: Sequence[Sequence[float]], objectives: Sequence[str]
) -> bytes:
    """A population as a file."""

    def fill(file: h5py.File) -> None:
        tables.write_tables(file, sorted(records, key=lambda record: record.number))
        file.create_dataset("members", data=np.array([r.number for r in records], "<i8"), track_times=False)
        values = np.array(fitness, "<f8").reshape(len(records), len(objectives))
        file.create_dataset("fitness", data=values, track_times=False)
        file.attrs["generation"] = generation
        file.attrs["objectives"] = list(objectives)

    return seal_hdf5(KIND, fill)


def decode(data: bytes) -> Population:
    """What :func:`encode` gave.

    Raises:
        Damaged: it is not that.
    """
    with open_hdf5(data, KIND) as file:
        try:
            records = {record.number: record for record in tables.read_tables(file)}
            members = tuple(file["members"][()].tolist())
            return Population(
                generation=int(file.attrs["generation"]),
                members=members,
                fitness=np.asarray(file["fitness"][()]),
                objectives=tuple(str(name) for name in file.attrs["objectives"]),
                records=tuple(records[number] for number in members),
            )
        except (KeyError, TypeError, ValueError, IndexError, OSError) as error:
            raise Damaged(f"its content is not what was expected: {error!r}") from None


def read(root: Path, generation: int) -> Population:
    """The population of a generation.

    Raises:
        StorageError: the file is missing or damaged; names it.
    """
    path = path_of(root, generation)
    try:
        return decode(read_bytes(path))
    except Damaged as damage:
        raise StorageError(f"{path} is damaged: {damage}") from None
