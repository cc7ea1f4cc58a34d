"""Models without ``Input``: what they are called on, as the data say it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from genomes.errors import GenomeError, told
from genomes.spaces.model import dtype_policy

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
    """Build a model by calling it on symbolic inputs, as Keras' ``fit`` does; on a row of zeros if it runs eagerly.

    Args:
        model: a model; nothing happens if it is built.
        specs: what it is called on. Inputs with the names ``input_0``, ``input_1`` ... were given as a list.

    Raises:
        Exception: whatever the model raises that cannot take such inputs.
    """
    if model.built:
        return
    inputs = symbolic(specs)
    model(one_row(inputs) if runs_eagerly(model) else inputs)


def build_for(model: Any, specs: InputSpecs, dtype: str | None) -> None:
    """Build a candidate's model on a campaign's data, in the dtype policy of that name.

    Raises:
        GenomeError: the model cannot take it.
    """
    try:
        with dtype_policy(dtype):
            build_on(model, specs)
    except Exception as error:
        raise GenomeError(f"the model cannot take the data: {told(error)}", "genes[0]") from error


def runs_eagerly(model: Any) -> bool:
    """Whether Python looks at the values of a model, so that it cannot be called on symbols."""
    import keras

    # The other backends' own `fit` calls such models on symbols first.
    return keras.backend.backend() == "tensorflow" and bool(getattr(model, "run_eagerly", False))


def one_row(inputs: Any) -> Any:
    """Zeros, or empty texts, in the structure, shape and dtype of symbolic inputs: one row where any number may be."""
    import keras

    def values(tensor: Any) -> Any:
        shape = tuple(1 if length is None else length for length in tensor.shape)
        zeros = np.zeros(shape, "U1" if tensor.dtype == "string" else tensor.dtype)
        return keras.ops.convert_to_tensor(zeros)

    return keras.tree.map_structure(values, inputs)


def symbolic(specs: InputSpecs) -> Any:
    """Symbolic inputs in the structure in which they were given."""
    import keras

    tensors = {name: keras.KerasTensor((None, *shape), dtype, name=name or "input") for name, dtype, shape in specs}
    if list(tensors) == [None]:
        return tensors[None]
    listed = [f"input_{index}" for index in range(len(tensors))]
    if set(tensors) == set(listed):
        return [tensors[name] for name in listed]
    return nested({str(name): tensor for name, tensor in tensors.items()})


def nested(values: Mapping[str, Any]) -> Any:
    """What is named by paths, ``a/b`` and ``a/0``, as dicts and lists within one another; others as they are.

    Args:
        values: by their paths; where no name has a ``/``, there is nothing within another.
    """
    if not any("/" in name for name in values):
        return values
    inner: dict[str, Any] = {}
    for name, value in values.items():
        *path, last = name.split("/")
        place = inner
        for step in path:
            place = place.setdefault(step, {})
        place[last] = value
    return _listed(inner)


def _listed(values: Any) -> Any:
    """Dicts whose keys are the places of a list as lists."""
    if not isinstance(values, dict):
        return values
    parts = {name: _listed(part) for name, part in values.items()}
    places = [str(place) for place in range(len(parts))]
    return [parts[place] for place in places] if set(parts) == set(places) else parts
