"""The premade space that fits a user's inputs."""

from __future__ import annotations

from typing import Any

import numpy as np

from evo.core.errors import DataError
from evo.fitting.columns import InputPlan
from genomes import spaces
from genomes.errors import GenomeError
from genomes.spaces.base import Space
from genomes.spaces.columns import named_columns
from genomes.spaces.words import number_of_words
from genomes.targets import Target

#: Words of the longest texts from which a single column of texts is text and not a category.
_TEXT_WORDS = 3
#: Fewest pixels of a side of what is a picture without channels.
_LEAST_SIDE = 8


def space_for(x: Any, target: Target, plan: InputPlan | None = None) -> Space:
    """The premade space that fits the inputs.

    Tables become :func:`genomes.spaces.tabular`; arrays of rank 4, and of rank 3 with squares or bytes,
    :func:`genomes.spaces.image`; other arrays of rank 3 :func:`genomes.spaces.timeseries`; texts
    :func:`genomes.spaces.text`. Several of these by name, and tables with free text in them, become
    :func:`genomes.spaces.joint`.

    Args:
        x: inputs of the training rows.
        target: what is predicted.
        plan: which inputs are looked at, of inputs by name; all of them for None.

    Raises:
        DataError: inputs that no premade space takes.
    """
    try:
        if plan is not None and plan.is_joint:
            return _joint(x, target, plan)
        if plan is not None and plan.columns:
            return spaces.tabular(plan.columns, task=target)  # type: ignore[arg-type]
        if named_columns(x) is not None:
            return spaces.tabular(x, task=target)  # type: ignore[arg-type]
        return _of_array(np.asarray(x), target, "data")
    except GenomeError as error:
        raise DataError(str(error)) from error


def readings(x: Any, plan: InputPlan) -> list[str]:
    """How arrays of rank 3 are read, which may be series as well as pictures without channels: a line each.

    Args:
        x: inputs of the training rows.
        plan: which inputs are looked at.
    """
    if plan.is_joint:
        named = named_columns(x) or {}
        arrays = {repr(name): np.asarray(named[name]) for name in plan.arrays}
    elif plan.columns or named_columns(x) is not None:
        return []
    else:
        arrays = {"data": np.asarray(x)}
    lines = []
    for name, array in arrays.items():
        if array.ndim == 3 and array.dtype.kind in "biuf":
            height, width = array.shape[1:]
            if _is_picture(array):
                lines.append(f"{name}: pictures of {height} x {width} pixels; should they be series, say space=")
            else:
                lines.append(
                    f"{name}: series of {height} steps with {width} values each; should they be pictures, give them "
                    f"as (rows, {height}, {width}, 1)"
                )
    return lines


def _is_picture(array: np.ndarray) -> bool:
    """Whether an array of rank 3 holds pictures without channels rather than series."""
    height, width = array.shape[1:]
    return bool(array.dtype == np.uint8 or height == width >= _LEAST_SIDE)


def _joint(x: Any, target: Target, plan: InputPlan) -> Space:
    named = named_columns(x) or {}
    found: dict[str, Any] = {}
    for name in plan.arrays:
        found[name] = _of_array(np.asarray(named[name]), target, f"data[{name!r}]")
    for name in plan.texts:
        found[name] = spaces.text(task=target)  # type: ignore[arg-type]
    if plan.columns:
        name = "table"
        while name in found:
            name += "_"
        found[name] = spaces.tabular(plan.columns, task=target)  # type: ignore[arg-type]
    return spaces.joint(found)


def _of_array(array: np.ndarray, target: Target, name: str) -> Space:
    if array.ndim == 1 and array.dtype.kind in "OUST":
        return spaces.text(task=target)  # type: ignore[arg-type]
    if array.ndim == 2:
        if array.shape[1] == 1 and array.dtype.kind in "OUST" and _are_texts(array[:, 0]):
            return spaces.text(task=target)  # type: ignore[arg-type]
        return spaces.tabular(array, task=target)  # type: ignore[arg-type]
    if array.ndim == 4 and array.dtype.kind in "biuf":
        return _pictures(array.shape[1:], target, name)
    if array.ndim == 3 and array.dtype.kind in "biuf":
        height, width = array.shape[1:]
        if _is_picture(array):
            return _pictures((height, width, 1), target, name)
        return spaces.timeseries((height, width), task=target)  # type: ignore[arg-type]
    if array.ndim == 1 and array.dtype.kind in "biuf":
        raise DataError(f"{name}: one number per row; make a column of them: x.reshape(-1, 1), of pandas x.to_frame()")
    raise DataError(
        f"{name}: expected a table (rows, columns), texts (rows,), series (rows, steps, channels) or pictures (rows, "
        f"height, width, channels), got shape {array.shape} of {array.dtype}; for other inputs give space="
    )


def _are_texts(column: np.ndarray) -> bool:
    return bool(np.median([number_of_words(str(value)) for value in column]) >= _TEXT_WORDS)


def _pictures(shape: tuple[int, ...], target: Target, name: str) -> Space:
    height, width, channels = shape
    if channels > 4 and height <= 4:
        raise DataError(
            f"{name}: pictures of shape {shape} seem to have their channels first; move them to the end: "
            "np.moveaxis(x, 1, -1)"
        )
    return spaces.image((height, width, channels), task=target, flip=False)  # type: ignore[arg-type]
