"""Making a genome valid with few changes.

Every step either mends a gene or removes it, and if all else fails the space's
smallest genome is returned: repair always terminates.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from genomes.costs import flow
from genomes.domains import Domain, Value
from genomes.errors import GenomeError
from genomes.gene import Gene, changed_children, fitted_sequence, new_innovation
from genomes.genome import Genome
from genomes.grammar import Grammar, Stage
from genomes.slots import Genes
from genomes.variation.sampling import choose, sample_children, sample_gene, sample_training

#: Fields by which a gene gets wider; users' genes that name a field so take part.
WIDTHS = ("filters", "units", "width", "key_dimension")

#: Rounds of narrowing before the smallest genome is taken instead.
_ROUNDS = 48


def repair(space: Grammar, genome: Genome, rng: np.random.Generator) -> Genome:
    """The genome itself if it is valid, else a valid one near it."""
    try:
        space.validate(genome)
        return genome
    except GenomeError:
        pass
    training = _repaired_training(space, genome.training, rng)
    parts = _placed(space, genome.genes, rng)
    genes = _fewer(space, _fitted(space, parts, rng))
    repaired = _affordable(space, Genome(genes, training))
    try:
        space.validate(repaired)
    except GenomeError:
        return Genome(space.smallest().genes, training)
    return repaired


def nearest(domain: Domain, value: Value) -> Value:
    """The value itself if it is in the domain, else the one of the domain that lies nearest."""
    if domain.contains(value):
        return value
    try:
        return domain.from_unit(domain.to_unit(value))
    except (GenomeError, TypeError, ValueError, ArithmeticError):
        return domain.default


def _repaired_training(space: Grammar, training: Gene | None, rng: np.random.Generator) -> Gene:
    if type(training) is not space.training:
        return sample_training(space, rng)
    assert training is not None
    return _within(training, space.domains(space.training))


def _within(gene: Gene, domains: Mapping[str, Domain]) -> Gene:
    """The gene with every field moved to the nearest value of its domain."""
    values = gene.values
    changes = {name: nearest(domain, values[name]) for name, domain in domains.items()}
    changes = {name: value for name, value in changes.items() if value != values[name]}
    return gene.replace(**changes) if changes else gene


def _placed(space: Grammar, genes: Sequence[Gene], rng: np.random.Generator) -> list[list[Gene]]:
    """The genes that may stand somewhere, by stage; stages that have too few are filled up."""
    parts: list[list[Gene]] = [[] for _ in space.stages]
    number = 0
    for gene in genes:
        for later in range(number, len(space.stages)):
            stage = space.stages[later]
            if type(gene) in stage.genes and len(parts[later]) < stage.most:
                number = later
                parts[later].append(_mended(space, stage, gene, 0, rng))
                break
    for stage, part in zip(space.stages, parts, strict=True):
        while len(part) < stage.least:
            part.append(sample_gene(space, stage, choose(stage.genes, stage.weights, rng), rng))
    return parts


def _mended(space: Grammar, stage: Stage, gene: Gene, nesting: int, rng: np.random.Generator) -> Gene:
    """The gene with fields and children as the space allows them."""
    gene = _within(gene, space.domains(type(gene)))
    changes: dict[str, Any] = {}
    for slot, declared in gene.slots.items():
        value = getattr(gene, slot)
        if isinstance(declared, Genes):
            changes[slot] = _mended_children(space, stage, value, nesting + 1, rng, declared.least, declared.most)
        else:
            changes[slot] = tuple(_mended_children(space, stage, branch, nesting + 1, rng) for branch in value)
    changes = {slot: value for slot, value in changes.items() if value != getattr(gene, slot)}
    return gene.replace(**changes) if changes else gene


def _mended_children(
    space: Grammar,
    stage: Stage,
    genes: Sequence[Gene],
    nesting: int,
    rng: np.random.Generator,
    least: int = 0,
    most: int | None = None,
) -> tuple[Gene, ...]:
    allowed = stage.allowed(nesting, space.limits.nesting)
    kept = tuple(_mended(space, stage, gene, nesting, rng) for gene in genes if type(gene) in allowed)
    if len(kept) < least:
        kept += sample_children(space, stage, rng, nesting, least - len(kept), least - len(kept))
    return kept if most is None else kept[:most]


def _fitted(space: Grammar, parts: list[list[Gene]], rng: np.random.Generator) -> list[list[Gene]]:
    """The parts with every gene fitted to the shape that reaches it."""
    fallback = space.split(space.smallest().genes)
    shape = space.gene_shape
    result: list[list[Gene]] = []
    for stage, part, simple in zip(space.stages, parts, fallback, strict=True):
        kept, after = fitted_sequence(part, shape)
        if len(kept) < stage.least:
            fresh = tuple(gene.replace(innovation=new_innovation(rng)) for gene in simple)
            kept, after = fitted_sequence(fresh, shape)
        result.append(list(kept))
        shape = after
    return result


def _fewer(space: Grammar, parts: list[list[Gene]]) -> list[Gene]:
    """At most as many genes as the space allows: the largest genes that may go are removed."""
    while sum(gene.size for part in parts for gene in part) > space.limits.genes:
        removable = [
            (gene.size, number, index)
            for number, (stage, part) in enumerate(zip(space.stages, parts, strict=True))
            if len(part) > stage.least
            for index, gene in enumerate(part)
        ]
        if not removable:
            break
        _, number, index = max(removable)
        del parts[number][index]
    return [gene for part in parts for gene in part]


def _affordable(space: Grammar, genome: Genome) -> Genome:
    """The genome narrowed, then shortened, until it keeps the limits of parameters and FLOPs."""
    for _ in range(_ROUNDS):
        try:
            total = space.cost(genome)
        except GenomeError:
            return genome
        excess = [
            (getattr(total, name) / limit, name)
            for name in ("parameters", "flops")
            if (limit := getattr(space.limits, name)) is not None and getattr(total, name) > limit
        ]
        if not excess:
            return genome
        ratio, name = max(excess)
        shares = _shares(space, genome, name)
        costliest = max(range(len(shares)), key=shares.__getitem__, default=None)
        if costliest is None:
            return genome
        every = ratio > 4 or shares[costliest] < 0.25 * sum(shares)
        chosen = range(len(genome.genes)) if every else range(max(0, costliest - 1), costliest + 1)
        genes = [_narrower(space, gene) if i in chosen else gene for i, gene in enumerate(genome.genes)]
        if genes == list(genome.genes):
            genes = [_narrower(space, gene) for gene in genome.genes]
        if genes == list(genome.genes):
            shorter = _simpler(space, genome, name) or _without_costliest(space, genome, shares)
            if shorter is None:
                return genome
            genes = shorter
        genome = genome.replace(genes=genes)
    return genome


def _shares(space: Grammar, genome: Genome, name: str) -> list[int]:
    shape = space.gene_shape
    shares = []
    for gene in genome.genes:
        shape, cost = flow(gene, shape)
        shares.append(getattr(cost, name))
    return shares


def _narrower(space: Grammar, gene: Gene) -> Gene:
    """The gene with all its widths, and those of its children, about halved."""
    domains = space.domains(type(gene))
    changes: dict[str, Any] = {}
    for field, domain in domains.items():
        if field in WIDTHS and domain.size != 1:
            value = getattr(gene, field)
            smaller = nearest(domain, max(1, int(value) // 2))
            if smaller is not None and smaller < value:
                changes[field] = smaller
    changes |= changed_children(gene, lambda genes: tuple(_narrower(space, child) for child in genes))
    return gene.replace(**changes) if changes else gene


def _simpler(space: Grammar, genome: Genome, name: str) -> list[Gene] | None:
    """The genome with a stage that must not be empty as the smallest genome has it, where that costs less."""
    parts = space.split(genome.genes)
    before = getattr(space.cost(genome), name)
    for number, simple in enumerate(space.split(space.smallest().genes)):
        if not space.stages[number].least or parts[number] == simple:
            continue
        genes = [gene for i, part in enumerate(parts) for gene in (simple if i == number else part)]
        try:
            after = getattr(space.cost(genome.replace(genes=genes)), name)
        except GenomeError:
            continue
        if after < before:
            return genes
    return None


def _without_costliest(space: Grammar, genome: Genome, shares: Sequence[int]) -> list[Gene] | None:
    parts = space.split(genome.genes)
    index = 0
    removable: list[tuple[int, int]] = []
    for stage, part in zip(space.stages, parts, strict=True):
        for _ in part:
            if len(part) > stage.least:
                removable.append((shares[index], index))
            index += 1
    if not removable:
        return None
    _, chosen = max(removable)
    return [gene for i, gene in enumerate(genome.genes) if i != chosen]
