"""Plots in words and numbers, for readers that cannot see them: one sentence each."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from evo.core.history import History
from evo.display import formatting, summary
from evo.report import plots


def course(history: History) -> str:
    """What :func:`evo.report.plots.best_over_epochs` shows."""
    name = summary.shown_objective(history.objectives.names[0])
    steps, epochs = summary.improvements(history), summary.epochs_done(history)
    if not steps:
        return f"{name} over epochs trained: nothing measured"
    first, last = steps[0], steps[-1]
    return (
        f"Best {name} so far over {epochs} epochs trained: {formatting.short_value(first.value)} after {first.epochs}, "
        f"{formatting.short_value(last.value)} from {last.epochs} on, {len(steps) - 1} improvements"
    )


def compared(campaigns: Sequence[tuple[str, History]]) -> str:
    """What :func:`evo.report.plots.compared` shows."""
    name = summary.shown_objective(campaigns[0][1].objectives.names[0])
    told = []
    for title, history in campaigns:
        steps = summary.improvements(history)
        best = f"{formatting.short_value(steps[-1].value)} from {steps[-1].epochs} on" if steps else "nothing measured"
        told.append(f"{title}: {best}")
    return f"Best {name} so far over epochs trained; {'; '.join(told)}"


def trials(history: History) -> str:
    """What :func:`evo.report.plots.trials` shows."""
    name = history.objectives.names[0]
    found = [
        (t.outcome.parameters, summary.shown_value(history.fitness(t.number)[0], name))
        for t in history.completed()
        if t.outcome is not None and t.outcome.parameters and math.isfinite(history.fitness(t.number)[0])
    ]
    what = f"{summary.shown_objective(name)} over parameters of {len(found)} trials"
    if not found:
        return what
    sizes, values = zip(*found, strict=True)
    return (
        f"{what}: {formatting.short_number(min(sizes))} to {formatting.short_number(max(sizes))} parameters, "
        f"{formatting.short_value(min(values))} to {formatting.short_value(max(values))}"
    )


def pareto(history: History, numbers: Sequence[int]) -> str:
    """What :func:`evo.report.plots.pareto` shows."""
    first, second = (summary.shown_objective(name) for name in history.objectives.names[:2])
    told = [
        " and ".join(
            f"{summary.shown_objective(name)} {summary.short_score(value, name)}"
            for name, value in zip(history.objectives.names[:2], history.fitness(number)[:2], strict=True)
        )
        for number in (numbers[0], numbers[-1])
    ]
    return f"{first} over {second}, {len(numbers)} models that none beats in every objective: from {' to '.join(told)}"


def reliability(groups: Sequence[Mapping[str, float]]) -> str:
    """What :func:`evo.report.plots.reliability` shows."""
    rows = sum(group["rows"] for group in groups)
    apart = sum(group["rows"] * abs(group["sure"] - group["right"]) for group in groups) / rows
    least, most = groups[0], groups[-1]
    ends = ", ".join(f"{group['right']:.0%} right where {group['sure']:.0%} sure" for group in (least, most))
    return (
        f"Share that is right over how sure, of {rows:.0f} rows in {len(groups)} groups: {ends}; "
        f"{apart:.1%} apart on average"
    )


def curves(history: History, chosen: Sequence[int], most: int = 6) -> str:
    """What :func:`evo.report.plots.learning_curves` shows.

    Args:
        history: the trials.
        chosen: numbers of the trials in colour.
        most: how many are told of.
    """
    name = plots.curve_name(history)
    told = []
    for number in chosen[:most]:
        epochs, values = plots.curve(history, number, name or "")
        if values:
            ends = f"{formatting.short_value(values[0])} to {formatting.short_value(values[-1])}"
            told.append(f"trial {number} {ends} over {epochs[-1]} epochs")
    return f"Learning curves of {name}: {'; '.join(told)}"


def lineage(history: History, number: int) -> str:
    """What :func:`evo.report.plots.lineage` shows."""
    told = [
        f"{trial.number} ({trial.proposal.origin}, {summary.short_scores(history, trial.number)})"
        for trial in summary.lineage(history, number)
    ]
    left = len(told) - 12
    return f"Ancestors of trial {number}, oldest first: {f'{left} more, ' if left > 0 else ''}{', '.join(told[-12:])}"


def matrix(values: Sequence[Sequence[float | None]], labels: Sequence[str], title: str) -> str:
    """What :func:`evo.report.plots.matrix` shows."""
    pairs = [
        (value, f"{labels[row]} and {labels[column]}")
        for row, line in enumerate(values)
        for column, value in enumerate(line[:row])
        if value is not None and math.isfinite(value)
    ]
    if not pairs:
        return f"Pairs of members: {title}"
    (low, least), (high, most) = min(pairs), max(pairs)
    return f"Pairs of members: {title}, from {low:.2g} ({least}) to {high:.2g} ({most})"
