"""How far apart two genomes are: an edit distance between trees of genes.

The architecture is an ordered tree whose nodes are the canonical genes. The
distance is the least total cost of relabelling, inserting and removing nodes
that turns one tree into the other (Zhang & Shasha 1989): a layer wrapped in a
residual block is one insertion away, not a removal and two insertions. The
training settings are compared as one more node.

It is a metric because the cost between two nodes is one, with "no node" as
one more point: Tai (1979) shows that the edit distance then inherits identity,
symmetry and the triangle inequality.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from genomes.domains import Choice, Value
from genomes.gene import Gene
from genomes.genes.hyperparameters import ChosenValues
from genomes.genome import Genome
from genomes.slots import Genes

#: Cost of a gene inserted or removed; also the most that a gene's fields can differ.
GENE = 1.0
#: Cost of a branch inserted or removed, in addition to the genes in it.
BRANCH = 0.5
#: Number of named values that, all changed, make a gene another one.
NAMES = 8
#: Least cost of two different values, so that values too close for floats still differ.
LEAST = 1e-6


def distance(first: Genome, second: Genome) -> float:
    """Edit distance between the phenotypes of two genomes, training settings included.

    Inserting or removing a gene costs 1, replacing it by one of another kind
    1, changing its fields the mean over its fields of how far they move in
    [0, 1] (1 for unordered choices). It is a metric on phenotypes: 0 exactly
    where ``genome.key`` agrees, symmetric, and it fulfils the triangle inequality.

    Args:
        first: a genome.
        second: a genome.

    Returns:
        The distance, 0 or more; about the number of mutations that separate the two.
    """
    if first is second or first == second:
        return 0.0
    total = _tree_distance(_architecture(first), _architecture(second))
    return total + _tree_distance(_settings(first), _settings(second))


@dataclass(frozen=True)
class _Label:
    """A node's content: what kind of node it is, and where its fields lie.

    Attributes:
        kind: name of the gene's class; for a branch, of the class and its slot.
        ordered: unit coordinates of ordered fields.
        exact: the values themselves, as written in the phenotype.
        unordered: places in ``exact`` of fields without an order.
        weight: cost of inserting or removing the node.
        named: values by name, of a field that holds a set of them.
    """

    kind: str
    ordered: tuple[float, ...] = ()
    exact: tuple[str, ...] = ()
    unordered: tuple[int, ...] = ()
    weight: float = GENE
    named: tuple[tuple[str, Value], ...] = ()


@dataclass(frozen=True)
class _Tree:
    """An ordered tree in postorder.

    Attributes:
        labels: label of each node.
        leftmost: for each node, the place of the leftmost leaf below it.
        keyroots: nodes that have a left sibling, and the root; in ascending order.
    """

    labels: tuple[_Label, ...]
    leftmost: tuple[int, ...]
    keyroots: tuple[int, ...]


class _Builder:
    def __init__(self) -> None:
        self.labels: list[_Label] = []
        self.leftmost: list[int] = []

    def node(self, label: _Label, first: int) -> None:
        """Append a node whose subtree begins at place ``first``."""
        self.labels.append(label)
        self.leftmost.append(first)

    def gene(self, gene: Gene) -> None:
        """Append a gene and all that is below it."""
        first = len(self.labels)
        kind = type(gene).__name__
        for slot, declared in gene.slots.items():
            held = getattr(gene, slot)
            plain = isinstance(declared, Genes)
            for branch in (held,) if plain else held:
                start = len(self.labels)
                for child in branch:
                    self.gene(child)
                # A single sequence needs no node of its own: the gene itself holds it.
                if not plain or len(gene.slots) > 1:
                    self.node(_Label(f"{kind}.{slot}", weight=BRANCH), start)
        self.node(_label(gene), first)

    def tree(self) -> _Tree:
        last = {leaf: place for place, leaf in enumerate(self.leftmost)}
        return _Tree(tuple(self.labels), tuple(self.leftmost), tuple(sorted(last.values())))


def _label(gene: Gene) -> _Label:
    ordered: list[float] = []
    exact: list[str] = []
    unordered: list[int] = []
    named: list[tuple[str, Value]] = []
    for index, (name, domain) in enumerate(gene.fields.items()):
        value = gene.values[name]
        exact.append(repr(value))
        if isinstance(domain, Choice) and not domain.ordered:
            unordered.append(index)
            ordered.append(0.0)
        else:
            ordered.append(domain.to_unit(value))
            if isinstance(domain, ChosenValues):
                named += domain.parts(value).items()
    kind = type(gene).__name__
    return _Label(kind, tuple(ordered), tuple(exact), tuple(unordered), named=tuple(named))


def _label_distance(a: _Label, b: _Label) -> float:
    """Cost of turning one node into another; a metric bounded by 1."""
    if a is b:
        return 0.0
    if a.kind != b.kind:
        return GENE
    if a.exact == b.exact:
        return 0.0
    if a.named or b.named:
        return _named_distance(dict(a.named), dict(b.named))
    total = 0.0
    for index, (x, y) in enumerate(zip(a.exact, b.exact, strict=True)):
        if x != y:
            moved = 1.0 if index in a.unordered else abs(a.ordered[index] - b.ordered[index])
            total += LEAST + (1.0 - LEAST) * moved
    return GENE * total / len(a.exact)


def _named_distance(a: Mapping[str, Value], b: Mapping[str, Value]) -> float:
    """Distance of two sets of named values: a capped sum, so that missing names leave it a metric."""
    total = 0.0
    # Sorted, so that rounding is the same both ways and in every process.
    for name in sorted({*a, *b}):
        if name not in a or name not in b:
            total += 1.0
            continue
        x, y = a[name], b[name]
        if x == y and isinstance(x, bool) == isinstance(y, bool):
            continue
        numbers = isinstance(x, (int, float)) and isinstance(y, (int, float))
        if numbers and not isinstance(x, bool) and not isinstance(y, bool):
            # Canberra metric (Lance & Williams 1967): no domain is needed for it.
            moved = abs(x - y) / (abs(x) + abs(y))  # type: ignore[operator,arg-type]
            total += LEAST + (1.0 - LEAST) * moved
        else:
            total += 1.0
    return GENE * min(1.0, total / NAMES)


@lru_cache(maxsize=1024)
def _architecture(genome: Genome) -> _Tree:
    builder = _Builder()
    for gene in genome.canonical().genes:
        builder.gene(gene)
    builder.node(_Label(""), 0)
    return builder.tree()


@lru_cache(maxsize=1024)
def _settings(genome: Genome) -> _Tree:
    builder = _Builder()
    if genome.training is not None:
        for gene in genome.training.canonical():
            builder.gene(gene)
    builder.node(_Label(""), 0)
    return builder.tree()


def _tree_distance(first: _Tree, second: _Tree) -> float:
    """Zhang & Shasha's dynamic program: O(nodes^2 * depth^2) in the worst case."""
    if first == second:
        return 0.0
    relabel = [[_label_distance(a, b) for b in second.labels] for a in first.labels]
    remove = [label.weight for label in first.labels]
    insert = [label.weight for label in second.labels]
    # Every entry is filled before it is read: smaller subtrees come first.
    trees = [[0.0] * len(insert) for _ in remove]
    left_a, left_b = first.leftmost, second.leftmost
    for root_a in first.keyroots:
        start_a = left_a[root_a]
        for root_b in second.keyroots:
            start_b = left_b[root_b]
            row = [0.0]
            for j in range(start_b, root_b + 1):
                row.append(row[-1] + insert[j])
            rows = [row]
            for i in range(start_a, root_a + 1):
                above = rows[-1]
                row = [above[0] + remove[i]]
                whole_a = left_a[i] == start_a
                costs, known = relabel[i], trees[i]
                before = rows[left_a[i] - start_a]
                for place, j in enumerate(range(start_b, root_b + 1), 1):
                    best = min(above[place] + remove[i], row[place - 1] + insert[j])
                    if whole_a and left_b[j] == start_b:
                        best = min(best, above[place - 1] + costs[j])
                        known[j] = best
                    else:
                        best = min(best, before[left_b[j] - start_b] + known[j])
                    row.append(best)
                rows.append(row)
    return trees[-1][-1]
