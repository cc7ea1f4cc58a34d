"""Texts of any length in an HDF5 file: that each one is as long as it is said to be where it is referred to.

HDF5 keeps such texts in collections. A reference to one (16 bytes: length, address of the collection, index in it)
lies where the value is: in an array, or in an attribute of an object. HDF5 (1.14) takes as much memory as the
reference says, copies what the collection holds, and only then compares the two: 10 KB of file ask for gigabytes, or
overwrite memory. So everything that looks like a reference is compared beforehand. Where arrays of numbers lie,
chance may make numbers look like one, and only a length that would hurt counts there.

Source: HDF5 File Format Specification 3.0, sections III.E (global heap) and VIII (variable-length types).
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Sequence

import numpy as np

#: Collections begin like this.
_COLLECTION = b"GCOL\x01"
_COLLECTION_HEADER = struct.Struct("<8xQ")
_TEXT_HEADER = struct.Struct("<HH4xQ")
_REFERENCE = struct.Struct("<IQI")
#: Bytes that are looked at together.
_PART = 2**24
#: Bytes of a text that hurt nobody.
_HARMLESS = 2**20

Texts = dict[int, dict[int, int]]


class UnsafeFileError(Exception):
    """A file is no HDF5 file of arrays; says in one line why not."""


def collections_of_texts(data: bytes | mmap.mmap) -> Texts:
    """Bytes of each text by the place of its collection in the file and its index there.

    HDF5 (1.14) walks a collection whose free space has size 0 for ever. Addresses of collections cannot be asked for,
    hence everything that looks like one is looked at: no float32 of a size that weights have contains these letters.

    Raises:
        UnsafeFileError: a collection cannot be walked from its begin to its end.
    """
    texts: Texts = {}
    place = data.find(_COLLECTION)
    while place >= 0:
        (size,) = _COLLECTION_HEADER.unpack(data[place : place + 16].ljust(16, b"\0"))
        if not 16 <= size <= len(data) - place:
            raise UnsafeFileError("a collection of texts does not lie in the file")
        here = texts[place] = {}
        at, end = place + 16, place + size
        while end - at >= _TEXT_HEADER.size:
            index, _, length = _TEXT_HEADER.unpack(data[at : at + _TEXT_HEADER.size])
            step = length if index == 0 else _TEXT_HEADER.size + -(-length // 8) * 8
            if step < _TEXT_HEADER.size or step > end - at:
                raise UnsafeFileError("a collection of texts has an entry of an impossible size")
            if index:
                here[index] = length
            at += step
        place = data.find(_COLLECTION, place + 1)
    return texts


def check_references(data: bytes | mmap.mmap, texts: Texts, base: int, numbers: Sequence[tuple[int, int]]) -> None:
    """Compare everything that looks like a reference with the text that it refers to.

    Args:
        data: the file.
        texts: what :func:`collections_of_texts` gave.
        base: bytes before the place that addresses are counted from.
        numbers: where arrays of numbers lie, as (first byte, byte behind the last).

    Raises:
        UnsafeFileError: a reference says another length than the text has, or together they say more than twice what
            the file holds.
    """
    known = np.array(sorted(place - base for place in texts if place >= base), "<u8")
    if not known.size:
        return
    first = np.array([begin for begin, _ in sorted(numbers)], np.int64)
    behind = np.array([end for _, end in sorted(numbers)], np.int64)
    total = 0
    for begin in range(0, len(data), _PART):
        part = data[begin : begin + _PART + 15]
        for shift in range(8):
            values = np.frombuffer(part, "<u8", count=(len(part) - shift) // 8, offset=shift)
            candidates = np.flatnonzero((values >= known[0]) & (values <= known[-1]))
            for found in candidates[np.isin(values[candidates], known)]:
                place = begin + shift + 8 * int(found) - 4
                if place < 0 or place + _REFERENCE.size > len(data):
                    continue
                length, address, index = _REFERENCE.unpack(data[place : place + _REFERENCE.size])
                size = texts[address + base].get(index)
                # Nothing is read for a text of length 0.
                if length == 0 or size is None or length == size:
                    total += min(length, size or 0)
                    continue
                within = int(np.searchsorted(first, place, "right")) - 1
                among_numbers = within >= 0 and place < behind[within]
                if not among_numbers or length > max(size, _HARMLESS):
                    raise UnsafeFileError("a text is said to have another length than it has")
    if total > 2 * len(data):
        raise UnsafeFileError("it refers to the same texts again and again")
