"""Gene: an immutable value with fields declared by domains.

A new gene takes a few lines; sampling, mutation, crossover, storage and
reports then work without further code:

Example:
    >>> from genomes import Boolean, Gene, Int
    >>> class Gated(Gene):
    ...     units = Int(8, 256, log=True)
    ...     bias = Boolean(default=True)
    ...
    ...     def build(self, x):
    ...         import keras
    ...         gate = keras.layers.Dense(self.units, activation="sigmoid", use_bias=self.bias)(x)
    ...         return gate * keras.layers.Dense(self.units)(x)
    >>> Gated(units=32)
    Gated(units=32, bias=True)
"""

from __future__ import annotations

import json as json_module
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Self

from genomes.build import measured
from genomes.checks import whole_number
from genomes.costs import Cost, Shape, flow
from genomes.domains import Domain, Value
from genomes.errors import GenomeError, shown
from genomes.slots import Branches, Genes

#: Deepest nesting of genes and most genes that are read from JSON.
MAX_DEPTH = 24
MAX_GENES = 4096
MAX_INNOVATION = 2**53


class Gene:
    """An immutable layer, block or group of settings.

    Subclasses declare fields as class attributes that are domains, child
    genes as :class:`Genes` or :class:`Branches`, and define :meth:`build`.
    They are identified by their class name, in JSON too.

    Args:
        innovation: historical marking (NEAT; Stanley & Miikkulainen 2002): given when the
            gene first appears, kept through changes of its fields. It aligns parents in
            crossover and weights in inheritance; it is no part of the phenotype.
        values: one value per field; the domain's default where none is given.

    Raises:
        GenomeError: an unknown field, or a value outside its domain.
    """

    #: Every gene class by name.
    registry: ClassVar[dict[str, type[Gene]]] = {}
    #: Domain of each field, in order of declaration.
    fields: ClassVar[dict[str, Domain]] = {}
    #: Slots of child genes, in order of declaration.
    slots: ClassVar[dict[str, Genes | Branches]] = {}
    #: Ranks (without the batch axis) of the input that :meth:`build` takes; None for any.
    input_ranks: ClassVar[tuple[int, ...] | None] = None
    #: Whether the class defines :meth:`output_shape`, so that it need not be measured.
    declares_shape: ClassVar[bool] = False

    innovation: int
    _values: dict[str, Any]
    _hash: int
    _phenotype: str
    _size: int

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        fields: dict[str, Domain] = dict(cls.fields)
        slots: dict[str, Genes | Branches] = dict(cls.slots)
        for name, declared in list(vars(cls).items()):
            if isinstance(declared, (Domain, Genes, Branches)):
                if name in ("gene", "innovation") or name.startswith("_") or hasattr(Gene, name):
                    raise GenomeError(f"{cls.__name__}: a field must not be named {name!r}: every gene has that")
                if isinstance(declared, Domain):
                    fields[name] = declared
                else:
                    slots[name] = declared
                # Removed from the class, so that attribute access reaches the instance's value.
                delattr(cls, name)
        cls.fields, cls.slots = fields, slots
        cls.declares_shape = cls.output_shape is not Gene.output_shape
        known = Gene.registry.get(cls.__name__)
        if known is not None and (known.__module__, known.__qualname__) != (cls.__module__, cls.__qualname__):
            raise GenomeError(
                f"a gene named {cls.__name__!r} exists already in {known.__module__}: choose another name"
            )
        Gene.registry[cls.__name__] = cls

    def __init__(self, innovation: int = 0, **values: Any) -> None:
        own: dict[str, Any] = {}
        name = type(self).__name__
        for field, domain in self.fields.items():
            if field in values:
                own[field] = domain.validate(values.pop(field), f"{name}.{field}")
            else:
                own[field] = domain.default
        for slot, declared in self.slots.items():
            own[slot] = _children(values.pop(slot, ()), declared, f"{name}.{slot}")
        if values:
            expected = ", ".join((*self.fields, *self.slots)) or "none"
            raise GenomeError(f"{name}: unknown field {next(iter(values))!r}; fields are {expected}")
        innovation = whole_number(innovation, f"{name}.innovation", 0, MAX_INNOVATION)
        object.__setattr__(self, "innovation", innovation)
        object.__setattr__(self, "_values", own)

    def __getattr__(self, name: str) -> Any:
        # Reached only for what is not an ordinary attribute: a field or a slot.
        try:
            return object.__getattribute__(self, "_values")[name]
        except KeyError:
            raise AttributeError(f"{type(self).__name__} has no field {name!r}") from None

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"genes are immutable: use gene.replace({name}=...)")

    def replace(self, **changes: Any) -> Self:
        """A copy with some fields, slots or the ``innovation`` changed.

        Raises:
            GenomeError: see :class:`Gene`.
        """
        innovation = changes.pop("innovation", self.innovation)
        own = dict(self._values)
        name = type(self).__name__
        for key, value in changes.items():
            if key in self.fields:
                own[key] = self.fields[key].validate(value, f"{name}.{key}")
            elif key in self.slots:
                own[key] = _children(value, self.slots[key], f"{name}.{key}")
            else:
                raise GenomeError(f"{name}: unknown field {key!r}; fields are {', '.join(self.fields)}")
        copy = object.__new__(type(self))
        object.__setattr__(copy, "innovation", innovation)
        object.__setattr__(copy, "_values", own)
        return copy

    # -- what subclasses define ------------------------------------------------------
    def build(self, x: Any) -> Any:
        """Apply the gene: Keras tensor in, Keras tensor out.

        Child genes are applied with :func:`genomes.build.apply`.
        """
        raise TypeError(f"{type(self).__name__} defines no build(self, x)")

    def output_shape(self, shape: Shape) -> Shape:
        """Shape of what :meth:`build` gives for an input of ``shape`` (both without the batch axis).

        Unless a subclass defines it, the gene is built symbolically, once per shape.

        Raises:
            GenomeError: the input's rank is not one that the gene takes.
        """
        return measured(self, shape)[0]

    def cost(self, shape: Shape) -> Cost:
        """Parameters and FLOPs for an input of ``shape``.

        Unless a subclass defines it, the gene is built symbolically, once per
        shape, and its weights are counted.
        """
        return measured(self, shape)[1]

    def fitted(self, shape: Shape) -> Gene | None:
        """The gene, changed so that it can be applied to an input of ``shape``; None if it cannot be.

        ``Space.repair`` asks for it. Subclasses that can adapt (a stride that the
        input is too small for) override it.
        """
        try:
            flow(self, shape)
        except GenomeError:
            return None
        return self

    def canonical(self) -> tuple[Gene, ...]:
        """The genes that this one is equivalent to: fields without effect at their defaults, no-ops removed.

        Subclasses that can have no effect (a dropout of rate 0) override it.
        """
        return (self.with_canonical_children(),)

    @property
    def inherits_as(self) -> str:
        """What a gene of a parent must be, too, for its weights to be handed on: of this class.

        Subclasses whose fields choose among different networks add those fields.
        """
        return type(self).__name__

    # -- structure -----------------------------------------------------------------
    def with_canonical_children(self) -> Self:
        """A copy in which every child is canonical."""
        if not self.slots:
            return self
        own = {**self._values, **changed_children(self, canonical_sequence)}
        copy = object.__new__(type(self))
        object.__setattr__(copy, "innovation", self.innovation)
        object.__setattr__(copy, "_values", own)
        return copy

    @property
    def values(self) -> dict[str, Value]:
        """Field values by name, without child genes."""
        return {name: self._values[name] for name in self.fields}

    def walk(self, path: str = "") -> Iterator[tuple[str, Gene]]:
        """This gene and all below it, each with its path, parents first."""
        yield path, self
        for slot, declared in self.slots.items():
            if isinstance(declared, Genes):
                for index, child in enumerate(self._values[slot]):
                    yield from child.walk(f"{path}.{slot}[{index}]")
            else:
                for number, branch in enumerate(self._values[slot]):
                    for index, child in enumerate(branch):
                        yield from child.walk(f"{path}.{slot}[{number}][{index}]")

    @property
    def size(self) -> int:
        """Number of genes in this one, itself included."""
        known = self.__dict__.get("_size")
        if known is None:
            known = sum(1 for _ in self.walk())
            object.__setattr__(self, "_size", known)
        return known

    @property
    def phenotype(self) -> str:
        """Compact JSON of what is built: no innovation numbers. Equal strings, equal models."""
        known = self.__dict__.get("_phenotype")
        if known is None:
            known = "".join(gene._spelled() for gene in self.canonical())
            object.__setattr__(self, "_phenotype", known)
        return known

    def _spelled(self) -> str:
        """JSON of this (canonical) gene without innovation numbers."""
        parts = [json_module.dumps(self.values, separators=(",", ":"))]
        for slot, declared in self.slots.items():
            value = self._values[slot]
            branches = (value,) if isinstance(declared, Genes) else value
            parts.append("[" + "|".join(";".join(g._spelled() for g in branch) for branch in branches) + "]")
        return f"{type(self).__name__}{''.join(parts)};"

    # -- JSON ----------------------------------------------------------------------
    def to_json(self) -> dict[str, Any]:
        """The gene as a JSON object: ``{"gene": name, field: value, ..., "innovation": n}``."""
        json: dict[str, Any] = {"gene": type(self).__name__, **self.values}
        for slot, declared in self.slots.items():
            value = self._values[slot]
            if isinstance(declared, Genes):
                json[slot] = [child.to_json() for child in value]
            else:
                json[slot] = [[child.to_json() for child in branch] for branch in value]
        json["innovation"] = self.innovation
        return json

    @staticmethod
    def from_json(json: Any, path: str = "gene", depth: int = 0) -> Gene:
        """The gene that :meth:`to_json` wrote.

        Only classes that are already registered are used: nothing is
        imported or evaluated because a file says so.

        Raises:
            GenomeError: anything that is not such an object; the message names the path.
        """
        if depth > MAX_DEPTH:
            raise GenomeError(f"genes are nested more than {MAX_DEPTH} deep", path)
        if not isinstance(json, Mapping) or not isinstance(json.get("gene"), str):
            raise GenomeError(f"expected an object with a 'gene' entry, got {shown(json)}", path)
        kind = Gene.registry.get(json["gene"])
        if kind is None:
            raise GenomeError(
                f"unknown gene {json['gene'][:80]!r}; if it is your own, import the module that defines it",
                path,
            )
        values: dict[str, Any] = {}
        for name, value in json.items():
            if name in ("gene", "innovation"):
                continue
            if name in kind.fields:
                values[name] = kind.fields[name].validate(value, f"{path}.{name}")
            elif name in kind.slots:
                values[name] = _slot_from_json(value, kind.slots[name], f"{path}.{name}", depth)
            else:
                raise GenomeError(f"{kind.__name__} has no field {str(name)[:80]!r}", path)
        try:
            return kind(innovation=json.get("innovation", 0), **values)
        except GenomeError as error:
            raise GenomeError(str(error), path) from None

    # -- as a value ------------------------------------------------------------------
    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if type(self) is not type(other):
            return False
        assert isinstance(other, Gene)
        return self.innovation == other.innovation and self._values == other._values

    def __hash__(self) -> int:
        known = self.__dict__.get("_hash")
        if known is None:
            known = hash((type(self).__name__, self.innovation, tuple(self._values.items())))
            object.__setattr__(self, "_hash", known)
        return known

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuilt, (type(self), self.innovation, dict(self._values))

    def __repr__(self) -> str:
        parts = [f"{name}={value!r}" for name, value in self.values.items()]
        parts += [f"{slot}={self._values[slot]!r}" for slot in self.slots]
        return f"{type(self).__name__}({', '.join(parts)})"

    def __str__(self) -> str:
        """A short readable form, e.g. ``Conv(32, 3, relu)``."""
        parts = [_shown(value) for value in self.values.values()]
        for slot, declared in self.slots.items():
            value = self._values[slot]
            if isinstance(declared, Genes):
                parts.append("[" + " ".join(str(child) for child in value) + "]")
            else:
                parts.append("[" + " | ".join(" ".join(str(c) for c in branch) for branch in value) + "]")
        return f"{type(self).__name__}({', '.join(parts)})"


