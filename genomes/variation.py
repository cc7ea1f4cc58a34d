"""Mutations and crossovers: pure functions of (space, parents, rng).

Each gives valid children: what an operator makes goes through the space's
repair, which always ends. No operator is tried twice on one call. Operators
return None where they have nothing to work on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from genomes.domains import Domain
from genomes.errors import GenomeError
from genomes.gene import Gene, Genes, new_innovation
from genomes.genome import Genome
from genomes.repair import WIDTHS, nearest
from genomes.sampling import choose, sample_gene, sample_training

if TYPE_CHECKING:
    from genomes.grammar import LayeredSpace, Stage

Operator = Callable[["LayeredSpace", Genome, np.random.Generator], Genome | None]

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


# -- genomes as trees of sequences ---------------------------------------------------------
def sites(space: LayeredSpace, genome: Genome) -> list[Site]:
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
    changes: dict[str, Any] = {"innovation": new_innovation(rng)}
    for slot, declared in gene.slots.items():
        value = getattr(gene, slot)
        if isinstance(declared, Genes):
            changes[slot] = tuple(renewed(child, rng) for child in value)
        else:
            changes[slot] = tuple(tuple(renewed(child, rng) for child in branch) for branch in value)
    return gene.replace(**changes)


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
    for slot, declared in gene.slots.items():
        value = getattr(gene, slot)
        if isinstance(declared, Genes):
            changes[slot] = tuple(_unique(child, seen, rng) for child in value)
        else:
            changes[slot] = tuple(tuple(_unique(child, seen, rng) for child in branch) for branch in value)
    return gene.replace(**changes) if changes else gene


def _pick(items: Sequence[Any], rng: np.random.Generator) -> Any:
    return items[int(rng.integers(len(items)))]


# -- operators: one gene ----------------------------------------------------------------
def change_field(space: LayeredSpace, genome: Genome, rng: np.random.Generator) -> Genome | None:
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
    site, index, name, domain = _pick(choices, rng)
    gene = site.genes[index]
    changed = gene.replace(**{name: domain.perturb(nearest(domain, gene.values[name]), rng)})
    return genome.replace(genes=rewritten(genome.genes, site, _put(site.genes, index, changed)))


def insert(space: LayeredSpace, genome: Genome, rng: np.random.Generator) -> Genome | None:
    """Insert a random gene somewhere; half the time it is as wide as a neighbour."""
    found = [s for s in sites(space, genome) if s.room and s.stage.allowed(s.nesting, space.limits.nesting)]
    if not found or len(genome) >= space.limits.genes:
        return None
    site = _pick(found, rng)
    kinds = site.stage.allowed(site.nesting, space.limits.nesting)
    gene = sample_gene(space, site.stage, choose(kinds, site.stage.weights, rng), rng, site.nesting)
    position = int(rng.integers(len(site.genes) + 1))
    if rng.random() < 0.5:
        gene = _as_wide(space, gene, site.genes[max(0, position - 1) : position + 1])
    return genome.replace(
        genes=rewritten(genome.genes, site, (*site.genes[:position], gene, *site.genes[position:]))
    )


def _as_wide(space: LayeredSpace, gene: Gene, neighbours: Sequence[Gene]) -> Gene:
    widths = [n.values[field] for n in neighbours for field in WIDTHS if field in n.fields]
    if not widths:
        return gene
    changes = {
        field: nearest(domain, widths[0]) for field, domain in space.domains(type(gene)).items() if field in WIDTHS
    }
    return gene.replace(**changes) if changes else gene


def remove(space: LayeredSpace, genome: Genome, rng: np.random.Generator) -> Genome | None:
    """Remove one gene, with all below it."""
    choices = [
        (site, index)
        for site in sites(space, genome)
        if len(site.genes) > site.least
        for index in range(len(site.genes))
    ]
    if not choices:
        return None
    site, index = _pick(choices, rng)
    return genome.replace(
        genes=rewritten(genome.genes, site, (*site.genes[:index], *site.genes[index + 1 :]))
    )


def replace(space: LayeredSpace, genome: Genome, rng: np.random.Generator) -> Genome | None:
    """Replace one gene by a random one of another class, as wide where it has a width."""
    choices = []
    for site in sites(space, genome):
        kinds = site.stage.allowed(site.nesting, space.limits.nesting)
        choices += [(site, i, kinds) for i, gene in enumerate(site.genes) if any(k is not type(gene) for k in kinds)]
    if not choices:
        return None
    site, index, kinds = _pick(choices, rng)
    old = site.genes[index]
    kind = choose([k for k in kinds if k is not type(old)], site.stage.weights, rng)
    gene = _as_wide(space, sample_gene(space, site.stage, kind, rng, site.nesting), [old])
    return genome.replace(genes=rewritten(genome.genes, site, _put(site.genes, index, gene)))


def move(space: LayeredSpace, genome: Genome, rng: np.random.Generator) -> Genome | None:
    """Move one gene to another position of its sequence."""
    found = [site for site in sites(space, genome) if len(site.genes) > 1]
    if not found:
        return None
    site = _pick(found, rng)
    genes = list(site.genes)
    index = int(rng.integers(len(genes)))
    gene = genes.pop(index)
    target = int(rng.integers(len(genes)))
    genes.insert(target + (target >= index), gene)
    return genome.replace(genes=rewritten(genome.genes, site, genes))


def duplicate(space: LayeredSpace, genome: Genome, rng: np.random.Generator) -> Genome | None:
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
    site, index = _pick(choices, rng)
    copy = renewed(site.genes[index], rng)
    return genome.replace(
        genes=rewritten(genome.genes, site, (*site.genes[: index + 1], copy, *site.genes[index + 1 :]))
    )


def wrap(space: LayeredSpace, genome: Genome, rng: np.random.Generator) -> Genome | None:
    """Put one to three neighbouring genes into a block that holds a sequence, such as a residual."""
    choices = []
    for site in sites(space, genome):
        kinds = [k for k in site.stage.allowed(site.nesting, space.limits.nesting) if _wraps(k)]
        inner = site.stage.allowed(site.nesting + 1, space.limits.nesting)
        if kinds:
            choices += [(site, i, kinds, inner) for i, gene in enumerate(site.genes) if type(gene) in inner]
    if not choices or len(genome) >= space.limits.genes:
        return None
    site, start, kinds, inner = _pick(choices, rng)
    end = start + 1
    longest = start + int(rng.integers(1, 4))
    while end < min(longest, len(site.genes)) and type(site.genes[end]) in inner:
        end += 1
    kind = choose(kinds, site.stage.weights, rng)
    slot = next(name for name, declared in kind.slots.items() if isinstance(declared, Genes))
    fields = {name: domain.default for name, domain in space.domains(kind).items()}
    block = kind(innovation=new_innovation(rng), **fields, **{slot: site.genes[start:end]})
    return genome.replace(
        genes=rewritten(genome.genes, site, (*site.genes[:start], block, *site.genes[end:]))
    )


def _wraps(kind: type[Gene]) -> bool:
    return len(kind.slots) == 1 and isinstance(next(iter(kind.slots.values())), Genes)


def unwrap(space: LayeredSpace, genome: Genome, rng: np.random.Generator) -> Genome | None:
    """Put the genes of a block in its place: the counterpart of :func:`wrap`."""
    choices = [
        (site, index) for site in sites(space, genome) for index, gene in enumerate(site.genes) if _wraps(type(gene))
    ]
    if not choices:
        return None
    site, index = _pick(choices, rng)
    block = site.genes[index]
    inside = getattr(block, next(iter(block.slots)))
    return genome.replace(
        genes=rewritten(genome.genes, site, (*site.genes[:index], *inside, *site.genes[index + 1 :]))
    )


# -- operators: widths and depth -------------------------------------------------------------
def _wide_genes(space: LayeredSpace, genome: Genome) -> list[tuple[Site, int, str, Domain]]:
    return [
        (site, index, name, domain)
        for site in sites(space, genome)
        for index, gene in enumerate(site.genes)
        for name, domain in space.domains(type(gene)).items()
        if name in WIDTHS and domain.size != 1
    ]


def _rescaled(space: LayeredSpace, genome: Genome, rng: np.random.Generator, up: bool) -> Genome | None:
    choices = []
    for site, index, name, domain in _wide_genes(space, genome):
        value = site.genes[index].values[name]
        factor = float(rng.uniform(1.25, 2.0))
        changed = nearest(domain, max(1, round(value * factor if up else value / factor)))  # type: ignore[operator,arg-type]
        if (changed > value) if up else (changed < value):  # type: ignore[operator]
            choices.append((site, index, name, changed))
    if not choices:
        return None
    site, index, name, changed = _pick(choices, rng)
    gene = site.genes[index].replace(**{name: changed})
    return genome.replace(genes=rewritten(genome.genes, site, _put(site.genes, index, gene)))


def widen(space: LayeredSpace, genome: Genome, rng: np.random.Generator) -> Genome | None:
    """Make one gene wider, by a factor from 1.25 to 2."""
    return _rescaled(space, genome, rng, up=True)


def narrow(space: LayeredSpace, genome: Genome, rng: np.random.Generator) -> Genome | None:
    """Make one gene narrower, by a factor from 1.25 to 2."""
    return _rescaled(space, genome, rng, up=False)


def deepen(space: LayeredSpace, genome: Genome, rng: np.random.Generator) -> Genome | None:
    """Put a gene that keeps the shape behind one with a width: same class, same width, no stride."""
    choices = [(site, index) for site, index, _, _ in _wide_genes(space, genome) if site.room]
    if not choices or len(genome) >= space.limits.genes:
        return None
    site, index = _pick(choices, rng)
    copy = renewed(site.genes[index], rng)
    if "strides" in copy.fields:
        copy = copy.replace(strides=nearest(space.domains(type(copy))["strides"], 1))
    return genome.replace(
        genes=rewritten(genome.genes, site, (*site.genes[: index + 1], copy, *site.genes[index + 1 :]))
    )


# -- operators: training settings ------------------------------------------------------------
def change_training(space: LayeredSpace, genome: Genome, rng: np.random.Generator) -> Genome | None:
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


def mutate(space: LayeredSpace, genome: Genome, rng: np.random.Generator) -> Genome:
    """A valid child by one minimal mutation.

    The operators are gone through in a random order, likely ones first, each
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


def finished(space: LayeredSpace, genome: Genome, rng: np.random.Generator) -> Genome:
    """The genome repaired, and with every innovation number once."""
    return with_unique_innovations(space.repair(genome, rng), rng)


# -- crossover ------------------------------------------------------------------------
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
        number = _pick(usable, rng)
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


def _put(genes: Sequence[Gene], index: int, gene: Gene) -> tuple[Gene, ...]:
    return (*genes[:index], gene, *genes[index + 1 :])
