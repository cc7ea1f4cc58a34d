from __future__ import annotations

import copy
import json
import pickle
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genomes import Float, Gene, Genes, Genome, GenomeError, Int


class SampleLayer(Gene):
    units = Int(1, 64)


class SampleNothing(Gene):
    def canonical(self) -> tuple[Gene, ...]:
        return ()


class SampleBlock(Gene):
    body = Genes()


class SampleSettings(Gene):
    rate = Float(0.0, 1.0)


def genomes() -> st.SearchStrategy[Genome]:
    leaf = st.one_of(
        st.builds(SampleLayer, innovation=st.integers(0, 100), units=st.integers(1, 64)),
        st.builds(SampleNothing),
    )
    gene = st.one_of(leaf, st.builds(SampleBlock, body=st.lists(leaf, max_size=3)))
    settings = st.none() | st.builds(SampleSettings, rate=st.floats(0, 1))
    return st.builds(Genome, st.lists(gene, max_size=5), settings)


@given(genomes())
def test_json_is_identity(genome: Genome) -> None:
    for again in (Genome.from_json(genome.to_json()), Genome.from_json(json.dumps(genome.to_json()))):
        assert again == genome
        assert hash(again) == hash(genome)
        assert again.key == genome.key
    assert pickle.loads(pickle.dumps(genome)) == genome
    assert copy.deepcopy(genome) is genome


@given(genomes(), st.integers(0, 5))
def test_key_ignores_spelling_and_no_ops(genome: Genome, place: int) -> None:
    genes = list(genome.genes)
    genes.insert(min(place, len(genes)), SampleNothing(innovation=9))
    other = genome.replace(genes=[gene.replace(innovation=gene.innovation + 1) for gene in genes])
    assert other.key == genome.key
    assert other.architecture_key == genome.architecture_key
    assert genome.canonical().key == genome.key
    assert genome.canonical().canonical() == genome.canonical()


@given(genomes(), genomes())
def test_key_changes_with_the_phenotype(a: Genome, b: Genome) -> None:
    def spelled(genome: Genome) -> str:
        return str(genome.canonical()) + repr(None if genome.training is None else genome.training.values)

    assert (a.key == b.key) == (spelled(a) == spelled(b))


def test_training_settings_change_the_key_only() -> None:
    a = Genome([SampleLayer(units=3)], SampleSettings(rate=0.1))
    b = a.replace(training=SampleSettings(rate=0.2))
    assert a.key != b.key
    assert a.architecture_key == b.architecture_key
    assert len(a.key) == 32


def test_key_is_the_same_in_another_process() -> None:
    code = (
        "from genomes import Gene, Int, Genome\n"
        "class SampleLayer(Gene):\n    units = Int(1, 64)\n"
        "print(Genome([SampleLayer(units=7)]).key)"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    assert said == Genome([SampleLayer(units=7)]).key


def test_importing_genomes_is_cheap() -> None:
    heavy = ("keras", "tensorflow", "keras_tuner", "deap")
    code = f"import sys, genomes; print([m for m in {heavy} if m in sys.modules])"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    assert said == "[]"


def test_text_forms() -> None:
    genome = Genome([SampleBlock(body=[SampleLayer(units=4)])], SampleSettings(rate=0.25))
    assert str(genome) == "SampleBlock([SampleLayer(4)]) @ SampleSettings(0.25)"
    assert genome.describe() == "SampleBlock()\n  SampleLayer(units=4)\ntraining: rate=0.25"
    assert len(genome) == 2
    assert [path for path, _ in genome.walk()] == ["genes[0]", "genes[0].body[0]"]


def test_genomes_are_immutable() -> None:
    genome = Genome([SampleLayer()])
    with pytest.raises(AttributeError, match="immutable"):
        genome.genes = ()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("{", "genome: not valid JSON"),
        ("3", "genome: expected an object, got int"),
        ({}, "genome.format: expected a whole number of 1 or more, got None"),
        ({"format": 2, "genes": []}, "genome: written by a newer version: format 2"),
        ({"format": True, "genes": []}, "genome.format"),
        ({"format": 1}, "genes: expected a list"),
        ({"format": 1, "genes": [1]}, "genes[0]: expected an object"),
        (
            {"format": 1, "genes": [{"gene": "SampleLayer", "units": 0}]},
            "genes[0].units: expected 1 to 64, got 0",
        ),
        (
            {"format": 1, "genes": [{"gene": "SampleBlock", "body": [{"gene": "SampleLayer", "units": 99}]}]},
            "genes[0].body[0].units",
        ),
        ({"format": 1, "genes": [], "training": {"gene": "subprocess"}}, "training: unknown gene"),
        (
            {"format": 1, "genes": [], "training": {"gene": "SampleSettings", "rate": float("nan")}},
            "training.rate",
        ),
        (
            '{"format": 1, "genes": [], "training": {"gene": "SampleSettings", "rate": 1e999}}',
            "training.rate",
        ),
        ('{"format": ' + "9" * 5000 + "}", "genome"),
    ],
)
def test_bad_json_names_the_path(given: object, words: str) -> None:
    with pytest.raises(GenomeError) as error:
        Genome.from_json(given)
    assert words in str(error.value)


def test_only_genes_are_taken() -> None:
    with pytest.raises(GenomeError, match=r"genes\[1\]: expected a gene, got str"):
        Genome([SampleLayer(), "Dense"])
    with pytest.raises(GenomeError, match="training: expected a gene, got dict"):
        Genome([], {})


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["gene", "units", "body", "format", "genes", "training", "x"]), inner)
    ),
    max_leaves=12,
)


@given(json_values)
def test_whatever_is_read_only_genome_errors_are_raised(value: object) -> None:
    for attempt in (value, {"format": 1, "genes": [value], "training": value}):
        try:
            Genome.from_json(attempt)
        except GenomeError:
            pass
