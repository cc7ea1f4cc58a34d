"""What a gene or a genome costs, counted without building it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from genomes.errors import GenomeError

#: A tensor's shape without its batch axis; None is an unknown length.
Shape = tuple[int | None, ...]


@dataclass(frozen=True)
class Cost:
    """Parameters and floating-point operations.

    Attributes:
        parameters: number of weights, trainable or not.
        flops: floating-point operations of one forward pass of one sample; a
            multiplication and an addition count as two, as TensorFlow's profiler counts.
    """

    parameters: int = 0
    flops: int = 0

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.parameters + other.parameters, self.flops + other.flops)

    def __mul__(self, times: int) -> Cost:
        return Cost(self.parameters * times, self.flops * times)


class Costed(Protocol):
    """What is asked of a gene to know what it costs; every :class:`genomes.Gene` fulfils it."""

    @property
    def input_ranks(self) -> tuple[int, ...] | None:
        """Ranks (without the batch axis) of the input that it takes; None for any."""

    def output_shape(self, shape: Shape) -> Shape:
        """Shape of what it gives for an input of ``shape``."""

    def cost(self, shape: Shape) -> Cost:
        """Parameters and FLOPs for an input of ``shape``."""


#: Length assumed for an axis whose length is unknown, in FLOPs only.
UNKNOWN_LENGTH = 32


def positions(shape: Shape) -> int:
    """Number of positions of a shape: the product of all axes but the last."""
    total = 1
    for length in shape[:-1]:
        total *= UNKNOWN_LENGTH if length is None else length
    return total


def elements(shape: Shape) -> int:
    """Number of elements of a shape."""
    return positions(shape) * (1 if not shape else shape[-1] if shape[-1] is not None else UNKNOWN_LENGTH)


def flow(gene: Costed, shape: Shape) -> tuple[Shape, Cost]:
    """Output shape and cost of a gene for an input of ``shape``; cached in the gene.

    Genes are immutable and children share most of theirs with their parents,
    so that only the new genes of a child are counted.

    Raises:
        GenomeError: the gene does not accept such an input.
    """
    known: dict[Shape, tuple[Shape, Cost]] | None = gene.__dict__.get("_flow")
    if known is None:
        known = {}
        object.__setattr__(gene, "_flow", known)
    result = known.get(shape)
    if result is None:
        if gene.input_ranks is not None and len(shape) not in gene.input_ranks:
            raise GenomeError(f"{type(gene).__name__} takes an input of rank {gene.input_ranks}, got shape {shape}")
        result = known[shape] = (gene.output_shape(shape), gene.cost(shape))
    return result


def flow_through(genes: Sequence[Costed], shape: Shape, slot: str = "genes") -> tuple[Shape, Cost]:
    """Output shape and cost of genes applied one after the other.

    Raises:
        GenomeError: a gene does not accept the shape that reaches it; the message starts with ``slot[index]``.
    """
    parameters = flops = 0
    for index, gene in enumerate(genes):
        try:
            shape, cost = flow(gene, shape)
        except GenomeError as error:
            raise error.under(f"{slot}[{index}]") from None
        parameters += cost.parameters
        flops += cost.flops
    return shape, Cost(parameters, flops)
