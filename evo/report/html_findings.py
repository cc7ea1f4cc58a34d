"""Sections of the HTML report that say what was found out; each is empty where there is nothing to show."""

from __future__ import annotations

from html import escape

from evo.display import formatting, summary
from evo.report import ancestry, html_parts, in_words, plots
from evo.report.content import ReportContent

#: Fields and steps that are shown, and changes in one step.
_FIELDS, _STEPS, _CHANGES = 15, 40, 8


def tested(content: ReportContent) -> str:
    """What the models scored on rows that nothing was chosen by."""
    judged = content.judged
    if not judged:
        return ""
    metric = str(judged["metric"])
    with_test = any("test" in row for row in judged["rows"])
    columns = ["validation", *(["test"] if with_test else [])]
    head = '<th scope="col">model</th>' + "".join(
        f'<th scope="col" class="number">{escape(f"{column} {metric}")}</th>' for column in columns
    )
    rows = "".join(
        f'<tr><th scope="row" class="key">{escape(str(row["name"]))}</th>'
        + "".join(f'<td class="number">{escape(formatting.short_value(row.get(column)))}</td>' for column in columns)
        + f'<td class="number">{formatting.short_number(row.get("parameters"))}</td>'
        f'<td class="number">{len(row["members"])}</td></tr>'
        for row in judged["rows"]
    )
    said = (
        "The test rows were used for this table only: nothing was trained, chosen or stopped by them. "
        "Models were chosen by the validation rows, which flatters them."
        if with_test
        else "Models were chosen by these very rows, which flatters them; no test rows were given."
    )
    last = '<th scope="col" class="number">parameters</th><th scope="col" class="number">members</th>'
    table = f'<table class="narrow"><tr>{head}{last}</tr>{rows}</table>'
    return f"<p>{said}</p>" + html_parts.scrolled(table, "What the models scored")


def front(content: ReportContent) -> str:
    """The models that no other one beats in every objective; only where there are several objectives."""
    history, numbers = content.history, content.pareto
    names = history.objectives.names
    if len(names) < 2 or not numbers:
        return ""
    shown = [summary.shown_objective(name) for name in names]
    rows = [
        "<tr>"
        + html_parts.number(number)
        + "".join(
            html_parts.number(summary.shown_value(value, name), summary.short_score(value, name))
            for value, name in zip(history.fitness(number), names, strict=True)
        )
        + f"<td>{escape(formatting.cut(history[number].genome.summary(), 110))}</td></tr>"
        for number in numbers
    ]
    columns = [("trial", True), *((name, True) for name in shown), ("genome", False)]
    return (
        f"<p>{len(numbers)} of the longest trained models are not beaten in every objective by another one.</p>"
        + html_parts.figure(plots.pareto(history, numbers), in_words.pareto(history, numbers))
        + html_parts.sortable(columns, rows, "The Pareto front")
    )


def gains(content: ReportContent) -> str:
    """What every step of the best model's family changed and gained."""
    if content.best is None:
        return ""
    name, steps = ancestry.steps(content.history, content.best)
    if len(steps) < 2:
        return ""
    rows = []
    for step in steps[-_STEPS:]:
        changed = [*step.changed[:_CHANGES], *(["…"] if len(step.changed) > _CHANGES else [])]
        said = "; ".join(changed) or ("trained further" if step.origin in ("promotion", "final") else "–")
        sign = "" if step.gained is None else "+" if step.gained >= 0 else "−"
        gained = "–" if step.gained is None else f"{sign}{formatting.short_value(abs(step.gained))}"
        source = "–" if step.source is None else str(step.source)
        rows.append(
            f'<tr><td class="number">{step.number}</td><td class="number">{source}</td>'
            f'<td>{escape(step.origin)}</td><td class="number">{step.epochs}</td>'
            f'<td class="number">{formatting.short_value(step.value)}</td><td class="number">{gained}</td>'
            f"<td>{escape(said)}</td></tr>"
        )
    names = (("trial", 1), ("of", 1), ("origin", 0), ("epochs", 1), (name, 1), ("gained", 1), ("what changed", 0))
    head = "".join(f'<th scope="col"{" class=number" if right else ""}>{escape(word)}</th>' for word, right in names)
    table = f"<table><tr>{head}</tr>{''.join(rows)}</table>"
    return (
        "<h3>What every step gained</h3><p>Each trial against the one that it came from, after as many epochs of "
        "training as both have: + is better. Scores of one training differ by chance, small gains too.</p>"
        + html_parts.scrolled(table, "Steps to the best model")
    )


def importance(content: ReportContent) -> str:
    """Which fields told how good a model would be."""
    found = content.importance
    if found is None or not found.fields:
        return ""
    rows = [(name, 100 * lost, "bar") for name, lost in found.fields[:_FIELDS]]
    return (
        f"<p>A model of the scores of {found.models} trained networks foresees {found.foreseen:.0%} of what "
        "distinguishes those that it has not seen. How many points of that are lost when one field is shuffled among "
        "them; of two fields that say the same, each looks less important than it is.</p>"
        + html_parts.bars(rows, unit=" points")
    )


def reproduction(content: ReportContent) -> str:
    """How to get the same again."""
    if not content.again:
        return ""
    parts = [
        f'<h3>{escape(title)}</h3><pre tabindex="0" aria-label="{escape(title, quote=True)}">{escape(text)}</pre>'
        for title, text in content.again
    ]
    return (
        "<p>The same seed, data and settings give the same trials in the same order, however many workers there are; "
        "to the last bit on the same versions and kind of processor.</p>" + "".join(parts)
    )
