"""What a compiled model was compiled with, as fresh copies: loss, metrics, optimizer, learning rates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from genomes.targets import Binary


def layers_by_mark(model: Any) -> dict[str, Any]:
    """Layers by class and number: layers that two models of one function share have the same mark."""
    counts: dict[str, int] = {}
    found = {}
    for layer in model.layers:
        kind = type(layer).__name__
        number = counts[kind] = counts.get(kind, 0) + 1
        found[f"{kind}.{number}"] = layer
    return found


def loss_object(given: Any) -> Any:
    """Keras losses that weigh samples and average, for what ``compile`` was given.

    Args:
        given: a name, a function, a loss, None, or a list or mapping of these by output.

    Returns:
        The same structure of ``keras.losses.Loss`` objects.
    """
    import keras

    if isinstance(given, Mapping):
        return {name: loss_object(loss) for name, loss in given.items()}
    if isinstance(given, (list, tuple)):
        return [loss_object(loss) for loss in given]
    if given is None or isinstance(given, keras.losses.Loss):
        return given
    function = keras.losses.get(given)

    class Mean(keras.losses.Loss):
        def call(self, y_true: Any, y_pred: Any) -> Any:
            return function(y_true, y_pred)

    return Mean(name=getattr(function, "__name__", "loss"))


def fresh_metrics(model: Any) -> list[Any]:
    """The metrics of a compiled model of one output, by their compiled names."""
    import keras

    compiled = getattr(model, "_compile_metrics", None)
    given = getattr(compiled, "_user_metrics", None) or []
    if isinstance(given, Mapping):
        lists = [several if isinstance(several, list) else [several] for several in given.values()]
        given = [metric for several in lists for metric in several]
    fresh = []
    for metric in given if isinstance(given, (list, tuple)) else [given]:
        if isinstance(metric, keras.metrics.Metric):
            fresh.append(keras.metrics.deserialize(keras.metrics.serialize(metric)))
        elif metric in ("accuracy", "acc", "crossentropy", "ce"):
            fresh.append(_by_loss(metric, model))
        elif isinstance(metric, str):
            found = keras.metrics.get(metric)
            if isinstance(found, keras.metrics.Metric):
                # Logs bear the name that was written: "mae", not "mean_absolute_error".
                fresh.append(type(found).from_config({**found.get_config(), "name": metric}))
            else:
                fresh.append(keras.metrics.MeanMetricWrapper(found, name=metric))
        else:
            fresh.append(keras.metrics.MeanMetricWrapper(metric, name=getattr(metric, "__name__", "metric")))
    return fresh


def _by_loss(name: str, model: Any) -> Any:
    """What Keras takes for ``accuracy`` and ``crossentropy``, by loss and number of outputs."""
    import keras

    loss = model.loss if isinstance(model.loss, str) else type(model.loss).__name__
    sparse = "sparse" in loss.lower()
    # A subclassed model tells no shape.
    shape = getattr(model, "output_shape", None) or (None,)
    binary = shape[-1] == 1 or Binary.is_trained_by(loss)
    metrics = keras.metrics
    if name in ("accuracy", "acc"):
        several = metrics.SparseCategoricalAccuracy if sparse else metrics.CategoricalAccuracy
        return (metrics.BinaryAccuracy if binary and not sparse else several)(name=name)
    several = metrics.SparseCategoricalCrossentropy if sparse else metrics.CategoricalCrossentropy
    return (metrics.BinaryCrossentropy if binary and not sparse else several)(name=name)


def fresh_optimizer(model: Any) -> Any:
    """An optimizer with the settings of the one that a model was compiled with, and no state."""
    import keras

    return keras.optimizers.deserialize(keras.optimizers.serialize(_inner_optimizer(model)))


def learning_rates(model: Any, first_step: int, last_step: int, decay: bool) -> np.ndarray:
    """Learning rate of every step from ``first_step`` up to, but without, ``last_step``.

    Args:
        model: a compiled model.
        first_step: the first step's number, counted from the beginning of training.
        last_step: the number after the last step's.
        decay: a constant rate falls linearly to 0 over these steps.

    Returns:
        float32, shape (last_step - first_step,). NaN where the optimizer has a schedule or a function of its
        own: that says its rates, from the steps it has done.
    """
    import keras

    optimizer = _inner_optimizer(model)
    count = last_step - first_step
    if not isinstance(getattr(optimizer, "_learning_rate", None), keras.Variable):
        return np.full(count, np.nan, np.float32)
    rates = np.full(count, float(keras.ops.convert_to_numpy(optimizer.learning_rate)))
    if decay and count:
        rates *= 1.0 - (np.arange(count) + 0.5) / count
    return rates.astype(np.float32)


def _inner_optimizer(model: Any) -> Any:
    """The optimizer itself where a loss scaler is wrapped around it."""
    return getattr(model.optimizer, "inner_optimizer", model.optimizer)
