"""Rows of the table: a program, its largest difference, in what, engine, reused or traced."""

from __future__ import annotations

import tempfile
import traceback
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.fidelity.difference import Difference, Training, largest
from benchmarks.fidelity.program import Program
from benchmarks.fidelity.trainings import evo_trainings, keras_trainings


@dataclass(frozen=True)
class TableRow:
    """One trial of one program.

    Attributes:
        program: the program.
        trial: its number among the program's trials, from 1; 0 where the program has one.
        difference: the largest.
        training: evo's.
    """

    program: Program
    trial: int
    difference: Difference
    training: Training

    @property
    def within(self) -> bool:
        """Whether the difference is one of rounding."""
        return self.difference.value <= self.program.tolerance

    @property
    def name(self) -> str:
        """The program's name, with the trial's number where there are several."""
        return f"{self.program.name}#{self.trial}" if self.trial else self.program.name

    def __str__(self) -> str:
        how = "reused" if self.training.reused else "traced"
        mark = "  " if self.within else "! "
        place = " ".join(self.difference.place.split())[:200]
        return f"{mark}{self.name:<52} {self.difference.value:9.2e}  {self.training.engine:<17} {how}  {place}"


def compare(program: Program, strategy: str = "cpu", scope: Any = None, corrected: bool = False) -> list[TableRow]:
    """Train a program's trials by evo and by Keras.

    Args:
        program: what to train.
        strategy: evo's setting.
        scope: a ``tf.distribute.Strategy`` that Keras trains programs with, where their replicas have states.
        corrected: see :func:`~benchmarks.fidelity.trainings.evo_trainings`.
    """
    with tempfile.TemporaryDirectory() as directory:
        try:
            ours = evo_trainings(program, Path(directory), strategy=strategy, corrected=corrected)
        except Exception as error:
            where = traceback.extract_tb(error.__traceback__)[-1]
            problem = f"{type(error).__name__}: {error} ({Path(where.filename).name}:{where.lineno})"
            ours = [Training(problem=problem, engine="none")] * len(program.trials)
    theirs = keras_trainings(program, strategy=scope if program.per_replica else None)
    several = len(ours) > 1
    return [
        TableRow(program, number if several else 0, largest(a, b), a)
        for number, (a, b) in enumerate(zip(ours, theirs, strict=True), 1)
    ]


def rows(
    programs: Iterable[Program], strategy: str = "cpu", scope: Any = None, corrected: bool = False
) -> Iterator[TableRow]:
    """The rows of a table, as they come."""
    for program in programs:
        yield from compare(program, strategy, scope, corrected)
