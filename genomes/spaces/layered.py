"""Layered networks as a space: a grammar (:mod:`genomes.grammar`) with validation, variation, features and JSON."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any, Self

import numpy as np

from genomes.checks import real_number, whole_number
from genomes.costs import Cost, Shape, flow_through, positions
from genomes.domains import Domain, Value, domain_from_json
from genomes.errors import GenomeError
from genomes.features import feature_names, features
from genomes.gene import Gene, changed_children
from genomes.genes.training import Training
from genomes.genome import Genome
from genomes.grammar import GenomeLimits, Stage, children, gene_class
from genomes.spaces.model import ModelSpace
from genomes.spaces.preferences import FieldValue
from genomes.targets import Target
from genomes.targets.labels import in_words
from genomes.variation.crossover import crossover
from genomes.variation.mutation import mutate
from genomes.variation.repair import repair
from genomes.variation.sampling import sample_genome

#: Longest axis of a sample: TensorFlow counts in 32 bits.
_LONGEST = 2**31 - 1


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
        training: class of the training settings; that of the default genome's if not given.
        limits: see :class:`GenomeLimits`.
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
        limits: GenomeLimits | None = None,
        default_share: Mapping[str, float] | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        self.input_shape: Shape = tuple(
            None if n is None else whole_number(int(n), "input_shape", 1, _LONGEST) for n in input_shape
        )
        self.target: Target = target
        self.stages = tuple(stages)
        self.limits = limits if limits is not None else GenomeLimits()
        self.training: type[Gene] = type(default.training or Training()) if training is None else training
        self.default_share = dict(default_share or {})
        for field, share in self.default_share.items():
            real_number(share, f"default_share[{str(field)[:80]!r}]", 0, 1)
        self.options = dict(options or {})
        self._check_options()
        self._narrowed = {kind: dict(fields) for kind, fields in (domains or {}).items()}
        self._kinds = {kind.__name__: kind for kind in self.gene_classes}
        self._check_domains()
        self._domains = {
            kind.__name__: {**kind.fields, **self._narrowed.get(kind.__name__, {})}
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

    def _check_options(self) -> None:
        """Check the entries of ``options`` that the class relies on: a stored space may be damaged.

        Raises:
            GenomeError, LookupError, TypeError: one is missing, or of another type.
        """

    def _check_domains(self) -> None:
        for name, fields in self._narrowed.items():
            kind = self.training if name == self.training.__name__ else self._kinds.get(name)
            if kind is None:
                known = ", ".join((*self._kinds, self.training.__name__))
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
        """Gene and target classes that are not part of this package: a worker must import them."""
        kinds = (*self.gene_classes, self.training, type(self.target))
        return tuple(kind for kind in kinds if kind.__module__.partition(".")[0] != "genomes")

    def domains(self, kind: type[Gene]) -> Mapping[str, Domain]:
        """Domain of every field of a gene class, as this space has it."""
        return self._domains[kind.__name__]

    @property
    def gene_shape(self) -> Shape:
        """Shape that reaches the first gene; subclasses whose preprocessing changes it override this."""
        return self.input_shape

    def default(self) -> Genome:
        """The sensible genome that the space was made with."""
        return self._default

    def smallest(self) -> Genome:
        """The smallest valid genome, that the space was made with."""
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
        """Check stages, fields, training settings, number of genes, shapes and limits."""
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
            for name, domain in self._domains[self.training.__name__].items():
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
        for name, domain in self._domains[kind.__name__].items():
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
        """Parameters and FLOPs of preprocessing, genes and head.

        Raises:
            GenomeError: the shapes do not fit.
        """
        shape, cost = flow_through(genome.genes, self.gene_shape)
        if len(shape) not in self.end_ranks or None in shape:
            raise GenomeError(f"the last gene must give one vector per sample, got shape {shape}", "genes")
        parameters, flops = self.target.head_cost(int(shape[-1] or 0))
        heads = positions(shape)
        return self.input_cost() + cost + Cost(heads * parameters, heads * flops)

    # -- variation -------------------------------------------------------------------
    def sample(self, rng: np.random.Generator) -> Genome:
        """A random valid genome, stage by stage."""
        return sample_genome(self, rng)

    def repair(self, genome: Genome, rng: np.random.Generator) -> Genome:
        """The genome itself if it is valid, else mended, fitted to the shapes and narrowed to the limits."""
        return repair(self, genome, rng)

    def mutate(self, genome: Genome, rng: np.random.Generator) -> Genome:
        """A valid child by one operator of :mod:`genomes.variation.mutation`."""
        return mutate(self, genome, rng)

    def crossover(self, first: Genome, second: Genome, rng: np.random.Generator) -> tuple[Genome, Genome]:
        """Two valid children: runs of genes and groups of settings exchanged (:mod:`genomes.variation.crossover`)."""
        return crossover(self, first, second, rng)

    def field_domains(self) -> Mapping[str, Domain]:
        """Domain of every field of every gene class and of the training settings: ``Dense.units``."""
        return {f"{kind}.{name}": domain for kind, own in self._domains.items() for name, domain in own.items()}

    def field_values(self, genome: Genome) -> Mapping[Hashable, FieldValue]:
        """Fields of all genes and of the training settings, by the gene's innovation and the field's name."""
        genes = [gene for _, gene in genome.walk()]
        if genome.training is not None:
            genes.append(genome.training)
        return {
            (type(gene).__name__, gene.innovation, name): FieldValue(
                f"{type(gene).__name__}.{name}", domain, gene.values[name]
            )
            for gene in genes
            for name, domain in self._domains[type(gene).__name__].items()
        }

    def with_field_values(self, genome: Genome, changes: Mapping[Hashable, Value], rng: np.random.Generator) -> Genome:
        """The genome with these fields changed, repaired where it then does not fit."""

        def changed(gene: Gene) -> Gene:
            kind = type(gene).__name__
            own = {
                name: changes[kind, gene.innovation, name]
                for name in gene.fields
                if (kind, gene.innovation, name) in changes
            }
            below = changed_children(gene, lambda genes: tuple(map(changed, genes)))
            return gene.replace(**own, **below) if own or below else gene

        training = None if genome.training is None else changed(genome.training)
        return self.repair(Genome(tuple(map(changed, genome.genes)), training), rng)

    def features(self, genome: Genome) -> np.ndarray:
        """Counts and mean fields per gene class, training settings, cost (:mod:`genomes.features`)."""
        return features(self, genome)

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of :meth:`features`, from gene classes and their fields."""
        return feature_names(self)

    # -- text and JSON ---------------------------------------------------------------
    def describe(self) -> str:
        """Stages, limits, domains and the default genome, one line each."""
        lines = [
            f"{type(self).__name__}: input {self.input_shape}, {self.target.task} with {self.target.width} "
            f"output{'s' if self.target.width > 1 else ''}"
        ]
        if self.target.labels is not None:
            lines.append(f"labels: {in_words(self.target.labels, 20)}")
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
        """All that the space was made of; genes by name."""
        return {
            "input_shape": list(self.input_shape),
            "target": self.target.to_json(),
            "stages": [stage.to_json() for stage in self.stages],
            "default": self._default.to_json(),
            "smallest": self._smallest.to_json(),
            "domains": {k: {name: d.to_json() for name, d in fields.items()} for k, fields in self._narrowed.items()},
            "training": self.training.__name__,
            "limits": dict(vars(self.limits)),
            "default_share": self.default_share,
            "options": self.options,
        }

    @classmethod
    def from_arguments(cls, arguments: Mapping[str, Any]) -> Self:
        """The space that :meth:`arguments` came from; gene classes of a user must be imported before."""
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
            limits=GenomeLimits(**arguments["limits"]),
            default_share=arguments["default_share"],
            options=arguments["options"],
        )
