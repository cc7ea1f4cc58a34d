from __future__ import annotations

import copy
import json
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genomes import Boolean, Branches, Choice, Float, Gene, Genes, Genome, GenomeError, Int
from genomes.gene import MAX_DEPTH, new_innovation


class CoreUnits(Gene):
    units = Int(1, 64, log=True, default=8)
    activation = Choice(["relu", "gelu"])
    bias = Boolean(default=True)


class CoreRate(Gene):
    rate = Float(0.0, 0.5)

    def canonical(self) -> tuple[Gene, ...]:
        return () if self.rate == 0 else (self,)


class CoreBlock(Gene):
    body = Genes()


class CoreFork(Gene):
    branches = Branches(least=1, most=3)


def leaves() -> st.SearchStrategy[Gene]:
    innovation = st.integers(0, 2**53)
    return st.one_of(
        st.builds(
            CoreUnits,
            innovation=innovation,
            units=st.integers(1, 64),
            activation=st.sampled_from(["relu", "gelu"]),
            bias=st.booleans(),
        ),
        st.builds(CoreRate, innovation=innovation, rate=st.floats(0, 0.5)),
    )


def genes() -> st.SearchStrategy[Gene]:
    return st.recursive(
        leaves(),
        lambda inner: st.one_of(
            st.builds(CoreBlock, innovation=st.integers(0, 9), body=st.lists(inner, max_size=3)),
            st.builds(
                CoreFork,
                innovation=st.integers(0, 9),
                branches=st.lists(st.lists(inner, max_size=2), min_size=1, max_size=3),
            ),
        ),
        max_leaves=6,
    )


@given(genes())
def test_json_is_identity(gene: Gene) -> None:
    again = Gene.from_json(json.loads(json.dumps(gene.to_json())))
    assert again == gene
    assert hash(again) == hash(gene)
    assert again.to_json() == gene.to_json()


@given(genes())
def test_travels_to_another_process(gene: Gene) -> None:
    assert pickle.loads(pickle.dumps(gene)) == gene
    assert copy.deepcopy(gene) is gene


@given(genes())
def test_phenotype_ignores_innovations_and_no_ops(gene: Gene) -> None:
    renumbered = Gene.from_json(_renumbered(gene.to_json()))
    assert renumbered.phenotype == gene.phenotype
    wrapped = CoreBlock(body=[gene])
    padded = CoreBlock(body=[CoreRate(rate=0.0), gene, CoreRate(rate=0.0)])
    assert wrapped.phenotype == padded.phenotype


def _renumbered(value):
    if isinstance(value, dict):
        return {k: 7 if k == "innovation" else _renumbered(v) for k, v in value.items()}
    return [_renumbered(v) for v in value] if isinstance(value, list) else value


@given(genes(), genes())
def test_phenotypes_tell_canonical_genes_apart(a: Gene, b: Gene) -> None:
    same = _renumbered([g.to_json() for g in a.canonical()]) == _renumbered([g.to_json() for g in b.canonical()])
    assert (a.phenotype == b.phenotype) == same


def test_structure_is_part_of_the_phenotype() -> None:
    a, b = CoreUnits(units=1), CoreUnits(units=2)
    forks = [
        CoreFork(branches=[[a], [b]]),
        CoreFork(branches=[[a, b]]),
        CoreFork(branches=[[a, b], []]),
        CoreFork(branches=[[], [a, b]]),
        CoreBlock(body=[a, b]),
        CoreBlock(body=[b, a]),
        CoreBlock(body=[CoreBlock(body=[a]), b]),
        CoreBlock(body=[CoreBlock(body=[a, b])]),
    ]
    assert len({gene.phenotype for gene in forks}) == len(forks)


def test_fields_defaults_and_replacement() -> None:
    gene = CoreUnits(innovation=5)
    assert (gene.units, gene.activation, gene.bias, gene.innovation) == (8, "relu", True, 5)
    wider = gene.replace(units=16)
    assert (wider.units, wider.innovation, gene.units) == (16, 5, 8)
    assert str(wider) == "CoreUnits(16, relu, True)"
    assert eval(repr(wider)) == wider.replace(innovation=0)
    with pytest.raises(AttributeError, match="immutable"):
        gene.units = 3
    with pytest.raises(AttributeError, match="no field 'width'"):
        _ = gene.width


