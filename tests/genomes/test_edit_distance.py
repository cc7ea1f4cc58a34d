from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import genomes
from genomes import Branches, Choice, Float, Gene, Genes, Genome, Int
from genomes.edit_distance import BRANCH, distance


class EditLayer(Gene):
    units = Int(1, 5)
    activation = Choice(["relu", "gelu", "elu"])


class EditNothing(Gene):
    rate = Float(0.0, 1.0)

    def canonical(self) -> tuple[Gene, ...]:
        return () if self.rate == 0 else (self,)


class EditBlock(Gene):
    body = Genes()


class EditFork(Gene):
    branches = Branches(least=1)


class EditPair(Gene):
    left = Genes()
    right = Genes()


class EditSettings(Gene):
    rate = Float(1e-4, 1.0, log=True)


def gene_trees() -> st.SearchStrategy[Gene]:
    leaf = st.one_of(
        st.builds(EditLayer, units=st.integers(1, 5), activation=st.sampled_from(["relu", "gelu"])),
        st.builds(EditNothing, rate=st.sampled_from([0.0, 0.5, 0.5000000000000001])),
    )
    return st.recursive(
        leaf,
        lambda inner: st.one_of(
            st.builds(EditBlock, body=st.lists(inner, max_size=3)),
            st.builds(EditFork, branches=st.lists(st.lists(inner, max_size=2), min_size=1, max_size=2)),
            st.builds(EditPair, left=st.lists(inner, max_size=2), right=st.lists(inner, max_size=2)),
        ),
        max_leaves=4,
    )


def samples() -> st.SearchStrategy[Genome]:
    rate = st.none() | st.builds(EditSettings, rate=st.floats(1e-4, 1.0))
    return st.builds(Genome, st.lists(gene_trees(), max_size=4), rate)


@given(samples(), samples())
def test_zero_exactly_for_equal_phenotypes_and_symmetric(a: Genome, b: Genome) -> None:
    assert distance(a, a) == 0
    assert (distance(a, b) == 0) == (a.key == b.key)
    assert distance(a, b) == pytest.approx(distance(b, a), abs=1e-12)
    assert distance(a, b) >= 0


@settings(max_examples=150)
@given(samples(), samples(), samples())
def test_triangle_inequality(a: Genome, b: Genome, c: Genome) -> None:
    assert distance(a, c) <= distance(a, b) + distance(b, c) + 1e-9


def test_it_is_the_function_that_the_package_offers() -> None:
    assert genomes.distance is distance
    assert callable(genomes.distance)


def test_known_distances() -> None:
    layer, other = EditLayer(units=1), EditLayer(units=5, activation="gelu")
    plain = Genome([layer, other])
    assert distance(plain, Genome([layer])) == 1
    assert distance(plain, Genome([layer, EditBlock(body=[other])])) == 1
    assert distance(plain, Genome([EditBlock(body=[layer, other])])) == 1
    assert distance(plain, Genome([EditFork(branches=[[layer, other]])])) == 1 + BRANCH
    assert distance(plain, Genome([layer, EditNothing(rate=0.0), other])) == 0
    assert distance(Genome([layer]), Genome([EditLayer(units=5)])) == pytest.approx(0.4, abs=1e-5)
    assert distance(Genome([layer]), Genome([EditLayer(activation="elu")])) == pytest.approx(0.5)
    assert distance(Genome([]), Genome([], EditSettings())) == 1
    settings_apart = distance(Genome([], EditSettings(rate=1e-4)), Genome([], EditSettings(rate=1.0)))
    assert settings_apart == pytest.approx(1)
    # Which slot holds the children matters.
    assert distance(Genome([EditPair(left=[layer])]), Genome([EditPair(right=[layer])])) > 0


def reference(a: tuple, b: tuple) -> float:
    """Edit distance of forests by its plain recursive definition: nodes are (label, children)."""
    if not a and not b:
        return 0.0
    costs = []
    if a:
        costs.append(reference((*a[:-1], *a[-1][1]), b) + 1)
    if b:
        costs.append(reference(a, (*b[:-1], *b[-1][1])) + 1)
    if a and b:
        relabel = 0.0 if a[-1][0] == b[-1][0] else 1.0
        costs.append(reference(a[-1][1], b[-1][1]) + reference(a[:-1], b[:-1]) + relabel)
    return min(costs)


def test_agrees_with_the_recursive_definition() -> None:
    leaf = EditLayer()
    forests = [
        [leaf],
        [leaf, leaf],
        [EditBlock(body=[leaf])],
        [EditBlock(body=[leaf, EditBlock(body=[leaf])]), leaf],
        [EditBlock(body=[EditBlock(body=[leaf]), EditBlock()]), EditNothing(rate=0.5)],
        [leaf, EditBlock(body=[leaf, leaf, leaf]), EditNothing(rate=0.5)],
    ]

    def plain(genes) -> tuple:
        return tuple((type(g).__name__, plain(getattr(g, "body", ()))) for g in genes)

    for a, b in itertools.product(forests, forests):
        assert distance(Genome(a), Genome(b)) == pytest.approx(reference(plain(a), plain(b)))
