"""What a gene or a genome costs, counted without building it."""

from __future__ import annotations

from dataclasses import dataclass

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
