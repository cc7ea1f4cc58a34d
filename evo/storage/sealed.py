"""Checksums: every file carries one, so that truncation, zeros or a changed byte are noticed.

Three forms, each readable with ordinary tools:

- **JSON**: an object with an entry ``sha256`` over the canonical text of the others;
- **JSON Lines**: a first line ``{"evo": kind, "format": 1, "sha256": ..., "bytes": ...}``
  over all bytes after it;
- **HDF5**: the same line in the file's user block (the first 512 bytes, which
  HDF5 reserves for the application), over all bytes after the block.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evo.core.hdf5 import UnsafeFileError, open_arrays
from evo.core.json_text import parsed
from evo.storage.layout import FORMAT

if TYPE_CHECKING:
    import h5py

_USER_BLOCK = 512

#: Most bytes of a file that is read whole: some hundred times what the longest campaigns wrote.
MOST_BYTES = 2**30


#: Bytes of a file for which there is memory everywhere.
_SMALL = 2**24


class Damaged(Exception):
    """A file is missing, cut short, changed, or of a newer format; says in one line which."""


def digest(data: bytes | memoryview) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def file_digest(path: Path) -> tuple[str, int]:
    """SHA-256 and size in bytes of a file of any size."""
    with open(path, "rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
        return found, file.tell()


def read_bytes(path: Path, most: int | None = None) -> bytes:
    """A file's bytes.

    Args:
        path: the file.
        most: bytes beyond which it is not read; by default :data:`MOST_BYTES`, or an eighth of the free memory where
            that is less: what is made of it takes some times as much.

    Raises:
        Damaged: it is missing, too large, or cannot be read.
    """
    try:
        with open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            most = _most_bytes(size) if most is None else most
            if size > most:
                raise Damaged(f"it is larger than {most / 2**20:,.0f} MB")
            return file.read()
    except FileNotFoundError:
        raise Damaged("it is missing") from None
    except OSError as error:
        raise Damaged(f"it cannot be read: {error.strerror or error}") from None
    except MemoryError:
        raise Damaged("there is not enough memory to read it") from None


def _most_bytes(size: int) -> int:
    if size < _SMALL:
        return MOST_BYTES
    import psutil  # nothing else asks for it here, and most files are small

    return min(MOST_BYTES, int(psutil.virtual_memory().available) // 8)


def compact(value: Any) -> str:
    """JSON in one line; plain ASCII, so that any text survives."""
    return json.dumps(value, separators=(",", ":"))


# -- JSON ------------------------------------------------------------------------------
def seal_json(content: Mapping[str, Any]) -> bytes:
    """A readable JSON file with its checksum."""
    # Through JSON and back, so that tuples and number keys hash as they will be read.
    plain = json.loads(json.dumps(dict(content)))
    plain["sha256"] = digest(json.dumps(plain, sort_keys=True, separators=(",", ":")).encode())
    return (json.dumps(plain, indent=2) + "\n").encode()


def open_json(data: bytes) -> dict[str, Any]:
    """What :func:`seal_json` wrote.

    Raises:
        Damaged: it is not that.
    """
    try:
        content = parsed(data)
    except ValueError:
        raise Damaged("it is no complete JSON") from None
    if not isinstance(content, dict):
        raise Damaged("it holds no JSON object")
    stored = content.pop("sha256", None)
    if stored != digest(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()):
        raise Damaged("its checksum does not match its content")
    return content


# -- JSON Lines and HDF5 ---------------------------------------------------------------
def _header(kind: str, payload: bytes | memoryview) -> bytes:
    return compact({"evo": kind, "format": FORMAT, "sha256": digest(payload), "bytes": len(payload)}).encode() + b"\n"


def _check(header: bytes, payload: memoryview, kind: str) -> None:
    try:
        found = json.loads(header.decode())
        version, sha, size = found["format"], found["sha256"], found["bytes"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise Damaged("its first line, which holds the checksum, is damaged") from None
    if isinstance(version, int) and version > FORMAT:
        raise Damaged(f"it has format {version}; this version of evo reads up to {FORMAT}")
    if found.get("evo") != kind:
        raise Damaged(f"it holds {str(found.get('evo'))[:40]!r}, expected {kind!r}")
    if size != len(payload):
        raise Damaged(f"it has {len(payload)} bytes of content, expected {size}")
    if sha != digest(payload):
        raise Damaged("its checksum does not match its content")


def seal_lines(kind: str, lines: list[str]) -> bytes:
    """A JSON Lines file with its checksum in the first line."""
    payload = ("\n".join(lines) + "\n").encode() if lines else b""
    return _header(kind, payload) + payload


def open_lines(data: bytes, kind: str) -> list[str]:
    """The lines that :func:`seal_lines` was given.

    Raises:
        Damaged: it is not that.
    """
    header, newline, _ = data[:_USER_BLOCK].partition(b"\n")
    if not newline:
        raise Damaged("its first line, which holds the checksum, is damaged")
    payload = memoryview(data)[len(header) + 1 :]
    _check(header, payload, kind)
    try:
        return bytes(payload).decode().split("\n")[:-1]
    except UnicodeDecodeError:
        raise Damaged("it is no text") from None


def seal_hdf5(kind: str, fill: Callable[[h5py.File], None]) -> bytes:
    """An HDF5 file, made in memory, with its checksum in the user block.

    The bytes depend on nothing but what ``fill`` puts in: no times are stored.
    """
    import h5py

    buffer = io.BytesIO()
    # The oldest form of groups: the newer ones note the time of day in the root group.
    with h5py.File(buffer, "w", userblock_size=_USER_BLOCK, libver=("earliest", "v108")) as file:
        fill(file)
    data = bytearray(buffer.getbuffer())
    header = _header(kind, memoryview(data)[_USER_BLOCK:])
    data[: len(header)] = header
    return bytes(data)


def check_hdf5(data: bytes, kind: str) -> None:
    """Compare an HDF5 file with its checksum.

    Raises:
        Damaged: they do not match.
    """
    block = data[:_USER_BLOCK]
    header, newline, _ = block.partition(b"\n")
    if not newline or len(data) <= _USER_BLOCK:
        raise Damaged("its user block, which holds the checksum, is damaged")
    _check(header, memoryview(data)[_USER_BLOCK:], kind)


@contextlib.contextmanager
def open_hdf5(data: bytes, kind: str) -> Iterator[h5py.File]:
    """What :func:`seal_hdf5` wrote, opened for reading.

    Raises:
        Damaged: it is not that, or what is done inside the ``with`` block finds that it is not.
    """
    check_hdf5(data, kind)
    try:
        with open_arrays(data) as file:
            yield file
    except UnsafeFileError as error:
        raise Damaged(str(error)) from None
