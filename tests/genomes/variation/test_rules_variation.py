"""Rules of variation: children are no copies of their parents, and new layers are as wide as what is there."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from genomes import Choice, Float, Gene, Genome, Int, spaces
from genomes.genes.layers import Conv, Dense, SeparableConv
from genomes.variation.mutation import insert, replace

#: Nothing but convolutions may stand among convolutions.
PLAIN = spaces.image(
    input_shape=(16, 16, 1),
    classes=3,
    filters=64,
    without=[
        "Residual",
        "DepthwiseConv",
        "Pool",
        "Normalization",
        "Activation",
        "Dropout",
        "SpatialDropout",
        "Bottleneck",
        "InvertedResidual",
        "XceptionBlock",
        "ConvNeXtBlock",
        "SqueezeExcite",
        "Parallel",
        "Repeat",
        "StochasticDepth",
    ],
)


def conv(filters: int, number: int) -> Conv:
    return Conv(filters=filters, innovation=number)


def tail() -> list[Gene]:
    return [gene for gene in PLAIN.default().genes if type(gene).__name__ in ("GlobalPool", "Flatten")]


def genome(*filters: int) -> Genome:
    """Convolutions of these widths, and the default's reduction and training."""
    genes = [conv(width, 100 + place) for place, width in enumerate(filters)]
    return Genome([*genes, *tail()], PLAIN.default().training)


# -- crossover -----------------------------------------------------------------------------------
def children(a: Genome, b: Genome, seeds: int = 40) -> list[tuple[str, str]]:
    found = [PLAIN.crossover(a, b, np.random.default_rng(seed)) for seed in range(seeds)]
    return [(first.key, second.key) for first, second in found]


def test_children_of_parents_that_differ_in_two_places_are_no_copies() -> None:
    a, b = genome(10, 20), genome(11, 21)
    mixed = {genome(10, 21).key, genome(11, 20).key}
    assert all({*pair} == mixed for pair in children(a, b))
    # Either child may have either half.
    assert len(set(children(a, b))) == 2


def test_training_settings_are_such_a_place_too() -> None:
    a, b = genome(10, 20), genome(11, 20)
    assert a.training is not None and b.training is not None
    b = b.replace(training=b.training.replace(batch_size=64))
    assert a.training.values["batch_size"] != 64
    assert all({*pair}.isdisjoint({a.key, b.key}) for pair in children(a, b))


def test_children_of_parents_that_differ_in_three_places_exchange_some_but_not_all() -> None:
    a, b = genome(10, 20, 30), genome(11, 21, 31)
    found = children(a, b, 60)
    assert all({*pair}.isdisjoint({a.key, b.key}) for pair in found)
    assert len({frozenset(pair) for pair in found}) == 3


def test_parents_that_differ_in_one_place_have_themselves_as_children() -> None:
    a, b = genome(10, 20), genome(11, 20)
    found = children(a, b)
    assert {frozenset(pair) for pair in found} == {frozenset({a.key, b.key})} and len(set(found)) == 2
    assert set(children(a, a, 5)) == {(a.key, a.key)}


def test_in_a_space_of_values_each_field_comes_from_either_parent() -> None:
    space = spaces.vector({"x": Float(0.0, 1.0), "n": Int(1, 9), "kind": Choice(["a", "b"])})
    a, b = space.genome(x=0.1, n=2, kind="a"), space.genome(x=0.9, n=8, kind="b")
    seen = set()
    for seed in range(60):
        one, two = (space.values(child) for child in space.crossover(a, b, np.random.default_rng(seed)))
        assert all({one[name], two[name]} == {space.values(a)[name], space.values(b)[name]} for name in one)
        seen.add(tuple(one.values()))
    assert len(seen) == 8


# -- width -----------------------------------------------------------------------------------------
def widths(operator: Callable[..., Genome | None], parent: Genome, seeds: int = 300) -> list[tuple[Sequence[int], int]]:
    """Widths of a changed genome's convolutions, and which one is new; those with a new dense layer left out."""
    found = []
    known = {gene.innovation for gene in parent.genes}
    for seed in range(seeds):
        child = operator(PLAIN, parent, np.random.default_rng(seed))
        assert child is not None
        wide = [gene for gene in child.genes if isinstance(gene, (Conv, SeparableConv))]
        new = [place for place, gene in enumerate(wide) if gene.innovation not in known]
        if new and not any(isinstance(gene, Dense) for gene in child.genes):
            found.append(([gene.values["filters"] for gene in wide], new[0]))
    assert len(found) > 30
    return found


def test_half_of_the_inserted_layers_are_as_wide_as_their_neighbour() -> None:
    found = widths(insert, genome(37, 37, 37))
    alike = np.mean([wide[new] == 37 for wide, new in found])
    assert 0.4 < alike < 0.65


def test_they_are_as_wide_as_what_stands_before_them_the_first_as_what_follows() -> None:
    found = widths(insert, genome(37, 41, 43))
    for place, width in ((0, 37), (1, 37), (2, 41), (3, 43)):
        here = [wide[new] for wide, new in found if new == place]
        if place:
            assert here
        if here:
            assert 0.25 < np.mean([value == width for value in here]) < 0.8


def test_a_layer_that_replaces_another_is_as_wide() -> None:
    found = widths(replace, genome(37, 37, 37))
    assert all(wide[new] == 37 for wide, new in found)


@pytest.mark.parametrize("operator", [insert, replace])
def test_a_width_beyond_the_domain_becomes_the_nearest(operator: Callable[..., Genome | None]) -> None:
    found = widths(operator, genome(500, 500, 500))
    assert max(wide[new] for wide, new in found) == 64
    assert np.mean([wide[new] == 64 for wide, new in found]) > 0.4
