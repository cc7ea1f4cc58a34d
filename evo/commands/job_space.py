"""The space and the algorithm of a job: made by name, with what can be read off the data filled in."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Mapping
from typing import Any

from evo import algorithms
from evo.core.checks import known_names
from evo.core.errors import SettingsError
from evo.data import Data
from genomes import spaces
from genomes.errors import GenomeError
from genomes.spaces.base import Space
from genomes.targets import Target


def make_space(section: Mapping[str, Any], data: Data) -> Space:
    """The space that the section names, with what it can learn from the data filled in."""
    import numpy as np

    given = dict(section)
    kind = given.pop("kind", None)
    premade = sorted(set(spaces.__all__) - {"vector", "from_hypermodel"})
    if isinstance(kind, str) and ":" in kind:
        module, _, name = kind.partition(":")
        try:
            make = getattr(importlib.import_module(module), name)
        except (ImportError, AttributeError) as error:
            raise SettingsError(f"[space] kind: {kind!r} cannot be imported: {error}") from None
    elif kind in premade:
        make = getattr(spaces, kind)
    else:
        raise SettingsError(f"[space] kind: expected one of {', '.join(premade)}, or module:function; got {kind!r}")
    known = inspect.signature(make).parameters
    if not any(parameter.kind is parameter.VAR_KEYWORD for parameter in known.values()):
        known_names(given, known, "[space] ")
    if "input_shape" in known and "input_shape" not in given and hasattr(data.x_train, "shape"):
        given["input_shape"] = tuple(int(length) for length in data.x_train.shape[1:])
    if "input_shape" in given:
        given["input_shape"] = tuple(given["input_shape"])
    if "columns" in known and "columns" not in given:
        given["columns"] = data.x_train
    if "classes" in known and not {"classes", "outputs", "labels"} & given.keys():
        labels = np.asarray(data.y_train), np.asarray(data.y_validation)
        given |= Target.arguments_for(*labels, given.get("task"))
    try:
        return make(**given)
    except (GenomeError, TypeError) as error:
        raise SettingsError(f"[space] {error}") from None


def make_algorithm(section: Mapping[str, Any]) -> Any:
    """The algorithm that the section names, with its settings."""

    given = dict(section)
    name = given.pop("name", None)
    known = {
        key: kind
        for key in algorithms.__all__
        if isinstance(kind := getattr(algorithms, key), type)
        and issubclass(kind, algorithms.Algorithm)
        and kind is not algorithms.Algorithm
    }
    if name not in known:
        raise SettingsError(f"[algorithm] name: expected one of {', '.join(sorted(known))}, got {name!r}")
    known_names(given, inspect.signature(known[name]).parameters, "[algorithm] ")
    return known[name](**{key: tuple(value) if isinstance(value, list) else value for key, value in given.items()})
