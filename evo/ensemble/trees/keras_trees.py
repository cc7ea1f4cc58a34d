"""Trees as a Keras model of standard layers: nodes stand in tables, which a walk of fixed length looks up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from evo.core.errors import EnsembleError
from evo.ensemble.trees.scikit_trees import rounded_down
from evo.ensemble.trees.table_encoding import EncodedColumn
from evo.ensemble.trees.tree_arrays import SET_BYTES, TreeArrays
from evo.ensemble.trees.tree_model import TreeModel

#: Whole numbers up to here are exact as float32, which tables hold.
_MOST_NODES = 1 << 24


def keras_trees(trees: TreeModel, inputs: Any) -> Any:
    """A functional ``keras.Model`` that predicts what the trees do, in float32.

    Values are compared as float32: inputs that are float32 already, as prepared tables are, go the same ways.

    Args:
        trees: the model.
        inputs: symbolic inputs: one of all columns, or a dict of one (rows, 1) for each by name.

    Raises:
        EnsembleError: more nodes than a table of float32 can number, or categories that are no whole numbers where
            numbers are given.
    """
    import keras

    matrix = _matrix(trees, inputs)
    copies, places = [], trees.target.separated_columns(trees.outputs)
    for copy in trees.models:
        outputs = [_outputs(part, matrix, trees.outputs, at) for part, at in zip(copy, places, strict=True)]
        copies.append(outputs[0] if len(outputs) == 1 else keras.layers.Add()(outputs))
    mean = copies[0] if len(copies) == 1 else keras.layers.Average()(copies)
    return keras.Model(inputs, mean)


def _matrix(trees: TreeModel, inputs: Any) -> Any:
    """The table as numbers, float32 (rows, columns), as :class:`TableEncoding` gives it."""
    from keras import ops

    parts = []
    for column in trees.encoding.columns:
        given = _given(column.name, inputs)
        parts.append(ops.cast(given, "float32") if column.categories is None else _codes(column, given))
    return parts[0] if len(parts) == 1 else ops.concatenate(parts, axis=1)


def _given(name: str, inputs: Any) -> Any:
    """A column among the inputs, (rows, 1)."""
    if not isinstance(inputs, Mapping):
        return inputs[:, int(name) : int(name) + 1]
    if name not in inputs:
        raise EnsembleError(f"as_keras: nets have no input {name!r} of which trees have learned; use save")
    return inputs[name]


def _codes(column: EncodedColumn, given: Any) -> Any:
    """Codes of categories, NaN for those that were not known."""
    import keras
    from keras import ops

    known = list(column.categories or ())
    if given.dtype == "string":
        look_up: Any = keras.layers.StringLookup(vocabulary=known, num_oov_indices=1, mask_token=None)
    else:
        try:
            whole = [int(category) for category in known]
        except ValueError:
            raise EnsembleError(f"as_keras: column {column.name!r} has categories that are no whole numbers") from None
        none_of_them = min(whole, default=0) - 1
        look_up = keras.layers.IntegerLookup(
            vocabulary=whole, num_oov_indices=1, mask_token=None, oov_token=none_of_them
        )
        given = ops.cast(given, "int64")
    code = ops.cast(look_up(given), "float32") - 1.0
    return ops.where(code < 0, ops.full_like(code, float("nan")), code)


def _outputs(part: TreeArrays, matrix: Any, outputs: int, columns: Sequence[int]) -> Any:
    """Predictions of some trees in their columns of the outputs, (rows, outputs)."""
    from keras import ops

    raw = _sums(part, matrix) * part.scale + part.base.astype(np.float32)
    if part.link == "exponential":
        raw = ops.exp(raw)
    elif part.link == "softmax":
        raw = ops.softmax(raw, axis=-1)
    elif part.link == "logistic":
        second = ops.sigmoid(raw)
        raw = ops.concatenate([1.0 - second, second], axis=1)
    # Where each column goes, as outputs_of has it.
    place = np.zeros((raw.shape[-1], outputs), np.float32)
    if part.classes is None:
        place[0, columns[0]] = 1
    elif len(columns) > 1:
        place[np.arange(len(part.classes)), [columns[at] for at in part.classes]] = 1
    else:
        place[list(part.classes).index(1), columns[0]] = 1
    return _linear(raw, place)


def _sums(part: TreeArrays, matrix: Any) -> Any:
    """Sums over the trees, (rows, raw outputs)."""
    from keras import ops

    leaf, nodes = part.feature < 0, np.arange(len(part.feature))
    if max(len(nodes), len(part.sets) * 8 * SET_BYTES) > _MOST_NODES:
        raise EnsembleError(f"as_keras: {len(nodes):,} nodes are more than float32 can number; grow fewer trees")
    threshold = part.threshold if part.rounded else rounded_down(part.threshold)
    largest = np.finfo(np.float32).max
    # A leaf leads to itself, so that all walks may be as long as the longest one.
    columns = [
        np.where(leaf, 0, part.feature),
        np.clip(threshold, -largest, largest),
        np.where(leaf, nodes, part.left),
        np.where(leaf, nodes, part.right),
        part.missing_left,
        *([part.category_set] if len(part.sets) else []),
    ]
    node_table = _table(np.stack(columns, axis=1))
    set_table = _table(np.unpackbits(part.sets, axis=1, bitorder="little").reshape(-1, 1)) if len(part.sets) else None
    node = ops.squeeze(_table(part.roots[None])(ops.cast(ops.zeros_like(matrix[:, :1]), "int32")), 1)
    for _ in range(_depth(part)):
        found = node_table(ops.cast(node, "int32"))
        x = ops.take_along_axis(matrix, ops.cast(found[..., 0], "int32"), axis=1)
        missing = ops.isnan(x)
        goes_left = x <= found[..., 1]
        if set_table is not None:
            asked = found[..., 5]
            code = ops.where(missing, ops.zeros_like(x), x)
            known = ops.squeeze(set_table(ops.cast(ops.maximum(asked, 0.0) * (8 * SET_BYTES) + code, "int32")), -1)
            goes_left = ops.where(asked >= 0, known > 0.5, goes_left)
        goes_left = ops.where(missing, found[..., 4] > 0.5, goes_left)
        node = ops.where(goes_left, found[..., 2], found[..., 3])
    # Of inner nodes, where no walk ends, the row is any.
    row = _table(np.where(leaf, part.left, 0)[:, None])(ops.cast(node, "int32"))
    value = _table(part.value)(ops.cast(ops.squeeze(row, -1), "int32"))
    if not len(part.output):
        return ops.sum(value, axis=1)
    place = np.zeros((len(part.roots), len(part.base)), np.float32)
    place[np.arange(len(part.roots)), part.output] = 1
    return _linear(ops.squeeze(value, -1), place)


def _depth(part: TreeArrays) -> int:
    """Splits from a root to the farthest leaf."""
    depth, level = 0, part.roots
    while True:
        level = level[part.feature[level] >= 0]
        if not len(level):
            return depth
        depth, level = depth + 1, np.concatenate([part.left[level], part.right[level]])


def _table(values: np.ndarray) -> Any:
    """A layer that looks up rows."""
    import keras

    layer = keras.layers.Embedding(*values.shape, trainable=False, dtype="float32")
    layer.build()
    layer.set_weights([values.astype(np.float32)])
    return layer


def _linear(x: Any, kernel: np.ndarray) -> Any:
    """A product with a matrix that is not trained."""
    import keras

    layer = keras.layers.Dense(kernel.shape[1], use_bias=False, trainable=False, dtype="float32")
    product = layer(x)
    layer.set_weights([kernel])
    return product
