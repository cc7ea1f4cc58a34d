"""Crossover of two genomes: a pure function of (space, parents, rng)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from genomes.gene import Gene
from genomes.genome import Genome
from genomes.grammar import Grammar
from genomes.variation.sites import finished, pick


def crossover(space: Grammar, first: Genome, second: Genome, rng: np.random.Generator) -> tuple[Genome, Genome]:
    """Two valid children: blocks aligned by innovation are exchanged, and training settings.

    Genes that both parents have (same innovation, NEAT's matching genes) are
    exchanged, each with probability 1/2; runs of genes that stand between two matching ones
    are exchanged as wholes, and so are training settings that belong together (optimizer and
    learning rate). Parents without a matching gene first exchange what stands in one random
    stage from a random place on.

    Where the parents differ in two places or more, something is exchanged and something is
    not, so that children are no copies of their parents.
    """
    first, second = space.repair(first, rng), space.repair(second, rng)
    assert first.training is not None and second.training is not None
    genes_a, genes_b = list(first.genes), list(second.genes)
    matches = _matches(genes_a, genes_b)
    if not matches:
        genes_a, genes_b = _one_point(space, genes_a, genes_b, rng)
    loci: list[tuple[Any, Any]] = _runs(genes_a, genes_b, matches) if matches else []
    places = len(loci)
    loci += _settings(first.training, second.training)
    loci = _exchanged(loci, rng)
    if matches:
        genes_a = [gene for run, _ in loci[:places] for gene in run]
        genes_b = [gene for _, run in loci[:places] for gene in run]
    changes_a = {name: value for values, _ in loci[places:] for name, value in values.items()}
    changes_b = {name: value for _, values in loci[places:] for name, value in values.items()}
    return (
        finished(space, Genome(genes_a, first.training.replace(**changes_a)), rng),
        finished(space, Genome(genes_b, second.training.replace(**changes_b)), rng),
    )


def _exchanged(loci: list[tuple[Any, Any]], rng: np.random.Generator) -> list[tuple[Any, Any]]:
    """The places with what both parents have there, about half of them swapped."""
    differing = [index for index, (a, b) in enumerate(loci) if a != b]
    swapped = rng.random(len(differing)) < 0.5
    if len(differing) > 1 and swapped.all() == swapped.any():
        swapped[int(rng.integers(len(differing)))] ^= True
    result = list(loci)
    for index, swap in zip(differing, swapped, strict=True):
        if swap:
            a, b = loci[index]
            result[index] = (b, a)
    return result


def _runs(a: Sequence[Gene], b: Sequence[Gene], matches: Sequence[tuple[int, int]]) -> list[tuple[Any, Any]]:
    """Runs between matching genes, and the matching genes, alternately: a pair (from ``a``, from ``b``) each."""
    loci: list[tuple[Any, Any]] = []
    at_a = at_b = 0
    for index_a, index_b in matches:
        loci.append((tuple(a[at_a:index_a]), tuple(b[at_b:index_b])))
        loci.append(((a[index_a],), (b[index_b],)))
        at_a, at_b = index_a + 1, index_b + 1
    loci.append((tuple(a[at_a:]), tuple(b[at_b:])))
    return loci


def _settings(a: Gene, b: Gene) -> list[tuple[Any, Any]]:
    """Training settings that pass together: a pair of dicts of values each."""
    together = getattr(type(a), "crossed_together", {})
    groups: dict[str, list[str]] = {}
    for name in a.fields:
        groups.setdefault(together.get(name, name), []).append(name)
    return [
        ({name: a.values[name] for name in names}, {name: b.values[name] for name in names})
        for names in groups.values()
    ]


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


def _one_point(
    space: Grammar, a: Sequence[Gene], b: Sequence[Gene], rng: np.random.Generator
) -> tuple[list[Gene], list[Gene]]:
    """One-point crossover of one stage that is not empty in both parents."""
    parts_a, parts_b = space.split(a), space.split(b)
    usable = [i for i, (x, y) in enumerate(zip(parts_a, parts_b, strict=True)) if x or y]
    if usable:
        number = pick(usable, rng)
        x, y = parts_a[number], parts_b[number]
        cut_x, cut_y = int(rng.integers(len(x) + 1)), int(rng.integers(len(y) + 1))
        parts_a[number], parts_b[number] = x[:cut_x] + y[cut_y:], y[:cut_y] + x[cut_x:]
    return [g for part in parts_a for g in part], [g for part in parts_b for g in part]
