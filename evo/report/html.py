"""One HTML file that says what happened in a campaign: no scripts, no network, nothing beside it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from importlib import resources
from pathlib import Path
from typing import Any

from evo.core.errors import StorageError
from evo.core.history import History
from evo.core.trial import Status
from evo.report import plots, summary

#: Rows of the table of trials that did not complete.
_FAILURES_SHOWN = 12


@dataclass
class ReportContent:
    """What a report shows.

    Attributes:
        title: its headline.
        history: all trials.
        population: numbers of the surviving trials, best first.
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


def write_report(content: ReportContent, path: str | Path) -> Path:
    """Write the report, whole or not at all.

    Args:
        content: what to show.
        path: the file to write; replaced if it is there.

    Returns:
        the file's path.

    Raises:
        StorageError: it cannot be written.
    """
    path = Path(path)
    text = render(content)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, partial = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
            umask = os.umask(0)
            os.umask(umask)
            os.chmod(partial, 0o666 & ~umask)
            os.replace(partial, path)
        except BaseException:
            os.unlink(partial)
            raise
    except OSError as error:
        raise StorageError(f"output: {path} cannot be written: {error.strerror or error}") from error
    return path


def render(content: ReportContent) -> str:
    """The report as HTML; the same content gives the same characters."""
    style = resources.files("evo.report").joinpath("style.css").read_text(encoding="utf-8")
    sections = [
        ("course", "Course", _course(content)),
        ("trials", "Trials", _trials(content)),
        ("curves", "Learning curves", _curves(content)),
        ("best", "The best model", _best(content)),
        ("population", "Population", _population(content)),
        ("ensemble", "Ensemble", _ensemble(content)),
        ("outcomes", "Outcomes", _outcomes(content)),
        ("settings", "Settings", _settings(content)),
    ]
    shown = [(name, title, body) for name, title, body in sections if body]
    links = "".join(f'<a href="#{name}">{title}</a>' for name, title, _ in shown)
    bodies = "".join(f'<section id="{name}"><h2>{title}</h2>{body}</section>' for name, title, body in shown)
    remarks = "".join(f'<div class="note">{escape(remark)}</div>' for remark in content.remarks)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(content.title)} · evo</title><style>{style}</style></head><body><main>"
        f"<header><h1>{escape(content.title)}</h1><p>{escape(_headline(content))}</p></header>"
        f"{_tiles(content)}{remarks}<nav>{links}</nav>{bodies}"
        "<footer>Written by evo. Everything in it is read from the campaign's directory.</footer>"
        "</main></body></html>\n"
    )


# -- head ------------------------------------------------------------------------------
def _headline(content: ReportContent) -> str:
    objectives = ", ".join(
        f"{'lowest' if name.startswith('-') else 'highest'} {summary.shown_objective(name)}"
        for name in content.history.objectives.names
    )
    return f"Searched for the {objectives}. {content.reason}".strip()


def _tiles(content: ReportContent) -> str:
    history = content.history
    counts = summary.statuses(history)
    bad = sum(counts.values()) - counts[Status.COMPLETED]
    tiles: list[tuple[str, str]] = []
    if content.best is not None:
        for name, value in zip(history.objectives.names, history.fitness(content.best), strict=True):
            tiles.append((_score(value, name), f"{summary.shown_objective(name)}, best model"))
        outcome = history[content.best].outcome
        if outcome is not None and outcome.parameters is not None and len(tiles) == 1:
            tiles.append((summary.short_number(outcome.parameters), "parameters, best model"))
    models = len({trial.genome.key for trial in history})
    tiles.append((str(sum(counts.values())), f"trials of {models} models"))
    tiles.append((str(summary.epochs_done(history)), "epochs trained"))
    tiles.append((str(bad), "trials did not complete"))
    if content.minutes:
        tiles.append((summary.clock(content.minutes), "on the clock"))
    cells = "".join(
        f'<div class="tile{" first" if index == 0 else ""}"><b>{escape(value)}</b><span>{escape(label)}</span></div>'
        for index, (value, label) in enumerate(tiles)
    )
    return f'<div class="tiles">{cells}</div>'


# -- sections --------------------------------------------------------------------------
def _course(content: ReportContent) -> str:
    if not content.history.completed():
        return "<p>No trial has completed yet.</p>"
    return (
        "<p>Every completed trial, at the epochs that the campaign had spent when it was done, and the best so far. "
        "Colours say how a genome came about; a promotion trains a model further.</p>"
        + _figure(plots.best_over_epochs(content.history), "Best so far over epochs trained")
    )


def _trials(content: ReportContent) -> str:
    if not any(t.outcome.parameters for t in content.history.completed() if t.outcome):
        return ""
    members = [] if content.ensemble is None else [member.number for member in content.ensemble.members]
    return (
        "<p>Every completed trial: how good over how large, darker the longer it was trained.</p>"
        + _figure(plots.trials(content.history, members), "Score over parameters of every trial")
    )


