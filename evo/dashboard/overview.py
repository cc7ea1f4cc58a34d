"""The dashboard's first page where there are several campaigns: side by side, and in one plot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from evo.core.history import History
from evo.core.trial import Status
from evo.dashboard.watched import Snapshot
from evo.display import formatting, summary
from evo.report import html_parts, in_words, plots

#: Bars of a campaign's course in its row.
_COURSE = 12
#: Which estimate of an ensemble is shown, the first that there is.
_EXPECTED = ("error", "rmse")
#: What a session is given that is no setting of the campaign.
_OF_SESSIONS = ("budget", "workers")
#: Columns of numbers in the table.
_NUMBERS = ("best", "ensemble", "trial", "trials", "not completed", "under way", "epochs", "minutes")


def overview(snapshots: Mapping[str, Snapshot], links: Mapping[str, str], folder: str = "") -> str:
    """Campaigns side by side, as HTML without the page around it.

    Args:
        snapshots: by the campaigns' titles.
        links: the address of each campaign's own page, by its title.
        folder: that they are in, where it is not part of the titles.
    """
    columns = [("campaign", False), ("state", False), *((name, True) for name in _NUMBERS), ("course", False)]
    table = html_parts.sortable(
        columns, [_row(title, snapshot, links[title]) for title, snapshot in snapshots.items()], "Campaigns"
    )
    running = f"{sum(snapshot.running for snapshot in snapshots.values())} running."
    told = f"In {escape(folder)}; {running}" if folder else running
    return (
        f"<header><h1>{len(snapshots)} campaigns</h1><p>{told}</p></header>"
        f'<section id="campaigns"><h2>Side by side</h2>{table}</section>'
        + "".join(_plot(group) for group in _groups(snapshots))
        + _differences(snapshots)
    )


def _row(title: str, snapshot: Snapshot, link: str) -> str:
    named = f'<td><a href="{escape(link, quote=True)}">{escape(title)}</a></td>'
    if snapshot.content is None:
        return f'<tr>{named}<td colspan="{len(_NUMBERS) + 2}">cannot be read</td></tr>'
    history, best = snapshot.content.history, snapshot.content.best
    counts = summary.statuses(history)
    first = history.objectives.names[0]
    numbers = html_parts.number(
        None if best is None else summary.shown_value(history.fitness(best)[0], first),
        None if best is None else summary.short_scores(history, best),
    )
    numbers += _ensemble(snapshot.content.ensemble)
    for count in (
        best,
        sum(counts.values()),
        sum(counts.values()) - counts[Status.COMPLETED],
        len(history.pending()),
        summary.epochs_done(history),
    ):
        numbers += html_parts.number(count)
    numbers += html_parts.number(snapshot.content.minutes, formatting.clock(snapshot.content.minutes))
    state = "running" if snapshot.running else "ended" if snapshot.content.reason else "–"
    course = formatting.sparkline(summary.best_over_epochs(history, _COURSE), _COURSE)
    return f'<tr>{named}<td>{state}</td>{numbers}<td aria-hidden="true">{course}</td></tr>'


def _ensemble(ensemble: Any) -> str:
    """A cell with what is to be expected of the ensemble, as far as its choice tells."""
    estimates = {} if ensemble is None else dict(ensemble.report.get("estimate") or {})
    name = next((name for name in _EXPECTED if name in estimates), next(iter(estimates), None))
    if name is None:
        return html_parts.number(None)
    members = formatting.counted(len(ensemble.members), "member")
    shown = f"{name} {formatting.with_error(estimates[name])}, {members}"
    return html_parts.number(estimates[name]["value"], shown)


def _differences(snapshots: Mapping[str, Snapshot]) -> str:
    """What was asked of one campaign and not of another."""
    asked: dict[str, dict[str, str]] = {}
    for title, snapshot in snapshots.items():
        if snapshot.content is not None:
            given = {**snapshot.content.settings, "space": snapshot.content.space.partition("\n")[0]}
            given |= {name: snapshot.content.environment.get(name) for name in _OF_SESSIONS}
            asked[title] = {name: formatting.plain(value) for name, value in given.items()}
    names = dict.fromkeys(name for given in asked.values() for name in given)
    differing = [name for name in names if len({given.get(name, "–") for given in asked.values()}) > 1]
    if not differing:
        return ""
    columns = [("campaign", False), *((name, False) for name in differing)]
    rows = [
        f"<tr><td>{escape(title)}</td>" + "".join(f"<td>{escape(given.get(name, '–'))}</td>" for name in differing)
        for title, given in asked.items()
    ]
    table = html_parts.sortable(columns, [f"{row}</tr>" for row in rows], "What differs")
    told = "<h2>What differs</h2><p>Settings that are not the same in all.</p>"
    return f'<section id="differences">{told}{table}</section>'


def _groups(snapshots: Mapping[str, Snapshot]) -> list[list[tuple[str, History]]]:
    """Campaigns that can be drawn into one plot: of one first objective."""
    found: dict[str, list[tuple[str, History]]] = {}
    for title, snapshot in snapshots.items():
        if snapshot.content is not None and snapshot.content.best is not None:
            history = snapshot.content.history
            found.setdefault(history.objectives.names[0], []).append((title, history))
    return list(found.values())


def _plot(campaigns: Sequence[tuple[str, History]]) -> str:
    name = summary.shown_objective(campaigns[0][1].objectives.names[0])
    drawn = html_parts.figure(plots.compared(campaigns), in_words.compared(campaigns))
    return f"<section><h2>Best {escape(name)} so far</h2>{drawn}</section>"
