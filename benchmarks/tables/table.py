"""What a table is: a space, and what training any of its points would give."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from genomes.domains import Value
from genomes.spaces.vector import VectorSpace

Values = Mapping[str, Value]


class TableError(ValueError):
    """A table's file is missing or is not what was expected."""


@dataclass(frozen=True)
class Table:
    """A benchmark that answers from a table.

    Attributes:
        name: of the table, with instance and rungs.
        space: what is searched.
        epochs: full length of training.
        rungs: lengths that can be observed, the last being ``epochs``; None if every epoch can be.
        observe: ``(values, epochs, rng) -> score`` that a method gets to see, more is better.
        truth: ``values -> score`` at full length, without noise: what regret is counted in.
        best: the best score that regret is counted from; for tables without a known best,
            the best of many random draws, to be raised by whatever finds more.
    """

    name: str
    space: VectorSpace
    epochs: int
    rungs: tuple[int, ...] | None
    observe: Callable[[Values, int, np.random.Generator], float]
    truth: Callable[[Values], float]
    best: float


def data_directory(given: str | Path | None) -> Path:
    """The folder of the data: what was given, or the environment variable ``EVO_DATA``.

    Raises:
        TableError: neither is given, or there is no such folder.
    """
    name = given or os.environ.get("EVO_DATA")
    if not name:
        raise TableError("data: expected --data DIR or the environment variable EVO_DATA, got neither")
    directory = Path(name)
    if not directory.is_dir():
        raise TableError(f"data: expected a folder, got {str(directory)!r}")
    return directory


def existing(path: Path) -> Path:
    """``path``, or a TableError that names it."""
    if not path.is_file():
        raise TableError(f"data: expected the file {path}, which does not exist")
    return path
