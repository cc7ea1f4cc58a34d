"""Genes that stand first where a model has several inputs (:func:`genomes.spaces.joint`).

All inputs of a sample come in one row, one after the other. Each of these genes takes the numbers at the front of the
row, makes them what they were (a picture, a text, a series, a table), applies its body, and puts the vector that comes
out behind the row's end. After the last of them the row is the vectors of all inputs, side by side: late fusion, as a
two-tower model has it (Ngiam et al. 2011, "Multimodal deep learning").
"""

from __future__ import annotations

import math
from typing import Any

from genomes import masks
from genomes.build import apply
from genomes.costs import Cost, Shape, flow, flow_through
from genomes.domains import Choice, Float, Int
from genomes.errors import GenomeError
from genomes.gene import Gene, fitted_sequence
from genomes.genes.columns import ColumnEmbedding, ColumnLayout
from genomes.genes.layers import GlobalPool
from genomes.genes.sequence import SequenceReduce, TokenEmbedding
from genomes.slots import Genes

_MOST = 2**24


class _Part:
    """What the genes of this module share; a gene class is this and :class:`genomes.Gene`."""

    #: The genes of the body, in order: a slot of every class.
    body: tuple[Gene, ...]

    @property
    def taken(self) -> int:
        """Numbers at the front of the row that are this input's."""
        raise NotImplementedError

    @property
    def first(self) -> tuple[Gene, ...]:
        """Genes before the body."""
        return ()

    @property
    def last(self) -> tuple[Gene, ...]:
        """Genes after the body, which give a vector."""
        return ()

    @property
    def part_shape(self) -> Shape:
        """Shape of this input, as the first of its genes gets it."""
        raise NotImplementedError

    def part(self, x: Any) -> Any:
        """This input, from the numbers at the front of the row."""
        raise NotImplementedError

    def build(self, x: Any) -> Any:
        """Cut this input off the row, apply the genes, and put their vector at the end."""
        from keras import ops

        y = self.part(x[:, : self.taken])
        for gene in self.first:
            y = _with_mask_of(gene, y)
        y = apply(self.body, y, "body")
        for gene in self.last:
            y = gene.build(y)
        # The row stays in the precision that it has: numbers of words are exact in float32 alone.
        y = ops.cast(y, x.dtype)
        return ops.concatenate([x[:, self.taken :], y], axis=1) if int(x.shape[1]) > self.taken else y

    def _through(self, shape: Shape) -> tuple[Shape, Cost]:
        if len(shape) != 1 or shape[0] is None or shape[0] < self.taken:
            raise GenomeError(f"{type(self).__name__} needs a row of {self.taken} numbers or more, got shape {shape}")
        inside, cost = self.part_shape, Cost()
        for gene in self.first:
            inside, added = flow(gene, inside)
            cost = cost + added
        inside, added = flow_through(self.body, inside, "body")
        cost = cost + added
        for gene in self.last:
            inside, added = flow(gene, inside)
            cost = cost + added
        if len(inside) != 1 or inside[0] is None:
            raise GenomeError(f"the body of {type(self).__name__} must give one vector, got shape {inside}")
        return (shape[0] - self.taken + inside[0],), cost

    def output_shape(self, shape: Shape) -> Shape:
        """The row without this input's numbers, with its vector."""
        return self._through(shape)[0]

    def cost(self, shape: Shape) -> Cost:
        """Parameters and FLOPs of the genes inside."""
        return self._through(shape)[1]

    def fitted(self, shape: Shape) -> Gene | None:
        """The gene with a body that fits this input; None for a row that is too short."""
        inside = self.part_shape
        for gene in self.first:
            inside = flow(gene, inside)[0]
        body, _ = fitted_sequence(self.body, inside)
        assert isinstance(self, Gene)
        gene = self if body == self.body else self.replace(body=body)
        try:
            flow(gene, shape)
        except GenomeError:
            return None
        return gene


def _with_mask_of(gene: Gene, x: Any) -> Any:
    y = gene.build(x)
    masks.carry(x, y)
    return y


class ImageInput(_Part, Gene):
    """A picture, standardized by channel: the body's convolutions, then pooling over all positions.

    Fields:
        height, breadth, channels: of the picture; the space fixes them.
        pool: ``average`` or ``max``.

    Slots: ``body``.
    """

    height = Int(1, 65_536, default=8)
    breadth = Int(1, 65_536, default=8)
    channels = Int(1, 4096, default=1)
    pool = Choice(["average", "max"], ordered=False)
    body = Genes()  # type: ignore[assignment]
    input_ranks = (1,)

    @property
    def taken(self) -> int:
        """One number for every channel of every pixel."""
        return math.prod((self.height, self.breadth, self.channels))

    @property
    def part_shape(self) -> Shape:
        """Height, breadth, channels."""
        return (self.height, self.breadth, self.channels)

    @property
    def last(self) -> tuple[Gene, ...]:
        """Pooling over all positions."""
        return (GlobalPool(kind=self.pool),)

    def part(self, x: Any) -> Any:
        """The picture."""
        from keras import ops

        return ops.reshape(x, (-1, *self.part_shape))


