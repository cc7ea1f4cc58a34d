"""ReportContent: what a report shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from evo.core.history import History


@dataclass
class ReportContent:
    """What a report shows.

    Attributes:
        title: its headline.
        history: all trials.
        population: numbers of the surviving trials, the longest trained first, then the best.
        best: number of the best trial; None if none completed.
        reason: why the campaign ended, in words.
        minutes: wall-clock minutes over all sessions.
        settings: what the campaign was asked to do, by name.
        environment: versions, precision, strategy: what was found and chosen, and why.
        space: the space in words and lines.
        ensemble: an :class:`evo.ensemble.Ensemble`, or None.
        remarks: anything else to tell, one line each.
    """

    title: str
    history: History
    population: Sequence[int] = ()
    best: int | None = None
    reason: str = ""
    minutes: float = 0.0
    settings: Mapping[str, Any] = field(default_factory=dict)
    environment: Mapping[str, Any] = field(default_factory=dict)
    space: str = ""
    ensemble: Any = None
    remarks: Sequence[str] = ()
