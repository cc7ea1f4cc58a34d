"""Whether the parts of a batch may pass through a model apart: several replicas then compute what one device does."""

from __future__ import annotations

from typing import Any

import numpy as np

from evo.training.backends.batch_structure import as_model_takes
from evo.training.backends.engine import Recipe
from evo.training.backends.synchronized_layers import can_be_synchronized, without_statistics
from evo.training.resident_data import Split, computing_type

#: Rows of each half of the batch that a model of a user's own classes is tried with.
_HALF = 4
#: Largest relative difference that rounding explains.
_ROUNDING = 1e-4


def has_independent_rows(recipe: Recipe, split: Split) -> bool:
    """Whether a model makes of each row what it would make of it in any other batch, while it is trained.

    Of Keras' own layers this is known: batch normalization is synchronized over all replicas
    (:mod:`evo.training.backends.synchronized_layers`), and layers that keep a state for each row of a batch cannot be
    given parts of one. A model with layers, functions or a class of a user's own is tried: some rows at once and in
    two halves must give the same outputs, the losses that it adds must be the mean of the halves', and no weight may
    change. Noise gives other numbers for other shapes, so that such a model with random layers counts as one that
    mixes rows.

    Args:
        recipe: its model is built.
        split: rows that it is trained on.
    """
    layers = recipe.model._flatten_layers()
    if any(_mixes_rows(layer) for layer in layers):
        return False
    if recipe.unknown_layer is None:
        return True
    try:
        return _tried(recipe.model, split)
    except Exception:
        # Whatever it is: Keras' own `fit` will say it.
        return False


def _mixes_rows(layer: Any) -> bool:
    import keras

    if isinstance(layer, keras.layers.BatchNormalization) and not can_be_synchronized(layer):
        return bool(layer.trainable and not layer.synchronized)
    return bool(getattr(layer, "stateful", False))


def _tried(model: Any, split: Split) -> bool:
    """Whether a call with some rows gives what two calls with half of them each give."""
    import keras

    half = min(_HALF, split.rows // 2)
    if half == 0:
        return False
    rows = np.linspace(0, split.rows - 1, 2 * half).astype(int)

    def taken(rows: np.ndarray) -> Any:
        def batch(array: np.ndarray) -> Any:
            return keras.ops.convert_to_tensor(np.asarray(array[rows], computing_type(array)))

        return as_model_takes(model, keras.tree.map_structure(batch, split.x), None, None)[0]

    before = [keras.ops.convert_to_numpy(variable) for variable in model.variables]
    synchronized = {id(v) for one in model._flatten_layers() if can_be_synchronized(one) for v in one.variables}

    def called(rows: np.ndarray, training: bool) -> list[np.ndarray]:
        given = {"training": training} if model._call_has_training_arg else {}
        found = keras.tree.flatten(model(taken(rows), **given))
        added = sum((keras.ops.sum(loss) for loss in model.losses), keras.ops.zeros(()))
        return [np.asarray(keras.ops.convert_to_numpy(value), np.float64) for value in [*found, added]]

    try:
        for training in (True, False):
            with without_statistics(model):
                *whole, added = called(rows, training)
                (*first, one), (*second, other) = called(rows[:half], training), called(rows[half:], training)
            joined = [np.concatenate(parts) for parts in zip(first, second, strict=True)]
            if not all(_equal(a, b) for a, b in zip([*whole, added], [*joined, (one + other) / 2], strict=True)):
                return False
        weights = {id(variable) for variable in model.weights} - synchronized
        return all(
            np.array_equal(value, keras.ops.convert_to_numpy(variable))
            for variable, value in zip(model.variables, before, strict=True)
            if id(variable) in weights
        )
    finally:
        for variable, value in zip(model.variables, before, strict=True):
            variable.assign(value)


def _equal(one: np.ndarray, other: np.ndarray) -> bool:
    return one.shape == other.shape and np.allclose(
        one, other, rtol=_ROUNDING, atol=_ROUNDING * float(np.abs(other).max(initial=0.0)) / 100, equal_nan=True
    )
