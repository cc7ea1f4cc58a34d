"""What differs between two genomes is said, and nothing else is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import genomes
from genomes.changes import changes
from genomes.genome import Genome
from genomes.spaces.vector import vector

SPACE = genomes.spaces.image(input_shape=(8, 8, 1), classes=3)
NAMED = vector({"width": genomes.Int(8, 512), "kind": genomes.Choice(["plain", "residual"])})


@given(st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_there_is_something_to_say_exactly_where_genomes_differ(seed: int) -> None:
    rng = np.random.default_rng(seed)
    parent = SPACE.sample(rng)
    child = SPACE.mutate(parent, rng)
    assert changes(parent, parent) == []
    if [gene.to_json() for _, gene in parent.walk()] == [gene.to_json() for _, gene in child.walk()]:
        assert bool(changes(parent, child)) == (parent.training != child.training)
    else:
        assert changes(parent, child)


@given(st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_the_way_back_says_the_opposite(seed: int) -> None:
    rng = np.random.default_rng(seed)
    first, second = SPACE.sample(rng), SPACE.sample(rng)
    there, back = changes(first, second), changes(second, first)
    assert sum(line.startswith("new ") for line in there) == sum(line.startswith("without ") for line in back)
    assert sum("→" in line for line in there) == sum("→" in line for line in back)


def test_each_kind_of_change_has_its_words() -> None:
    rng = np.random.default_rng(0)
    genome = next(g for g in (SPACE.sample(rng) for _ in range(200)) if len(g.genes) >= 3)
    first, *rest = genome.genes
    said = changes(genome, Genome(rest, genome.training))
    assert sum(line.startswith("without ") for line in said) == first.size
    name = next(iter(genome.training.fields))
    domain = genome.training.fields[name]
    other = next(v for v in (domain.from_unit(u) for u in np.linspace(0, 1, 9)) if v != genome.training.values[name])
    changed = Genome(genome.genes, genome.training.replace(**{name: other}))
    assert len(said := changes(genome, changed)) == 1 and f".{name} " in said[0] and "→" in said[0]
    moved = changes(genome, Genome([*rest, first], genome.training))
    assert moved == [f"{type(first).__name__} moved"] or all("moved" in line for line in moved)


def test_named_values_are_said_one_by_one() -> None:
    rng = np.random.default_rng(1)
    first = NAMED.sample(rng)
    second = next(g for g in (NAMED.mutate(first, rng) for _ in range(100)) if g.key != first.key)
    assert all(any(name in line for name in ("width", "kind")) for line in changes(first, second))


def test_hyperparameters_of_a_hypermodel_are_told_by_their_names() -> None:
    keras_tuner = pytest.importorskip("keras_tuner")

    def build(hp: keras_tuner.HyperParameters) -> object:
        import keras

        units = hp.Int("units", 8, 64)
        return keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(units), keras.layers.Dense(1)])

    space = genomes.spaces.from_hypermodel(build, outputs=1)
    rng = np.random.default_rng(0)
    first = space.sample(rng)
    second = next(g for g in (space.mutate(first, rng) for _ in range(100)) if g.key != first.key)
    assert [line.split()[0] for line in changes(first, second)] == ["units"]