def _curves(content: ReportContent) -> str:
    if plots.curve_name(content.history) is None:
        return ""
    chosen = [number for number in content.population if content.history[number].completed]
    return (
        "<p>The best models in colour, all others in grey, each over its own epochs of training.</p>"
        + _figure(plots.learning_curves(content.history, chosen), "Learning curves")
    )


def _best(content: ReportContent) -> str:
    if content.best is None:
        return ""
    trial = content.history[content.best]
    ancestors = summary.lineage(content.history, content.best)
    parts = [
        f"<p>Trial {trial.number}, {escape(trial.proposal.origin)}, {trial.epochs} epochs of training.</p>",
        f'<pre class="wrap">{escape(trial.genome.describe())}</pre>',
    ]
    if trial.outcome is not None and trial.outcome.scores:
        scores = ", ".join(f"{name} {summary.short_value(value)}" for name, value in trial.outcome.scores.items())
        parts.append(f"<p>{escape(scores)}</p>")
    if len(ancestors) > 1:
        parts.append(
            "<h3>Where it came from</h3><p>Thick arrows: the same model trained further. Thin: bred from; "
            "dotted: with inherited weights. Below each trial its number and its score.</p>"
            + _figure(plots.lineage(content.history, content.best), "Lineage of the best model")
        )
    return "".join(parts)


def _population(content: ReportContent) -> str:
    history = content.history
    if not content.population:
        return ""
    names = history.objectives.names
    scores = [name for name in ("val_accuracy", "val_loss") if name not in map(summary.shown_objective, names)]
    header = ["trial", *map(summary.shown_objective, names), *scores, "parameters", "FLOPs", "epochs", "origin",
              "parents", "genome"]  # fmt: skip
    rows = []
    for number in content.population:
        trial = history[number]
        outcome = trial.outcome
        assert outcome is not None
        values = [_score(v, n) for v, n in zip(history.fitness(number), names, strict=True)]
        values += [summary.short_value(outcome.scores.get(name)) for name in scores]
        cells = [str(number), *values, summary.short_number(outcome.parameters), summary.short_number(outcome.flops),
                 str(trial.epochs)]  # fmt: skip
        parents = ", ".join(map(str, history.beginning(trial).proposal.parents)) or "–"
        genome = (
            f"<details><summary>{escape(summary.cut(str(trial.genome), 110))}</summary>"
            f"<pre>{escape(trial.genome.describe())}</pre></details>"
        )
        row = "".join(f'<td class="number">{escape(cell)}</td>' for cell in cells)
        row += f"<td>{escape(trial.proposal.origin)}</td><td>{escape(parents)}</td><td>{genome}</td>"
        rows.append(f'<tr{" class=best" if number == content.best else ""}>{row}</tr>')
    numbers = len(header) - 3
    head = "".join(
        f'<th{" class=number" if index < numbers else ""}>{escape(name)}</th>' for index, name in enumerate(header)
    )
    return (
        "<p>The survivors, best first. A click on a genome shows all of it.</p>"
        f'<div class="scroll"><table><tr>{head}</tr>{"".join(rows)}</table></div>'
    )


def _ensemble(content: ReportContent) -> str:
    ensemble = content.ensemble
    if ensemble is None:
        return ""
    report = getattr(ensemble, "report", {}) or {}
    count = len(ensemble.members)
    parts = [
        f"<p>{count} member{'s' if count != 1 else ''}, pooled by {escape(str(ensemble.pooling))} mean, chosen by "
        f"{escape(str(report.get('method', '–')))} selection for the lowest {escape(str(report.get('loss', 'loss')))} "
        "on the validation data.</p>"
    ]
    heaviest = max(member.weight for member in ensemble.members)
    rows = []
    for member in ensemble.members:
        score = ", ".join(f"{n} {summary.short_value(v)}" for n, v in member.scores.items() if n.startswith("val_"))
        rows.append(
            f'<tr><td class="number">{member.number}</td><td class="number">{member.weight:.3f}</td>'
            f'<td class="wide"><span class="bar" style="width:{100 * member.weight / heaviest:.1f}%"></span></td>'
            f'<td class="number">{summary.short_number(member.parameters)}</td><td>{escape(score)}</td></tr>'
        )
    parts.append(
        '<div class="scroll"><table><tr><th class="number">trial</th><th class="number">weight</th><th></th>'
        f'<th class="number">parameters</th><th>alone</th></tr>{"".join(rows)}</table></div>'
    )
    parts.append(_estimates(report))
    parts += [f'<div class="note">{escape(str(note))}</div>' for note in report.get("notes", ())]
    measured = _diversity(ensemble)
    if measured is not None:
        mean = measured.get("mean", {})
        words = {
            "disagreement": "disagreement (share of rows)", "q_statistic": "Q statistic",
            "error_correlation": "correlation of errors", "genome_distance": "genome distance",
        }  # fmt: skip
        facts = {words.get(name, name): value for name, value in mean.items() if value is not None}
        facts["ambiguity: loss that pooling saves"] = measured.get("ambiguity")
        parts.append("<h3>How its members differ</h3>" + _facts(facts))
        for name in ("disagreement", "error_correlation"):
            pairs = measured.get("pairs", {}).get(name)
            if pairs is not None and 1 < len(pairs) <= 16:
                labels = [str(number) for number in measured.get("members", range(len(pairs)))]
                parts.append(_figure(plots.matrix(pairs, labels, words[name]), f"Pairs of members: {words[name]}"))
                break
    return "".join(parts)


