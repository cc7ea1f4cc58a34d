"""Models without ``Input``: what they are called on, as the data say it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

#: Per input its name (None of a single one), dtype and shape without the rows.
InputSpecs = tuple[tuple[str | None, str, tuple[int, ...]], ...]


def specs_of(x: Any) -> InputSpecs:
    """Names, dtypes and shapes of inputs as they are trained on.

    Args:
        x: an array with one row per sample, or a dict of such arrays.
    """
    named = sorted(x.items()) if isinstance(x, Mapping) else [(None, x)]
    return tuple((name, _computed_in(array.dtype), tuple(map(int, array.shape[1:]))) for name, array in named)


def _computed_in(dtype: Any) -> str:
    if dtype.kind in "USO":
        return "string"
    return "float32" if dtype.kind == "f" else str(dtype)


def specs_to_json(specs: InputSpecs) -> list[Any]:
    """As JSON."""
    return [[name, dtype, list(shape)] for name, dtype, shape in specs]


def specs_from_json(json: Any) -> InputSpecs:
    """What :func:`specs_to_json` wrote."""
    return tuple(
        (None if name is None else str(name), str(dtype), tuple(map(int, shape))) for name, dtype, shape in json
    )


def build_on(model: Any, specs: InputSpecs) -> None:
    """Build a model by calling it on symbolic inputs, as Keras' ``fit`` does at its first batch.

    Args:
        model: a model; nothing happens if it is built.
        specs: what it is called on. Inputs with the names ``input_0``, ``input_1`` ... were given as a list.

    Raises:
        Exception: whatever the model raises that cannot take such inputs.
    """
    if model.built:
        return
    model(symbolic(specs))


def symbolic(specs: InputSpecs) -> Any:
    """Symbolic inputs in the structure in which they were given."""
    import keras

    tensors = {name: keras.KerasTensor((None, *shape), dtype, name=name or "input") for name, dtype, shape in specs}
    if list(tensors) == [None]:
        return tensors[None]
    listed = [f"input_{index}" for index in range(len(tensors))]
    return [tensors[name] for name in listed] if set(tensors) == set(listed) else tensors
