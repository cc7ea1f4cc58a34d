"""What models are called on, read off the arguments of a call of ``search``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from genomes.spaces.hypermodel.inputs import InputSpecs, build_on, specs_of


def training_inputs(args: Sequence[Any], kwargs: Mapping[str, Any]) -> InputSpecs | None:
    """Names, dtypes and shapes of the inputs that ``fit`` called with these arguments trains on.

    Args:
        args: positional arguments, ``x`` first.
        kwargs: keyword arguments.

    Returns:
        None where they are not arrays, a list or a dict of arrays: batches of a data set tell it only when drawn.
    """
    x: Any = args[0] if args else kwargs.get("x")
    if isinstance(x, (list, tuple)):
        x = {f"input_{number}": array for number, array in enumerate(x)}
    arrays = list(x.values()) if isinstance(x, Mapping) else [x]
    if not arrays or not all(hasattr(a, "shape") and hasattr(getattr(a, "dtype", None), "kind") for a in arrays):
        return None
    return specs_of(x)


def build_as_stored(model: Any, config: Mapping[str, Any], specs: InputSpecs | None) -> None:
    """Build a model that was stored with this configuration, also one that Keras leaves unbuilt.

    Keras makes the weights of a subclassed model without a ``build`` of its own, and then refuses to load them, as the
    model itself was never called.

    Args:
        model: as ``build(hp)`` gives it.
        config: what ``get_build_config`` said of it.
        specs: what it is trained on, if that is known; otherwise numbers of the shapes in ``config``.
    """
    model.build_from_config(config)
    if model.built:
        return
    if specs is not None:
        build_on(model, specs)
    elif "input_shape" in config:
        model(_symbols(config["input_shape"]))
    elif "shapes_dict" in config:
        model(**{name.removesuffix("_shape"): _symbols(shape) for name, shape in config["shapes_dict"].items()})


def _symbols(shape: Any) -> Any:
    import keras

    if isinstance(shape, Mapping):
        return {name: _symbols(one) for name, one in shape.items()}
    if all(length is None or isinstance(length, int) for length in shape):
        return keras.KerasTensor(tuple(shape))
    return [_symbols(one) for one in shape]
