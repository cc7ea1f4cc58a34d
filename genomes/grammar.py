"""The grammar of layered networks: which genes may stand where, with which domains.

A genome is read from input to head in *stages*, for images: body, reduction
(from an image to a vector), tail. A stage names the genes that may stand in
it and how many. Inside a block (a gene with child genes) stand the genes of
the stage's ``inner``.

:class:`Grammar` is what sampling, variation and features ask of such a space;
:class:`genomes.spaces.layered.LayeredSpace` fulfils it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, Self

import numpy as np

from genomes.checks import real_number, whole_number
from genomes.costs import Cost, Shape
from genomes.domains import Domain
from genomes.errors import GenomeError
from genomes.gene import Gene
from genomes.genes.training import AVERAGED, Training, averaged_name
from genomes.genome import Genome
from genomes.slots import Genes


@dataclass(frozen=True)
class Stage:
    """A part of a genome.

    Args:
        name: for messages and descriptions, e.g. ``body``.
        genes: gene classes that may stand here.
        least: fewest genes.
        most: most genes.
        inner: gene classes that may stand inside blocks of this stage; ``genes`` if not given.
        weights: how often each gene class is sampled or inserted, relative to the others;
            1 for those that are not named.
        sampled: fewest and most genes of a random genome, within ``least`` to ``most``; those two if not given.
        first: gene classes of which a random genome's first gene in this stage is one; any if empty.
            It and ``sampled`` concern sampling alone: they make random genomes typical; others are valid too.

    Raises:
        GenomeError: no genes, ``least`` above ``most``, something that is no gene class.
    """

    name: str
    genes: tuple[type[Gene], ...]
    least: int = 0
    most: int = 12
    inner: tuple[type[Gene], ...] | None = None
    weights: Mapping[str, float] = field(default_factory=dict)
    sampled: tuple[int, int] | None = None
    first: tuple[type[Gene], ...] = ()

    def __post_init__(self) -> None:
        for kind in (*self.genes, *(self.inner or ())):
            if not (isinstance(kind, type) and issubclass(kind, Gene)):
                raise GenomeError(f"stage {self.name}: expected subclasses of Gene, got {kind!r}")
        for name in ("least", "most"):
            whole_number(getattr(self, name), f"stage {self.name}: {name}")
        for name, weight in self.weights.items():
            real_number(weight, f"stage {self.name}: weights[{str(name)[:80]!r}]", 0)
        if not 0 <= self.least <= self.most:
            raise GenomeError(f"stage {self.name}: least={self.least} must be from 0 to most={self.most}")
        if not self.genes and self.least:
            raise GenomeError(f"stage {self.name}: no gene may stand here, but {self.least} must")
        low, high = (self.least, self.most) if self.sampled is None else self.sampled
        for number in (low, high):
            whole_number(number, f"stage {self.name}: sampled")
        if not self.least <= low <= high <= self.most:
            raise GenomeError(f"stage {self.name}: sampled={self.sampled} must lie in {self.least} to {self.most}")
        if not set(self.first) <= set(self.genes):
            raise GenomeError(f"stage {self.name}: first must be some of its genes")
        object.__setattr__(self, "sampled", (low, high))
        object.__setattr__(self, "first", tuple(self.first))
        object.__setattr__(self, "genes", tuple(self.genes))
        object.__setattr__(self, "inner", self.genes if self.inner is None else tuple(self.inner))

    def allowed(self, nesting: int, limit: int) -> tuple[type[Gene], ...]:
        """Gene classes that may stand ``nesting`` blocks deep, where blocks may nest ``limit`` deep."""
        assert self.inner is not None
        kinds = self.genes if nesting == 0 else self.inner
        return kinds if nesting < limit else tuple(kind for kind in kinds if not kind.slots)

    def to_json(self) -> dict[str, Any]:
        """The stage as a JSON object; genes by name."""
        assert self.inner is not None
        return {
            "name": self.name,
            "genes": [k.__name__ for k in self.genes],
            "least": self.least,
            "most": self.most,
            "inner": [k.__name__ for k in self.inner],
            "weights": dict(self.weights),
            "sampled": list(self.sampled or ()),
            "first": [k.__name__ for k in self.first],
        }

    @classmethod
    def from_json(cls, json: Mapping[str, Any]) -> Self:
        """The stage that :meth:`to_json` wrote."""
        return cls(
            str(json["name"]),
            tuple(map(gene_class, json["genes"])),
            json["least"],
            json["most"],
            tuple(map(gene_class, json["inner"])),
            dict(json["weights"]),
            tuple(json["sampled"]),
            tuple(map(gene_class, json["first"])),
        )


@dataclass(frozen=True)
class GenomeLimits:
    """Bounds that every genome of a space keeps.

    Args:
        parameters: most weights of the whole model; None for no limit.
        flops: most FLOPs of one sample; None for no limit.
        genes: most genes, those inside blocks included.
        nesting: how deep blocks may stand in blocks; 0 for no blocks at all.
    """

    parameters: int | None = None
    flops: int | None = None
    genes: int = 60
    nesting: int = 2

    def __post_init__(self) -> None:
        for name in ("parameters", "flops"):
            if getattr(self, name) is not None:
                real_number(getattr(self, name), f"limits: {name}", 0)
        for name in ("genes", "nesting"):
            whole_number(getattr(self, name), f"limits: {name}", 0)


def gene_class(name: Any) -> type[Gene]:
    """The registered gene class of that name.

    Raises:
        GenomeError: there is none; nothing is imported because a file names it.
    """
    kind = Gene.registry.get(name) if isinstance(name, str) else None
    if kind is None:
        raise GenomeError(f"unknown gene {str(name)[:80]!r}; if it is your own, import the module that defines it")
    return kind


class Grammar(Protocol):
    """What sampling, repair, mutation, crossover and features ask of a space of layered networks."""

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The parts of a genome, from input to head."""

    @property
    def limits(self) -> GenomeLimits:
        """Bounds that every genome keeps."""

    @property
    def training(self) -> type[Gene]:
        """Class of the training settings."""

    @property
    def default_share(self) -> Mapping[str, float]:
        """Field's name -> how often a sampled gene takes the domain's default there."""

    @property
    def gene_classes(self) -> tuple[type[Gene], ...]:
        """Every gene class that may stand somewhere, each once, in order of the stages."""

    @property
    def gene_shape(self) -> Shape:
        """Shape that reaches the first gene, without the batch axis."""

    def domains(self, kind: type[Gene]) -> Mapping[str, Domain]:
        """Domain of every field of a gene class, as the space has it."""

    def split(self, genes: Sequence[Gene]) -> list[list[Gene]]:
        """The genes of each stage.

        Raises:
            GenomeError: a gene that may not stand where it stands.
        """

    def smallest(self) -> Genome:
        """The smallest valid genome."""

    def sample(self, rng: np.random.Generator) -> Genome:
        """A random valid genome."""

    def validate(self, genome: Genome) -> None:
        """Check a genome.

        Raises:
            GenomeError: it is not in the space.
        """

    def repair(self, genome: Genome, rng: np.random.Generator) -> Genome:
        """The genome itself if it is valid, else a valid one near it."""

    def cost(self, genome: Genome) -> Cost:
        """Parameters and FLOPs of the whole model."""


