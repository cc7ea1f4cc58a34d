"""What exactly differs between two JSON-like values, in terms of paths."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

#: Differences that are listed.
_SHOWN = 12


def plain(value: Any) -> Any:
    """A value as it looks after a way through JSON."""
    return json.loads(json.dumps(value))


def differences(stored: Any, given: Any, path: str) -> list[str]:
    """One line per difference: path, stored value, given value. Both must be plain JSON."""
    if isinstance(stored, Mapping) and isinstance(given, Mapping):
        lines = []
        for key in sorted({*stored, *given}):
            place = f"{path}.{key}" if path else str(key)
            if key not in given:
                lines.append(f"{place}: stored {_short(stored[key])}, given nothing")
            elif key not in stored:
                lines.append(f"{place}: stored nothing, given {_short(given[key])}")
            else:
                lines.extend(differences(stored[key], given[key], place))
        return lines
    if isinstance(stored, list) and isinstance(given, list) and len(stored) == len(given):
        return [
            line
            for index, (old, new) in enumerate(zip(stored, given, strict=True))
            for line in differences(old, new, f"{path}[{index}]")
        ]
    if type(stored) is type(given) and (stored == given or repr(stored) == repr(given)):
        return []
    if isinstance(stored, (int, float)) and isinstance(given, (int, float)) and stored == given:
        both = isinstance(stored, bool) == isinstance(given, bool)
        if both:
            return []
    return [f"{path}: stored {_short(stored)}, given {_short(given)}"]


def in_lines(differences: Sequence[str]) -> str:
    """Differences one below the other, as many as somebody reads."""
    left = len(differences) - _SHOWN
    more = [f"and {left} more"] if left > 0 else []
    return "".join(f"\n  {line}" for line in (*differences[:_SHOWN], *more))


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 120 else f"{text[:117]}..."
