"""What happened, for people: a live display, plots, an HTML report."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from evo.display.progress import Progress
    from evo.report.html import write_report

__all__ = ["Progress", "write_report"]

_LAZY = {"Progress": "evo.display.progress", "write_report": "evo.report.html"}


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(importlib.import_module(_LAZY[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