def changed_children(gene: Gene, change: Callable[[tuple[Gene, ...]], tuple[Gene, ...]]) -> dict[str, tuple[Any, ...]]:
    """What every slot of a gene holds after ``change`` of each of its sequences, for :meth:`Gene.replace`."""
    changes = {}
    for slot, declared in gene.slots.items():
        held = getattr(gene, slot)
        changes[slot] = change(held) if isinstance(declared, Genes) else tuple(change(branch) for branch in held)
    return changes


def canonical_sequence(genes: Sequence[Gene]) -> tuple[Gene, ...]:
    """A sequence of genes with every gene replaced by its canonical form."""
    return tuple(kept for gene in genes for kept in gene.canonical())


def fitted_sequence(genes: Sequence[Gene], shape: Shape) -> tuple[tuple[Gene, ...], Shape]:
    """Genes that can be applied one after the other from ``shape`` on, and the shape that they give.

    A gene that cannot be fitted to the shape that reaches it is left out.
    """
    kept: list[Gene] = []
    for gene in genes:
        fits = gene.fitted(shape)
        if fits is None:
            continue
        kept.append(fits)
        shape = flow(fits, shape)[0]
    return tuple(kept), shape


def _shown(value: Value) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    return str(value)


def _rebuilt(kind: type[Gene], innovation: int, values: dict[str, Any]) -> Gene:
    return kind(innovation=innovation, **values)


