"""The section of the HTML report that lists every trial."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from evo.core.history import History
from evo.core.trial import Trial
from evo.display import formatting, summary
from evo.report import html_parts
from evo.report.content import ReportContent

#: Trials that are listed: a page of more takes a browser seconds.
_SHOWN = 2000


def every_trial(content: ReportContent) -> str:
    """All trials as a table that is sorted and filtered where scripts may run."""
    history = content.history
    if not len(history):
        return ""
    listed = _listed(history)
    names = history.objectives.names
    metrics = further_metrics(names)
    columns = [
        ("trial", True),
        ("outcome", False),
        *((summary.shown_objective(name), True) for name in names),
        *((name, True) for name in metrics),
        *((cost, True) for cost in further_costs(names)),
        ("epochs", True),
        ("seconds", True),
        ("origin", False),
        ("from", True),
        ("genome", False),
    ]
    pending = "under way" if content.running else "set aside"
    rows = [_row(history, trial, metrics, pending, trial.number == content.best) for trial in listed]
    left = len(history) - len(listed)
    said = f" The best {_SHOWN} of {len(history)} are listed." if left else ""
    return (
        f"<p>What was trained, and what came of it; numbers of trials are in the order of proposal.{said}</p>"
        + html_parts.sortable(columns, rows, "Every trial", filtered="epochs>=9")
    )


def further_metrics(objectives: Sequence[str]) -> list[str]:
    """Metrics that are shown beside the objectives."""
    return [name for name in ("val_accuracy", "val_loss") if name not in map(summary.shown_objective, objectives)]


def further_costs(objectives: Sequence[str]) -> list[str]:
    """What a model costs, as far as it is no objective."""
    return [name for name in ("parameters", "FLOPs") if name.lower() not in map(summary.shown_objective, objectives)]


def _listed(history: History) -> list[Trial]:
    """All trials by number; of very many those that completed best, with those that are under way."""
    if len(history) <= _SHOWN:
        return list(history)
    ranked = sorted(history.completed(), key=lambda trial: history.rank_key(trial.number), reverse=True)
    return sorted([*history.pending(), *ranked][:_SHOWN], key=lambda trial: trial.number)


def _row(history: History, trial: Trial, metrics: Sequence[str], pending: str, best: bool) -> str:
    outcome, names = trial.outcome, history.objectives.names
    ended = pending if outcome is None else "completed" if outcome.completed else summary.cause(outcome, exact=True)
    fitness = history.fitness(trial.number) if trial.completed else [math.nan] * len(names)
    cells = [html_parts.number(trial.number), f"<td>{escape(ended)}</td>"]
    cells += [
        html_parts.number(summary.shown_value(value, name), summary.short_score(value, name))
        for value, name in zip(fitness, names, strict=True)
    ]
    scores = {} if outcome is None else outcome.scores
    cells += [html_parts.number(scores.get(name), formatting.short_value(scores.get(name))) for name in metrics]
    for cost in further_costs(names):
        value = None if outcome is None else getattr(outcome, cost.lower())
        cells.append(html_parts.number(value, formatting.short_number(value)))
    proposal = trial.proposal
    seconds = None if outcome is None or not outcome.seconds else sum(outcome.seconds.values())
    sources = ", ".join(map(str, proposal.parents)) if proposal.continues is None else str(proposal.continues)
    cells.append(html_parts.number(trial.epochs))
    cells.append(html_parts.number(seconds, "–" if seconds is None else f"{seconds:.1f}"))
    cells.append(f'<td>{escape(proposal.origin)}</td><td class="number">{escape(sources or "–")}</td>')
    cells.append(f"<td>{escape(formatting.cut(trial.genome.summary(), 110))}</td>")
    return f"<tr{' class=best' if best else ''}>{''.join(cells)}</tr>"
