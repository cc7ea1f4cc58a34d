"""The one way in which HDF5 files are opened for reading: as arrays, and nothing else.

HDF5 can do more than hold arrays, and a file may come from somebody else: a data set may lie in another file
(external storage, virtual data sets) or behind a link, be compressed a thousandfold, declare more than the file can
hold, or have a type that is a pointer. Nothing of that is written by evo or by Keras, and none of it is read: a file
is looked through whole, by its headers alone, before a byte of its arrays is.
"""

from __future__ import annotations

import contextlib
import io
import math
import mmap
import os
from collections.abc import Iterator
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from evo.core.errors import EvoError
from evo.core.hdf5_texts import UnsafeFileError, check_references, collections_of_texts
from evo.core.regular_files import open_regular

if TYPE_CHECKING:
    import h5py

#: Most objects (groups and data sets), deepest nesting, most attributes of one object, and most bytes of one
#: attribute. Keras' largest models have some thousand arrays.
_MOST_OBJECTS = 200_000
_DEEPEST = 64
_MOST_ATTRIBUTES = 64
_ATTRIBUTE_BYTES = 2**20
_MOST_AXES = 16


#: What h5py raises where a header makes no sense.
_NONSENSE = (OSError, RuntimeError, MemoryError, LookupError, TypeError, ValueError, ArithmeticError, AttributeError)


@contextlib.contextmanager
def open_arrays(source: str | os.PathLike[str] | bytes) -> Iterator[h5py.File]:
    """An HDF5 file for reading, looked through: every object in it is a group, or an array that the file holds.

    Args:
        source: a path, or the file's bytes. A path is not followed if it is a link.

    Raises:
        UnsafeFileError: it is no such file; or what is done inside the ``with`` block fails in HDF5.
        FileNotFoundError: there is no such file.
    """
    import h5py

    with contextlib.ExitStack() as stack:
        try:
            file: IO[bytes] = (
                io.BytesIO(source) if isinstance(source, bytes) else stack.enter_context(open_regular(source))
            )
            size = file.seek(0, os.SEEK_END)
            file.seek(0)
            data = source if isinstance(source, bytes) else stack.enter_context(_mapped(file, size))
            texts = collections_of_texts(data)
            opened = stack.enter_context(h5py.File(file, "r"))
            check_references(data, texts, _base(opened, data), _look_through(opened, size))
        except FileNotFoundError:
            raise
        except _NONSENSE as error:
            raise UnsafeFileError(f"it is no HDF5 file of arrays: {_line(error)}") from None
        try:
            yield opened
        except EvoError:
            raise
        except _NONSENSE as error:
            raise UnsafeFileError(f"it cannot be read: {_line(error)}") from None


def array(group: Any, name: str, kinds: str, shape: tuple[int | None, ...] | None = None) -> np.ndarray:
    """One array of an opened file.

    Args:
        group: the file, or a group in it.
        name: the array's name.
        kinds: which kinds of dtype are expected, as letters of ``numpy.dtype.kind``; ``O`` for texts of any length,
            ``V`` for a table.
        shape: what its shape must be; None for an axis of any length, or for any shape.

    Raises:
        UnsafeFileError: there is none, or it is another one than was expected.
    """
    import h5py

    found = group.get(name)
    if not isinstance(found, h5py.Dataset):
        raise UnsafeFileError(f"it holds no array {name!r}")
    if found.dtype.kind not in kinds:
        raise UnsafeFileError(f"{name}: it holds {found.dtype}")
    if shape is not None and (
        found.shape is None
        or len(found.shape) != len(shape)
        or any(want is not None and want != have for want, have in zip(shape, found.shape, strict=True))
    ):
        raise UnsafeFileError(f"{name}: its shape is {found.shape}, expected {shape}")
    return np.asarray(found[()])


def _mapped(file: IO[bytes], size: int) -> contextlib.AbstractContextManager[bytes | mmap.mmap]:
    return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if size else contextlib.nullcontext(b"")


def _base(file: h5py.File, data: bytes | mmap.mmap) -> int:
    """Where addresses in the file are counted from; raises unless they have 8 bytes, as everywhere today."""
    begin = int(file.userblock_size)
    version = data[begin + 8]
    widths = data[begin + 13 : begin + 15] if version < 2 else data[begin + 9 : begin + 11]
    if widths != b"\x08\x08":
        raise UnsafeFileError("its addresses or lengths do not have 8 bytes")
    return begin


