"""The grammar of layered networks: which genes may stand where, with which domains.

A genome is read from input to head in *stages*, for images: body, reduction
(from a picture to a vector), tail. A stage names the genes that may stand in
it and how many. Inside a block (a gene with child genes) stand the genes of
the stage's ``inner``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np

from genomes.costs import Cost, Shape, flow_through
from genomes.domains import Domain, domain_from_json
from genomes.errors import GenomeError
from genomes.features import feature_names, features
from genomes.gene import Gene
from genomes.genome import Genome
from genomes.slots import Genes
from genomes.spaces.model import ModelSpace
from genomes.targets import Target
from genomes.variation.crossover import crossover
from genomes.variation.mutation import mutate
from genomes.variation.repair import repair
from genomes.variation.sampling import sample_genome


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
            1 where nothing is said.
        sampled: fewest and most genes of a random genome, within ``least`` to ``most``; those two if not given.
        first: gene classes of which a random genome's first gene in this stage is one; any if empty.
            Only sampling goes by it and by ``sampled``: they make random genomes decent, not valid.

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
        if not 0 <= self.least <= self.most:
            raise GenomeError(f"stage {self.name}: least={self.least} must be from 0 to most={self.most}")
        if not self.genes and self.least:
            raise GenomeError(f"stage {self.name}: no gene may stand here, but {self.least} must")
        low, high = (self.least, self.most) if self.sampled is None else self.sampled
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
            "name": self.name, "genes": [k.__name__ for k in self.genes], "least": self.least, "most": self.most,
            "inner": [k.__name__ for k in self.inner], "weights": dict(self.weights),
            "sampled": list(self.sampled or ()), "first": [k.__name__ for k in self.first],
        }  # fmt: skip

    @classmethod
    def from_json(cls, json: Mapping[str, Any]) -> Self:
        """The stage that :meth:`to_json` wrote."""
        return cls(
            str(json["name"]), tuple(map(gene_class, json["genes"])), json["least"], json["most"],
            tuple(map(gene_class, json["inner"])), dict(json["weights"]), tuple(json["sampled"]),
            tuple(map(gene_class, json["first"])),
        )  # fmt: skip


@dataclass(frozen=True)
class Limits:
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


def gene_class(name: Any) -> type[Gene]:
    """The registered gene class of that name.

    Raises:
        GenomeError: there is none; nothing is imported because a file names it.
    """
    kind = Gene.registry.get(name) if isinstance(name, str) else None
    if kind is None:
        raise GenomeError(f"unknown gene {str(name)[:80]!r}; if it is your own, import the module that defines it")
    return kind


class LayeredSpace(ModelSpace):
    """Networks whose genes are applied one after the other, in stages.

    Args:
        input_shape: shape of one sample, without the batch axis; None for an unknown length.
        target: what is predicted.
        stages: the parts of a genome, from input to head; after the last one a sample must be
            a vector. Where a gene class may stand in two neighbouring stages, the earlier one takes it.
        default: a sensible genome; its training settings are taken where genomes are given without.
        smallest: the smallest valid genome.
        domains: narrower domains of fields: gene's class name -> field -> domain.
        training: class of the training settings; ``genomes.genes.training.Training`` if not given.
        limits: see :class:`Limits`.
        default_share: field's name -> how often a sampled gene takes the domain's default there.
        options: further settings of a subclass, as JSON values.

    Raises:
        GenomeError: a domain for a field that no gene has, or wider than the gene's own; a
            default or smallest genome that is not valid.
    """

    def __init__(
        self,
        input_shape: Sequence[int | None],
        target: Target,
        stages: Sequence[Stage],
        *,
        default: Genome,
        smallest: Genome,
        domains: Mapping[str, Mapping[str, Domain]] | None = None,
        training: type[Gene] | None = None,
        limits: Limits | None = None,
        default_share: Mapping[str, float] | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        from genomes.genes.training import Training

        self.input_shape: Shape = tuple(None if n is None else int(n) for n in input_shape)
        self.target: Target = target
        self.stages = tuple(stages)
        self.limits = limits if limits is not None else Limits()
        self.training: type[Gene] = Training if training is None else training
        self.default_share = dict(default_share or {})
        self.options = dict(options or {})
        self._domains = {kind: dict(fields) for kind, fields in (domains or {}).items()}
        self._known = {kind.__name__: kind for kind in self.gene_classes}
        self._check_domains()
        self._fields = {
            kind.__name__: {**kind.fields, **self._domains.get(kind.__name__, {})}
            for kind in (*self.gene_classes, self.training)
        }
        self._valid: set[tuple[int, int, Gene]] = set()
        self._valid_training: set[Gene] = set()
        self._default, self._smallest = default, smallest
        for name, genome in (("smallest", smallest), ("default", default)):
            try:
                self.validate(genome)
            except GenomeError as error:
                raise GenomeError(f"the space's {name} genome is not in the space: {error}") from None

    def _check_domains(self) -> None:
        for name, fields in self._domains.items():
            kind = self.training if name == self.training.__name__ else self._known.get(name)
            if kind is None:
                known = ", ".join((*self._known, self.training.__name__))
                raise GenomeError(f"no such gene in this space; genes are {known}", f"domains[{name!r}]")
            for field_name, domain in fields.items():
                path = f"domains[{name!r}][{field_name!r}]"
                own = kind.fields.get(field_name)
                if own is None:
                    raise GenomeError(f"{name} has no such field; fields are {', '.join(kind.fields)}", path)
                if not isinstance(domain, Domain):
                    raise GenomeError(f"expected a domain, got {domain!r}", path)
                for value in (domain.default, domain.from_unit(0.0), domain.from_unit(1.0)):
                    own.validate(value, path)
                for value in getattr(domain, "values", ()):
                    own.validate(value, path)

    # -- the set -----------------------------------------------------------------------
    @property
    def gene_classes(self) -> tuple[type[Gene], ...]:
        """Every gene class of the space, each once, in order of the stages."""
        kinds: dict[type[Gene], None] = {}
        for stage in self.stages:
            kinds.update(dict.fromkeys((*stage.genes, *(stage.inner or ()))))
        return tuple(kinds)

    @property
    def definitions(self) -> tuple[Any, ...]:
        """See :attr:`genomes.Space.definitions`: gene classes that are not part of this package."""
        kinds = (*self.gene_classes, self.training)
        return tuple(kind for kind in kinds if kind.__module__.partition(".")[0] != "genomes")

    def domains(self, kind: type[Gene]) -> Mapping[str, Domain]:
        """Domain of every field of a gene class, as this space has it."""
        return self._fields[kind.__name__]

    @property
    def gene_shape(self) -> Shape:
        """Shape that reaches the first gene; subclasses whose preprocessing changes it override this."""
        return self.input_shape

    def default(self) -> Genome:
        """See :meth:`genomes.Space.default`."""
        return self._default

    def smallest(self) -> Genome:
        """See :meth:`genomes.Space.smallest`."""
        return self._smallest

    def split(self, genes: Sequence[Gene]) -> list[list[Gene]]:
        """The genes of each stage.

        Raises:
            GenomeError: a gene that may not stand where it stands; the message names its path.
        """
        parts: list[list[Gene]] = [[] for _ in self.stages]
        number = 0
        for index, gene in enumerate(genes):
            kind = type(gene)
            while number < len(self.stages):
                stage = self.stages[number]
                if kind in stage.genes and len(parts[number]) < stage.most:
                    break
                number += 1
            else:
                names = " -> ".join(stage.name for stage in self.stages)
                raise GenomeError(f"{kind.__name__} may not stand here; stages are {names}", f"genes[{index}]")
            parts[number].append(gene)
        return parts

    def validate(self, genome: Genome) -> None:
        """See :meth:`genomes.Space.validate`."""
        if not isinstance(genome, Genome):
            raise GenomeError(f"expected a Genome, got {type(genome).__name__}")
        index = 0
        for number, (stage, genes) in enumerate(zip(self.stages, self.split(genome.genes), strict=True)):
            if len(genes) < stage.least:
                expected = ", ".join(kind.__name__ for kind in stage.genes)
                raise GenomeError(
                    f"stage {stage.name} needs {stage.least} to {stage.most} genes ({expected}), got {len(genes)}",
                    f"genes[{index}]",
                )
            for gene in genes:
                self._check_gene(gene, number, 0, f"genes[{index}]")
                index += 1
        if len(genome) > self.limits.genes:
            raise GenomeError(f"expected at most {self.limits.genes} genes, got {len(genome)}", "genes")
        if type(genome.training) is not self.training:
            raise GenomeError(f"expected {self.training.__name__}, got {type(genome.training).__name__}", "training")
        assert genome.training is not None
        if genome.training not in self._valid_training:
            values = genome.training.values
            for name, domain in self._fields[self.training.__name__].items():
                domain.validate(values[name], f"training.{name}")
            self._remember(self._valid_training, genome.training)
        cost = self.cost(genome)
        for name in ("parameters", "flops"):
            limit, used = getattr(self.limits, name), getattr(cost, name)
            if limit is not None and used > limit:
                raise GenomeError(f"expected at most {limit:,} {name}, got {used:,}", "genome")

    def _check_gene(self, gene: Gene, number: int, nesting: int, path: str) -> None:
        """Check place and fields of a gene and of all below it; remembered, as children share genes with parents."""
        known = (number, nesting, gene)
        if known in self._valid:
            return
        kind = type(gene)
        stage = self.stages[number]
        if kind not in stage.allowed(nesting, self.limits.nesting):
            raise GenomeError(f"{kind.__name__} may not stand here ({stage.name}, {nesting} blocks deep)", path)
        values = gene.values
        for name, domain in self._fields[kind.__name__].items():
            domain.validate(values[name], f"{path}.{name}")
        for address, genes in children(gene):
            for index, child in enumerate(genes):
                self._check_gene(child, number, nesting + 1, f"{path}.{address}[{index}]")
        self._remember(self._valid, known)

    @staticmethod
    def _remember(known: set[Any], item: Any) -> None:
        if len(known) > 100_000:
            known.clear()
        known.add(item)

    def cost(self, genome: Genome) -> Cost:
        """See :meth:`genomes.Space.cost`.

        Raises:
            GenomeError: the shapes do not fit.
        """
        shape, cost = flow_through(genome.genes, self.gene_shape)
        if len(shape) != 1 or shape[0] is None:
            raise GenomeError(f"the last gene must give one vector per sample, got shape {shape}", "genes")
        outputs = self.target.outputs
        head = Cost(shape[0] * outputs + outputs, 2 * shape[0] * outputs + outputs)
        return self.input_cost() + cost + head

    # -- variation -------------------------------------------------------------------
    def sample(self, rng: np.random.Generator) -> Genome:
        """See :meth:`genomes.Space.sample`."""
        return sample_genome(self, rng)

    def repair(self, genome: Genome, rng: np.random.Generator) -> Genome:
        """See :meth:`genomes.Space.repair`."""
        return repair(self, genome, rng)

    def mutate(self, genome: Genome, rng: np.random.Generator) -> Genome:
        """See :meth:`genomes.Space.mutate`."""
        return mutate(self, genome, rng)

    def crossover(self, first: Genome, second: Genome, rng: np.random.Generator) -> tuple[Genome, Genome]:
        """See :meth:`genomes.Space.crossover`."""
        return crossover(self, first, second, rng)

    def features(self, genome: Genome) -> np.ndarray:
        """See :meth:`genomes.Space.features` and :mod:`genomes.features`."""
        return features(self, genome)

    @property
    def feature_names(self) -> tuple[str, ...]:
        """See :attr:`genomes.Space.feature_names`."""
        return feature_names(self)

    # -- text and JSON ---------------------------------------------------------------
    def describe(self) -> str:
        """See :meth:`genomes.Space.describe`."""
        lines = [f"{type(self).__name__}: input {self.input_shape}, {self.target.task} with {self.target.outputs} "
                 f"output{'s' if self.target.outputs > 1 else ''}"]  # fmt: skip
        for stage in self.stages:
            lines.append(f"{stage.name}: {stage.least} to {stage.most} of {', '.join(k.__name__ for k in stage.genes)}")
            if any(kind.slots for kind in stage.genes):
                inside = ", ".join(kind.__name__ for kind in stage.inner or ())
                lines.append(f"  inside blocks (up to {self.limits.nesting} deep): {inside}")
        bounds = [f"{value:,} {name}" for name, value in vars(self.limits).items() if value is not None]
        lines.append(f"limits: {', '.join(bounds)}")
        for kind in (*self.gene_classes, self.training):
            lines.append(f"{kind.__name__}")
            lines += [f"  {name}: {domain}" for name, domain in self.domains(kind).items()]
        lines.append("default genome:")
        lines += ["  " + line for line in self._default.describe().splitlines()]
        return "\n".join(lines)

    def arguments(self) -> dict[str, Any]:
        """See :meth:`genomes.Space.arguments`."""
        return {
            "input_shape": list(self.input_shape),
            "target": self.target.to_json(),
            "stages": [stage.to_json() for stage in self.stages],
            "default": self._default.to_json(),
            "smallest": self._smallest.to_json(),
            "domains": {k: {name: d.to_json() for name, d in fields.items()} for k, fields in self._domains.items()},
            "training": self.training.__name__,
            "limits": dict(vars(self.limits)),
            "default_share": self.default_share,
            "options": self.options,
        }

    @classmethod
    def from_arguments(cls, arguments: Mapping[str, Any]) -> Self:
        """See :meth:`genomes.Space.from_arguments`."""
        from genomes.genes import convolutional as convolutional_blocks  # noqa: F401  their genes register themselves

        domains = {
            kind: {name: domain_from_json(json, f"domains[{kind!r}][{name!r}]") for name, json in fields.items()}
            for kind, fields in arguments["domains"].items()
        }
        return cls(
            arguments["input_shape"],
            Target.from_json(arguments["target"]),
            [Stage.from_json(stage) for stage in arguments["stages"]],
            default=Genome.from_json(arguments["default"]),
            smallest=Genome.from_json(arguments["smallest"]),
            domains=domains,
            training=gene_class(arguments["training"]),
            limits=Limits(**arguments["limits"]),
            default_share=arguments["default_share"],
            options=arguments["options"],
        )


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
