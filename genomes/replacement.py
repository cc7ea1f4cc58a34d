"""Attributes of a module or an object that have other values inside a ``with`` block."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any


@contextlib.contextmanager
def replaced(holder: Any, values: Mapping[str, Any]) -> Iterator[None]:
    """Inside the ``with`` block, attributes have these values; behind it those from before, whatever was set inside.

    Args:
        holder: a module, or any object whose attributes can be set.
        values: by name; names that ``holder`` does not have are left out.
    """
    before = {name: getattr(holder, name) for name in values if hasattr(holder, name)}
    for name in before:
        setattr(holder, name, values[name])
    try:
        yield
    finally:
        for name, value in before.items():
            setattr(holder, name, value)
