"""Paths of pictures among the inputs, as lists and as columns of tables: the pictures in their place."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from evo.fitting.pictures import alike, pictures_in, read_pictures
from genomes.spaces.base import Space
from genomes.spaces.columns import named_columns
from genomes.spaces.image import ImageSpace
from genomes.spaces.joint import JointSpace


def with_pictures(x: Any, place: Path | None = None) -> tuple[Any, list[str]]:
    """Inputs with pictures in place of their paths, and a line for each column of such.

    Args:
        x: inputs as a user gave them: a list or a column of paths becomes an array of pictures; of a table with columns
            of paths, a mapping.
        place: the folder of the file in which they stand, from which paths may be told, too.

    Raises:
        DataError: some files are not there, or no pictures.
    """
    named = named_columns(x) if isinstance(x, Mapping) or hasattr(x, "columns") else None
    if named is None:
        files = pictures_in(x, place, "data")
        if files is None:
            return x, []
        pictures, line = alike(files)
        return pictures, [line]
    found, lines = {}, []
    for name, values in named.items():
        files = pictures_in(values, place, f"data[{name!r}]")
        if files is not None:
            found[name], line = alike(files)
            lines.append(f"{name}: {line}")
    return ({**named, **found}, lines) if found else (x, [])


def with_pictures_like(x: Any, others: Any, place: Path | None = None) -> Any:
    """Inputs with pictures in place of their paths, of the shapes that those of other rows have.

    Args:
        x: inputs as a user gave them.
        others: what :func:`with_pictures` made of the others.
        place: see :func:`with_pictures`.

    Raises:
        DataError: as :func:`with_pictures`.
    """
    if not isinstance(others, Mapping):
        return _of_shapes(x, others.shape[1:], place, "validation")
    shapes = {name: np.shape(values)[1:] for name, values in others.items()}
    return _of_shapes(x, {name: shape for name, shape in shapes.items() if len(shape) == 3}, place, "validation")


def with_pictures_of(x: Any, space: Space, place: Path | None = None) -> Any:
    """Inputs for a space that takes pictures, with pictures of its shapes in place of paths.

    Args:
        x: inputs as a user gave them.
        space: what they are for.
        place: see :func:`with_pictures`.

    Raises:
        DataError: as :func:`with_pictures`.
    """
    if isinstance(space, ImageSpace):
        return _of_shapes(x, space.input_shape, place, "data")
    if not isinstance(space, JointSpace):
        return x
    shapes = {part.name: part.space.input_shape for part in space.parts if isinstance(part.space, ImageSpace)}
    return _of_shapes(x, shapes, place, "data")


def _of_shapes(x: Any, shapes: Any, place: Path | None, called: str) -> Any:
    """Inputs with pictures in place of paths, of one shape, or of one for each column that has such."""
    if not isinstance(shapes, Mapping):
        files = pictures_in(x, place, called)
        return x if files is None else read_pictures(files, shapes)
    named, found = named_columns(x) or {}, {}
    for name, shape in shapes.items():
        files = pictures_in(named[name], place, f"{called}[{name!r}]") if name in named else None
        if files is not None:
            found[name] = read_pictures(files, shape)
    return {**named, **found} if found else x