def _children(value: Any, declared: Genes | Branches, path: str) -> tuple[Any, ...]:
    """The checked content of a slot, as tuples."""
    if isinstance(value, (Gene, str, bytes, Mapping)) or not isinstance(value, Sequence):
        raise GenomeError(f"expected a sequence of {'genes' if isinstance(declared, Genes) else 'branches'}", path)
    what = "genes" if isinstance(declared, Genes) else "branches"
    if len(value) < declared.least or (declared.most is not None and len(value) > declared.most):
        most = "any number" if declared.most is None else declared.most
        raise GenomeError(f"expected {declared.least} to {most} {what}, got {len(value)}", path)
    if isinstance(declared, Genes):
        for index, child in enumerate(value):
            if not isinstance(child, Gene):
                raise GenomeError(f"expected a gene, got {type(child).__name__}", f"{path}[{index}]")
        return tuple(value)
    return tuple(_children(branch, Genes(), f"{path}[{index}]") for index, branch in enumerate(value))


def _slot_from_json(value: Any, declared: Genes | Branches, path: str, depth: int) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise GenomeError(f"expected a list, got {shown(value)}", path)
    if len(value) > MAX_GENES:
        raise GenomeError(f"expected at most {MAX_GENES} entries, got {len(value)}", path)
    if isinstance(declared, Genes):
        return tuple(Gene.from_json(child, f"{path}[{i}]", depth + 1) for i, child in enumerate(value))
    return tuple(_slot_from_json(branch, Genes(), f"{path}[{i}]", depth) for i, branch in enumerate(value))


def new_innovation(rng: Any) -> int:
    """An innovation number for a gene that appears for the first time.

    Drawn, not counted: a counter would be state shared by all processes that breed,
    and the same child could not be bred in another one.
    """
    return int(rng.integers(1, MAX_INNOVATION))
