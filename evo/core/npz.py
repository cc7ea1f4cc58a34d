"""The one way in which ``.npz`` archives are read: arrays of numbers and texts that fit into memory."""

from __future__ import annotations

import errno
import math
import os
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import IO

import numpy as np

#: Most arrays of one archive.
_MOST_ARRAYS = 100_000


def read_arrays(
    source: str | os.PathLike[str] | IO[bytes], names: Iterable[str] | None = None, *, packed: bool = False
) -> dict[str, np.ndarray]:
    """The arrays of an archive by name.

    The header of each array is compared with the bytes that the archive says it has, before memory is taken for it.

    Args:
        source: the archive.
        names: which ones are wanted; None for all.
        packed: whether arrays may be compressed. Those of users may; what evo writes is not, so that no small file of
            somebody else's takes much memory.

    Raises:
        ValueError: no such archive, an array of objects, one that is cut short or declares more than it has.
        KeyError: a wanted array is not there; says which are.
        OSError: the file cannot be read.
    """
    try:
        with zipfile.ZipFile(source) as archive:
            infos = {entry.filename.removesuffix(".npy"): entry for entry in archive.infolist()}
            if len(infos) > _MOST_ARRAYS:
                raise ValueError(f"an archive of {len(infos)} arrays")
            wanted = list(infos if names is None else names)
            missing = [name for name in wanted if name not in infos]
            if missing:
                raise KeyError(f"no array {missing[0]!r}; it holds {', '.join(sorted(infos)) or 'none'}")
            declared = sum(infos[name].file_size for name in wanted)
            if declared > _free_memory():
                raise ValueError(f"its arrays are {declared / 2**20:,.0f} MB, more than there is memory for")
            return {name: _array(archive, infos[name], name, packed) for name in wanted}
    except KeyError:
        raise
    except Exception as error:
        raise _refused(error) from None


def read_array(path: str | os.PathLike[str]) -> np.ndarray:
    """The array of an ``.npy`` file.

    Raises:
        ValueError: no such file, an array of objects, or one that declares more than the file has.
        OSError: the file cannot be read.
    """
    try:
        with open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            _check_header(file, size, Path(path).name)
            file.seek(0)
            return np.asarray(np.lib.format.read_array(file, allow_pickle=False))
    except Exception as error:
        raise _refused(error) from None


def array_names(source: str | os.PathLike[str]) -> list[str]:
    """Names of an archive's arrays, unread.

    Raises:
        ValueError: no archive.
        OSError: the file cannot be read.
    """
    try:
        with zipfile.ZipFile(source) as archive:
            return [entry.filename.removesuffix(".npy") for entry in archive.infolist()]
    except Exception as error:
        raise _refused(error) from None


def _refused(error: Exception) -> Exception:
    """What is raised for an archive that cannot be read: the error itself only where the system could not read it."""
    # EINVAL is a seek to where no file goes; what no system call said has no number.
    if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
        return error
    # zlib.error, BadZipFile, EOFError, SyntaxError, tokenize's errors, ...
    return ValueError(f"it is no archive of arrays: {type(error).__name__}: {error!s:.200}")


def _free_memory() -> int:
    import psutil

    return int(psutil.virtual_memory().available)


def _array(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, name: str, packed: bool) -> np.ndarray:
    if entry.compress_type not in ((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) if packed else (zipfile.ZIP_STORED,)):
        raise ValueError(f"{name}: compressed in a way that {'NumPy' if packed else 'evo'} does not write")
    with archive.open(entry) as file:
        _check_header(file, entry.file_size, name)
    with archive.open(entry) as file:
        return np.asarray(np.lib.format.read_array(file, allow_pickle=False))


def _check_header(file: IO[bytes], size: int, name: str) -> None:
    """Raise unless an array of so many bytes has a header of such an array."""
    version = np.lib.format.read_magic(file)
    if version not in ((1, 0), (2, 0), (3, 0)):
        raise ValueError(f"{name}: version {version}")
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = read(file)
    if dtype.hasobject:
        raise ValueError(f"{name}: objects")
    if any(length < 0 for length in shape) or math.prod(shape) * max(1, dtype.itemsize) > size:
        raise ValueError(f"{name}: shape {shape} of {dtype} is more than its {size:,} bytes")
