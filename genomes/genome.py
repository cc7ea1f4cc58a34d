"""Genome: an immutable tree of genes, and the settings that it is trained with."""

from __future__ import annotations

import hashlib
import json as json_module
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Self

from genomes import drawing
from genomes.checks import whole_number
from genomes.errors import GenomeError
from genomes.gene import MAX_GENES, Gene, canonical_sequence

#: Version of the JSON form.
FORMAT = 1


class Genome:
    """The genes of an architecture from input to head, and its training settings.

    Args:
        genes: the architecture, in order.
        training: the training settings (a gene); None where there are none.

    Raises:
        GenomeError: something that is no gene.
    """

    __slots__ = ("_architecture_key", "_key", "genes", "training")

    genes: tuple[Gene, ...]
    training: Gene | None
    _key: str
    _architecture_key: str

    def __init__(self, genes: Sequence[Gene] = (), training: Gene | None = None) -> None:
        for index, gene in enumerate(genes):
            if not isinstance(gene, Gene):
                raise GenomeError(f"expected a gene, got {type(gene).__name__}", f"genes[{index}]")
        if training is not None and not isinstance(training, Gene):
            raise GenomeError(f"expected a gene, got {type(training).__name__}", "training")
        object.__setattr__(self, "genes", tuple(genes))
        object.__setattr__(self, "training", training)

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError("genomes are immutable: use genome.replace(genes=..., training=...)")

    def replace(self, **changes: Any) -> Self:
        """A copy with other ``genes`` or other ``training`` settings."""
        return type(self)(changes.get("genes", self.genes), changes.get("training", self.training))

    # -- identity ------------------------------------------------------------------
    @property
    def key(self) -> str:
        """Hash of the phenotype with its training settings: 32 hexadecimal digits.

        No-op genes, innovation numbers and spelling do not count.
        """
        try:
            return object.__getattribute__(self, "_key")
        except AttributeError:
            training = "" if self.training is None else self.training.phenotype
            key = hashlib.sha256(f"{self._phenotype()}#{training}".encode()).hexdigest()[:32]
            object.__setattr__(self, "_key", key)
            return key

    @property
    def architecture_key(self) -> str:
        """Hash of the phenotype without its training settings: 32 hexadecimal digits."""
        try:
            return object.__getattribute__(self, "_architecture_key")
        except AttributeError:
            key = hashlib.sha256(self._phenotype().encode()).hexdigest()[:32]
            object.__setattr__(self, "_architecture_key", key)
            return key

    def _phenotype(self) -> str:
        return "".join(gene.phenotype for gene in self.genes)

    def canonical(self) -> Genome:
        """The genome without no-ops, as it is built."""
        training = None if self.training is None else self.training.canonical()[0]
        return Genome(canonical_sequence(self.genes), training)

    # -- structure -----------------------------------------------------------------
    def walk(self) -> Iterator[tuple[str, Gene]]:
        """Every gene of the architecture with its path, e.g. ``genes[2].body[0]``."""
        for index, gene in enumerate(self.genes):
            yield from gene.walk(f"genes[{index}]")

    def __len__(self) -> int:
        return sum(gene.size for gene in self.genes)

    # -- JSON ----------------------------------------------------------------------
    def to_json(self) -> dict[str, Any]:
        """The genome as a JSON object."""
        return {
            "format": FORMAT,
            "genes": [gene.to_json() for gene in self.genes],
            "training": None if self.training is None else self.training.to_json(),
        }

    @classmethod
    def from_json(cls, json: Mapping[str, Any] | str) -> Self:
        """The genome that :meth:`to_json` wrote; also from its text.

        Raises:
            GenomeError: not such an object, a newer version, an unknown gene, or
                hostile input; the message names the path.
        """
        if isinstance(json, str):
            try:
                json = json_module.loads(json)
            except (ValueError, RecursionError) as error:
                raise GenomeError(f"not valid JSON: {error}", "genome") from None
        if not isinstance(json, Mapping):
            raise GenomeError(f"expected an object, got {type(json).__name__}", "genome")
        version = whole_number(json.get("format"), "", 1, error=partial(GenomeError, path="genome.format"))
        if version > FORMAT:
            raise GenomeError(f"written by a newer version: format {version}, this one reads up to {FORMAT}", "genome")
        genes = json.get("genes")
        if not isinstance(genes, list) or len(genes) > MAX_GENES:
            raise GenomeError(f"expected a list of at most {MAX_GENES} genes", "genes")
        training = json.get("training")
        genome = cls(
            [Gene.from_json(gene, f"genes[{index}]") for index, gene in enumerate(genes)],
            None if training is None else Gene.from_json(training, "training"),
        )
        if len(genome) > MAX_GENES:
            raise GenomeError(f"expected at most {MAX_GENES} genes, got {len(genome)}", "genes")
        return genome

    # -- text ----------------------------------------------------------------------
    def __str__(self) -> str:
        architecture = " ".join(str(gene) for gene in self.genes)
        return architecture if self.training is None else f"{architecture} @ {self.training}"

    def summary(self) -> str:
        """One short line for tables: genes by name and first number; the whole is ``str(genome)``."""
        return drawing.summary(self.genes, self.training)

    def _repr_html_(self) -> str:
        return drawing.blocks(self.genes, self.training)

    def describe(self) -> str:
        """A readable form of several lines: one line per gene, children indented."""
        lines = []
        for path, gene in self.walk():
            depth = path.count(".")
            fields = ", ".join(
                f"{name}={value:.4g}" if isinstance(value, float) else f"{name}={value}"
                for name, value in gene.values.items()
            )
            lines.append(f"{'  ' * depth}{type(gene).__name__}({fields})")
        if self.training is not None:
            fields = ", ".join(
                f"{name}={value:.4g}" if isinstance(value, float) else f"{name}={value}"
                for name, value in self.training.values.items()
            )
            lines.append(f"training: {fields}")
        return "\n".join(lines)

    def __repr__(self) -> str:
        return f"Genome({list(self.genes)!r}, training={self.training!r})"

    # -- as a value ------------------------------------------------------------------
    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        return isinstance(other, Genome) and self.genes == other.genes and self.training == other.training

    def __hash__(self) -> int:
        return hash((self.genes, self.training))

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.genes, self.training)
