"""Spaces of plain named values: for tables, simulations, and functions that train nothing."""

from __future__ import annotations

import hashlib
import json as json_module
import math
from collections.abc import Callable, Hashable, Mapping
from typing import Any, Self

import numpy as np

from genomes.costs import Cost
from genomes.domains import Choice, Domain, Value, domain_from_json
from genomes.errors import GenomeError
from genomes.gene import Gene
from genomes.genome import Genome
from genomes.spaces.base import Space
from genomes.spaces.preferences import FieldValue

#: Innovation number of the one gene that every genome of such a space has.
_INNOVATION = 1


class Vector(Gene):
    """A gene that holds named values and builds nothing; each space has its own subclass."""

    @property
    def phenotype(self) -> str:
        """The values; the same for all spaces with the same names."""
        known = self.__dict__.get("_phenotype")
        if known is None:
            known = f"Vector{self.values!r}"  # plain values: their repr is stable, and quicker than JSON
            object.__setattr__(self, "_phenotype", known)
        return known

    def __reduce__(self) -> tuple[Any, ...]:
        # The class was made at run time: another process makes it again from the domains.
        domains = {name: domain.to_json() for name, domain in self.fields.items()}
        return _rebuilt, (domains, self.innovation, self.values)


def _rebuilt(domains: dict[str, Any], innovation: int, values: dict[str, Value]) -> Vector:
    kind = _gene_class({name: domain_from_json(json, name) for name, json in domains.items()})
    return kind(innovation=innovation, **values)


def _gene_class(domains: Mapping[str, Domain]) -> type[Vector]:
    """The gene class with these fields; one class for equal domains."""
    text = json_module.dumps([(name, domain.to_json()) for name, domain in domains.items()])
    name = f"Vector_{hashlib.sha256(text.encode()).hexdigest()[:12]}"
    known = Gene.registry.get(name)
    if known is not None:
        return known  # type: ignore[return-value]
    return type(name, (Vector,), dict(domains))  # registers itself


