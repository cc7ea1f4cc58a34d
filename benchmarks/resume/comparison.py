"""What must be the same, whatever happened on the way."""

from __future__ import annotations

import hashlib
from pathlib import Path

#: Parts of a campaign's directory that depend on the clock, the machine, or damage.
CLOCK = ("sessions", "work", "damaged", "lock.json")


def snapshot(directory: Path) -> dict[str, str]:
    """SHA-256 of every file that may depend on nothing but the history, by its relative name."""
    found = {}
    for path in sorted(directory.rglob("*")):
        name = path.relative_to(directory)
        if path.is_file() and name.parts[0] not in CLOCK:
            found[name.as_posix()] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def differing(left: dict[str, str], right: dict[str, str]) -> list[str]:
    """Names of files that differ or are only on one side."""
    return sorted(name for name in {*left, *right} if left.get(name) != right.get(name))