def children(gene: Gene) -> list[tuple[str, tuple[Gene, ...]]]:
    """The sequences of child genes, each with its place: ``body``, or ``branches[1]``."""
    found: list[tuple[str, tuple[Gene, ...]]] = []
    for slot, declared in gene.slots.items():
        value = getattr(gene, slot)
        if isinstance(declared, Genes):
            found.append((slot, value))
        else:
            found += [(f"{slot}[{number}]", branch) for number, branch in enumerate(value)]
    return found


def default_gene(
    kind: type[Gene], domains: Mapping[str, Mapping[str, Domain]], innovation: int, /, **values: Any
) -> Gene:
    """A gene with the defaults of a space's domains.

    Args:
        kind: its class.
        domains: the space's domains: gene's class name -> field -> domain; the class's own where none is given.
        innovation: its innovation number.
        values: fields and slots that are to hold something else.
    """
    own = {**kind.fields, **domains.get(kind.__name__, {})}
    return kind(innovation=innovation, **{name: domain.default for name, domain in own.items()} | values)


def merged_domains(
    own: Mapping[str, Mapping[str, Domain]], given: Mapping[str, Mapping[str, Domain]] | None
) -> dict[str, dict[str, Domain]]:
    """A space's own domains, with those that a user gave in their place; averaging settings where asked for."""
    merged = {name: dict(fields) for name, fields in own.items()}
    for name, fields in (given or {}).items():
        before = merged.get(name, {})
        if (kind := averaged_name(name, fields)) != name:
            merged.pop(name, None)
        merged[kind] = {**before, **fields}
    return merged


def training_class(kind: type[Training], domains: Mapping[str, Mapping[str, Domain]]) -> type[Training]:
    """The class of training settings that a space's domains speak of: ``kind``, or the one that averages."""
    return AVERAGED[kind] if AVERAGED[kind].__name__ in domains else kind
