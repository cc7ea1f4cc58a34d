"""Sections of the HTML report; each is empty where there is nothing to show."""

from __future__ import annotations

from html import escape

from evo.core.trial import Status
from evo.display import formatting, summary
from evo.report import html_findings, html_parts, in_words, plots
from evo.report.content import ReportContent
from evo.report.html_trials import further_costs, further_metrics

#: Rows of the table of trials that did not complete.
_FAILURES_SHOWN = 12


def course(content: ReportContent) -> str:
    """Every trial and the best so far over the epochs trained."""
    if not content.history.completed():
        return "<p>No trial has completed yet.</p>"
    return (
        "<p>Every completed trial, at the epochs that the campaign had spent when it was done, and the best so far. "
        "Colours say how a genome came about; a promotion trains a model further.</p>"
        + html_parts.figure(plots.best_over_epochs(content.history), in_words.course(content.history))
        + _improvements(content)
    )


def _improvements(content: ReportContent) -> str:
    """The numbers behind the course."""
    name = summary.shown_objective(content.history.objectives.names[0])
    rows = "".join(
        f'<tr><td class="number">{step.epochs}</td><td class="number">{step.number}</td>'
        f'<td class="number">{formatting.short_value(step.value)}</td></tr>'
        for step in summary.improvements(content.history)
    )
    head = "".join(f'<th scope="col" class="number">{escape(word)}</th>' for word in ("epochs trained", "trial", name))
    return f'<details><summary>in numbers</summary><table class="narrow"><tr>{head}</tr>{rows}</table></details>'


def trials(content: ReportContent) -> str:
    """Score over parameters."""
    if not any(t.outcome.parameters for t in content.history.completed() if t.outcome):
        return ""
    members = [] if content.ensemble is None else [m.number for m in content.ensemble.members if m.kind == "net"]
    return (
        "<p>Every completed trial: how good over how large; from green to violet the longer it was trained.</p>"
        + html_parts.figure(plots.trials(content.history, members), in_words.trials(content.history))
    )


def curves(content: ReportContent) -> str:
    """Learning curves of the best."""
    if plots.curve_name(content.history) is None:
        return ""
    chosen = [number for number in content.population if content.history[number].completed]
    return (
        "<p>The best models in colour, all others in grey, each over its own epochs of training.</p>"
        + html_parts.figure(plots.learning_curves(content.history, chosen), in_words.curves(content.history, chosen))
    )


def best(content: ReportContent) -> str:
    """The best model: its genome, its scores, where it came from."""
    if content.best is None:
        return ""
    trial = content.history[content.best]
    ancestors = summary.lineage(content.history, content.best)
    parts = [
        f"<p>Trial {trial.number}, {escape(trial.proposal.origin)}, "
        f"{formatting.counted(trial.epochs, 'epoch')} of training.</p>",
        trial.genome._repr_html_(),
        f"<details><summary>in words</summary><pre>{escape(trial.genome.describe())}</pre></details>",
    ]
    if trial.outcome is not None and trial.outcome.scores:
        scores = ", ".join(f"{name} {formatting.short_value(value)}" for name, value in trial.outcome.scores.items())
        parts.append(f"<p>{escape(scores)}</p>")
    if len(ancestors) > 1:
        parts.append(
            "<h3>Where it came from</h3><p>Thick arrows: the same model trained further. Thin: bred from; "
            "dotted: with inherited weights. Below each trial its number and its score.</p>"
            + html_parts.figure(
                plots.lineage(content.history, content.best), in_words.lineage(content.history, content.best)
            )
        )
        parts.append(html_findings.gains(content))
    return "".join(parts)


def population(content: ReportContent) -> str:
    """The survivors as a table."""
    history = content.history
    if not content.population:
        return ""
    names = history.objectives.names
    scores, costs = further_metrics(names), further_costs(names)
    header = [
        "trial",
        *map(summary.shown_objective, names),
        *scores,
        *costs,
        "epochs",
        "origin",
        "parents",
        "genome",
    ]
    rows = []
    for number in content.population:
        trial = history[number]
        outcome = trial.outcome
        assert outcome is not None
        cells = [html_parts.number(number)]
        cells += [
            html_parts.number(summary.shown_value(value, name), summary.short_score(value, name))
            for value, name in zip(history.fitness(number), names, strict=True)
        ]
        for name in scores:
            score = outcome.scores.get(name)
            cells.append(html_parts.number(score, formatting.short_value(score)))
        for name in costs:
            cost = getattr(outcome, name.lower())
            cells.append(html_parts.number(cost, formatting.short_number(cost)))
        cells.append(html_parts.number(trial.epochs))
        parents = ", ".join(map(str, history.beginning(trial).proposal.parents)) or "–"
        genome = (
            f"<details><summary>{escape(formatting.cut(trial.genome.summary(), 110))}</summary>"
            f"<pre>{escape(trial.genome.describe())}</pre></details>"
        )
        cells.append(f"<td>{escape(trial.proposal.origin)}</td><td>{escape(parents)}</td><td>{genome}</td>")
        rows.append(f"<tr{' class=best' if number == content.best else ''}>{''.join(cells)}</tr>")
    columns = [(name, index < len(header) - 3) for index, name in enumerate(header)]
    return (
        "<p>The survivors: the longest trained first, then by score. A click on a genome shows all of it.</p>"
        + html_parts.sortable(columns, rows, "The survivors")
    )


def outcomes(content: ReportContent) -> str:
    """How trials ended, why they did not complete, where the time went."""
    counts = summary.statuses(content.history)
    if not counts:
        return ""
    kinds = {Status.COMPLETED: "bar", Status.REJECTED: "bar mild"}
    rows = [(status.value, count, kinds.get(status, "bar bad")) for status, count in counts.most_common()]
    pending = len(content.history.pending())
    if pending:
        rows.append(("under way" if content.running else "set aside", pending, "bar mild"))
    parts = [html_parts.bars(rows)]
    causes = summary.causes(content.history).most_common(_FAILURES_SHOWN)
    if causes:
        parts.append("<h3>Why trials did not complete</h3>")
        parts.append(html_parts.bars([(name, count, "bar bad") for name, count in causes]))
    phases = plots.seconds(content.history)
    if phases:
        parts.append("<h3>Where the workers' time went</h3>")
        parts.append(html_parts.bars([(p, s, "bar") for p, s in phases.items() if s >= 0.05], unit=" s"))
    return "".join(parts)


def settings(content: ReportContent) -> str:
    """What was asked for and what was found, and the space."""
    parts = ['<div class="columns">']
    for title, facts in (("Asked for", content.settings), ("Found and chosen", content.environment)):
        if facts:
            parts.append(f"<div><h3>{title}</h3>{html_parts.facts(facts)}</div>")
    parts.append("</div>")
    if content.space:
        first = content.space.splitlines()[0]
        parts.append(
            f"<h3>Space</h3><details><summary>{escape(first)}</summary><pre>{escape(content.space)}</pre></details>"
        )
    return "".join(parts)
