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
from evo.ensemble.calibration import FLOOR
from evo.ensemble.stacking import Stacker


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
    task: str,
    temperature: float = 1.0,
    stacker: Stacker | None = None,
    name: str = "ensemble",
) -> Any:
    """One functional ``keras.Model`` from the raw input to the pooled output, in float32.

    Args:
        models: member models; copied, so that training the result changes no member.
        weights: (members,), sum 1.
        pooling: ``arithmetic``, ``geometric``, ``median`` or ``stacked``.
        task: the kind of task.
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
    alone = task != "multiclass"

    def scores(probabilities: Any) -> Any:
        if not alone:
            return ops.log(ops.maximum(probabilities, FLOOR))
        clipped = ops.clip(probabilities, FLOOR, 1 - FLOOR)
        return ops.log(clipped) - ops.log1p(-clipped)

    def squash(values: Any) -> Any:
        return ops.sigmoid(values) if alone else ops.softmax(values, axis=-1)

    def weighted_sum(values: list[Any]) -> Any:
        total = values[0] * shares[0]
        for value, share in zip(values[1:], shares[1:], strict=True):
            total = total + value * share
        return total

    if stacker is not None:
        parts = outputs if task == "regression" else [scores(output) for output in outputs]
        joined = ops.concatenate(parts, axis=-1) if len(parts) > 1 else parts[0]
        dense = keras.layers.Dense(len(stacker.intercept), name="stacking", dtype="float32")
        pooled = dense(joined)
        dense.set_weights([stacker.coefficients, stacker.intercept])
        if task != "regression":
            pooled = squash(pooled)
    elif pooling == "median":
        pooled = _weighted_median(outputs, shares)
    elif pooling == "geometric":
        pooled = squash(weighted_sum([scores(output) for output in outputs]) / temperature)
    else:
        pooled = weighted_sum(outputs)
        if temperature != 1.0:
            pooled = squash(scores(pooled) / temperature)
    return keras.Model(inputs, pooled, name=name)


def _describe(model: Any) -> str:
    import keras

    return str(keras.tree.map_structure(lambda t: f"{t.dtype}{list(t.shape[1:])}", model.input))


def _weighted_median(outputs: list[Any], shares: list[float]) -> Any:
    """As :func:`evo.ensemble.pooling.weighted_median`, in Keras operations."""
    from keras import ops

    members = len(outputs)
    if members == 1:
        return outputs[0]
    stacked = ops.stack(outputs, axis=0)
    order = ops.argsort(stacked, axis=0)
    ordered = ops.take_along_axis(stacked, order, axis=0)
    # one-hot times weights: gathers from a constant, in an operation that every exporter knows
    constant = np.asarray(shares, dtype=np.float32)
    weights = ops.sum(ops.multiply(ops.one_hot(order, members, dtype="float32"), constant), axis=-1)
    reached = ops.cumsum(weights, axis=0)
    lower = ops.argmax(ops.cast(reached >= 0.5 - 1e-6, "int32"), axis=0, keepdims=True)
    upper = ops.argmax(ops.cast(reached > 0.5 + 1e-6, "int32"), axis=0, keepdims=True)
    both = ops.take_along_axis(ordered, lower, axis=0) + ops.take_along_axis(ordered, upper, axis=0)
    return ops.squeeze(both, axis=0) / 2
