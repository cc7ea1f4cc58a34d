"""Texts of any length in an HDF5 file: what a reference says is compared before memory is taken for it."""

from __future__ import annotations

import io
import resource
import struct

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evo.core.hdf5 import UnsafeFileError, open_arrays

TEXTS = ["abcdefgh" * 20, "x", "another text"]


def made(userblock: int, texts: list[str], numbers: np.ndarray | None = None) -> bytes:
    buffer = io.BytesIO()
    with h5py.File(buffer, "w", userblock_size=userblock) as file:
        file.create_dataset("texts", data=texts, dtype=h5py.string_dtype())
        table = np.array([(1, text) for text in texts], [("number", "<i8"), ("text", h5py.string_dtype())])
        file.create_dataset("table", data=table)
        file.attrs["texts"] = texts
        if numbers is not None:
            file.create_dataset("numbers", data=numbers)
            file.create_dataset("pieces", data=numbers, chunks=True)
    return buffer.getvalue()


def references(content: bytes, userblock: int) -> list[int]:
    """Places of all references to texts."""
    heap = struct.pack("<Q", content.index(b"GCOL") - userblock)
    places, at = [], content.find(heap)
    while at >= 0:
        places.append(at - 4)
        at = content.find(heap, at + 1)
    return places


@pytest.mark.parametrize("userblock", [0, 512])
@pytest.mark.parametrize("length", [2, 11, 161, 1_700_000_000])
def test_a_text_of_another_length_is_refused(userblock: int, length: int) -> None:
    content = made(userblock, TEXTS)
    places = references(content, userblock)
    assert len(places) == 9
    for place in places:
        changed = bytearray(content)
        struct.pack_into("<I", changed, place, length)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        with pytest.raises(UnsafeFileError, match="another length"), open_arrays(bytes(changed)):
            pass
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000


def test_one_long_text_a_thousand_times_is_refused() -> None:
    content = made(0, ["a" * 4000] + ["b"] * 1000)
    with open_arrays(content) as file:
        begin = file["texts"].id.get_offset()
    changed = bytearray(content)
    for index in range(1001):
        changed[begin + 16 * index : begin + 16 * index + 16] = content[begin : begin + 16]
    with pytest.raises(UnsafeFileError, match="again and again"), open_arrays(bytes(changed)):
        pass


def test_addresses_of_four_bytes_are_refused() -> None:
    create = h5py.h5p.create(h5py.h5p.FILE_CREATE)
    create.set_sizes(4, 4)
    access = h5py.h5p.create(h5py.h5p.FILE_ACCESS)
    access.set_fapl_core(backing_store=False)
    file = h5py.h5f.create(b"small.h5", h5py.h5f.ACC_TRUNC, create, access)
    h5py.h5f.flush(file)
    with pytest.raises(UnsafeFileError, match="8 bytes"), open_arrays(file.get_file_image()):
        pass


@given(
    texts=st.lists(st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=300), max_size=40),
    numbers=st.lists(st.integers(0, 5000), max_size=200),
    userblock=st.sampled_from([0, 1024]),
)
def test_files_are_read_as_they_were_written(texts: list[str], numbers: list[int], userblock: int) -> None:
    """Numbers that look like references hurt nobody."""
    probe = made(userblock, texts, np.array(numbers, "<i8"))
    heaps = [1, *numbers, max(0, probe.find(b"GCOL") - userblock), 3] if texts else [0]
    for dtype in ("<i4", "<i8"):
        content = made(userblock, texts, np.array([7, *heaps, 0, 1, *heaps, 2], dtype))
        with open_arrays(content) as file:
            assert [text.decode() for text in file["texts"][()]] == texts
            assert [text.decode() for text in file["table"]["text"]] == texts
            assert file["numbers"][()].tolist() == file["pieces"][()].tolist() == [7, *heaps, 0, 1, *heaps, 2]
