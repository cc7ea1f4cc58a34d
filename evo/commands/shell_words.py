"""Words as a shell takes them."""

from __future__ import annotations

import shlex
from typing import Any


def command_line(*words: Any) -> str:
    """A line to type: words are quoted where a shell needs it."""
    return shlex.join(str(word) for word in words)
