"""Mutations and crossover: minimal, pure, aligned by innovation."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genomes import Fixed, Genome
from genomes.genes.blocks import Parallel, Residual
from genomes.genes.layers import Conv, Dense, Dropout, Flatten, GlobalPool, Pool
from genomes.genes.training import ImageTraining
from genomes.spaces import image
from genomes.variation import mutation as variation
from genomes.variation.sites import renewed, rewritten, sites, with_unique_innovations

SPACE = image((12, 12, 2), classes=4)
SEEDS = st.integers(0, 2**32 - 1)


def random_genome(seed: int, mutations: int = 4) -> Genome:
    rng = np.random.default_rng(seed)
    genome = SPACE.sample(rng)
    for _ in range(mutations):
        genome = SPACE.mutate(genome, rng)
    return genome


def innovations(genome: Genome) -> list[int]:
    return [gene.innovation for _, gene in genome.walk()]


@settings(max_examples=60)
@given(SEEDS, SEEDS)
def test_arguments_are_not_changed_and_the_rng_decides(first: int, second: int) -> None:
    a, b = random_genome(first), random_genome(second)
    written = [json.dumps(genome.to_json()) for genome in (a, b)]
    children = [
        (SPACE.mutate(a, rng), *SPACE.crossover(a, b, rng))
        for rng in (np.random.default_rng(first + 1), np.random.default_rng(first + 1))
    ]
    assert children[0] == children[1]
    assert [json.dumps(genome.to_json()) for genome in (a, b)] == written
    for child in children[0]:
        SPACE.validate(child)


@settings(max_examples=40)
@given(SEEDS)
def test_genomes_survive_json(seed: int) -> None:
    genome = random_genome(seed)
    copy = Genome.from_json(json.dumps(genome.to_json()))
    assert copy == genome and copy.key == genome.key and hash(copy) == hash(genome)


@settings(max_examples=40)
@given(SEEDS, st.integers(0, 50))
def test_the_key_is_blind_to_spelling_and_sees_the_phenotype(seed: int, place: int) -> None:
    genome = random_genome(seed)
    rng = np.random.default_rng(seed)
    spelled = genome.replace(genes=tuple(renewed(gene, rng) for gene in genome.genes))
    place %= len(spelled.genes) + 1
    no_op = Dropout(rate=0.0, innovation=5)
    spelled = spelled.replace(genes=(*spelled.genes[:place], no_op, *spelled.genes[place:]))
    assert spelled.key == genome.key
    assert SPACE.mutate(genome, rng).key != genome.key


@pytest.mark.parametrize("operator", list(variation.OPERATORS), ids=lambda operator: operator.__name__)
def test_every_operator_finds_work_and_its_children_can_be_made_valid(operator: variation.Operator) -> None:
    rng = np.random.default_rng(1)
    made = 0
    for seed in range(30):
        genome = random_genome(seed, mutations=2)
        child = operator(SPACE, genome, rng)
        if child is None:
            continue
        made += 1
        SPACE.validate(SPACE.repair(child, rng))
    assert made >= 8


def test_what_the_operators_do() -> None:
    rng = np.random.default_rng(0)
    genome = SPACE.default()
    assert len(variation.insert(SPACE, genome, rng) or ()) > len(genome)
    assert len(variation.remove(SPACE, genome, rng) or ()) < len(genome)
    moved = variation.move(SPACE, genome, rng)
    assert moved is not None and sorted(innovations(moved)) == sorted(innovations(genome)) and moved != genome
    wrapped = variation.wrap(SPACE, genome, rng)
    assert wrapped is not None and len(wrapped) == len(genome) + 1
    for operator, sign in ((variation.widen, 1), (variation.narrow, -1)):
        child = operator(SPACE, genome, rng)
        assert child is not None and innovations(child) == innovations(genome)
        assert sign * (SPACE.cost(child).parameters - SPACE.cost(genome).parameters) > 0
    deeper = variation.deepen(SPACE, genome, rng)
    assert deeper is not None and len(deeper) == len(genome) + 1
    other = variation.change_training(SPACE, genome, rng)
    assert other is not None and other.genes == genome.genes and other.key != genome.key
    field = variation.change_field(SPACE, genome, rng)
    assert field is not None and innovations(field) == innovations(genome) and field.training == genome.training


def test_mutations_keep_the_innovations_of_what_stays() -> None:
    rng = np.random.default_rng(2)
    shares = []
    for seed in range(40):
        genome = random_genome(seed)
        child = SPACE.mutate(genome, rng)
        kept = set(innovations(genome)) & set(innovations(child))
        shares.append(len(kept) / len(genome))
    assert np.mean(shares) > 0.9


def test_crossover_exchanges_aligned_genes_and_settings() -> None:
    training = SPACE.default().training
    assert isinstance(training, ImageTraining)
    a = Genome([Conv(filters=8, innovation=1), Pool(innovation=2), Flatten(innovation=3)], training)
    b = Genome(
        [
            Conv(filters=16, innovation=1),
            Residual(body=[Conv(filters=9, innovation=7)], innovation=6),
            Pool(kind="average", innovation=2),
            GlobalPool(innovation=4),
        ],
        training.replace(optimizer="sgd", learning_rate=0.05, cutout=0.2),
    )
    rng = np.random.default_rng(0)
    seen = set()
    for _ in range(60):
        first, second = SPACE.crossover(a, b, rng)
        for child in (first, second):
            seen.add((child.genes[0].filters, innovations(child)[1] == 6, type(child.genes[-1]).__name__))
            assert (child.training.optimizer == "sgd") == (child.training.learning_rate == 0.05)
        # What one child has, the other has not.
        assert sorted(str(g) for c in (first, second) for g in c.genes) == sorted(
            str(g) for c in (a, b) for g in c.genes
        )
    assert len(seen) == 8
    twin = SPACE.crossover(a, a, rng)
    assert twin == (a, a)


def test_crossover_without_common_genes() -> None:
    rng = np.random.default_rng(0)
    for seed in range(20):
        a, b = SPACE.sample(np.random.default_rng(seed)), SPACE.sample(np.random.default_rng(seed + 1000))
        for child in SPACE.crossover(a, b, rng):
            SPACE.validate(child)


def test_sites_and_rewriting() -> None:
    inner = Conv(filters=8, innovation=5)
    block = Parallel(branches=[[inner], [Residual(body=[inner.replace(innovation=6)], innovation=4)]], innovation=2)
    genome = Genome([Conv(filters=8, innovation=1), block, GlobalPool(innovation=3)], SPACE.default().training)
    found = sites(SPACE, genome)
    addresses = [site.address for site in found]
    left, right = (1, "branches", 0), (1, "branches", 1)
    assert addresses == [(), (left,), (right,), (right, (0, "body", None)), (), ()]
    deepest = found[3]
    assert deepest.nesting == 2 and deepest.genes[0].innovation == 6
    changed = rewritten(genome.genes, deepest, [])
    assert changed[1].branches[1][0].body == () and changed[1].branches[0] == (inner,)
    assert genome.genes[1] is block


def test_repeated_innovations_are_renewed_once() -> None:
    gene = Conv(filters=8, innovation=1)
    genome = Genome([gene, gene, Residual(body=[gene], innovation=2), GlobalPool(innovation=3)])
    unique = with_unique_innovations(genome, np.random.default_rng(0))
    numbers = innovations(unique)
    assert len(set(numbers)) == len(numbers) and numbers[0] == 1
    assert unique.key == genome.key
    assert with_unique_innovations(unique, np.random.default_rng(0)) is unique


def test_a_space_with_one_genome_has_no_children() -> None:
    without = [kind for kind in SPACE.gene_classes if kind not in (GlobalPool, Flatten)]
    fixed = {name: Fixed(domain.default) for name, domain in SPACE.domains(ImageTraining).items()}
    space = image((4, 4, 1), classes=2, without=without, domains={"Training": fixed})
    rng = np.random.default_rng(0)
    keys = {space.mutate(space.default(), rng).key for _ in range(20)}
    assert len(keys) <= 3  # average or maximum pooling, or all points: it ends, and gives what there is
    assert Dense not in space.gene_classes
