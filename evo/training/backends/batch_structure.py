"""From stored arrays to what a user's model and its losses take: lists of inputs and outputs are lists again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from genomes.spaces.hypermodel.inputs import nested


def as_model_takes(model: Any, x: Any, y: Any, weight: Any) -> tuple[Any, Any, Any]:
    """Inputs, targets and weights in the structure in which the user gave them.

    ``evo.Data`` keeps a list of inputs (of targets, of weights) as a dict with the keys ``input_0``,
    ``input_1`` ... (``output_0`` ...). They are a list again here, matched by position as Keras matches
    lists, unless the model itself has these names. What was within another, stored as ``a/b``, is so again:
    as a functional model nests it, else in dicts and lists.

    Args:
        model: the model.
        x: an array or a dict of arrays; tensors as well.
        y: the same, or None.
        weight: the same, or None.
    """
    inputs = [tensor.name for tensor in getattr(model, "inputs", None) or ()]
    outputs = list(getattr(model, "output_names", None) or ())
    takes, makes = getattr(model, "_inputs_struct", None), getattr(model, "_outputs_struct", None)
    return (
        _structured(x, "input", inputs, takes),
        _structured(y, "output", outputs, makes),
        _structured(weight, "output", outputs, makes),
    )


def _structured(values: Any, prefix: str, names: list[str], structure: Any) -> Any:
    if not isinstance(values, Mapping):
        return values
    if any("/" in name for name in values):
        return _nested(values, structure)
    numbered = [f"{prefix}_{index}" for index in range(len(values))]
    if set(values) != set(numbered) or set(numbered) <= set(names):
        return values
    return [values[name] for name in numbered]


def _nested(values: Mapping[str, Any], structure: Any) -> Any:
    """Values by their paths in the nesting of a functional model's own; by the paths alone for any other model."""
    import keras

    paths = [] if structure is None else keras.tree.flatten_with_path(structure)
    names = ["/".join(str(step) for step in path) for path, _ in paths]
    if set(names) != set(values):
        return nested(values)
    return keras.tree.pack_sequence_as(structure, [values[name] for name in names])
