"""Mutations: pure functions of (space, parent, rng).

Each gives a valid child: what an operator makes goes through the space's
repair, which always ends. No operator is tried twice on one call. Operators
return None where they have nothing to work on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from genomes.domains import Domain
from genomes.gene import Gene, new_innovation
from genomes.genome import Genome
from genomes.grammar import Grammar
from genomes.slots import Genes
from genomes.variation.repair import WIDTHS, nearest
from genomes.variation.sampling import choose, sample_gene
from genomes.variation.sites import Site, finished, pick, renewed, rewritten, sites

Operator = Callable[[Grammar, Genome, np.random.Generator], Genome | None]


# -- operators: one gene ----------------------------------------------------------------
def change_field(space: Grammar, genome: Genome, rng: np.random.Generator) -> Genome | None:
    """Resample one field of one gene around its value."""
    choices = [
        (site, index, name, domain)
        for site in sites(space, genome)
        for index, gene in enumerate(site.genes)
        for name, domain in space.domains(type(gene)).items()
        if domain.size != 1
    ]
    if not choices:
        return None
    site, index, name, domain = pick(choices, rng)
    gene = site.genes[index]
    changed = gene.replace(**{name: domain.perturb(nearest(domain, gene.values[name]), rng)})
    return genome.replace(genes=rewritten(genome.genes, site, _put(site.genes, index, changed)))


def insert(space: Grammar, genome: Genome, rng: np.random.Generator) -> Genome | None:
    """Insert a random gene somewhere; half the time it is as wide as a neighbour."""
    found = [s for s in sites(space, genome) if s.room and s.stage.allowed(s.nesting, space.limits.nesting)]
    if not found or len(genome) >= space.limits.genes:
        return None
    site = pick(found, rng)
    kinds = site.stage.allowed(site.nesting, space.limits.nesting)
    gene = sample_gene(space, site.stage, choose(kinds, site.stage.weights, rng), rng, site.nesting)
    position = int(rng.integers(len(site.genes) + 1))
    if rng.random() < 0.5:
        gene = _as_wide(space, gene, site.genes[max(0, position - 1) : position + 1])
    return genome.replace(genes=rewritten(genome.genes, site, (*site.genes[:position], gene, *site.genes[position:])))


def _as_wide(space: Grammar, gene: Gene, neighbours: Sequence[Gene]) -> Gene:
    widths = [n.values[field] for n in neighbours for field in WIDTHS if field in n.fields]
    if not widths:
        return gene
    changes = {
        field: nearest(domain, widths[0]) for field, domain in space.domains(type(gene)).items() if field in WIDTHS
    }
    return gene.replace(**changes) if changes else gene


def remove(space: Grammar, genome: Genome, rng: np.random.Generator) -> Genome | None:
    """Remove one gene, with all below it."""
    choices = [
        (site, index)
        for site in sites(space, genome)
        if len(site.genes) > site.least
        for index in range(len(site.genes))
    ]
    if not choices:
        return None
    site, index = pick(choices, rng)
    return genome.replace(genes=rewritten(genome.genes, site, (*site.genes[:index], *site.genes[index + 1 :])))


def replace(space: Grammar, genome: Genome, rng: np.random.Generator) -> Genome | None:
    """Replace one gene by a random one of another class, as wide where it has a width."""
    choices = []
    for site in sites(space, genome):
        kinds = site.stage.allowed(site.nesting, space.limits.nesting)
        choices += [(site, i, kinds) for i, gene in enumerate(site.genes) if any(k is not type(gene) for k in kinds)]
    if not choices:
        return None
    site, index, kinds = pick(choices, rng)
    old = site.genes[index]
    kind = choose([k for k in kinds if k is not type(old)], site.stage.weights, rng)
    gene = _as_wide(space, sample_gene(space, site.stage, kind, rng, site.nesting), [old])
    return genome.replace(genes=rewritten(genome.genes, site, _put(site.genes, index, gene)))


def move(space: Grammar, genome: Genome, rng: np.random.Generator) -> Genome | None:
    """Move one gene to another position of its sequence."""
    found = [site for site in sites(space, genome) if len(site.genes) > 1]
    if not found:
        return None
    site = pick(found, rng)
    genes = list(site.genes)
    index = int(rng.integers(len(genes)))
    gene = genes.pop(index)
    target = int(rng.integers(len(genes)))
    genes.insert(target + (target >= index), gene)
    return genome.replace(genes=rewritten(genome.genes, site, genes))


def duplicate(space: Grammar, genome: Genome, rng: np.random.Generator) -> Genome | None:
    """Put a copy of one gene, with new innovation numbers, behind it."""
    choices = [
        (site, index)
        for site in sites(space, genome)
        if site.room
        for index, gene in enumerate(site.genes)
        if len(genome) + gene.size <= space.limits.genes
    ]
    if not choices:
        return None
    site, index = pick(choices, rng)
    copy = renewed(site.genes[index], rng)
    return genome.replace(
        genes=rewritten(genome.genes, site, (*site.genes[: index + 1], copy, *site.genes[index + 1 :]))
    )


def wrap(space: Grammar, genome: Genome, rng: np.random.Generator) -> Genome | None:
    """Put one to three neighbouring genes into a block that holds a sequence, such as a residual."""
    choices = []
    for site in sites(space, genome):
        kinds = [k for k in site.stage.allowed(site.nesting, space.limits.nesting) if _wraps(k)]
        inner = site.stage.allowed(site.nesting + 1, space.limits.nesting)
        if kinds:
            choices += [(site, i, kinds, inner) for i, gene in enumerate(site.genes) if type(gene) in inner]
    if not choices or len(genome) >= space.limits.genes:
        return None
    site, start, kinds, inner = pick(choices, rng)
    end = start + 1
    longest = start + int(rng.integers(1, 4))
    while end < min(longest, len(site.genes)) and type(site.genes[end]) in inner:
        end += 1
    kind = choose(kinds, site.stage.weights, rng)
    slot = next(name for name, declared in kind.slots.items() if isinstance(declared, Genes))
    fields = {name: domain.default for name, domain in space.domains(kind).items()}
    block = kind(innovation=new_innovation(rng), **fields, **{slot: site.genes[start:end]})
    return genome.replace(genes=rewritten(genome.genes, site, (*site.genes[:start], block, *site.genes[end:])))


def _wraps(kind: type[Gene]) -> bool:
    return len(kind.slots) == 1 and isinstance(next(iter(kind.slots.values())), Genes)


def unwrap(space: Grammar, genome: Genome, rng: np.random.Generator) -> Genome | None:
    """Put the genes of a block in its place: the counterpart of :func:`wrap`."""
    choices = [
        (site, index) for site in sites(space, genome) for index, gene in enumerate(site.genes) if _wraps(type(gene))
    ]
    if not choices:
        return None
    site, index = pick(choices, rng)
    block = site.genes[index]
    inside = getattr(block, next(iter(block.slots)))
    return genome.replace(genes=rewritten(genome.genes, site, (*site.genes[:index], *inside, *site.genes[index + 1 :])))


# -- operators: widths and depth -------------------------------------------------------------
def _wide_genes(space: Grammar, genome: Genome) -> list[tuple[Site, int, str, Domain]]:
    return [
        (site, index, name, domain)
        for site in sites(space, genome)
        for index, gene in enumerate(site.genes)
        for name, domain in space.domains(type(gene)).items()
        if name in WIDTHS and domain.size != 1
    ]


def _rescaled(space: Grammar, genome: Genome, rng: np.random.Generator, up: bool) -> Genome | None:
    choices = []
    for site, index, name, domain in _wide_genes(space, genome):
        value = site.genes[index].values[name]
        factor = float(rng.uniform(1.25, 2.0))
        changed = nearest(domain, max(1, round(value * factor if up else value / factor)))  # type: ignore[operator,arg-type]
        if (changed > value) if up else (changed < value):  # type: ignore[operator]
            choices.append((site, index, name, changed))
    if not choices:
        return None
    site, index, name, changed = pick(choices, rng)
    gene = site.genes[index].replace(**{name: changed})
    return genome.replace(genes=rewritten(genome.genes, site, _put(site.genes, index, gene)))


def widen(space: Grammar, genome: Genome, rng: np.random.Generator) -> Genome | None:
    """Make one gene wider, by a factor from 1.25 to 2."""
    return _rescaled(space, genome, rng, up=True)


def narrow(space: Grammar, genome: Genome, rng: np.random.Generator) -> Genome | None:
    """Make one gene narrower, by a factor from 1.25 to 2."""
    return _rescaled(space, genome, rng, up=False)


def deepen(space: Grammar, genome: Genome, rng: np.random.Generator) -> Genome | None:
    """Put a gene that keeps the shape behind one with a width: same class, same width, no stride."""
    choices = [(site, index) for site, index, _, _ in _wide_genes(space, genome) if site.room]
    if not choices or len(genome) >= space.limits.genes:
        return None
    site, index = pick(choices, rng)
    copy = renewed(site.genes[index], rng)
    if "strides" in copy.fields:
        copy = copy.replace(strides=nearest(space.domains(type(copy))["strides"], 1))
    return genome.replace(
        genes=rewritten(genome.genes, site, (*site.genes[: index + 1], copy, *site.genes[index + 1 :]))
    )


# -- operators: training settings ------------------------------------------------------------
def change_training(space: Grammar, genome: Genome, rng: np.random.Generator) -> Genome | None:
    """Resample one training setting around its value; one that has an effect."""
    training = genome.training
    assert training is not None
    domains = space.domains(space.training)
    names = [name for name, domain in domains.items() if domain.size != 1]
    if not names:
        return None
    key = training.phenotype
    for name in rng.permutation(np.asarray(names)):
        domain = domains[str(name)]
        value = domain.perturb(nearest(domain, training.values[str(name)]), rng)
        changed = training.replace(**{str(name): value})
        own = getattr(changed, "adjusted", None)
        if own is not None:
            changed = own(training, domains)
        if changed.phenotype != key:
            return genome.replace(training=changed)
    return None


#: Operators of :func:`mutate` and how often each is tried first.
OPERATORS: dict[Operator, float] = {
    change_field: 0.28,
    change_training: 0.20,
    insert: 0.12,
    remove: 0.10,
    replace: 0.06,
    move: 0.03,
    duplicate: 0.04,
    wrap: 0.04,
    unwrap: 0.02,
    widen: 0.05,
    narrow: 0.02,
    deepen: 0.04,
}


def mutate(space: Grammar, genome: Genome, rng: np.random.Generator) -> Genome:
    """A valid child by one minimal mutation.

    The operators are tried in a random order, likely ones first, each
    at most once, until the child's phenotype differs from the parent's.

    Returns:
        The child; a fresh random genome in a space where no operator changes anything.
    """
    genome = space.repair(genome, rng)
    names = list(OPERATORS)
    # Exponential clocks: sorting them draws without replacement with these weights.
    order = np.argsort(rng.exponential(size=len(names)) / np.asarray(list(OPERATORS.values())), kind="stable")
    for index in order:
        child = names[int(index)](space, genome, rng)
        if child is None:
            continue
        child = finished(space, child, rng)
        if child.key != genome.key:
            return child
    return space.sample(rng)


def _put(genes: Sequence[Gene], index: int, gene: Gene) -> tuple[Gene, ...]:
    return (*genes[:index], gene, *genes[index + 1 :])
