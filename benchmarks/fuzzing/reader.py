"""A reader of things that may come from a stranger."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Reader:
    """One reader of things that may come from a stranger.

    Attributes:
        name: what it reads.
        seeds: makes good inputs: JSON values, or bytes.
        change: makes a bad one of a good one.
        read: reads, and uses what was read as evo does.
        errors: what it may raise.
    """

    name: str
    seeds: Callable[[], Sequence[Any]]
    change: Callable[[Any, random.Random], Any]
    read: Callable[[Any, Path], None]
    errors: tuple[type[Exception], ...]
