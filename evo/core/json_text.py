"""JSON from a file that may come from somebody else: one meaning, bounded size."""

from __future__ import annotations

import json
from typing import Any

#: Most characters of a JSON text: of brackets alone they become some gigabytes of Python's lists.
_MOST = 2**26


def parsed(text: str | bytes) -> Any:
    """The value of a JSON text.

    NaN and the infinities are allowed, as ``json`` writes them: scores may be so.

    Raises:
        ValueError: no JSON, no UTF-8, nested too deep, too long, or an object that names a key twice: readers
            differ in which of the two they take.
    """
    if len(text) > _MOST:
        raise ValueError(f"it is longer than {_MOST:,} characters")
    try:
        return json.loads(text.decode() if isinstance(text, bytes) else text, object_pairs_hook=_object)
    except RecursionError:
        raise ValueError("it is nested too deep") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("an object names a key twice")
    return found
