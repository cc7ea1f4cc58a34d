"""Crossover of two genomes: a pure function of (space, parents, rng)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from genomes.errors import GenomeError
from genomes.gene import Gene
from genomes.genome import Genome
from genomes.sampling import sample_training
from genomes.sites import finished, pick

if TYPE_CHECKING:
    from genomes.grammar import LayeredSpace


def crossover(
    space: LayeredSpace, first: Genome, second: Genome, rng: np.random.Generator
) -> tuple[Genome, Genome]:
    """Two valid children: blocks aligned by innovation are exchanged, and training settings.

    Genes that both parents have (same innovation, NEAT's matching genes) are
    exchanged, each with probability 1/2; where a run of genes stands between two matching ones in each
    parent, the runs are exchanged as wholes. Parents without a matching gene exchange what stands
    in one random stage from a random place on. Training settings cross field by field.
    """
    first, second = space.repair(first, rng), space.repair(second, rng)
    genes_a, genes_b = list(first.genes), list(second.genes)
    matches = _matches(genes_a, genes_b)
    if matches:
        genes_a, genes_b = _exchanged(genes_a, genes_b, matches, rng)
    else:
        genes_a, genes_b = _cut(space, genes_a, genes_b, rng)
    training_a, training_b = _crossed_training(space, first.training, second.training, rng)
    return (
        finished(space, Genome(genes_a, training_a), rng),
        finished(space, Genome(genes_b, training_b), rng),
    )


def _matches(a: Sequence[Gene], b: Sequence[Gene]) -> list[tuple[int, int]]:
    """Pairs of indices of genes with one innovation, increasing in both."""
    places = {gene.innovation: index for index, gene in enumerate(b)}
    pairs: list[tuple[int, int]] = []
    last = -1
    for index, gene in enumerate(a):
        other = places.get(gene.innovation)
        if other is not None and other > last and type(b[other]) is type(gene):
            pairs.append((index, other))
            last = other
    return pairs


def _exchanged(
    a: Sequence[Gene], b: Sequence[Gene], matches: Sequence[tuple[int, int]], rng: np.random.Generator
) -> tuple[list[Gene], list[Gene]]:
    new_a: list[Gene] = []
    new_b: list[Gene] = []
    at_a = at_b = 0
    for index_a, index_b in (*matches, (len(a), len(b))):
        run_a, run_b = a[at_a:index_a], b[at_b:index_b]
        if rng.random() < 0.5:
            run_a, run_b = run_b, run_a
        new_a += run_a
        new_b += run_b
        if index_a < len(a):
            gene_a, gene_b = a[index_a], b[index_b]
            if rng.random() < 0.5:
                gene_a, gene_b = gene_b, gene_a
            new_a.append(gene_a)
            new_b.append(gene_b)
        at_a, at_b = index_a + 1, index_b + 1
    return new_a, new_b


def _cut(
    space: LayeredSpace, a: Sequence[Gene], b: Sequence[Gene], rng: np.random.Generator
) -> tuple[list[Gene], list[Gene]]:
    parts_a, parts_b = space.split(a), space.split(b)
    usable = [i for i, (x, y) in enumerate(zip(parts_a, parts_b, strict=True)) if x or y]
    if usable:
        number = pick(usable, rng)
        x, y = parts_a[number], parts_b[number]
        cut_x, cut_y = int(rng.integers(len(x) + 1)), int(rng.integers(len(y) + 1))
        parts_a[number], parts_b[number] = x[:cut_x] + y[cut_y:], y[:cut_y] + x[cut_x:]
    return [g for part in parts_a for g in part], [g for part in parts_b for g in part]


def _crossed_training(
    space: LayeredSpace, a: Gene | None, b: Gene | None, rng: np.random.Generator
) -> tuple[Gene, Gene]:
    if a is None or b is None or type(a) is not type(b):
        return a or sample_training(space, rng), b or sample_training(space, rng)
    groups: dict[str, list[str]] = {}
    together = getattr(type(a), "crossed_together", {})
    for name in a.fields:
        groups.setdefault(together.get(name, name), []).append(name)
    changes_a: dict[str, Any] = {}
    changes_b: dict[str, Any] = {}
    for names in groups.values():
        if rng.random() < 0.5:
            for name in names:
                changes_a[name], changes_b[name] = b.values[name], a.values[name]
    try:
        return a.replace(**changes_a), b.replace(**changes_b)
    except GenomeError:
        return a, b
