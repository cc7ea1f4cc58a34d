"""An ensemble of nets as one ordinary Keras model, pooled by standard Keras operations."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from evo.core.errors import EnsembleError
from evo.ensemble.stacking import Stacker
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


@contextmanager
def without_retracing_warnings() -> Iterator[None]:
    """Within this, TensorFlow does not warn that ``predict`` was traced again.

    Keras traces it once for each model. That is as it must be, but from the fifth model on TensorFlow takes it for a
    loop that somebody wrote badly.
    """
    logger = logging.getLogger("tensorflow")

    def keep(record: logging.LogRecord) -> bool:
        return "retracing" not in record.getMessage()

    logger.addFilter(keep)
    try:
        yield
    finally:
        logger.removeFilter(keep)


def keras_input(x: Any) -> Any:
    """Input as Keras models take it: texts become tensors, since Keras refuses numpy arrays of them."""
    if isinstance(x, Mapping):
        return {name: keras_input(values) for name, values in x.items()}
    if isinstance(x, (list, tuple)) and len(x) and all(hasattr(part, "dtype") for part in x):
        return [keras_input(values) for values in x]
    if isinstance(x, np.ndarray) and x.dtype.kind in "OUST":
        import tensorflow as tf

        return tf.constant(x.astype(object))
    return x


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
    outputs = [ops.cast(copy(inputs), "float32") for copy in copies]
    shares = [float(weight) for weight in weights]
    if stacker is not None:
        parts = [target.keras_link(output) for output in outputs]
        joined = ops.concatenate(parts, axis=-1) if len(parts) > 1 else parts[0]
        dense = keras.layers.Dense(len(stacker.intercept), name="stacking", dtype="float32")
        pooled = target.keras_inverse_link(dense(joined))
        dense.set_weights([stacker.coefficients, stacker.intercept])
    else:
        pooled = target.keras_pool(outputs, shares, pooling, temperature)
    return keras.Model(inputs, pooled, name=name)


def _describe(model: Any) -> str:
    import keras

    return str(keras.tree.map_structure(lambda t: f"{t.dtype}{list(t.shape[1:])}", model.input))
