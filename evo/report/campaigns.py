"""What reports and ``evo show`` read from a campaign's directory."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from evo.campaign.result import Result
from evo.report.content import ReportContent
from evo.storage import CampaignDirectory
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


def content_of(result: Result, directory: Path, ensemble: Any = None, remarks: tuple[str, ...] = ()) -> ReportContent:
    """What the report of a campaign shows.

    Args:
        result: of :meth:`evo.Campaign.run` or :func:`evo.load_result`.
        directory: the campaign's directory.
        ensemble: an ensemble formed from the result, or None.
        remarks: anything else to tell.

    Raises:
        StorageError: the directory cannot be read.
    """

    with CampaignDirectory.open(directory, read_only=True) as stored:
        sessions, minutes = stored.sessions, stored.minutes
        settings, versions, space = stored.settings, stored.versions, stored.space
        remarks = (*remarks, *stored.messages)
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