def test_walk_gives_paths_parents_first() -> None:
    gene = CoreBlock(body=[CoreUnits(), CoreFork(branches=[[CoreRate()], [CoreUnits(), CoreRate()]])])
    assert [path for path, _ in gene.walk("genes[0]")] == [
        "genes[0]",
        "genes[0].body[0]",
        "genes[0].body[1]",
        "genes[0].body[1].branches[0][0]",
        "genes[0].body[1].branches[1][0]",
        "genes[0].body[1].branches[1][1]",
    ]
    assert gene.size == 6


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: CoreUnits(units=0), "CoreUnits.units: expected 1 to 64, got 0"),
        (lambda: CoreUnits(widht=3), "unknown field 'widht'; fields are units, activation, bias"),
        (lambda: CoreUnits(innovation=-1), "CoreUnits.innovation: expected a whole number from 0 to 9007199254740992"),
        (lambda: CoreUnits(innovation=True), "CoreUnits.innovation: expected a whole number from 0 to"),
        (lambda: CoreUnits().replace(units="a"), "CoreUnits.units: expected a whole number, got 'a'"),
        (lambda: CoreBlock(body=[3]), "CoreBlock.body[0]: expected a gene, got int"),
        (lambda: CoreBlock(body=CoreUnits()), "CoreBlock.body: expected a sequence of genes"),
        (lambda: CoreFork(branches=[]), "CoreFork.branches: expected 1 to 3 branches, got 0"),
        (lambda: CoreFork(branches=[[], [CoreBlock]]), "CoreFork.branches[1][0]: expected a gene"),
        (lambda: type("CoreBad", (Gene,), {"walk": Int(0, 1)}), "a field must not be named 'walk'"),
        (lambda: type("CoreBad", (Gene,), {"_x": Int(0, 1)}), "a field must not be named '_x'"),
        (
            lambda: type("CoreUnits", (Gene,), {"__module__": "other"}),
            "a gene named 'CoreUnits' exists already",
        ),
    ],
)
def test_mistakes_are_named(make, words: str) -> None:
    with pytest.raises(GenomeError) as error:
        make()
    assert words in str(error.value)


@pytest.mark.parametrize(
    ("hostile", "words"),
    [
        (3, "gene: expected an object with a 'gene' entry"),
        ({"gene": "os.system", "innovation": 1}, "unknown gene 'os.system'"),
        ({"gene": "Gene"}, "unknown gene"),
        ({"gene": "__import__('os')"}, "unknown gene"),
        ({"gene": "CoreUnits", "units": 10**400}, "gene.units: expected a whole number"),
        ({"gene": "CoreUnits", "units": [1]}, "gene.units: expected a whole number"),
        ({"gene": "CoreUnits", "build": 1}, "has no field 'build'"),
        ({"gene": "CoreUnits", "_values": {}}, "has no field '_values'"),
        ({"gene": "CoreUnits", "innovation": 1.5}, "innovation: expected a whole number from 0"),
        ({"gene": "CoreUnits", "innovation": 2**60}, "innovation: expected a whole number from 0"),
        ({"gene": "CoreBlock", "body": {"gene": "CoreUnits"}}, "gene.body: expected a list"),
        ({"gene": "CoreBlock", "body": [{"gene": "CoreUnits"}, {"gene": "x"}]}, "gene.body[1]: unknown gene"),
        ({"gene": "CoreBlock", "body": [{}] * 5000}, "gene.body: expected at most"),
        ({"gene": "CoreFork", "branches": [[{"gene": "CoreUnits", "units": 0}]]}, "branches[0][0].units"),
        ({"gene": "x" * 10**6}, "unknown gene"),
    ],
)
def test_hostile_json_is_refused_with_its_path(hostile: object, words: str) -> None:
    with pytest.raises(GenomeError) as error:
        Gene.from_json(hostile)
    assert words in str(error.value)
    assert len(str(error.value)) < 400


def test_deep_nesting_is_refused() -> None:
    deep: dict = {"gene": "CoreUnits"}
    for _ in range(MAX_DEPTH + 1):
        deep = {"gene": "CoreBlock", "body": [deep]}
    with pytest.raises(GenomeError, match="nested more than"):
        Gene.from_json(deep)
    with pytest.raises(GenomeError):
        Genome.from_json('{"format":1,"genes":' + "[" * 100_000 + "]" * 100_000 + "}")
    abyss: list = []
    for _ in range(100_000):
        abyss = [abyss]
    with pytest.raises(GenomeError):
        Gene.from_json(abyss)
    with pytest.raises(GenomeError):
        Gene.from_json({"gene": "CoreUnits", "units": abyss})


def test_new_innovations_come_of_the_rng_alone() -> None:
    assert new_innovation(np.random.default_rng(3)) == new_innovation(np.random.default_rng(3))
    drawn = {new_innovation(np.random.default_rng(seed)) for seed in range(100)}
    assert len(drawn) == 100
