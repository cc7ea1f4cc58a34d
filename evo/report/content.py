"""ReportContent: what a report shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from evo.core.history import History
from evo.report.importance import Importance


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
        pareto: numbers of the trials that no other one beats in every objective.
        judged: what models scored on rows that none was trained on: ``metric``, and ``rows`` with ``name``,
            ``members``, ``parameters``, ``validation`` and, where there were test rows, ``test``; None if not known.
        importance: how much each field mattered; None where too little is known.
        again: how to run the same campaign once more: titles and texts.
        running: whether a process works on it; trials without an outcome are set aside where none does.
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
    pareto: Sequence[int] = ()
    judged: Mapping[str, Any] | None = None
    importance: Importance | None = None
    again: Sequence[tuple[str, str]] = ()
    running: bool = False
