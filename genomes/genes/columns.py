"""The gene that stands first in networks on tables: encoded columns to one vector."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from genomes.costs import Cost, Shape
from genomes.domains import Choice, Domain, Value
from genomes.errors import GenomeError, shown
from genomes.gene import Gene

_LAYOUT = re.compile(r"(\d{1,6})\|(\d{1,6})\|((?:\d{1,8}(?:,\d{1,8})*)?)")
_MOST_COLUMNS = 100_000


class ColumnLayout(Domain):
    """What stands where in an encoded row: text ``NUMBERS|FLAGS|CODES``.

    A row holds, in this order: NUMBERS standardized numbers; as many quantile
    positions in [0, 1]; FLAGS flags of missing numbers; one category code per
    entry of CODES, the comma-separated numbers of categories. ``2|1|5,9`` is a row
    of 2 + 2 + 1 + 2 numbers.
    """

    size = 1
    default: Value = "1|0|"

    def from_unit(self, unit: float) -> Value:
        """The default: a space fixes its layout, so that nothing is ever drawn."""
        return self.default

    def to_unit(self, value: Value) -> float:
        """The middle: a layout has no place among others."""
        return 0.5

    def validate(self, value: Any, path: str = "") -> Value:
        """``value`` itself, if it is the text of a layout."""
        parse_layout(value, path)
        return str(value)

    def to_json(self) -> dict[str, Any]:
        """The domain as a JSON object."""
        return {"domain": "ColumnLayout"}


def parse_layout(value: Any, path: str = "") -> tuple[int, int, tuple[int, ...]]:
    """Numbers, flags, and the number of categories of each category column.

    Raises:
        GenomeError: not a layout.
    """
    found = _LAYOUT.fullmatch(value) if isinstance(value, str) and len(value) < 10 * _MOST_COLUMNS else None
    if found is None:
        raise GenomeError(f"expected a layout such as '2|1|5,9', got {shown(value)}", path)
    numbers, flags = int(found[1]), int(found[2])
    categories = tuple(int(n) for n in found[3].split(",")) if found[3] else ()
    if flags > numbers or any(n < 2 for n in categories) or not numbers + len(categories):
        raise GenomeError(f"expected a layout such as '2|1|5,9', got {shown(value)}", path)
    return numbers, flags, categories


def row_length(layout: str) -> int:
    """Numbers of an encoded row."""
    numbers, flags, categories = parse_layout(layout)
    return 2 * numbers + flags + len(categories)


def check_row(layout: str, shape: Shape) -> None:
    """Raise an error for an input that is no row of the layout.

    Raises:
        GenomeError: see above.
    """
    if shape != (row_length(layout),):
        raise GenomeError(f"layout {layout} needs an input of shape ({row_length(layout)},), got {shape}")


def row_parts(x: Any, layout: str) -> tuple[Any, Any, Any, Any]:
    """Numbers, quantile positions, flags and int32 category codes of encoded rows; None for what there is none of.

    Args:
        x: Keras tensor of encoded rows, (batch, row).
        layout: what stands where.
    """
    from keras import ops

    numbers, flags, categories = parse_layout(layout)
    return (
        x[:, :numbers] if numbers else None,
        x[:, numbers : 2 * numbers] if numbers else None,
        x[:, 2 * numbers : 2 * numbers + flags] if flags else None,
        ops.cast(x[:, 2 * numbers + flags :], "int32") if categories else None,
    )


class ColumnEmbedding(Gene):
    """Encoded columns to one vector: numbers, their piecewise-linear encoding, categories.

    Fields:
        layout: what stands where in a row; the space fixes it.
        bins: pieces of the piecewise-linear encoding of every number's quantile position
            (Gorishniy et al. 2022, arXiv 2203.05556); 0 for none.
        embedding: length of each category's learned vector; 0 for one-hot.
    """

    layout = ColumnLayout()
    bins = Choice([0, 4, 8, 16, 32])
    embedding = Choice([0, 2, 4, 8, 16, 32], default=8)
    input_ranks = (1,)

    def build(self, x: Any) -> Any:
        """Cut the rows into numbers, flags and codes, encode each, and join them."""
        import keras
        from keras import ops

        numbers, flags, categories = parse_layout(self.layout)
        parts = []
        if numbers:
            parts.append(x[:, :numbers])
            if self.bins:
                pieces = ops.expand_dims(x[:, numbers : 2 * numbers], -1) * float(self.bins)
                pieces = ops.clip(pieces - np.arange(self.bins, dtype=np.float32), 0.0, 1.0)
                parts.append(ops.reshape(pieces, (-1, numbers * self.bins)))
        if flags:
            parts.append(x[:, 2 * numbers : 2 * numbers + flags])
        if categories:
            codes = ops.cast(x[:, 2 * numbers + flags :], "int32")
            if self.embedding:
                # One table for all columns: one look-up instead of one per column.
                starts = np.concatenate([[0], np.cumsum(categories)[:-1]]).astype(np.int32)
                vectors = keras.layers.Embedding(sum(categories), self.embedding)(codes + starts)
                parts.append(ops.reshape(vectors, (-1, len(categories) * self.embedding)))
            else:
                parts += [ops.one_hot(codes[:, i], n) for i, n in enumerate(categories)]
        return parts[0] if len(parts) == 1 else keras.layers.Concatenate()(parts)

    @property
    def row(self) -> int:
        """Numbers of an encoded row."""
        return row_length(self.layout)

    def output_shape(self, shape: Shape) -> Shape:
        """One vector: numbers with their pieces, flags, encoded categories."""
        numbers, flags, categories = parse_layout(self.layout)
        check_row(self.layout, shape)
        encoded = len(categories) * self.embedding if self.embedding else sum(categories)
        return (numbers * (1 + self.bins) + flags + encoded,)

    def cost(self, shape: Shape) -> Cost:
        """Weights of the embeddings, and operations of the piecewise-linear encoding."""
        numbers, _, categories = parse_layout(self.layout)
        return Cost(sum(categories) * self.embedding, 4 * numbers * self.bins)

    def canonical(self) -> tuple[Gene, ...]:
        """The gene with 0 for ``bins`` without a number, and for ``embedding`` without a category."""
        numbers, _, categories = parse_layout(self.layout)
        changes: dict[str, Value] = {}
        if not numbers and self.bins:
            changes["bins"] = 0
        if not categories and self.embedding:
            changes["embedding"] = 0
        return (self.replace(**changes) if changes else self,)
