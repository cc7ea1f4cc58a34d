"""Describes what a trace depends on, or says that it cannot.

A compiled function may serve another model only where everything that was
fixed while it was traced is proven equal. What is proven: objects of Keras and
of genomes, whose config tells all of them, and plain values. What is not: a
user's function, closure, lambda or class, wherever it stands, whose behaviour
no config tells. :class:`Unproven` is raised for these; the model is traced anew.
"""

from __future__ import annotations

import functools
import hashlib
import inspect
import types
from collections.abc import Mapping
from typing import Any

import numpy as np

#: Packages whose objects are what their config says.
_KNOWN = ("keras.", "genomes.")
#: Packages whose objects may stand in a layer's attributes: they hold values, not behaviour of a user's.
_HOLDERS = ("keras.", "genomes.", "builtins.", "collections.", "numpy.", "tensorflow.", "jax.", "torch.", "inspect.")
#: Attributes of a layer that say what it has done, not what it does.
_RECORDS = ("_inbound_nodes", "_outbound_nodes", "_parent_path", "_lock", "_saved_model_inputs_spec", "gene_layers")
#: How deeply values may lie within values; deeper ones are not looked at, and so not proven.
_DEPTH = 4


class Unproven(Exception):
    """Something that a trace depends on cannot be described."""


def described(value: Any) -> Any:
    """A value as JSON that is equal for equal behaviour only.

    Raises:
        Unproven: it may behave in a way that it does not tell.
    """
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (np.ndarray, np.generic)) or _is_tensor(value):
        array = np.ascontiguousarray(value)
        return [str(array.dtype), list(array.shape), hashlib.sha256(array.tobytes()).hexdigest()]
    if isinstance(value, Mapping):
        return {str(key): described(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [described(entry) for entry in value]
    if isinstance(value, (types.FunctionType, types.BuiltinFunctionType, type)):
        return _named(value)
    if not _is_of(type(value), _KNOWN):
        raise Unproven(f"{type(value).__module__}.{type(value).__qualname__}")
    if hasattr(value, "get_config"):
        _check_attributes(value)
        return [type(value).__module__, type(value).__qualname__, _config(value), plain_attributes(value)]
    return [type(value).__module__, type(value).__qualname__, described(vars(value))]


def check_layer(layer: Any) -> None:
    """Check that a layer is Keras' or genomes' own and holds nothing of a user's.

    Raises:
        Unproven: its class, or something in its attributes, is a user's.
    """
    if not _is_of(type(layer), _KNOWN):
        raise Unproven(f"{type(layer).__module__}.{type(layer).__qualname__}")
    _check_attributes(layer)


def unknown_layer(model: Any) -> str | None:
    """What of a user's the first layer is, or holds, that is not Keras' and genomes' alone; None where all are."""
    for layer in model._flatten_layers():
        try:
            check_layer(layer)
        except Unproven as error:
            return str(error)
    return None


def plain_attributes(holder: Any) -> dict[str, Any]:
    """Numbers and words among an object's attributes: a config leaves some out (``delta`` of Keras' Huber loss)."""
    return {
        name: value
        for name, value in vars(holder).items()
        if value is None or isinstance(value, (bool, int, float, str)) or _is_plain_sequence(value)
    }


def _is_plain_sequence(value: Any) -> bool:
    if isinstance(value, Mapping):
        return type(value) is dict and _is_plain_sequence(tuple(value.values()))
    return type(value) in (list, tuple) and all(
        entry is None or isinstance(entry, (bool, int, float, str)) for entry in value
    )


def contents(layer: Any) -> Any:
    """What a layer learned by ``adapt`` and holds as constants beside its weights; None for any other layer."""
    if not hasattr(layer, "adapt"):
        return None
    found: dict[str, Any] = {}
    for name in ("mean", "variance", "bin_boundaries"):
        value = getattr(layer, name, None)
        if value is not None:
            found[name] = described(np.asarray(value))
    if hasattr(layer, "get_vocabulary"):
        found["vocabulary"] = [str(token) for token in layer.get_vocabulary()]
    return found


def _config(value: Any) -> Any:
    try:
        return described(value.get_config())
    except Unproven:
        raise
    except Exception as error:
        raise Unproven(f"{type(value).__qualname__} has no config") from error


def _check_attributes(holder: Any) -> None:
    for name, value in vars(holder).items():
        if name not in _RECORDS:
            _check(value, 0)


def _check(value: Any, depth: int) -> None:
    """Check that a value held by a known object brings no behaviour of a user's."""
    if isinstance(value, (types.FunctionType, types.BuiltinFunctionType)):
        _named(value)
    elif isinstance(value, types.MethodType):
        owner = value.__self__ if isinstance(value.__self__, type) else type(value.__self__)
        if not _is_of(owner, _KNOWN) or not f"{value.__func__.__module__}.".startswith(_KNOWN):
            raise Unproven(value.__qualname__)
    elif isinstance(value, functools.partial):
        raise Unproven("functools.partial")
    elif isinstance(value, type):
        pass
    elif isinstance(value, (list, tuple, set, frozenset, Mapping)):
        if depth == _DEPTH:
            raise Unproven("values within values")
        for entry in value.values() if isinstance(value, Mapping) else value:
            _check(entry, depth + 1)
    elif not isinstance(value, inspect.Signature) and not _is_of(type(value), _HOLDERS):
        raise Unproven(f"{type(value).__module__}.{type(value).__qualname__}")


def _named(function: Any) -> str:
    """The name of a function or class of Keras' or genomes'.

    Raises:
        Unproven: it is a user's, or made inside of another function.
    """
    module = f"{getattr(function, '__module__', '')}."
    name = getattr(function, "__qualname__", "")
    if not module.startswith((*_KNOWN, "builtins.")) or "<" in name or getattr(function, "__closure__", None):
        wrapped = getattr(function, "__wrapped__", None)
        # What Keras' own decorators made of Keras' own function.
        if module.startswith(_KNOWN) and wrapped is not None and "<" not in name:
            return _named(wrapped)
        raise Unproven(f"{module}{name}")
    return f"{module}{name}"


def _is_of(kind: type, packages: tuple[str, ...]) -> bool:
    return f"{kind.__module__}.".startswith(packages)


def _is_tensor(value: Any) -> bool:
    return hasattr(value, "__array__") and hasattr(value, "shape") and hasattr(value, "dtype")
