"""An ensemble of nets as one ordinary Keras model, pooled by standard Keras operations."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from evo.core.errors import EnsembleError
from evo.ensemble.kinds import kind_of
from evo.ensemble.stacking import Stacker
from genomes.spaces.model import unique_names
from genomes.targets import Target


def copy_model(model: Any, name: str | None = None) -> Any:
    """A copy with weights and all state, through Keras' own format (no code is run from it)."""
    import keras

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        model.save(path)
        copy = keras.saving.load_model(path, custom_objects=own_classes(model), compile=False)
    if name is not None:
        copy.name = name
    return copy


def own_classes(model: Any) -> dict[str, Any]:
    """Classes of layers and models that are not Keras', by name: the user need not have registered them."""
    parts = [model, *model._flatten_layers(include_self=False)]
    return {type(part).__name__: type(part) for part in parts if not type(part).__module__.startswith("keras.")}


def _input_of(model: Any) -> Any:
    """The symbolic input of a model in its structure.

    Raises:
        EnsembleError: the model was not called yet, so that nothing is known of its input.
    """
    import keras

    if isinstance(model, keras.Sequential):
        return model.inputs[0]
    try:
        return model.input
    except (AttributeError, ValueError):
        pass
    # A subclassed model remembers the shapes that it was built with, and computes in its own type.
    shape = (model.get_build_config() or {}).get("input_shape")
    if not isinstance(shape, (list, tuple)) or not shape or isinstance(shape[0], (list, tuple)):
        raise EnsembleError(f"as_keras: {type(model).__name__} does not tell its input; give it keras.Input")
    return keras.KerasTensor((None, *shape[1:]), model.compute_dtype, name="input")


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

    copies, inputs = _side_by_side(models, "member")
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


def as_nets(models: Sequence[Any], space: Any) -> list[Any]:
    """Models of an ensemble as Keras models: what is no net takes the inputs of the nets, or else those of the space.

    Args:
        models: nets, and members of the kinds of :mod:`evo.ensemble.kinds`.
        space: the members' space, or None.

    Raises:
        EnsembleError: no net, and no space that says what inputs are; or a member that no Keras model can hold.
    """
    kinds = [kind_of(model) for model in models]
    nets = [model for model, kind in zip(models, kinds, strict=True) if kind is None]
    if len(nets) == len(models):
        return nets
    if not nets and (space is None or not hasattr(space, "inputs")):
        raise EnsembleError("as_keras: there are no nets, and nothing says what inputs are like; use save")

    def inputs() -> Any:
        return _like(_input_of(nets[0])) if nets else space.inputs()

    return [
        model if kind is None else kind.in_keras(model, inputs()) for model, kind in zip(models, kinds, strict=True)
    ]


def mean_model(models: Sequence[Any], name: str = "mean") -> Any:
    """One functional ``keras.Model`` whose outputs are the means of those of several, which take the same input.

    Args:
        models: the models; copied.
        name: the model's name.
    """
    import keras

    copies, inputs = _side_by_side(models, "fold")
    outputs = [copy(inputs) for copy in copies]
    # In float32, whatever type the models compute in.
    mean = keras.tree.map_structure(lambda *each: keras.layers.Average(dtype="float32")(list(each)), *outputs)
    unique_names(inputs, mean)
    return keras.Model(inputs, mean, name=name)


def _side_by_side(models: Sequence[Any], name: str) -> tuple[list[Any], Any]:
    """Copies of models, and the input that all of them take.

    Raises:
        EnsembleError: they do not take the same.
    """

    copies = [copy_model(model, f"{name}_{index}") for index, model in enumerate(models)]
    first = copies[0]
    inputs = _like(_input_of(first))
    described = _describe(first)
    for index, copy in enumerate(copies):
        if _describe(copy) != described:
            raise EnsembleError(
                f"as_keras: members take different inputs: member 0 {described}, member {index} {_describe(copy)}"
            )
    return copies, inputs


def _like(inputs: Any) -> Any:
    """Symbolic inputs like others."""
    import keras

    return keras.tree.map_structure(
        lambda tensor: keras.Input(batch_shape=tensor.shape, dtype=tensor.dtype, name=tensor.name), inputs
    )


def _describe(model: Any) -> str:
    import keras

    return str(keras.tree.map_structure(lambda t: f"{t.dtype}{list(t.shape[1:])}", _input_of(model)))
