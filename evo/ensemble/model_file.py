"""Models that are no nets as files: an uncompressed ``.npz`` of plain arrays, of which one is JSON."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np

from evo.core.errors import EnsembleError
from evo.core.json_text import parsed
from evo.core.npz import read_arrays
from evo.ensemble import reproducible

#: The entry of the archive that says what its arrays are: JSON as bytes.
_ABOUT = "about"


def write_model(path: str | Path | IO[bytes], about: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
    """Write a file whose bytes depend on its content alone.

    Args:
        path: the file.
        about: a JSON object with ``format`` and ``version``.
        arrays: arrays of numbers by name.
    """
    entries = {_ABOUT: np.frombuffer(json.dumps(about).encode(), np.uint8), **arrays}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, array in entries.items():
            content = io.BytesIO()
            np.lib.format.write_array(content, np.ascontiguousarray(array), allow_pickle=False)
            reproducible.add(archive, f"{name}.npy", content.getvalue())


def read_model(
    path: str | Path | IO[bytes], format: str, version: int
) -> tuple[Mapping[str, Any], dict[str, np.ndarray]]:
    """What :func:`write_model` wrote.

    Args:
        path: the file.
        format: expected.
        version: expected.

    Raises:
        EnsembleError: another format or version.
        Exception: a damaged file, by whatever finds it.
    """
    arrays = read_arrays(path)
    about = parsed(arrays.pop(_ABOUT).tobytes())
    if about["format"] != format or about["version"] != version:
        raise EnsembleError(f"path: {path} holds a model of another format than this evo reads")
    return about, arrays


def under(arrays: Mapping[str, np.ndarray], prefix: str) -> dict[str, np.ndarray]:
    """The arrays whose names begin with a prefix, without it."""
    return {name[len(prefix) :]: array for name, array in arrays.items() if name.startswith(prefix)}
