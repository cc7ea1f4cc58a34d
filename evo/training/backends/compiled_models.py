"""Models that their users compiled: built from data as ``fit`` builds them, with Keras' names counted anew."""

from __future__ import annotations

from typing import Any

import numpy as np

from evo.training.backends.batch_structure import as_model_takes
from evo.training.resident_data import Split, computing_type
from genomes.spaces.hypermodel.inputs import one_row, runs_eagerly

#: Methods of a model that, overridden, mean that only Keras' own ``fit`` and ``evaluate`` do what the user wants.
_STEPS = (
    "train_step",
    "test_step",
    "compute_metrics",
    "get_metrics_result",
    "make_train_function",
    "make_test_function",
    "fit",
    "evaluate",
)


def has_own_steps(model: Any) -> bool:
    """Whether a model trains or evaluates in a way of its own, or asks to be run eagerly."""
    import keras

    own = any(
        getattr(type(model), name) is not getattr(keras.Model, name) or name in vars(model)
        for name in _STEPS
        if hasattr(keras.Model, name)
    )
    return own or bool(getattr(model, "run_eagerly", False))


def build_as_fit(model: Any, split: Split) -> None:
    """Build what ``fit`` would build at its first batch: a model without ``Input``, its metrics, its losses.

    The optimizer is left as it is: an engine builds it.

    Args:
        model: a compiled model.
        split: the rows that it is trained on.

    Raises:
        ValueError: the model cannot take these data; Keras' own error.
    """
    import keras

    # A model for batches of one size, as stateful ones are, can be built with this size alone.
    sizes = {tensor.shape[0] for tensor in getattr(model, "inputs", None) or ()}
    rows = sizes.pop() if len(sizes) == 1 else None
    x, y, weight = keras.tree.map_structure(lambda array: _symbolic(array, rows), (split.x, split.y, split.weight))
    batch = as_model_takes(model, x, y, weight)
    if runs_eagerly(model) and not model._distribute_strategy:
        # Losses and metrics may look at values: `fit` builds them, of its first batch.
        if not all(layer.built for layer in model._flatten_layers()):
            model(one_row(batch[0]))
        return
    optimizer = model.optimizer
    built = bool(getattr(optimizer, "built", True))
    if optimizer is not None:
        optimizer.built = True
    try:
        model._symbolic_build(data_batch=batch)
    finally:
        if optimizer is not None:
            optimizer.built = built


def start_session() -> None:
    """Count the names and seeds that Keras makes up from the beginning; the user's own settings stay.

    ``keras.utils.clear_session`` alone would reset the global dtype policy and distribution too.
    """
    import keras

    policy = keras.config.dtype_policy()
    distribution = keras.distribution.distribution()
    keras.utils.clear_session(free_memory=False)
    keras.config.set_dtype_policy(policy)
    if distribution is not None:
        keras.distribution.set_distribution(distribution)


def _symbolic(array: np.ndarray | None, rows: int | None) -> Any:
    """A symbolic batch of an array's rows, of any number if it is None."""
    import keras

    if array is None:
        return None
    kind = "string" if array.dtype.kind in "USO" else str(computing_type(array))
    return keras.KerasTensor((rows, *array.shape[1:]), kind)