def _estimates(report: Mapping[str, Any]) -> str:
    estimates = report.get("estimates") or {}
    metrics = list(dict.fromkeys(metric for by_metric in estimates.values() for metric in by_metric))
    if not metrics:
        return ""
    rows = []
    for who, by_metric in estimates.items():
        cells = "".join(f'<td class="number">{escape(_estimate(by_metric.get(metric)))}</td>' for metric in metrics)
        rows.append(f"<tr><td>{escape(str(who))}</td>{cells}</tr>")
    head = "".join(f'<th class="number">{escape(metric)}</th>' for metric in metrics)
    return (
        "<h3>What to expect</h3><p>Each validation row judged by what was chosen without it, so that choosing "
        f'does not flatter the estimate.</p><table class="narrow"><tr><th></th>{head}</tr>{"".join(rows)}</table>'
    )


def _estimate(value: Any) -> str:
    if isinstance(value, Mapping):
        mean, error = value.get("mean", value.get("value")), value.get("error", value.get("standard_error"))
        shown = summary.short_value(mean)
        return shown if error is None else f"{shown} ± {summary.short_value(error)}"
    return summary.short_value(value) if isinstance(value, (int, float)) else "–"


def _diversity(ensemble: Any) -> Mapping[str, Any] | None:
    from evo.core.errors import EvoError

    if len(ensemble.members) < 2:
        return None
    try:
        return ensemble.diversity()
    except EvoError:
        return None


def _outcomes(content: ReportContent) -> str:
    counts = summary.statuses(content.history)
    if not counts:
        return ""
    kinds = {Status.COMPLETED: "bar", Status.REJECTED: "bar mild"}
    rows = [(status.value, count, kinds.get(status, "bar bad")) for status, count in counts.most_common()]
    pending = len(content.history.pending())
    if pending:
        rows.append(("pending", pending, "bar mild"))
    parts = [_bars(rows)]
    causes = summary.causes(content.history).most_common(_FAILURES_SHOWN)
    if causes:
        parts.append("<h3>Why trials did not complete</h3>")
        parts.append(_bars([(name, count, "bar bad") for name, count in causes]))
    phases = plots.seconds(content.history)
    if phases:
        parts.append("<h3>Where the workers' time went</h3>")
        parts.append(_bars([(p, s, "bar") for p, s in phases.items() if s >= 0.05], unit=" s"))
    return "".join(parts)


def _settings(content: ReportContent) -> str:
    parts = ['<div class="columns">']
    for title, facts in (("Asked for", content.settings), ("Found and chosen", content.environment)):
        if facts:
            parts.append(f"<div><h3>{title}</h3>{_facts(facts)}</div>")
    parts.append("</div>")
    if content.space:
        first = content.space.splitlines()[0]
        parts.append(
            f"<h3>Space</h3><details><summary>{escape(first)}</summary><pre>{escape(content.space)}</pre></details>"
        )
    return "".join(parts)


# -- parts -----------------------------------------------------------------------------
def _figure(figure: Any, label: str) -> str:
    return f"<figure>{plots.svg(figure, label)}</figure>"


def _facts(facts: Mapping[str, Any]) -> str:
    rows = "".join(
        f'<tr><td class="key">{escape(str(name))}</td><td class="value">{escape(summary.plain(value))}</td></tr>'
        for name, value in facts.items()
    )
    return f"<table>{rows}</table>"


def _bars(rows: Iterable[tuple[str, float, str]], unit: str = "") -> str:
    rows = list(rows)
    most = max((value for _, value, _ in rows), default=1) or 1
    cells = "".join(
        f'<tr><td>{escape(name)}</td><td class="number">{value:.0f}{unit}</td>'
        f'<td class="wide"><span class="{kind}" style="width:{100 * value / most:.1f}%"></span></td></tr>'
        for name, value, kind in rows
    )
    return f"<table>{cells}</table>"


def _score(value: float, name: str) -> str:
    shown = summary.shown_value(value, name)
    return (
        summary.short_number(shown)
        if summary.shown_objective(name) in ("parameters", "flops")
        else summary.short_value(shown)
    )
