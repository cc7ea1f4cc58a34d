"""The space and the algorithm of a job: made by name, with what can be read off the data filled in."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Mapping
from typing import Any

import numpy as np

from evo import algorithms
from evo.commands.job_data import JobData
from evo.core.checks import known_names
from evo.core.errors import DataError, SettingsError
from evo.fitting.columns import InputPlan, planned_inputs
from evo.fitting.premade import space_for
from evo.fitting.task import all_targets, remarks
from genomes import spaces
from genomes.errors import GenomeError
from genomes.spaces.base import Space
from genomes.targets import Target, infer_target
from genomes.targets.labels import in_words, plain_array

#: The kind that is found out from the data.
AUTO = "auto"


def make_space(section: Mapping[str, Any], found: JobData) -> Space:
    """The space that the section names, with what it can learn from the data filled in.

    The target and the columns of a premade space are found as :func:`evo.fit` finds them; what is said of them is added
    to the data's notes.

    Args:
        section: the section.
        found: data of the job.

    Raises:
        SettingsError: no such space, or an argument that it does not take.
        DataError: targets that nothing can be learnt of.
    """
    data = found.data
    given = dict(section)
    kind = given.pop("kind", AUTO)
    if kind == AUTO:
        return _auto(given, found)
    premade = sorted(set(spaces.__all__) - {"vector", "from_hypermodel", "joint"})
    if isinstance(kind, str) and ":" in kind:
        module, _, name = kind.partition(":")
        try:
            make = getattr(importlib.import_module(module), name)
        except (ImportError, AttributeError) as error:
            raise SettingsError(f"[space] kind: {kind!r} cannot be imported: {error}") from None
    elif kind in premade:
        make = getattr(spaces, kind)
    else:
        raise SettingsError(f"[space] kind: expected {AUTO}, {', '.join(premade)}, or module:function; got {kind!r}")
    known = inspect.signature(make).parameters
    if not any(parameter.kind is parameter.VAR_KEYWORD for parameter in known.values()):
        known_names(given, known, "[space] ")
    if "input_shape" in known and "input_shape" not in given and hasattr(data.x_train, "shape"):
        given["input_shape"] = tuple(int(length) for length in data.x_train.shape[1:])
    if "input_shape" in given:
        given["input_shape"] = tuple(given["input_shape"])
    if "columns" in known and "columns" not in given:
        plan = planned_inputs(data.x_train) if kind in premade else InputPlan()
        given["columns"] = plan.columns or data.x_train
        found.notes = (*found.notes, *(line for line in plan.lines if not line.startswith("free text")))
        if plan.texts:
            found.notes = (*found.notes, f'left out: {in_words(list(plan.texts))}: free text; kind = "auto" takes it')
    try:
        if "classes" in known:
            given |= _target_arguments(given, found, kind in premade)
        return make(**given)
    except (GenomeError, TypeError) as error:
        raise SettingsError(f"[space] {error}") from None


def _auto(given: dict[str, Any], found: JobData) -> Space:
    """The space that :func:`evo.fit` would search; of the section's settings it takes ``task`` alone."""
    known_names(given, ("task",), "[space] ")
    target = _target_arguments(given, found, premade=True)["task"]
    try:
        plan = planned_inputs(found.data.x_train)
    except GenomeError as error:
        raise DataError(str(error)) from error
    found.notes = (*found.notes, *plan.lines)
    return space_for(found.data.x_train, target, plan)


def _target_arguments(given: dict[str, Any], found: JobData, premade: bool) -> dict[str, Any]:
    """The argument of the space that says what is predicted; an own function takes numbers, a premade one a target."""
    said = {"classes", "outputs", "labels"} & given.keys()
    y = all_targets(found.data)
    if not premade:
        labels = np.asarray(found.data.y_train), np.asarray(found.data.y_validation)
        return {} if said else Target.arguments_for(*labels, given.get("task"))
    if found.y_test is not None:
        y = np.concatenate([y, plain_array(found.y_test)])
    if said and plain_array(y).dtype.kind in "iuf":
        return {}
    target, line = infer_target(y, found.name, given.get("task"))
    if said:
        # Words with their number said: their labels are kept, if the number is right.
        classes = len(target.labels or ()) if target.gives_probabilities else target.width
        name = min(said)
        if classes != given[name]:
            raise SettingsError(f"[space] {name}: {given[name]} was said, but {line}; leave {name} out")
        del given[name]
    found.notes = (line, *found.notes, *remarks(found.data, target, found.name))
    return {"task": target}


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
