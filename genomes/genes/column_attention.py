"""Attention over the columns of a table: every column a token, as in FT-Transformer."""

from __future__ import annotations

import math
from typing import Any

from genomes.costs import Cost, Shape
from genomes.domains import Choice, Float, Int
from genomes.gene import Gene
from genomes.genes.columns import ColumnLayout, check_row, parse_layout, row_length, row_parts
from genomes.genes.sequence import TransformerEncoder


class ColumnAttention(Gene):
    """Encoded columns to one vector by a transformer over them ("FT-Transformer").

    Every number and flag ``x`` becomes the token ``x w + b`` with ``w`` and ``b`` of its column, every category a
    learned vector; before them stands a learned token, of which after the encoder blocks the normalized, rectified
    vector is what comes out (Gorishniy, Rubachev, Khrulkov & Babenko 2021, arXiv 2106.11959, section 3.3; the
    blocks are :class:`genomes.genes.TransformerEncoder`, whose feed-forward part is not gated as theirs is).

    Fields:
        layout: what stands where in a row; the space fixes it.
        width: length of a token.
        blocks: encoder blocks.
        heads: heads of each, which share the token's length.
        expansion: width of the feed-forward parts, as a multiple of the token's.
        dropout: in training, behind attention and feed-forward parts.
    """

    layout = ColumnLayout()
    width = Choice([8, 16, 32, 64, 128, 192], default=32)
    blocks = Int(1, 6, default=2)
    heads = Choice([1, 2, 4, 8], default=4)
    expansion = Choice([1, 2, 4], default=2)
    dropout = Float(0.0, 0.9, default=0.1)
    input_ranks = (1,)

    @property
    def _block(self) -> TransformerEncoder:
        return TransformerEncoder(
            heads=self.heads,
            key_dimension=max(4, self.width // self.heads),
            expansion=self.expansion,
            dropout=self.dropout,
        )

    def build(self, x: Any) -> Any:
        """Tokens, encoder blocks, and what became of the first token."""
        import keras
        from keras import ops

        layers = keras.layers
        limit = 1.0 / math.sqrt(self.width)
        draw = keras.initializers.RandomUniform(-limit, limit)
        _, _, categories = parse_layout(self.layout)
        numbers, _, flags, codes = row_parts(x, self.layout)
        # The learned first token is one more category, which every row has.
        first = ops.zeros_like(x[:, :1], dtype="int32")
        starts = [1 + sum(categories[:place]) for place in range(len(categories))]
        rows = [first] + [codes[:, i : i + 1] + start for i, start in enumerate(starts)]
        places = rows[0] if len(rows) == 1 else ops.concatenate(rows, axis=1)
        table = layers.Embedding(1 + sum(categories), self.width, embeddings_initializer=draw)
        parts = [table(places)]
        given = [part for part in (numbers, flags) if part is not None]
        if given:
            values = given[0] if len(given) == 1 else ops.concatenate(given, axis=1)
            tokens = layers.EinsumDense(
                "bn,nd->bnd",
                output_shape=(int(values.shape[1]), self.width),
                bias_axes="nd",
                kernel_initializer=draw,
                bias_initializer=draw,
            )
            parts.append(tokens(values))
        x = parts[0] if len(parts) == 1 else layers.Concatenate(axis=1)(parts)
        for _ in range(self.blocks):
            x = self._block.build(x)
        return ops.relu(layers.LayerNormalization()(x[:, 0]))

    @property
    def row(self) -> int:
        """Numbers of an encoded row."""
        return row_length(self.layout)

    def output_shape(self, shape: Shape) -> Shape:
        """One vector of a token's length."""
        check_row(self.layout, shape)
        return (self.width,)

    def cost(self, shape: Shape) -> Cost:
        """Tokens, blocks and the last normalization."""
        numbers, flags, categories = parse_layout(self.layout)
        tokens = (1 + len(categories) + numbers + flags, self.width)
        own = (1 + sum(categories) + 2 * (numbers + flags)) * self.width
        block = self._block.cost(tokens)
        return Cost(
            own + self.blocks * block.parameters + 2 * self.width,
            2 * (numbers + flags) * self.width + self.blocks * block.flops + 3 * self.width,
        )
