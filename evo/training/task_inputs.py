"""What a task names and a worker opens beside the data: the space and its preprocessing."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from evo.core.errors import StorageError
from evo.core.npz import read_arrays
from genomes.spaces.base import Space


def space_of(space: Mapping[str, Any], replaced: Callable[[], object] = lambda: None) -> Any:
    """The space of a task; made once per process, and again where a definition that it names was replaced.

    Args:
        space: as JSON.
        replaced: called if so, to forget what was made of it.
    """
    text = json.dumps(space, sort_keys=True)
    found = _space(text)
    if not found.current:
        _space.cache_clear()
        replaced()
        found = _space(text)
    return found


@functools.lru_cache(maxsize=4)
def _space(text: str) -> Any:
    return Space.from_json(json.loads(text))


def load_preprocessing(path: str | None) -> dict[str, np.ndarray] | None:
    """What ``Space.adapt`` found, from its ``.npz`` file; None if there is none.

    Raises:
        StorageError: the file cannot be read.
    """
    if path is None:
        return None
    try:
        return read_arrays(path)
    except (OSError, ValueError) as error:
        raise StorageError(f"preprocessing: {path} cannot be read: {error}") from error
