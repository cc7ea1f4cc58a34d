"""A check of a suite that must fail."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest


def fails(check: Callable[..., None], *args: Any, match: str) -> None:
    """Call a check and expect it to fail with such a message."""
    with pytest.raises((AssertionError, pytest.fail.Exception), match=match):
        check(*args)
