"""Spaces, genomes and targets as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.fuzzing.mutations import changed_json
from benchmarks.fuzzing.reader import Reader


@cache
def stored_spaces() -> Sequence[Any]:
    from genomes import Boolean, Choice, Fixed, Float, Int, spaces

    table = {"a": np.arange(8.0), "b": np.array(["x", "y"] * 4)}
    return [
        spaces.image(input_shape=(8, 8, 1), classes=3).to_json(),
        spaces.tabular(columns=table, classes=2).to_json(),
        spaces.vector({"a": Int(1, 8, log=True, step=2), "b": Float(0, 1, step=0.1), "c": Choice(["x", 1]),
                       "d": Boolean(), "e": Fixed(3)}).to_json(),
        spaces.text(classes=2).to_json(),
        spaces.timeseries(input_shape=(12, 2), outputs=1).to_json(),
        spaces.joint({"scan": spaces.image((8, 8, 1), 2), "said": spaces.text(classes=2), "one": spaces.tabular(3, 2)},
                     ).to_json(),
        spaces.timeseries(input_shape=(12, 2), horizon=3).to_json(),
    ]  # fmt: skip


def _read_space(value: Any, folder: Path) -> None:
    from genomes.spaces.base import Space

    space = Space.from_json(value)
    rng = np.random.default_rng(0)
    json.dumps(space.to_json())
    space.describe()
    for genome in (space.default(), space.smallest(), space.sample(rng)):
        space.validate(genome)
        space.cost(genome)
        space.features(genome)
        space.validate(space.mutate(genome, rng))


@cache
def _genomes() -> Sequence[Any]:
    from genomes.spaces.base import Space

    return [
        genome.to_json()
        for space in map(Space.from_json, stored_spaces())
        for genome in (space.default(), *(space.sample(np.random.default_rng(seed)) for seed in range(5)))
    ]


def _read_genome(value: Any, folder: Path) -> None:
    from genomes.genome import Genome

    genome = Genome.from_json(value)
    json.dumps(genome.to_json())
    str(genome), genome.describe(), hash(genome), genome.key


def _targets() -> Sequence[Any]:
    from genomes.targets import Target

    made = [
        Target.infer(classes=3),
        Target.infer(classes=["a", "b", "c"]),
        Target.infer(outputs=2),
        Target.infer(labels=3),
    ]
    return [target.to_json() for target in [*made, Target.infer(classes=["no", "yes"])]]


def _read_target(value: Any, folder: Path) -> None:
    from genomes.targets import Target

    target = Target.from_json(value)
    json.dumps(target.to_json())
    str(target), hash(target)
    if target.outputs is not None and target.outputs < 1000:
        target.decode(np.full((2, target.width), 0.5, np.float32))


def genome_readers() -> list[Reader]:
    """The readers of this file."""
    from genomes.errors import GenomeError

    return [
        Reader("space", stored_spaces, changed_json, _read_space, (GenomeError,)),
        Reader("genome", _genomes, changed_json, _read_genome, (GenomeError,)),
        Reader("target", _targets, changed_json, _read_target, (GenomeError,)),
    ]
