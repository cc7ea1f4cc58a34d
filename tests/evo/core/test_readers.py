"""NPZ and JSON from a stranger: what was expected, or one known error; bounded in time and memory."""

from __future__ import annotations

import io
import os
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from evo.core.json_text import parsed
from evo.core.npz import array_names, read_array, read_arrays
from evo.core.regular_files import bytes_of


def npz(content: bytes, compress: int = zipfile.ZIP_STORED) -> io.BytesIO:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compress) as archive:
        archive.writestr("x.npy", content)
    return buffer


def npy(header: str, data: bytes = b"") -> bytes:
    text = header.encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + data


@pytest.mark.parametrize(
    "content",
    [
        npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000,)}"),
        npy("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}", bytes(8)),
        npy("{'descr': '|O', 'fortran_order': False, 'shape': (1,)}", b"cos\nsystem\n(S'true'\ntR."),
        npy("{'descr': '<f4', 'fortran_order': False, 'shape': (3,)}", bytes(4)),
        npy("{'descr': [('a', '|O')], 'fortran_order': False, 'shape': (1,)}", bytes(8)),
        npy("{'descr': '<f4', 'fortran_order': False, 'shape': " + "(" * 200 + ")" * 200 + "}"),
        npy("__import__('os').system('true')"),
        b"", b"\x93NUMPY", b"\x93NUMPY\x09\x00",
    ],
)  # fmt: skip
@pytest.mark.parametrize("compress", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_what_is_no_array_is_a_value_error(content: bytes, compress: int) -> None:
    with pytest.raises(ValueError):
        read_arrays(npz(content, compress), packed=True)


@pytest.mark.parametrize(
    "damage", [lambda b: b[:-10], lambda b: b[10:], lambda b: b"", lambda b: b[:40] + b"x" + b[41:]]
)
def test_a_damaged_archive_is_a_value_error(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    (tmp_path / "a.npz").write_bytes(damage(npz(npy("x"), zipfile.ZIP_DEFLATED).getvalue()))
    with pytest.raises(ValueError):
        read_arrays(tmp_path / "a.npz")


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    np.savez_compressed(tmp_path / "a.npz", x=np.zeros(10**6))
    assert read_arrays(tmp_path / "a.npz", packed=True)["x"].shape == (10**6,)
    monkeypatch.setattr("evo.core.npz._free_memory", lambda: 10**6)
    with pytest.raises(ValueError, match="more than there is memory for"):
        read_arrays(tmp_path / "a.npz", packed=True)


@pytest.mark.parametrize("dtype", ["f4", "i8", "?", "U5", "S3", "c16"])
def test_arrays_are_read_as_they_were_written(tmp_path: Path, dtype: str) -> None:
    array = np.asfortranarray(np.arange(6).reshape(2, 3).astype(dtype))
    np.savez(tmp_path / "a.npz", **{"x/y": array, "z": np.zeros((0, 2))})
    assert array_names(tmp_path / "a.npz") == ["x/y", "z"]
    found = read_arrays(tmp_path / "a.npz", ["x/y"])
    assert list(found) == ["x/y"] and found["x/y"].dtype == array.dtype and np.array_equal(found["x/y"], array)
    with pytest.raises(KeyError, match="no array 'q'; it holds x/y, z"):
        read_arrays(tmp_path / "a.npz", ["q"])


@pytest.mark.parametrize("text", ["[" * 10**6, b"\xff", '{"a":1,"a":2}', "1" * 5000, "{", "", '{"a":{"b":1,"b":2}}'])
def test_what_has_no_one_meaning_is_a_value_error(text: str | bytes) -> None:
    with pytest.raises(ValueError):
        parsed(text)


def test_scores_may_be_no_numbers() -> None:
    assert str(parsed(b'{"a": [NaN, Infinity]}')) == "{'a': [nan, inf]}"


@pytest.mark.parametrize("compress", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_compression_that_numpy_does_not_write_is_refused(compress: int) -> None:
    with pytest.raises(ValueError, match="does not write"):
        read_arrays(npz(npy("x"), compress))


def test_what_no_system_call_said_is_no_archive(monkeypatch: pytest.MonkeyPatch) -> None:
    """bz2 says "Invalid data stream" as an OSError without a number."""

    def fail(*_: object) -> None:
        raise OSError("Invalid data stream")

    monkeypatch.setattr("zipfile.ZipFile", fail)
    for read in (read_arrays, array_names):
        with pytest.raises(ValueError, match="no archive"):
            read("x.npz")


@pytest.mark.parametrize("read", [read_arrays, array_names])
def test_a_file_that_the_system_cannot_read_is_its_error(tmp_path: Path, read: Callable[[Path], object]) -> None:
    with pytest.raises(IsADirectoryError):
        read(tmp_path)


def test_what_evo_writes_is_not_packed_so_that_nothing_packed_is_read(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "bomb.npz", x=np.zeros(10**6))
    with pytest.raises(ValueError, match="compressed in a way that evo does not write"):
        read_arrays(tmp_path / "bomb.npz")
    assert len(read_arrays(tmp_path / "bomb.npz", packed=True)["x"]) == 10**6


def test_an_array_file_that_declares_more_than_it_has_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.npy").write_bytes(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000,)}"))
    with pytest.raises(ValueError, match="is more than its"):
        read_array(tmp_path / "a.npy")
    np.save(tmp_path / "a.npy", np.arange(5))
    assert read_array(tmp_path / "a.npy").tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("kind", ["pipe", "link", "device", "folder"])
def test_only_regular_files_are_opened(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "device":
        path = Path(os.devnull)
    else:
        path.symlink_to(__file__)
    with pytest.raises(OSError):
        bytes_of(path)


def test_no_more_is_read_than_was_said(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"12345")
    assert bytes_of(tmp_path / "a", 5) == b"12345"
    with pytest.raises(OSError, match="larger"):
        bytes_of(tmp_path / "a", 4)
