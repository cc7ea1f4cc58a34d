"""Bias correction of the moving averages of batch normalization."""

from __future__ import annotations

from collections import Counter
from typing import Any


def unbias(model: Any, steps: int) -> int:
    """Remove the initial values from the moving averages of batch normalizations.

    Keras initializes them with a mean of 0 and a variance of 1, which still have a weight of ``momentum ** steps``
    after ``steps`` steps: 8% after 250 steps with the default momentum of 0.99, 70% after 36. A net that was trained
    for one epoch on few rows is then evaluated as if it were untrained, however good its weights are. Dividing by
    the remaining weight is Adam's bias correction (Kingma & Ba 2015, section 3). Training itself does not use these
    averages.

    Layers that are used several times, lie within a nested model, or have other initial values are left alone.

    Args:
        model: a model that was trained for ``steps`` steps from fresh weights.
        steps: number of steps.

    Returns:
        The number of layers corrected.
    """
    import keras

    uses = _uses(model)
    corrected = 0
    for layer in model.layers:
        if type(layer) is not keras.layers.BatchNormalization or uses[id(layer)] != 1 or not layer.trainable:
            continue
        begins_as_usual = isinstance(layer.moving_mean_initializer, keras.initializers.Zeros) and isinstance(
            layer.moving_variance_initializer, keras.initializers.Ones
        )
        share = float(layer.momentum) ** steps
        if not begins_as_usual or not 0 < share < 1:
            continue
        layer.moving_mean.assign(layer.moving_mean / (1 - share))
        # Rounding must not make the variance of a constant channel negative.
        layer.moving_variance.assign(keras.ops.maximum((layer.moving_variance - share) / (1 - share), 0.0))
        corrected += 1
    return corrected


def _uses(model: Any) -> Counter[int]:
    """How often each layer is called in the graph of a functional or sequential model, by ``id``; none for others."""
    graph = getattr(model, "_functional", None) or model
    nodes = getattr(graph, "_nodes_by_depth", None) or {}
    return Counter(id(node.operation) for level in nodes.values() for node in level)