class VectorSpace(Space):
    """Plain named values; :func:`vector` makes it."""

    def __init__(
        self,
        domains: Mapping[str, Domain],
        key: Callable[[Mapping[str, Value]], str] | None = None,
        cost: Callable[[Mapping[str, Value]], Cost] | None = None,
    ) -> None:
        if not isinstance(domains, Mapping) or not domains:
            raise GenomeError(f"vector: expected a non-empty mapping of names to domains, got {domains!r}")
        for name, domain in domains.items():
            if not isinstance(name, str) or not isinstance(domain, Domain):
                raise GenomeError(f"vector: expected a name and a domain, got {name!r}: {domain!r}")
        self.domains = dict(domains)
        self._gene = _gene_class(self.domains)
        self._key = key
        self._cost = cost
        self._varying = [name for name, domain in self.domains.items() if domain.size != 1]
        names: list[str] = []
        for name, domain in self.domains.items():
            if isinstance(domain, Choice) and not domain.ordered:
                names += [f"{name}={value}" for value in domain.values] if domain.size != 1 else []
            elif domain.size != 1:
                names.append(name)
        self._feature_names = tuple(names)

    # -- the set -----------------------------------------------------------------------
    def genome(self, **values: Value) -> Genome:
        """The genome with these values; defaults where none is given.

        Raises:
            GenomeError: an unknown name, or a value outside its domain.
        """
        return Genome((self._gene(innovation=_INNOVATION, **values),))

    def values(self, genome: Genome) -> dict[str, Value]:
        """The named values that a genome holds."""
        return genome.genes[0].values

    def default(self) -> Genome:
        """Every field at its domain's default."""
        return self.genome()

    def smallest(self) -> Genome:
        """The cheapest of default and 256 draws if costs were given, else the default."""
        if self._cost is None:
            return self.default()
        rng = np.random.default_rng(0)
        drawn = [self.default(), *(self.sample(rng) for _ in range(256))]
        return min(drawn, key=lambda genome: (self.cost(genome).parameters, self.cost(genome).flops))

    def sample(self, rng: np.random.Generator) -> Genome:
        """Every field drawn from its domain."""
        return self.genome(**{name: domain.sample(rng) for name, domain in self.domains.items()})

    def validate(self, genome: Genome) -> None:
        """Check that there is one gene with the space's fields, each in its domain."""
        if len(genome.genes) != 1 or set(genome.genes[0].values) != set(self.domains):
            raise GenomeError(f"expected one gene with the fields {', '.join(self.domains)}", "genes")
        for name, value in genome.genes[0].values.items():
            self.domains[name].validate(value, f"genes[0].{name}")

    def repair(self, genome: Genome, rng: np.random.Generator) -> Genome:
        """Values outside their domains, and missing ones, are drawn anew."""
        given = genome.genes[0].values if genome.genes else {}
        return self.genome(
            **{
                name: given[name] if name in given and domain.contains(given[name]) else domain.sample(rng)
                for name, domain in self.domains.items()
            }
        )

    def mutate(self, genome: Genome, rng: np.random.Generator) -> Genome:
        """One field perturbed: a near value of numbers, any other value of unordered choices."""
        if not self._varying:
            return genome
        name = self._varying[int(rng.integers(len(self._varying)))]
        gene = genome.genes[0]
        return Genome((gene.replace(**{name: self.domains[name].perturb(getattr(gene, name), rng)}),))

    def crossover(self, first: Genome, second: Genome, rng: np.random.Generator) -> tuple[Genome, Genome]:
        """Uniform: each field of one child comes from either parent, of the other from the other."""
        swap = rng.random(len(self.domains)) < 0.5
        a, b = first.genes[0].values, second.genes[0].values
        swapped = [name for name, flag in zip(self.domains, swap, strict=True) if flag and a[name] != b[name]]
        return (
            Genome((first.genes[0].replace(**{name: b[name] for name in swapped}),)),
            Genome((second.genes[0].replace(**{name: a[name] for name in swapped}),)),
        )

    def field_domains(self) -> Mapping[str, Domain]:
        """The named domains."""
        return self.domains

    def field_values(self, genome: Genome) -> Mapping[Hashable, FieldValue]:
        """The named values, by their names."""
        return {name: FieldValue(name, self.domains[name], value) for name, value in self.values(genome).items()}

    def with_field_values(self, genome: Genome, changes: Mapping[Hashable, Value], rng: np.random.Generator) -> Genome:
        """The genome with these named values in place of its own."""
        return Genome((genome.genes[0].replace(**{str(name): value for name, value in changes.items()}),))

    def cost(self, genome: Genome) -> Cost:
        """What the given ``cost`` says; nothing without it."""
        return Cost() if self._cost is None else self._cost(self.values(genome))

    def features(self, genome: Genome) -> np.ndarray:
        """Numbers and ordered choices in [0, 1]; unordered choices one-hot, two values at L1 distance 1."""
        found: list[float] = []
        values = genome.genes[0].values
        for name, domain in self.domains.items():
            if domain.size == 1:
                continue
            if isinstance(domain, Choice) and not domain.ordered:
                index = int(domain.to_unit(values[name]) * len(domain.values))
                found += [0.5 if i == index else 0.0 for i in range(len(domain.values))]
            else:
                found.append(domain.to_unit(values[name]))
        return np.array(found, dtype=np.float64)

    @property
    def feature_names(self) -> tuple[str, ...]:
        """One name per number; ``name=value`` for one-hot ones."""
        return self._feature_names

    def key(self, genome: Genome) -> str:
        """What the given ``key`` says of the values; else the genome's own key."""
        return genome.key if self._key is None else self._key(self.values(genome))

    def size(self) -> int | None:
        """Product of the domains' sizes; None if one is infinite or a ``key`` makes values one."""
        sizes = [domain.size for domain in self.domains.values()]
        if self._key is not None or any(size is None for size in sizes):
            return None
        return math.prod(size for size in sizes if size is not None)

    def describe(self) -> str:
        """One line per field."""
        return "\n".join(f"{name}: {domain!r}" for name, domain in self.domains.items())

    def arguments(self) -> dict[str, Any]:
        """The domains; ``key`` and ``cost`` are functions, which JSON cannot hold."""
        return {"domains": {name: domain.to_json() for name, domain in self.domains.items()}}

    @classmethod
    def from_arguments(cls, arguments: Mapping[str, Any]) -> Self:
        """The space of these domains, without ``key`` and ``cost``."""
        return cls({name: domain_from_json(json, name) for name, json in arguments["domains"].items()})


def vector(
    domains: Mapping[str, Domain],
    key: Callable[[Mapping[str, Value]], str] | None = None,
    cost: Callable[[Mapping[str, Value]], Cost] | None = None,
) -> VectorSpace:
    """A space whose genomes are one gene of named values; nothing is built or trained by it.

    Args:
        domains: a domain for every name.
        key: identity of what the values stand for, where several spellings are one thing.
        cost: parameters and FLOPs of what the values stand for. Neither function is
            part of the space's JSON.

    Raises:
        GenomeError: no name, or a value that is no domain.

    Example:
        >>> from genomes import Choice, Float
        >>> space = vector({"rate": Float(1e-4, 1e-1, log=True), "kind": Choice(["a", "b"])})
        >>> space.values(space.default())
        {'rate': 0.0001, 'kind': 'a'}
    """
    return VectorSpace(domains, key, cost)
