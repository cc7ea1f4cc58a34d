"""Sections of the HTML report on what is going on: trials under way, and how far trials were trained."""

from __future__ import annotations

from html import escape

from evo.display import formatting, summary
from evo.report import html_parts
from evo.report.content import ReportContent


def under_way(content: ReportContent) -> str:
    """Trials that have no outcome yet: what workers train now, and what waits for them."""
    history = content.history
    pending = history.pending()
    if not pending:
        return ""
    rows = "".join(
        f'<tr><td class="number">{trial.number}</td><td>{escape(trial.proposal.origin)}</td>'
        f'<td class="number">{trial.proposal.first_epoch} to {trial.proposal.last_epoch}</td>'
        f"<td>{escape(formatting.cut(trial.genome.summary(), 110))}</td></tr>"
        for trial in pending
    )
    head = (
        '<tr><th scope="col" class="number">trial</th><th scope="col">origin</th>'
        '<th scope="col" class="number">epochs</th><th scope="col">genome</th></tr>'
    )
    told = (
        "what the workers train, and what waits for a free one."
        if content.running
        else "nobody works on them; a resume takes them up."
    )
    table = html_parts.scrolled(f"<table>{head}{rows}</table>", "Trials without an outcome")
    return f"<p>Trials without an outcome: {told}</p>{table}"


def rungs(content: ReportContent) -> str:
    """How many trials were trained to which length, and the best of each."""
    found = summary.rungs(content.history)
    if not any(rung.completed for rung in found):
        return ""
    words = ("epochs", "completed", "under way", "not completed", "best")
    head = "".join(f'<th scope="col" class="number">{word}</th>' for word in words)
    rows = ""
    for rung in found:
        best = "–" if rung.best is None else f"{summary.short_scores(content.history, rung.best)} (trial {rung.best})"
        cells = (str(rung.epochs), str(rung.completed), str(rung.running), str(rung.bad), best)
        rows += "<tr>" + "".join(f'<td class="number">{escape(cell)}</td>' for cell in cells) + "</tr>"
    return (
        "<p>Trials by the length that they are trained to. A promoted trial goes on from its weights.</p>"
        + html_parts.scrolled(f'<table class="narrow"><tr>{head}</tr>{rows}</table>', "Lengths of training")
    )
