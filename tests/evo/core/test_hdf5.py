"""HDF5 from a stranger: arrays that the file holds, or UnsafeFileError; quickly, and without another file."""

from __future__ import annotations

import io
import os
import struct
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from evo.core.hdf5 import UnsafeFileError, array, open_arrays
from evo.errors import StorageError
from evo.training.state import TrainingState, read_state, read_weights, write_state


def made(fill: Callable[[h5py.File], Any]) -> bytes:
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        fill(file)
    return buffer.getvalue()


def virtual(file: h5py.File) -> None:
    layout = h5py.VirtualLayout(shape=(4,), dtype="f4")
    layout[:] = h5py.VirtualSource("/etc/passwd", "x", shape=(4,))
    file.create_virtual_dataset("x", layout)


def external(file: h5py.File) -> None:
    file.create_dataset("x", (100,), "u1", external=[("/etc/passwd", 0, 100)])


def soft_loop(file: h5py.File) -> None:
    file["x"] = h5py.SoftLink("/y")
    file["y"] = h5py.SoftLink("/x")


def hard_loop(file: h5py.File) -> None:
    file.create_group("a")["b"] = file["/"]


def named_type(file: h5py.File) -> None:
    file["x"] = np.dtype("f4")


def nested(file: h5py.File) -> None:
    group: Any = file
    for _ in range(100):
        group = group.create_group("g")


HOSTILE = [
    virtual, external, soft_loop, hard_loop, named_type, nested,
    lambda f: f.update({"x": h5py.ExternalLink("/etc/passwd", "/x")}),
    lambda f: f.create_dataset("x", (100, 10**7), "f4"),
    lambda f: f.create_dataset("x", (10**7, 10**4), "f4", chunks=(1, 1)),
    lambda f: f.create_dataset("x", data=np.zeros(10**6), compression="gzip"),
    lambda f: f.create_dataset("x", data=np.zeros(10**4), shuffle=True, chunks=True),
    lambda f: f.create_dataset("x", data=np.zeros(10**4), fletcher32=True),
    lambda f: f.create_dataset("x", data=np.zeros(100), scaleoffset=3, chunks=True),
    lambda f: f.create_dataset("x", (3,), h5py.vlen_dtype(np.float32)),
    lambda f: f.create_dataset("x", (3,), h5py.ref_dtype),
    lambda f: f.create_dataset("x", (3,), h5py.regionref_dtype),
    lambda f: f.attrs.create("x", f.ref, dtype=h5py.ref_dtype),
    lambda f: f.attrs.update({f"a{n}": n for n in range(100)}),
    lambda f: f.create_dataset("x", (3,), [("a", [("b", "f4")])]),
]  # fmt: skip


@pytest.mark.parametrize("fill", HOSTILE)
def test_what_is_no_array_in_the_file_is_refused(tmp_path: Path, fill: Callable[[h5py.File], Any]) -> None:
    content = made(fill)
    began = time.monotonic()
    with pytest.raises(UnsafeFileError), open_arrays(content):
        pass
    path = tmp_path / "state.h5"
    path.write_bytes(content)
    with pytest.raises(StorageError):
        read_state(str(path))
    with pytest.raises(StorageError):
        read_weights(str(path))
    assert time.monotonic() - began < 2


def test_a_collection_of_texts_that_never_ends_is_refused() -> None:
    """HDF5 1.14 reads it for ever."""
    content = bytearray(made(lambda f: f.create_dataset("x", data=["a", "b"], dtype=h5py.string_dtype())))
    heap = content.index(b"GCOL")
    (size,) = struct.unpack_from("<Q", content, heap + 8)
    at = heap + 16
    while content[at : at + 2] != b"\0\0":
        at += 16 + -(-struct.unpack_from("<Q", content, at + 8)[0] // 8) * 8
    assert at < heap + size
    struct.pack_into("<Q", content, at + 8, 0)
    with pytest.raises(UnsafeFileError, match="impossible size"), open_arrays(bytes(content)):
        pass


@pytest.mark.parametrize("kind", ["link", "pipe", "folder"])
def test_a_path_that_is_no_file_is_refused(tmp_path: Path, kind: str) -> None:
    (tmp_path / "real.h5").write_bytes(made(lambda f: f.create_dataset("x", data=[1.0])))
    path = tmp_path / "x.h5"
    {"link": lambda: os.symlink(tmp_path / "real.h5", path), "pipe": lambda: os.mkfifo(path), "folder": path.mkdir}[
        kind
    ]()
    with pytest.raises(UnsafeFileError), open_arrays(path):
        pass


def test_shape_and_kind_are_what_is_expected() -> None:
    with open_arrays(made(lambda f: f.create_dataset("x", data=np.ones((2, 3), "f4")))) as file:
        assert array(file, "x", "f", (None, 3)).shape == (2, 3)
        for kinds, shape in (("i", None), ("f", (3,)), ("f", (2, 2)), ("f", (None,))):
            with pytest.raises(UnsafeFileError):
                array(file, "x", kinds, shape)
        with pytest.raises(UnsafeFileError):
            array(file, "y", "f")


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "i1", "u4", "i8", "?"])
@pytest.mark.parametrize("shape", [(), (0,), (3, 0, 2), (5,), (64, 65)])
def test_states_are_read_as_they_were_written(tmp_path: Path, dtype: str, shape: tuple[int, ...]) -> None:
    weights = {"1/0": np.ones(shape, dtype), "1/1": np.zeros((2,), np.float32)}
    state = TrainingState(1, 0, 2**63 + 5, "key", weights, {"0": np.arange(2, dtype=np.uint32)}, {}, {"loss": [0.5]})
    write_state(str(tmp_path / "s.h5"), state)
    again = read_state(str(tmp_path / "s.h5"))
    assert list(again.weights) == ["1/0", "1/1"] and (again.seed, again.curves) == (state.seed, state.curves)
    assert again.weights["1/0"].dtype == np.dtype(dtype) and np.array_equal(again.weights["1/0"], weights["1/0"])
