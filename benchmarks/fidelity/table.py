"""Rows of the table: a program, its largest difference, in what, engine, reused or traced."""

from __future__ import annotations

import tempfile
import traceback
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.fidelity.difference import Difference, Training, largest
from benchmarks.fidelity.distribution import SEEDS, unlikeness
from benchmarks.fidelity.program import Program
from benchmarks.fidelity.trainings import SEED, evo_trainings, keras_trainings


@dataclass(frozen=True)
class TableRow:
    """One trial of one program.

    Attributes:
        program: the program.
        trial: its number among the program's trials, from 1; 0 where the program has one.
        difference: the largest.
        training: evo's.
        oracle: what it is compared with where there are several replicas; empty where there is one.
        tolerance: largest value within tolerance.
    """

    program: Program
    trial: int
    difference: Difference
    training: Training
    oracle: str
    tolerance: float

    @property
    def within(self) -> bool:
        """Whether the difference is one of rounding."""
        return self.difference.value <= self.tolerance

    @property
    def name(self) -> str:
        """The program's name, with the trial's number where there are several."""
        return f"{self.program.name}#{self.trial}" if self.trial else self.program.name

    def __str__(self) -> str:
        how = "reused" if self.training.reused else "traced"
        mark = "  " if self.within else "! "
        oracle = f"{self.oracle:<14} " if self.oracle else ""
        place = " ".join(self.difference.place.split())[:200]
        return f"{mark}{self.name:<52} {self.difference.value:9.2e}  {self.training.engine:<17} {how}  {oracle}{place}"


def compare(program: Program, strategy: str = "cpu", scope: Any = None, corrected: bool = False) -> list[TableRow]:
    """Train a program's trials by evo and by Keras.

    On several replicas Keras on one device is the oracle, except for what evo leaves to Keras' own ``fit``: that
    must be what ``fit`` makes under the same strategy. Of programs that draw random numbers many trainings of both are
    compared there (:func:`~benchmarks.fidelity.distribution.unlikeness`), and on torch, whose own generator draws.

    Args:
        program: what to train.
        strategy: evo's setting.
        scope: evo's strategy as a ``tf.distribute.Strategy``, where there are several replicas.
        corrected: see :func:`~benchmarks.fidelity.trainings.evo_trainings`.
    """
    import keras

    ours = _by_evo(program, strategy, corrected)
    by_keras = any(training.on_replicas and training.engine == "FitEngine" for training in ours)
    several = len(ours) > 1
    if program.random and (scope is not None or keras.backend.backend() == "torch"):
        ours = _by_evo(program, strategy, corrected, SEEDS)
        theirs = keras_trainings(program, SEEDS, scope if by_keras else None)
        trials = len(ours) // len(SEEDS)
        pairs = [(ours[n::trials], theirs[n::trials]) for n in range(trials)]
        return [
            TableRow(program, number if several else 0, unlikeness(a, b), a[0], f"{len(SEEDS)} seeds", 1.0)
            for number, (a, b) in enumerate(pairs, 1)
        ]
    oracle = "" if scope is None else "the strategy" if by_keras else "one device"
    theirs = keras_trainings(program, strategy=scope if by_keras else None)
    return [
        TableRow(program, number if several else 0, largest(a, b), a, oracle, program.tolerance)
        for number, (a, b) in enumerate(zip(ours, theirs, strict=True), 1)
    ]


def _by_evo(program: Program, strategy: str, corrected: bool, seeds: Sequence[int] = (SEED,)) -> list[Training]:
    with tempfile.TemporaryDirectory() as directory:
        try:
            return evo_trainings(program, Path(directory), seeds, strategy, corrected)
        except Exception as error:
            where = traceback.extract_tb(error.__traceback__)[-1]
            problem = f"{type(error).__name__}: {error} ({Path(where.filename).name}:{where.lineno})"
            return [Training(problem=problem, engine="none")] * len(program.trials) * len(seeds)


def rows(
    programs: Iterable[Program], strategy: str = "cpu", scope: Any = None, corrected: bool = False
) -> Iterator[TableRow]:
    """The rows of a table, as they come."""
    for program in programs:
        yield from compare(program, strategy, scope, corrected)
