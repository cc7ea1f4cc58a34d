"""Random genes and genomes of a space."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from genomes.domains import Value
from genomes.gene import Gene, new_innovation
from genomes.genome import Genome
from genomes.grammar import Grammar, Stage
from genomes.slots import Genes

#: Most children that a sampled block gets.
_BODY = 3


def choose(kinds: Sequence[type[Gene]], weights: Mapping[str, float], rng: np.random.Generator) -> type[Gene]:
    """One of the gene classes, drawn by weight."""
    shares = np.asarray([max(0.0, weights.get(kind.__name__, 1.0)) for kind in kinds])
    if shares.sum() <= 0:
        shares = np.ones(len(kinds))
    position = float(rng.random()) * float(shares.sum())
    return kinds[min(int(np.searchsorted(np.cumsum(shares), position, side="right")), len(kinds) - 1)]


def sample_values(space: Grammar, kind: type[Gene], rng: np.random.Generator) -> dict[str, Value]:
    """A value for every field of a gene class.

    A class with a ``sample_values(domains, rng)`` of its own is asked for them; else every field
    is drawn from its domain. Then, as often as the space says, a field takes its default.
    """
    domains = space.domains(kind)
    own = getattr(kind, "sample_values", None)
    values: dict[str, Value]
    values = own(domains, rng) if own is not None else {name: domain.sample(rng) for name, domain in domains.items()}
    for name, share in space.default_share.items():
        if name in values and float(rng.random()) < share:
            values[name] = domains[name].default
    return values


def sample_gene(space: Grammar, stage: Stage, kind: type[Gene], rng: np.random.Generator, nesting: int = 0) -> Gene:
    """A random gene of a class, with random children where it has slots."""
    values: dict[str, Any] = dict(sample_values(space, kind, rng))
    for slot, declared in kind.slots.items():
        if isinstance(declared, Genes):
            values[slot] = sample_children(space, stage, rng, nesting + 1, declared.least, declared.most)
        else:
            most = declared.least + 1 if declared.most is None else declared.most
            count = int(rng.integers(declared.least, max(declared.least, min(most, declared.least + 1)) + 1))
            values[slot] = tuple(sample_children(space, stage, rng, nesting + 1, 1, None) for _ in range(count))
    return kind(innovation=new_innovation(rng), **values)


def sample_children(
    space: Grammar, stage: Stage, rng: np.random.Generator, nesting: int, least: int, most: int | None
) -> tuple[Gene, ...]:
    """Random genes for the inside of a block."""
    kinds = stage.allowed(nesting, space.limits.nesting)
    if not kinds:
        return ()
    low = max(1, least)
    high = max(low, _BODY if most is None else min(most, max(_BODY, low)))
    count = int(rng.integers(low, high + 1))
    return tuple(sample_gene(space, stage, choose(kinds, stage.weights, rng), rng, nesting) for _ in range(count))


def sample_training(space: Grammar, rng: np.random.Generator) -> Gene:
    """Random training settings."""
    kind = space.training
    return kind(innovation=new_innovation(rng), **sample_values(space, kind, rng))


def sample_genome(space: Grammar, rng: np.random.Generator) -> Genome:
    """A random valid genome.

    The number of genes of a stage is drawn so that short stages are as likely
    as long ones in the logarithm: small nets are cheap, and search grows them.
    """
    genes: list[Gene] = []
    for stage in space.stages:
        low, high = stage.sampled or (0, 0)
        count = low + int(np.expm1(float(rng.random()) * np.log1p(high - low)) + 0.5)
        for position in range(min(count, high) if stage.genes else 0):
            kinds = stage.first if position == 0 and stage.first else stage.genes
            genes.append(sample_gene(space, stage, choose(kinds, stage.weights, rng), rng))
    return space.repair(Genome(genes, sample_training(space, rng)), rng)
