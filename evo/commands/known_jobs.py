"""Which ``job.json`` this user has written: only those may name modules to import.

A campaign's directory may come from somebody else, and its ``job.json`` says what to import: a user's own genes. That
is code, so it is run only where this user has begun or resumed that very job before, which is noted, by checksum,
outside of the directory: in ``$XDG_STATE_HOME/evo/jobs``, by default ``~/.local/state/evo/jobs``.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from pathlib import Path


def remember(content: bytes) -> None:
    """Note that this user has written this job; where that is impossible, it is not known later."""
    with contextlib.suppress(OSError, RuntimeError):
        _folder().mkdir(parents=True, exist_ok=True, mode=0o700)
        _note(content).touch()


def is_known(content: bytes) -> bool:
    """Whether this user has written this job."""
    try:
        return _note(content).is_file()
    except (OSError, RuntimeError):
        return False


def _note(content: bytes) -> Path:
    return _folder() / hashlib.sha256(content).hexdigest()


def _folder() -> Path:
    """Raises RuntimeError where there is no home."""
    state = os.environ.get("XDG_STATE_HOME") or (os.environ.get("LOCALAPPDATA") if os.name == "nt" else None)
    return (Path(state) if state else Path.home() / ".local" / "state") / "evo" / "jobs"
