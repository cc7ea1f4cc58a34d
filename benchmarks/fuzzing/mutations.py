"""Changed input: of JSON values and of bytes. Equal seeds, equal changes."""

from __future__ import annotations

import copy
import io
import json
import random
import zipfile
from typing import Any

import numpy as np

#: What stands in place of a value: other types, ends of ranges, long and deep things.
_VALUES: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2, 3, 7, 2**31, 2**53 + 1, 2**63, 10**40, -(10**18), 0.0, -0.0, 0.5, 1e-320, 1e308,
    float("inf"), float("-inf"), float("nan"), "", "a", "\0", "..", "../x", "\ud800", "x" * 5000, "Dense", "Conv",
    "Int", [], {}, [[]], [None], [0, 0], {"": None}, {"gene": "Dense"}, {"domain": "Int"},
    {"domain": "Float", "low": 0},
)  # fmt: skip


def _deep(rng: random.Random) -> Any:
    value: Any = []
    for _ in range(rng.choice([10, 30, 400])):
        value = [value] if rng.random() < 0.5 else {"a": value}
    return value


def _places(value: Any, found: list[tuple[Any, Any]]) -> None:
    """Every container of a JSON value, with each of its keys."""
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
        found.append((value, key))
        if isinstance(inner, (dict, list)):
            _places(inner, found)


def changed_json(value: Any, rng: random.Random) -> Any:
    """A copy with one to four changes: a value replaced, removed, repeated, moved, or a number moved."""
    value, longest = copy.deepcopy(value), 200
    for _ in range(rng.choice([1, 1, 1, 2, 4])):
        places: list[tuple[Any, Any]] = []
        _places(value, places)
        if not places:
            return value
        holder, key = rng.choice(places)
        kind = rng.randrange(10)
        if kind < 5:
            holder[key] = copy.deepcopy(rng.choice(_VALUES))
        elif kind == 5:
            del holder[key]
        elif kind == 6:
            other, name = rng.choice(places)
            holder[key] = copy.deepcopy(other.get(name) if isinstance(other, dict) else other[:2])
        elif kind == 7 and isinstance(holder, list):
            # Long ones of long ones would have no end.
            times = rng.choice([1, 3, longest])
            longest = min(longest, 200 // times)
            holder.extend(copy.deepcopy(holder[key : key + 1]) * times)
        elif kind == 8 and isinstance(holder, dict):
            holder[rng.choice(["a", "gene", "domain", "format", "innovation", "", "__class__", "\0"])] = holder[key]
        elif isinstance(holder[key], (int, float)) and not isinstance(holder[key], bool):
            factor, step = rng.choice([-1, 0, 2, 10, 1000, 10**9]), rng.choice([-1, 0, 1])
            holder[key] = holder[key] * factor + step if abs(holder[key]) < 1e300 else factor
        else:
            holder[key] = _deep(rng)
    return value


def changed_bytes(data: bytes, rng: random.Random) -> bytes:
    """A copy with one to ten changes: bits, bytes, numbers, pieces copied, inserted or cut off."""
    found = bytearray(data or b"x")
    for _ in range(rng.choice([1, 1, 2, 3, 5, 10])):
        place = rng.randrange(len(found))
        kind = rng.randrange(8)
        if kind == 0:
            found[place] = rng.randrange(256)
        elif kind == 1:
            found[place] ^= 1 << rng.randrange(8)
        elif kind == 2:
            number = rng.choice([0, 2**64 - 1, 2**63, 2**31, rng.randrange(len(found)), rng.randrange(2**16)])
            found[place : place + 8] = number.to_bytes(8, "little")
        elif kind == 3:
            found[place : place + 2] = rng.randrange(2**16).to_bytes(2, "little")
        elif kind == 4:
            start = rng.randrange(len(found))
            found[place : place + 16] = found[start : start + 16]
        elif kind == 5:
            found[place:place] = rng.choice([b"\0", b"\n", b"[", b'{"a":', b'"', b"\xff\xfe", b"9" * 400, b"1e999"])
        elif kind == 6:
            del found[place : place + rng.choice([1, 2, 8, 64])]
        elif rng.random() < 0.2:
            del found[place:]
        if not found:
            found = bytearray(b"x")
    return bytes(found)


def changed_archive(data: bytes, rng: random.Random) -> bytes:
    """Bytes of a zip archive, or of one entry, or values of an entry that is JSON."""
    if rng.random() < 0.3:
        return changed_bytes(data, rng)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    name = rng.choice(sorted(content))
    if name.endswith(".json") and rng.random() < 0.7:
        content[name] = json.dumps(changed_json(json.loads(content[name]), rng)).encode()
    else:
        content[name] = changed_bytes(content[name], rng)
    return packed(content)


def packed(content: dict[str, bytes]) -> bytes:
    """Entries by name as an uncompressed zip archive."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for key, value in content.items():
            archive.writestr(key, value)
    return buffer.getvalue()


def changed_numbers(data: bytes, rng: random.Random) -> bytes:
    """Of a model of arrays: bytes of the archive, values of its description, or numbers of an array."""
    if rng.random() < 0.2:
        return changed_archive(data, rng)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    about = np.load(io.BytesIO(content["about.npy"]))
    if rng.random() < 0.5:
        changed = json.dumps(changed_json(json.loads(about.tobytes()), rng)).encode()
        content["about.npy"] = _as_npy(np.frombuffer(changed, np.uint8))
        return packed(content)
    name = rng.choice(sorted(set(content) - {"about.npy"}))
    array = np.load(io.BytesIO(content[name])).copy()
    if array.size and array.dtype.kind in "biuf" and rng.random() < 0.7:
        place = rng.randrange(array.size)
        value = rng.choice([0, 1, -1, 2, array.size, array.size - 1, 127, -128, 2**31, float("nan"), float("inf")])
        with np.errstate(all="ignore"):
            array.reshape(-1)[place] = np.asarray(value).astype(array.dtype)
    elif rng.random() < 0.5:
        array = array.astype(rng.choice(["f8", "i8", "i1", "u1", "?", "U3", "c8", "M8[s]"]))
    else:
        array = rng.choice([array[:-1], array[None], np.concatenate([array, array]), array[:0], np.zeros(())])
    content[name] = _as_npy(array)
    return packed(content)


def _as_npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array, allow_pickle=False)
    return buffer.getvalue()
