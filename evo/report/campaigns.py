"""What reports and ``evo show`` read from a campaign's directory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from evo.campaign.result import Result
from evo.report.content import ReportContent
from evo.report.importance import field_importance
from evo.report.reproduction import as_python, installation
from evo.storage import CampaignDirectory
from evo.storage.lock import is_held
from genomes.errors import GenomeError
from genomes.spaces.base import Space

#: Why a campaign ended, in words.
_REASONS = {
    "budget": "The budget is spent.",
    "undecided": "Workers were killed from outside; a resume takes up the trials that stayed undecided.",
    "stopped": "It was stopped, and can be resumed.",
    "exhausted": "Every model of the space was trained.",
}
#: Notes of a session that say what was found and chosen.
_CHOSEN = ("precision", "strategy", "workers", "budget", "host", "started", "ended")


def content_of(
    result: Result,
    directory: Path,
    ensemble: Any = None,
    remarks: tuple[str, ...] = (),
    judged: Mapping[str, Any] | None = None,
    again: Sequence[tuple[str, str]] = (),
) -> ReportContent:
    """What the report of a campaign shows.

    Args:
        result: of :meth:`evo.Campaign.run` or :func:`evo.load_result`.
        directory: the campaign's directory.
        ensemble: an ensemble formed from the result, or None.
        remarks: anything else to tell.
        judged: see :class:`evo.report.content.ReportContent`.
        again: likewise; by default packages to install, and Python that makes the same campaign.

    Raises:
        StorageError: the directory cannot be read.
    """

    with CampaignDirectory.open(directory, read_only=True) as stored:
        sessions, minutes = stored.sessions, stored.minutes
        settings, versions, space = stored.settings, stored.versions, stored.space
        remarks = (*remarks, *stored.messages)
    spent = next((session["budget"] for session in reversed(sessions) if session.get("budget")), None)
    install = ("The same packages", installation(versions))
    history = result.history
    best = result.best.number if history.completed() else None
    return ReportContent(
        title=str(directory),
        history=history,
        population=[individual.number for individual in result.population],
        best=best,
        reason=_REASONS.get(result.reason, ""),
        minutes=minutes,
        settings=readable(settings),
        environment=environment(sessions, versions),
        space=described(space),
        ensemble=ensemble,
        remarks=remarks,
        pareto=[individual.number for individual in result.pareto] if len(history.objectives) > 1 else (),
        judged=judged,
        importance=field_importance(history, result.space),
        running=is_held(directory),
        again=(install, *(again or [("In Python", as_python(directory, settings, spent))])),
    )


def readable(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings for people: none that is not set."""
    return {name.replace("_", " "): value for name, value in settings.items() if value is not None and value != {}}


def environment(sessions: list[dict[str, Any]], versions: Mapping[str, str]) -> dict[str, Any]:
    """What was found and chosen: of the last session, and the versions that the campaign began with."""
    last = sessions[-1] if sessions else {}
    found = {name: last[name] for name in _CHOSEN if last.get(name) is not None}
    found["sessions"] = len(sessions)
    return {**found, **versions}


def described(space: Mapping[str, Any]) -> str:
    """A stored space in words."""

    try:
        return Space.from_json(space).describe()
    except (GenomeError, KeyError, TypeError):
        return f"{space.get('space', 'unknown')}: its class is not imported"
