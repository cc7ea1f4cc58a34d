"""The section of the HTML report that shows an ensemble."""

from __future__ import annotations

import math
from collections.abc import Mapping
from html import escape
from typing import Any

from evo.core.errors import EvoError
from evo.display import formatting
from evo.report import html_parts, in_words, plots
from evo.report.content import ReportContent


def ensemble_section(content: ReportContent) -> str:
    """Members, weights, what to expect, how its members differ; empty where there is no ensemble."""
    ensemble = content.ensemble
    if ensemble is None:
        return ""
    report = getattr(ensemble, "report", {}) or {}
    count = len(ensemble.members)
    parts = [
        f"<p>{formatting.counted(count, 'member')}, pooled by {escape(str(ensemble.pooling))} mean, chosen by "
        f"{escape(str(report.get('method', '–')))} selection for the lowest {escape(str(report.get('loss', 'loss')))} "
        "on the validation data.</p>"
    ]
    heaviest = max(member.weight for member in ensemble.members)
    measured = _diversity(ensemble) or {}
    adds = measured.get("adds") or []
    rows = []
    for position, member in enumerate(ensemble.members):
        added = f'<td class="number">{_signed(adds[position])}</td>' if adds else ""
        score = ", ".join(f"{n} {formatting.short_value(v)}" for n, v in member.scores.items() if n.startswith("val_"))
        rows.append(
            f'<tr><td class="number">{_name(member)}</td><td class="number">{member.weight:.3f}</td>'
            f'<td class="wide"><span class="bar" style="width:{100 * member.weight / heaviest:.1f}%"></span></td>'
            f'<td class="number">{formatting.short_number(member.parameters)}</td>{added}<td>{escape(score)}</td></tr>'
        )
    head = '<th scope="col" class="number">adds</th>' if adds else ""
    if adds:
        parts.append(
            f"<p>What a member adds is how much higher the {escape(str(measured.get('measured_by', 'loss')))} on the "
            "validation rows would be if the others predicted without it, their weights scaled up.</p>"
        )
    parts.append(
        html_parts.scrolled(
            '<table><tr><th scope="col" class="number">trial</th><th scope="col" class="number">weight</th>'
            '<th scope="col">as a bar</th><th scope="col" class="number">parameters</th>'
            f'{head}<th scope="col">alone</th></tr>{"".join(rows)}</table>',
            "Members of the ensemble",
        )
    )
    parts.append(_contributions(report))
    parts.append(_estimates(report))
    parts.append(_calibration(report))
    parts += [f'<div class="note">{escape(str(note))}</div>' for note in report.get("notes", ())]
    if measured:
        mean = measured.get("mean", {})
        words = {
            "disagreement": "disagreement (share of rows)",
            "q_statistic": "Q statistic",
            "error_correlation": "correlation of errors",
            "genome_distance": "genome distance",
        }
        shown = {words.get(name, name): value for name, value in mean.items() if value is not None}
        shown["ambiguity: loss that pooling saves"] = measured.get("ambiguity")
        parts.append("<h3>How its members differ</h3>" + html_parts.facts(shown))
        for name in ("disagreement", "error_correlation"):
            pairs = measured.get("pairs", {}).get(name)
            if pairs is not None and 1 < len(pairs) <= 16:
                labels = [str(number) for number in measured.get("members", range(len(pairs)))]
                drawn = plots.matrix(pairs, labels, words[name])
                parts.append(html_parts.figure(drawn, in_words.matrix(pairs, labels, words[name])))
                break
    return "".join(parts)


def _contributions(report: Mapping[str, Any]) -> str:
    """What nets, trees and linear models have in it, and are alone; and what folds there were."""
    found = [part for part in report.get("parts") or () if isinstance(part, Mapping)]
    folds = report.get("folds") or {}
    said = ""
    if folds:
        said = (
            f"<p>Every member is the mean of {folds['folds']} folds' models. The ensemble was chosen on predictions "
            f"for {folds['rows']} rows, each predicted by models that were not trained on it.</p>"
        )
    if not found:
        return said
    metrics = list(dict.fromkeys(metric for part in found for metric in part.get("estimate") or {}))
    head = "".join(f'<th scope="col" class="number">alone: {escape(metric)}</th>' for metric in metrics)
    rows = "".join(
        f"<tr><td>{escape(str(part['part']))}</td>"
        f'<td class="number">{part["candidates"]}</td><td class="number">{part["members"]}</td>'
        f'<td class="number">{part["weight"]:.3f}</td>'
        + "".join(
            f'<td class="number">{escape(formatting.with_error(part["estimate"].get(metric)))}</td>'
            for metric in metrics
        )
        + "</tr>"
        for part in found
    )
    numbers = "".join(f'<th scope="col" class="number">{word}</th>' for word in ("candidates", "members", "weight"))
    table = f'<table class="narrow"><tr><th scope="col">part</th>{numbers}{head}</tr>{rows}</table>'
    return (
        f"{said}<h3>What each part contributed</h3><p>Weight in the ensemble, and what an ensemble of that part alone "
        "would be, each row judged by what was chosen without it.</p>"
        + html_parts.scrolled(table, "What each part contributed")
    )


def _estimates(report: Mapping[str, Any]) -> str:
    estimates = report.get("estimates") or {}
    metrics = list(dict.fromkeys(metric for by_metric in estimates.values() for metric in by_metric))
    if not metrics:
        return ""
    rows = []
    for who, by_metric in estimates.items():
        cells = "".join(
            f'<td class="number">{escape(formatting.with_error(by_metric.get(metric)))}</td>' for metric in metrics
        )
        rows.append(f"<tr><td>{escape(str(who))}</td>{cells}</tr>")
    head = "".join(f'<th scope="col" class="number">{escape(metric)}</th>' for metric in metrics)
    table = f'<table class="narrow"><tr><th scope="col">model</th>{head}</tr>{"".join(rows)}</table>'
    return (
        "<h3>What to expect</h3><p>Each validation row judged by what was chosen without it, so that choosing "
        "does not flatter the estimate.</p>" + html_parts.scrolled(table, "What to expect")
    )


def _calibration(report: Mapping[str, Any]) -> str:
    """How often it is right, by how sure it is, on rows judged by what was chosen without them."""
    groups = [group for group in report.get("calibration") or () if group.get("rows")]
    if len(groups) < 2:
        return ""
    head = "".join(f'<th scope="col" class="number">{word}</th>' for word in ("rows", "how sure", "right"))
    rows = "".join(
        f'<tr><td class="number">{group["rows"]}</td><td class="number">{group["sure"]:.1%}</td>'
        f'<td class="number">{group["right"]:.1%}</td></tr>'
        for group in groups
    )
    return (
        "<h3>Calibration</h3><p>Validation rows by the probability of the class that is predicted for them, and how "
        "many of them are right. Each row is judged by what was chosen without it.</p>"
        + html_parts.figure(plots.reliability(groups), in_words.reliability(groups))
        + '<details><summary>in numbers</summary><table class="narrow">'
        f"<tr>{head}</tr>{rows}</table></details>"
    )


def _signed(value: Any) -> str:
    """A difference with its sign."""
    if not isinstance(value, (int, float)) or not math.isfinite(value):
        return "–"
    return f"{'+' if value >= 0 else '−'}{formatting.short_value(abs(value))}"


def _diversity(ensemble: Any) -> Mapping[str, Any] | None:
    if len(ensemble.members) < 2:
        return None
    try:
        return ensemble.diversity()
    except EvoError:
        return None


def _name(member: Any) -> str:
    """The number of its trial, or what it is that is no net."""
    return str(member.number) if member.kind == "net" else escape(member.title)
