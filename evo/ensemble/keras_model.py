"""An ensemble of nets as one ordinary Keras model, pooled by standard Keras operations."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from evo.core.errors import EnsembleError
from evo.ensemble.stacking import Stacker
from genomes.spaces.model import unique_names
from genomes.targets import Target


def copy_model(model: Any, name: str | None = None) -> Any:
    """A copy with weights and all state, through Keras' own format (no code is run from it)."""
    import keras

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        model.save(path)
        copy = keras.saving.load_model(path, compile=False)
    if name is not None:
        copy.name = name
    return copy


def pooled_model(
    models: Sequence[Any],
    weights: np.ndarray,
    pooling: str,
    target: Target,
    temperature: float = 1.0,
    stacker: Stacker | None = None,
    name: str = "ensemble",
) -> Any:
    """One functional ``keras.Model`` from the raw input to the pooled output, in float32.

    Args:
        models: member models; copied, so that training the result changes no member.
        weights: (members,), sum 1.
        pooling: ``arithmetic``, ``geometric``, ``median`` or ``stacked``.
        target: what is predicted.
        temperature: applied after pooling.
        stacker: the linear model of ``stacked``.
        name: the model's name.

    Raises:
        EnsembleError: the members do not take the same input.
    """
    import keras
    from keras import ops

    copies = [copy_model(model, f"member_{index}") for index, model in enumerate(models)]
    first = copies[0]
    inputs = keras.tree.map_structure(
        lambda tensor: keras.Input(batch_shape=tensor.shape, dtype=tensor.dtype, name=tensor.name), first.input
    )
    described = _describe(first)
    for index, copy in enumerate(copies):
        if _describe(copy) != described:
            raise EnsembleError(
                f"as_keras: members take different inputs: member 0 {described}, member {index} {_describe(copy)}"
            )
    outputs = [ops.cast(target.keras_predictions(copy(inputs)), "float32") for copy in copies]
    shares = [float(weight) for weight in weights]
    if stacker is not None:
        parts = [target.keras_link(output) for output in outputs]
        joined = ops.concatenate(parts, axis=-1) if len(parts) > 1 else parts[0]
        dense = keras.layers.Dense(len(stacker.intercept), name="stacking", dtype="float32")
        pooled = target.keras_inverse_link(dense(joined))
        dense.set_weights([stacker.coefficients, stacker.intercept])
    else:
        pooled = target.keras_pool(outputs, shares, pooling, temperature)
    unique_names(inputs, pooled)
    return keras.Model(inputs, pooled, name=name)


def _describe(model: Any) -> str:
    import keras

    return str(keras.tree.map_structure(lambda t: f"{t.dtype}{list(t.shape[1:])}", model.input))
