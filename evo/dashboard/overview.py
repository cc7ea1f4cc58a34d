"""The dashboard's first page where there are several campaigns: side by side, and in one plot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from evo.core.history import History
from evo.core.trial import Status
from evo.dashboard.watched import Snapshot
from evo.display import formatting, summary
from evo.report import html_parts, in_words, plots

#: Bars of a campaign's course in its row.
_COURSE = 12
#: Columns of numbers in the table.
_NUMBERS = ("best", "trial", "trials", "not completed", "under way", "epochs", "minutes")


def overview(snapshots: Mapping[str, Snapshot], links: Mapping[str, str]) -> str:
    """Campaigns side by side, as HTML without the page around it.

    Args:
        snapshots: by the campaigns' titles.
        links: the address of each campaign's own page, by its title.
    """
    head = "".join(f'<th scope="col" class="number">{name}</th>' for name in _NUMBERS)
    rows = "".join(_row(title, snapshot, links[title]) for title, snapshot in snapshots.items())
    table = (
        f'<table><tr><th scope="col">campaign</th><th scope="col">state</th>{head}<th scope="col">course</th></tr>'
        f"{rows}</table>"
    )
    running = sum(snapshot.running for snapshot in snapshots.values())
    return (
        f"<header><h1>{len(snapshots)} campaigns</h1><p>{running} running.</p></header>"
        f'<section id="campaigns"><h2>Side by side</h2>{html_parts.scrolled(table, "Campaigns")}</section>'
        + "".join(_plot(group) for group in _groups(snapshots))
    )


def _row(title: str, snapshot: Snapshot, link: str) -> str:
    named = f'<td><a href="{escape(link, quote=True)}">{escape(title)}</a></td>'
    if snapshot.content is None:
        return f'<tr>{named}<td colspan="{len(_NUMBERS) + 2}">cannot be read</td></tr>'
    history = snapshot.content.history
    counts = summary.statuses(history)
    best = snapshot.content.best
    cells = (
        "–" if best is None else summary.short_scores(history, best),
        "–" if best is None else str(best),
        str(sum(counts.values())),
        str(sum(counts.values()) - counts[Status.COMPLETED]),
        str(len(history.pending())),
        str(summary.epochs_done(history)),
        formatting.clock(snapshot.content.minutes),
    )
    numbers = "".join(f'<td class="number">{escape(cell)}</td>' for cell in cells)
    state = "running" if snapshot.running else "ended" if snapshot.content.reason else "–"
    course = formatting.sparkline(summary.best_over_epochs(history, _COURSE), _COURSE)
    return f'<tr>{named}<td>{state}</td>{numbers}<td aria-hidden="true">{course}</td></tr>'


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