def _look_through(file: h5py.File, size: int) -> list[tuple[int, int]]:
    """Where the numbers of a file of ``size`` bytes lie, all of whose objects are groups and plain arrays within it.

    Raises:
        UnsafeFileError: they are not.
    """
    import h5py

    left = _MOST_OBJECTS
    declared = 0
    numbers: list[tuple[int, int]] = []
    waiting = [(file.id, 0)]
    seen = {h5py.h5o.get_info(file.id).addr}
    _check_attributes(file.id)
    while waiting:
        group, depth = waiting.pop()
        if depth > _DEEPEST:
            raise UnsafeFileError(f"its groups are nested more than {_DEEPEST} deep")
        for name in list(group):
            left -= 1
            if left < 0:
                raise UnsafeFileError(f"it holds more than {_MOST_OBJECTS} objects")
            if group.links.get_info(name).type != h5py.h5l.TYPE_HARD:
                raise UnsafeFileError(f"{_named(name)} is a link to elsewhere")
            address = h5py.h5o.get_info(group, name).addr
            if address in seen:
                raise UnsafeFileError(f"{_named(name)} is there twice")
            seen.add(address)
            found = h5py.h5o.open(group, name)
            _check_attributes(found)
            if isinstance(found, h5py.h5g.GroupID):
                waiting.append((found, depth + 1))
            elif isinstance(found, h5py.h5d.DatasetID):
                declared += _check_dataset(found, _named(name), size)
                numbers += _places_of_numbers(found)
            else:
                raise UnsafeFileError(f"{_named(name)} is neither a group nor an array")
    if declared > size:
        raise UnsafeFileError(f"its arrays are {declared:,} bytes, and the file only {size:,}")
    return numbers


def _places_of_numbers(dataset: Any) -> list[tuple[int, int]]:
    """First byte and the byte behind the last of each piece of an array that refers to no texts."""
    import h5py

    kind, layout = dataset.get_type(), dataset.get_create_plist().get_layout()
    members = [kind.get_member_type(index) for index in range(kind.get_nmembers())] if _is_table(kind) else [kind]
    if any(member.get_class() == h5py.h5t.STRING and member.is_variable_str() for member in members):
        return []
    if layout == h5py.h5d.CONTIGUOUS:
        offset = dataset.get_offset()
        return [] if offset is None else [(offset, offset + dataset.get_storage_size())]
    if layout == h5py.h5d.CHUNKED:
        pieces = (dataset.get_chunk_info(index) for index in range(dataset.get_num_chunks()))
        return [(piece.byte_offset, piece.byte_offset + piece.size) for piece in pieces]
    return []


def _is_table(kind: Any) -> bool:
    import h5py

    return bool(kind.get_class() == h5py.h5t.COMPOUND)


def _check_dataset(dataset: Any, name: str, size: int) -> int:
    """Bytes of an array's values, which must lie in the file as they are."""
    import h5py

    creation = dataset.get_create_plist()
    layout = creation.get_layout()
    if layout not in (h5py.h5d.COMPACT, h5py.h5d.CONTIGUOUS, h5py.h5d.CHUNKED):
        raise UnsafeFileError(f"{name} is a virtual data set, which reads other files")
    if creation.get_external_count():
        raise UnsafeFileError(f"{name} lies in another file")
    if creation.get_nfilters():
        raise UnsafeFileError(f"{name} is compressed or filtered, which evo does not do")
    kind = dataset.get_type()
    _check_type(kind, name)
    shape = dataset.shape
    if len(shape) > _MOST_AXES:
        raise UnsafeFileError(f"{name} has {len(shape)} axes")
    declared = math.prod(shape) * kind.get_size()
    # What was never written has no bytes in the file, and would be made up.
    if declared > size or (declared and dataset.get_storage_size() < declared):
        raise UnsafeFileError(f"{name} declares {declared:,} bytes; the file does not hold them")
    if layout == h5py.h5d.CONTIGUOUS and declared and not 0 < (dataset.get_offset() or 0) <= size - declared:
        raise UnsafeFileError(f"{name} lies outside of the file")
    return declared


def _check_attributes(item: Any) -> None:
    import h5py

    count = h5py.h5a.get_num_attrs(item)
    if count > _MOST_ATTRIBUTES:
        raise UnsafeFileError(f"an object has {count} attributes")
    for index in range(count):
        attribute = h5py.h5a.open(item, index=index)
        name = _named(attribute.name)
        kind = attribute.get_type()
        _check_type(kind, name)
        if math.prod(attribute.shape) * kind.get_size() > _ATTRIBUTE_BYTES:
            raise UnsafeFileError(f"attribute {name} is larger than {_ATTRIBUTE_BYTES:,} bytes")


def _check_type(kind: Any, name: str, depth: int = 0) -> None:
    """Numbers, texts, booleans, and tables of those."""
    import h5py

    found = kind.get_class()
    if found == h5py.h5t.COMPOUND and depth == 0:
        members = kind.get_nmembers()
        if members > 256:
            raise UnsafeFileError(f"{name} has {members} columns")
        for index in range(members):
            _check_type(kind.get_member_type(index), name, depth + 1)
        return
    # OPAQUE: bytes as they are, such as Keras writes for bfloat16.
    plain = (h5py.h5t.INTEGER, h5py.h5t.FLOAT, h5py.h5t.STRING, h5py.h5t.ENUM, h5py.h5t.OPAQUE)
    if found not in plain:
        raise UnsafeFileError(f"{name} is of a type that is neither number nor text")
    if kind.get_size() > _ATTRIBUTE_BYTES:
        raise UnsafeFileError(f"{name} has values of {kind.get_size():,} bytes")
    if found == h5py.h5t.ENUM and kind.get_nmembers() > 256:
        raise UnsafeFileError(f"{name} is of an enumeration of {kind.get_nmembers()} values")


def _named(name: bytes | str) -> str:
    text = name.decode("utf-8", "backslashreplace") if isinstance(name, bytes) else name
    return repr(text[:60])


def _line(error: BaseException) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:200]
