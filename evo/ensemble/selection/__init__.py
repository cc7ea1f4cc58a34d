"""Which models form an ensemble, and with which weights."""

from __future__ import annotations

from evo.ensemble.selection.frontier import FrontierPoint, frontier
from evo.ensemble.selection.parents import parents_by_ensemble, selection_by_ensemble
from evo.ensemble.selection.selection import METHODS, Selection, build

__all__ = [
    "METHODS",
    "FrontierPoint",
    "Selection",
    "build",
    "frontier",
    "parents_by_ensemble",
    "selection_by_ensemble",
]
