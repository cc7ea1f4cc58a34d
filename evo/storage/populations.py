"""Checkpoints of the population: one self-contained HDF5 file per generation.

Each holds the tables of :mod:`evo.storage.tables` for the members, and

- ``members``: numbers of the trials, best first;
- ``fitness``: shape (members, objectives), float64, all to be maximised;
- attributes ``generation`` and ``objectives`` (names with their signs).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from evo.core.errors import StorageError
from evo.core.hdf5 import array
from evo.storage import atomic, layout, tables
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


class PopulationFiles:
    """The files of ``populations/``.

    Args:
        root: the campaign's directory.
        say: is told about damaged files.
    """

    def __init__(self, root: Path, say: Callable[[str], None]) -> None:
        self._root = root
        self._folder = root / layout.POPULATIONS
        self._say = say
        #: Outcomes between two checkpoints; 0 where that is unknown.
        self.every = 0

    def _path(self, generation: int) -> Path:
        return self._folder / layout.number_name(generation, ".h5")

    @property
    def generations(self) -> list[int]:
        """Generations of which there is a checkpoint, in order."""
        numbers = (layout.parse_number(name) for name in os.listdir(self._folder))
        return sorted(number for number in numbers if number is not None)

    def write(
        self,
        generation: int,
        records: Sequence[TrialRecord],
        fitness: Sequence[Sequence[float]],
        objectives: Sequence[str],
    ) -> None:
        """Store a population; the same one again changes nothing."""
        data = encode(generation, records, fitness, objectives)
        path = self._path(generation)
        if not path.exists() or path.read_bytes() != data:
            atomic.make_folder(self._folder)
            atomic.write_file(path, data)

    def read(self, generation: int | None = None) -> Population:
        """The population of a generation; the last one by default.

        Raises:
            StorageError: there is none, or it is damaged; names the file.
        """
        if generation is None:
            known = self.generations
            if not known:
                raise StorageError(f"{self._folder} holds no population yet")
            generation = known[-1]
        path = self._path(generation)
        try:
            return decode(read_bytes(path))
        except Damaged as damage:
            raise StorageError(f"{path} is damaged: {damage}") from None

    def check(self, trials: int, leading: int) -> None:
        """Set aside what is damaged, or holds trials that had to be given up; tell what is missing.

        Args:
            trials: number of trials that are known.
            leading: trials at the front whose outcomes are all known.
        """
        for generation in self.generations:
            if generation > trials:
                path = self._path(generation)
                self._say(f"{layout.POPULATIONS}/{path.name} is of no generation that there has been; set aside")
                atomic.set_aside(self._root, path)
        known = set(self.generations)
        # A kill may have come before the last one was written.
        full = leading // self.every if self.every else 0
        for generation in range(1, max(full, *known, 1)):
            if generation not in known:
                self._say(f"{layout.POPULATIONS}/{self._path(generation).name} is missing; it is written again")
        for generation in self.generations:
            path = self._path(generation)
            try:
                if any(number >= trials for number in decode(read_bytes(path)).members):
                    raise Damaged("it holds trials that had to be given up")
            except Damaged as damage:
                self._say(f"{layout.POPULATIONS}/{path.name} is damaged: {damage}; set aside")
                atomic.set_aside(self._root, path)


def encode(
    generation: int,
    records: Sequence[TrialRecord],
    fitness: Sequence[Sequence[float]],
    objectives: Sequence[str],
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
            members = tuple(array(file, "members", "i", (None,)).tolist())
            objectives = tuple(str(name) for name in file.attrs["objectives"])
            return Population(
                generation=int(file.attrs["generation"]),
                members=members,
                fitness=array(file, "fitness", "f", (len(members), len(objectives))),
                objectives=objectives,
                records=tuple(records[number] for number in members),
            )
        except (KeyError, TypeError, ValueError, IndexError, OSError) as error:
            raise Damaged(f"its content is not what was expected: {error!r}") from None
