"""The first gene of RealMLP: numbers by themselves and by learned cosines, categories, and a learned scale of each."""

from __future__ import annotations

import math
from typing import Any

from genomes.costs import Cost, Shape
from genomes.domains import Boolean, Choice, Float, Value
from genomes.gene import Gene
from genomes.genes.columns import ColumnLayout, check_row, parse_layout, row_length, row_parts
from genomes.genes.rate_factors import EMBEDDING_FACTOR, RATE_FACTOR, learned, scaled_columns

#: Category columns of at most so many codes are one-hot; RealMLP counts 9 with the unknown one, here two more
#: codes stand for missing and unseen values.
_MOST_ONE_HOT = 10


class PeriodicEmbedding(Gene):
    """Encoded columns to one vector: numbers beside learned periodic functions of each ("PBLD"), categories.

    A number ``x`` becomes ``(x, A cos(2 pi w x + b) + c)`` with ``frequencies`` learned ``w`` and ``b`` of its own and
    ``width - 1`` rows of ``A`` (RealMLP: Holzmüller, Grinsztajn & Steinwart 2024, arXiv 2407.04491, section 3; after
    the periodic embeddings of Gorishniy, Rubachev & Babenko 2022, arXiv 2203.05556). Category columns of up to 8
    categories are one-hot, others get learned vectors. Learning rates of single weights: see
    :mod:`genomes.genes.rate_factors`.

    Fields:
        layout: what stands where in a row; the space fixes it.
        frequencies: cosines of each number; 0 for the number alone.
        width: numbers that each number becomes, itself among them.
        sigma: standard deviation of the first frequencies, in periods per unit.
        embedding: length of a learned vector of a category; 0 for one-hot everywhere.
        scale: whether every feature that comes out is multiplied by a learned number.
    """

    layout = ColumnLayout()
    frequencies = Choice([0, 8, 16, 32], default=16)
    width = Choice([2, 4, 8, 16], default=4)
    sigma = Float(0.01, 10.0, log=True, default=0.1)
    embedding = Choice([0, 2, 4, 8, 16, 32], default=8)
    scale = Boolean(default=True)
    input_ranks = (1,)

    def _learned(self, categories: tuple[int, ...]) -> list[int]:
        """Places of the category columns that get learned vectors."""
        return [i for i, codes in enumerate(categories) if self.embedding and codes > _MOST_ONE_HOT]

    def build(self, x: Any) -> Any:
        """Numbers with their cosines, flags, categories; joined and scaled."""
        import keras
        from keras import ops

        _, _, categories = parse_layout(self.layout)
        numbers, _, flags, codes = row_parts(x, self.layout)
        parts = []
        if numbers is not None:
            parts.append(numbers)
            if self.frequencies:
                parts.append(self._periodic(numbers))
        if flags is not None:
            parts.append(flags)
        learned = self._learned(categories)
        if learned:
            # One table for all columns: one look-up instead of one per column.
            sizes = [categories[i] for i in learned]
            starts = [sum(sizes[:place]) for place in range(len(sizes))]
            several = ops.stack([codes[:, i] + start for i, start in zip(learned, starts, strict=True)], axis=1)
            start = keras.initializers.RandomNormal(stddev=1.0 / RATE_FACTOR)
            vectors = keras.layers.Embedding(sum(sizes), self.embedding, embeddings_initializer=start)(several)
            parts.append(RATE_FACTOR * ops.reshape(vectors, (-1, len(learned) * self.embedding)))
        parts += [ops.one_hot(codes[:, i], n) for i, n in enumerate(categories) if i not in learned]
        joined = parts[0] if len(parts) == 1 else keras.layers.Concatenate()(parts)
        return scaled_columns(joined) if self.scale else joined

    def _periodic(self, x: Any) -> Any:
        """``A cos(2 pi w x + b) + c``, flat: (batch, numbers * (width - 1))."""
        import keras
        from keras import ops

        draw = keras.initializers
        numbers, hidden, width = int(x.shape[-1]), int(self.frequencies), int(self.width) - 1
        rate = EMBEDDING_FACTOR * RATE_FACTOR
        limit = 1.0 / (math.sqrt(hidden) * rate)
        frequencies = learned(x, (numbers, hidden), draw.RandomNormal(stddev=self.sigma / rate))
        phases = learned(x, (numbers, hidden), draw.RandomUniform(-math.pi / rate, math.pi / rate))
        mixture = learned(x, (numbers, hidden, width), draw.RandomUniform(-limit, limit))
        offsets = learned(x, (numbers, width), draw.RandomUniform(-limit, limit))
        waves = ops.cos((2.0 * math.pi * rate) * ops.expand_dims(x, -1) * frequencies + rate * phases)
        mixed = rate * (ops.einsum("bnk,nkd->bnd", waves, mixture) + offsets)
        return ops.reshape(mixed, (-1, numbers * width))

    def _widths(self) -> tuple[int, int, int]:
        """Numbers of columns; features of all; weights of learned vectors."""
        numbers, flags, categories = parse_layout(self.layout)
        learned = self._learned(categories)
        width = numbers * (int(self.width) if self.frequencies else 1) + flags + len(learned) * self.embedding
        width += sum(n for i, n in enumerate(categories) if i not in learned)
        return numbers, width, sum(categories[i] for i in learned) * self.embedding

    @property
    def row(self) -> int:
        """Numbers of an encoded row."""
        return row_length(self.layout)

    def output_shape(self, shape: Shape) -> Shape:
        """One vector: numbers with their cosines, flags, encoded categories."""
        check_row(self.layout, shape)
        return (self._widths()[1],)

    def cost(self, shape: Shape) -> Cost:
        """Weights of the cosines, of learned vectors and of the scale."""
        numbers, width, table = self._widths()
        hidden, mixed = int(self.frequencies), int(self.width) - 1
        waves = numbers * (2 * hidden + (hidden + 1) * mixed) if hidden else 0
        work = numbers * (4 * hidden + 2 * hidden * mixed + mixed) if hidden else 0
        scale = width if self.scale else 0
        return Cost(waves + table + scale, work + scale)

    def canonical(self) -> tuple[Gene, ...]:
        """The gene with defaults for what has no effect: on cosines that are not there, on categories that are not."""
        numbers, _, categories = parse_layout(self.layout)
        changes: dict[str, Value] = {}
        if not numbers and self.frequencies:
            changes["frequencies"] = 0
        if not numbers or not self.frequencies:
            changes |= {name: self.fields[name].default for name in ("width", "sigma")}
        if self.embedding and not self._learned(categories):
            changes["embedding"] = 0
        return (self.replace(**changes) if changes else self,)
