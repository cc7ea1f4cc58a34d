"""Labels of a user's own: a space that counts its classes learns from the data what they are called."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from evo.core.errors import DataError
from evo.data import Data
from genomes.errors import GenomeError
from genomes.spaces.base import Space
from genomes.targets import Target
from genomes.targets.labels import in_words, labels_of


def labelled(space: Space, data: Data | None) -> Space:
    """The space, with the data's labels where these are not class indices.

    A space with ``classes=3`` and targets ``"a"``, ``"b"``, ``"c"``, or 5, 7, 9, becomes one whose classes are
    called so, sorted. Nothing changes where targets are class indices, or where the space knows its labels.

    Args:
        space: the space as the user made it.
        data: what is trained and validated on.

    Raises:
        DataError: another number of different labels than the space has classes.
    """
    target = space.target
    if data is None or target is None or target.labels is not None or not target.gives_probabilities:
        return space
    parts = [data.y_train, data.y_validation]
    if any(isinstance(y, Mapping) or not hasattr(y, "__len__") or np.ndim(y) > 2 for y in parts):
        return space
    if any(np.ndim(y) == 2 and np.shape(y)[1] != 1 for y in parts):
        return space
    try:
        for y in parts:
            target.check(y)
        return space
    except GenomeError:
        pass
    try:
        labels = labels_of(np.concatenate([np.asarray(y).reshape(-1) for y in parts]))
        named: Target = dataclasses.replace(target, labels=labels)  # type: ignore[call-arg]
    except (GenomeError, TypeError):
        return _counted(space, parts)
    return space.with_target(named)


def _counted(space: Space, parts: list[Any]) -> Space:
    """The space itself; an error where its classes are fewer or more than the words in the data."""
    words = [np.asarray(y).reshape(-1) for y in parts]
    if all(y.dtype.kind in "biuf" for y in words):
        return space  # the check of the data says what is wrong with numbers
    labels = labels_of(np.concatenate(words), "y")
    raise DataError(
        f"y: holds {len(labels)} different labels ({in_words(labels)}), but the space has another number of classes; "
        "give the space classes=[...], all labels that there may be"
    )


def labelled_as_stored(space: Space, stored: Mapping[str, Any]) -> Space:
    """The space, with the labels of a stored one, and the inputs that its models are built on.

    Args:
        space: the space as the user made it again.
        stored: JSON of the campaign's space.
    """
    space = space.with_stored_inputs(stored.get("arguments", {}))
    json = stored.get("arguments", {}).get("target")
    if space.target is None or not isinstance(json, Mapping) or json.get("labels") is None:
        return space
    return space.with_target(Target.from_json(json))
