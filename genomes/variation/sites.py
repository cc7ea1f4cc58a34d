"""Where genes stand in a genome: sequences inside sequences, how to change one, and unique numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from genomes.gene import Gene, changed_children, new_innovation
from genomes.genome import Genome
from genomes.grammar import Grammar, Stage
from genomes.slots import Genes

#: Where a sequence of genes is: steps (index of a gene, its slot, number of the branch or None)
#: down from the genome's own genes; () for those.
Address = tuple[tuple[int, str, int | None], ...]


@dataclass(frozen=True)
class Site:
    """A sequence of genes inside a genome that operators may change.

    Attributes:
        address: where it is.
        genes: the genes of it that belong to ``stage``.
        start: index of the first of them in the whole sequence.
        stage: the stage that governs it.
        nesting: number of blocks around it.
        least: fewest genes that it must keep.
        most: most genes that it may hold; None for no limit.
    """

    address: Address
    genes: tuple[Gene, ...]
    start: int
    stage: Stage
    nesting: int
    least: int
    most: int | None

    @property
    def room(self) -> bool:
        """Whether one more gene fits."""
        return self.most is None or len(self.genes) < self.most


def sites(space: Grammar, genome: Genome) -> list[Site]:
    """Every sequence of genes: one per stage, and one per slot or branch of every block."""
    found: list[Site] = []
    start = 0
    for stage, part in zip(space.stages, space.split(genome.genes), strict=True):
        found.append(Site((), tuple(part), start, stage, 0, stage.least, stage.most))
        for offset, gene in enumerate(part):
            if gene.slots:
                found.extend(_inner_sites(gene, ((start + offset,),), stage, 1))
        start += len(part)
    return found


def _inner_sites(gene: Gene, above: tuple[Any, ...], stage: Stage, nesting: int) -> Iterator[Site]:
    *steps, (index,) = above
    for slot, declared in gene.slots.items():
        value = getattr(gene, slot)
        sequences: list[tuple[int | None, tuple[Gene, ...], int, int | None]]
        if isinstance(declared, Genes):
            sequences = [(None, value, declared.least, declared.most)]
        else:
            sequences = [(number, branch, 0, None) for number, branch in enumerate(value)]
        for branch_number, genes, least, most in sequences:
            address = (*steps, (index, slot, branch_number))
            yield Site(address, genes, 0, stage, nesting, least, most)
            for child_index, child in enumerate(genes):
                if child.slots:
                    yield from _inner_sites(child, (*address, (child_index,)), stage, nesting + 1)


def rewritten(genes: Sequence[Gene], site: Site, replacement: Sequence[Gene]) -> tuple[Gene, ...]:
    """``genes`` (of the genome) with the genes of ``site`` replaced."""
    return _rewritten(tuple(genes), site.address, site.start, len(site.genes), tuple(replacement))


def _rewritten(
    genes: tuple[Gene, ...], address: Address, start: int, length: int, replacement: tuple[Gene, ...]
) -> tuple[Gene, ...]:
    if not address:
        return (*genes[:start], *replacement, *genes[start + length :])
    (index, slot, branch), *rest = address
    gene = genes[index]
    value = getattr(gene, slot)
    if branch is None:
        changed: Any = _rewritten(value, tuple(rest), start, length, replacement)
    else:
        inner = _rewritten(value[branch], tuple(rest), start, length, replacement)
        changed = (*value[:branch], inner, *value[branch + 1 :])
    return (*genes[:index], gene.replace(**{slot: changed}), *genes[index + 1 :])


def renewed(gene: Gene, rng: np.random.Generator) -> Gene:
    """The gene and all below it with new innovation numbers: a copy that goes its own way."""
    innovation = new_innovation(rng)
    children = changed_children(gene, lambda genes: tuple(renewed(child, rng) for child in genes))
    return gene.replace(innovation=innovation, **children)


def with_unique_innovations(genome: Genome, rng: np.random.Generator) -> Genome:
    """The genome with new numbers for genes whose number occurs earlier in it."""
    numbers = [gene.innovation for _, gene in genome.walk()]
    if len(set(numbers)) == len(numbers):
        return genome
    seen: set[int] = set()
    return genome.replace(genes=tuple(_unique(gene, seen, rng) for gene in genome.genes))


def _unique(gene: Gene, seen: set[int], rng: np.random.Generator) -> Gene:
    changes: dict[str, Any] = {}
    if gene.innovation in seen:
        changes["innovation"] = new_innovation(rng)
    seen.add(gene.innovation)
    changes |= changed_children(gene, lambda genes: tuple(_unique(child, seen, rng) for child in genes))
    return gene.replace(**changes) if changes else gene


def pick(items: Sequence[Any], rng: np.random.Generator) -> Any:
    """One of the items, all equally likely."""
    return items[int(rng.integers(len(items)))]


def finished(space: Grammar, genome: Genome, rng: np.random.Generator) -> Genome:
    """The genome repaired, and with every innovation number once."""
    return with_unique_innovations(space.repair(genome, rng), rng)