class TextInput(_Part, Gene):
    """A text as token numbers: learned vectors, the body, then a reduction over the tokens that are there.

    Fields:
        length: tokens of a text; the space fixes it.
        tokens: size of the vocabulary; the space fixes it.
        units: length of a token's vector.
        dropout: share of whole vectors that are dropped in training.
        reduction: as :class:`genomes.genes.sequence.SequenceReduce` has it.

    Slots: ``body``.
    """

    length = Int(1, _MOST, default=8)
    tokens = Int(3, 2_000_000, default=100)
    units = Int(1, 1024, log=True, default=64)
    dropout = Float(0.0, 0.9)
    reduction = Choice(["average", "max", "both", "attention"], default="both", ordered=False)
    body = Genes()  # type: ignore[assignment]
    input_ranks = (1,)

    @property
    def taken(self) -> int:
        """One number for every token."""
        return int(self.length)

    @property
    def part_shape(self) -> Shape:
        """One number for every token."""
        return (self.length,)

    @property
    def first(self) -> tuple[Gene, ...]:
        """The look-up of the vectors."""
        return (TokenEmbedding(tokens=self.tokens, units=self.units, dropout=self.dropout),)

    @property
    def last(self) -> tuple[Gene, ...]:
        """The reduction."""
        return (SequenceReduce(kind=self.reduction),)

    def part(self, x: Any) -> Any:
        """Token numbers."""
        from keras import ops

        return ops.cast(x, "int32")


class SeriesInput(_Part, Gene):
    """A series, standardized by channel, each step followed by whether it is real: the body, then a reduction.

    Fields:
        length, channels: of the series; the space fixes them.
        reduction: as :class:`genomes.genes.sequence.SequenceReduce` has it.

    Slots: ``body``.
    """

    length = Int(1, _MOST, default=8)
    channels = Int(1, 65_536, default=1)
    reduction = Choice(["average", "max", "both", "last", "attention"], default="both", ordered=False)
    body = Genes()  # type: ignore[assignment]
    input_ranks = (1,)

    @property
    def taken(self) -> int:
        """One number for every channel of every step, and one that says whether it is real."""
        return int(self.length * (self.channels + 1))

    @property
    def part_shape(self) -> Shape:
        """Steps and channels."""
        return (self.length, self.channels)

    @property
    def last(self) -> tuple[Gene, ...]:
        """The reduction."""
        return (SequenceReduce(kind=self.reduction),)

    def part(self, x: Any) -> Any:
        """The series, with the mask of its real steps."""
        from keras import ops

        steps = ops.reshape(x, (-1, self.length, self.channels + 1))
        return masks.with_mask(steps[:, :, :-1], ops.greater(steps[:, :, -1], 0.5))


class TableInput(_Part, Gene):
    """Columns of a table: numbers and categories to one vector, then the body.

    Fields:
        layout: what stands where; the space fixes it.
        bins: see :class:`genomes.genes.columns.ColumnEmbedding`.
        embedding: likewise.

    Slots: ``body``.
    """

    layout = ColumnLayout()
    bins = Choice([0, 4, 8, 16, 32])
    embedding = Choice([0, 2, 4, 8, 16, 32], default=8)
    body = Genes()  # type: ignore[assignment]
    input_ranks = (1,)

    @property
    def _columns(self) -> ColumnEmbedding:
        return ColumnEmbedding(layout=self.layout, bins=self.bins, embedding=self.embedding)

    @property
    def taken(self) -> int:
        """Two numbers for each number, a flag or a code for others."""
        return self._columns.row

    @property
    def part_shape(self) -> Shape:
        """One row of the encoded table."""
        return (self.taken,)

    @property
    def first(self) -> tuple[Gene, ...]:
        """The encoding of the columns."""
        return (self._columns,)

    def part(self, x: Any) -> Any:
        """The encoded columns."""
        return x

    def canonical(self) -> tuple[Gene, ...]:
        """With 0 for ``bins`` without a number, and for ``embedding`` without a category."""
        (columns,) = self._columns.canonical()
        return (self.with_canonical_children().replace(bins=columns.bins, embedding=columns.embedding),)
