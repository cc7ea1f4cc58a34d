"""Arrays in files, of NumPy and HDF5, as inputs and targets."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from evo.core.errors import DataError
from evo.core.hdf5 import open_arrays
from evo.core.hdf5_texts import UnsafeFileError
from evo.core.npz import read_array, read_arrays
from genomes.targets.labels import in_words

#: Suffixes of such files.
ARRAYS = (".npy", ".npz", ".h5", ".hdf5")
#: What inputs and targets are called where nobody says it; rows to test by stand beside the latter.
_PAIRS = (("x", "y"), ("X", "y"), ("x_train", "y_train"), ("X_train", "y_train"))


def is_array_file(path: Path) -> bool:
    """Whether a file is one of arrays, by its name."""
    return path.suffix.lower() in ARRAYS


def read_array_file(path: Path) -> Any:
    """The array in an ``.npy`` file; all arrays of an ``.npz`` or HDF5 file by their names.

    Raises:
        DataError: no such file, or one that cannot be read.
    """
    if not path.is_file():
        raise DataError(f"data: there is no file {path}")
    kind = path.suffix.lower()
    try:
        if kind == ".npy":
            return read_array(path)
        found = read_arrays(path, packed=True) if kind == ".npz" else _of_hdf5(path)
    except (OSError, ValueError, UnsafeFileError) as error:
        raise DataError(f"data: {path} cannot be read: {error}") from None
    if not found:
        raise DataError(f"data: {path} holds no arrays")
    return found


def rows_in(found: Any, targets: Collection[str] = ()) -> Any:
    """The inputs among arrays: ``x``, the only one, or all of them by name but for the targets."""
    if not isinstance(found, Mapping):
        return found
    rest = {name: array for name, array in found.items() if name not in targets}
    known = [name for name, _ in _PAIRS[:2] if name in rest]
    return rest[known[0]] if known else next(iter(rest.values())) if len(rest) == 1 else rest


def inputs_and_target_in(path: Path, target: Any) -> tuple[Any, Any]:
    """Inputs and targets of a file of arrays.

    Args:
        path: the file.
        target: the name of the targets' array, or the path of a file that holds them; None for ``y`` beside ``x``,
            ``y_train`` beside ``x_train``.

    Raises:
        DataError: as :func:`read_array_file`, or no such array.
    """
    found = read_array_file(path)
    if isinstance(target, str) and is_array_file(Path(target)) and not (isinstance(found, Mapping) and target in found):
        return rows_in(found), rows_in(read_array_file(Path(target)))
    if not isinstance(found, Mapping):
        return found, target
    if target is None:
        pair = next((pair for pair in _PAIRS if set(pair) <= set(found)), None)
        if pair is None:
            raise DataError(f"target: name the array to predict; {path.name} has {in_words(list(found))}")
        return found[pair[0]], found[pair[1]]
    if not isinstance(target, str):
        return rows_in(found), target
    if target not in found:
        raise DataError(f"target: {path.name} holds no array {target!r}; it holds {in_words(list(found))}")
    return rows_in(found, (target,)), _called(found[target], target)


def _called(array: np.ndarray, name: str) -> Any:
    import pandas

    return pandas.Series(array, name=name) if array.ndim == 1 else array


def _of_hdf5(path: Path) -> dict[str, np.ndarray]:
    """The arrays at the root of a file; texts decoded."""
    with open_arrays(path) as file:
        found = {str(name): item[()] for name, item in file.items() if hasattr(item, "shape")}
    texts = {name: array for name, array in found.items() if np.asarray(array).dtype.kind in "OS"}
    decoded = {name: np.array([_text(value) for value in np.ravel(array)]) for name, array in texts.items()}
    return {name: decoded.get(name, np.asarray(array)) for name, array in found.items()}


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
