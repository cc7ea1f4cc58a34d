"""From stored arrays to what a user's model and its losses take: lists of inputs and outputs are lists again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def as_model_takes(model: Any, x: Any, y: Any, weight: Any) -> tuple[Any, Any, Any]:
    """Inputs, targets and weights in the structure in which the user gave them.

    ``evo.Data`` keeps a list of inputs (of targets, of weights) as a dict with the keys ``input_0``,
    ``input_1`` ... (``output_0`` ...). They are a list again here, matched by position as Keras matches
    lists, unless the model itself has these names. Inputs within inputs, stored as ``a/b``, are as the model
    nests them.

    Args:
        model: the model.
        x: an array or a dict of arrays; tensors as well.
        y: the same, or None.
        weight: the same, or None.
    """
    inputs = [tensor.name for tensor in getattr(model, "inputs", None) or ()]
    outputs = list(getattr(model, "output_names", None) or ())
    if isinstance(x, Mapping) and any("/" in name for name in x):
        return _nested(model, x), _listed(y, "output", outputs), _listed(weight, "output", outputs)
    return _listed(x, "input", inputs), _listed(y, "output", outputs), _listed(weight, "output", outputs)


def _listed(values: Any, prefix: str, names: list[str]) -> Any:
    if not isinstance(values, Mapping):
        return values
    numbered = [f"{prefix}_{index}" for index in range(len(values))]
    if set(values) != set(numbered) or set(numbered) <= set(names):
        return values
    return [values[name] for name in numbered]


def _nested(model: Any, x: Mapping[str, Any]) -> Any:
    """Inputs in the nesting of a functional model's own, matched by their paths; as they are for any other model."""
    import keras

    structure = getattr(model, "_inputs_struct", None)
    paths = [] if structure is None else keras.tree.flatten_with_path(structure)
    names = ["/".join(str(step) for step in path) for path, _ in paths]
    if set(names) != set(x):
        return x
    return keras.tree.pack_sequence_as(structure, [x[name] for name in names])
