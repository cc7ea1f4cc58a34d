"""Plots of a campaign: each takes a history and gives a ``matplotlib.figure.Figure``; none touches pyplot's state.

Example:
    >>> from evo.report import plots
    >>> plots.best_over_epochs(result.history).savefig("best.png")  # doctest: +SKIP
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from evo.core.history import History
from evo.core.trial import Trial
from evo.display import formatting, summary
from evo.report import plot_style

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def best_over_epochs(history: History) -> Figure:
    """The best value so far over the epochs trained, and every completed trial as a point."""
    figure, axes = plot_style.new_figure(9.2, 3.6)
    name = history.objectives.names[0]
    points: dict[str, list[tuple[int, float]]] = {}
    told: dict[str, list[str]] = {}
    epochs = 0
    for trial in history:
        if trial.outcome is None:
            continue
        epochs += trial.outcome.epochs
        value = history.fitness(trial.number)[0]
        if math.isfinite(value):
            points.setdefault(trial.proposal.origin, []).append((epochs, summary.shown_value(value, name)))
            told.setdefault(trial.proposal.origin, []).append(_told(history, trial))
    every = [value for values in points.values() for _, value in values]
    for colour, (origin, values) in zip(plot_style.cycle(len(points)), points.items(), strict=True):
        plot_style.points(axes, values, told[origin], s=16, color=colour, alpha=0.75, label=origin)
    steps = summary.improvements(history)
    if steps:
        reached = [s.epochs for s in steps] + [epochs]
        best = [s.value for s in steps] + [steps[-1].value]
        axes.step(reached, best, where="post", color=plot_style.INK, linewidth=1.6, label="best so far")
    plot_style.clip(axes, every, worse_is_low=not name.startswith("-"))
    axes.set_xlabel("epochs trained by the campaign")
    axes.set_ylabel(summary.shown_objective(name))
    plot_style.legend(axes)
    return figure


def compared(campaigns: Sequence[tuple[str, History]]) -> Figure:
    """The best value so far over the epochs trained, one line per campaign.

    Args:
        campaigns: a name and a history each; all of one first objective.
    """
    figure, axes = plot_style.new_figure(9.2, 3.6)
    for colour, (title, history) in zip(plot_style.cycle(len(campaigns)), campaigns, strict=True):
        steps = summary.improvements(history)
        if steps:
            reached = [*(step.epochs for step in steps), summary.epochs_done(history)]
            best = [*(step.value for step in steps), steps[-1].value]
            axes.step(reached, best, where="post", color=colour, linewidth=1.8, label=title)
    axes.set_xlabel("epochs trained by the campaign")
    axes.set_ylabel(summary.shown_objective(campaigns[0][1].objectives.names[0]))
    plot_style.legend(axes)
    return figure


def trials(history: History, highlighted: Sequence[int] = ()) -> Figure:
    """Every completed trial: its score over its parameters, coloured by the epochs behind it.

    Args:
        history: the trials.
        highlighted: numbers of trials to ring, e.g. the members of an ensemble.
    """
    figure, axes = plot_style.new_figure(9.2, 3.9)
    name = history.objectives.names[0]
    found: dict[int, list[Trial]] = {}
    for trial in history.completed():
        assert trial.outcome is not None
        if trial.outcome.parameters and math.isfinite(history.fitness(trial.number)[0]):
            found.setdefault(trial.epochs, []).append(trial)

    def place(trial: Trial) -> tuple[int, float]:
        assert trial.outcome is not None and trial.outcome.parameters is not None
        return trial.outcome.parameters, summary.shown_value(history.fitness(trial.number)[0], name)

    lengths = sorted(found)
    colours = plot_style.shades(len(lengths))
    for colour, length in zip(colours, lengths, strict=True):
        plot_style.points(
            axes,
            [place(trial) for trial in found[length]],
            [_told(history, trial) for trial in found[length]],
            s=26,
            color=colour,
            alpha=0.85,
            label=formatting.counted(length, "epoch") if len(lengths) <= 8 else None,
        )
    everything = [place(trial) for group in found.values() for trial in group]
    front = _front(everything, maximise=not name.startswith("-"))
    if len(front) > 1:
        axes.plot(
            *zip(*front, strict=True),
            color=plot_style.INK,
            linewidth=1,
            linestyle=(0, (4, 2)),
            zorder=1,
            label="fewest parameters for the score",
        )
    ringed = [place(t) for group in found.values() for t in group if t.number in set(highlighted)]
    if ringed:
        x, y = zip(*ringed, strict=True)
        axes.scatter(
            x,
            y,
            s=90,
            facecolors="none",
            edgecolors=plot_style.COLOURS[5],
            linewidths=1.6,
            label="member of the ensemble",
        )
    if everything:
        axes.set_xscale("log")
    plot_style.clip(axes, [y for _, y in everything], worse_is_low=not name.startswith("-"))
    axes.set_xlabel("parameters")
    axes.set_ylabel(summary.shown_objective(name))
    plot_style.legend(axes)
    return figure


def pareto(history: History, front: Sequence[int]) -> Figure:
    """The first two objectives of every completed trial, and those of the front.

    Args:
        history: the trials, with two objectives at least.
        front: numbers of the trials that no other one beats in every objective.
    """
    figure, axes = plot_style.new_figure(9.2, 3.9)
    first, second = history.objectives.names[:2]

    def places(numbers: Sequence[int]) -> dict[int, tuple[float, float]]:
        known = {number: history.fitness(number)[:2] for number in numbers}
        return {
            number: (summary.shown_value(values[1], second), summary.shown_value(values[0], first))
            for number, values in known.items()
            if all(map(math.isfinite, values))
        }

    def draw(places: Mapping[int, tuple[float, float]], **style: Any) -> None:
        told = [_told(history, history[number]) for number in places]
        plot_style.points(axes, list(places.values()), told, **style)

    every = places([trial.number for trial in history.completed()])
    draw(every, s=16, color=plot_style.FAINT, alpha=0.5, label="other")
    best = places(sorted(front, key=lambda number: history.fitness(number)[1]))
    if best:
        axes.plot(*zip(*best.values(), strict=True), "--", color=plot_style.COLOURS[0], linewidth=1)
    draw(best, s=36, color=plot_style.COLOURS[0], label="not beaten", zorder=3)
    x, y = [place[0] for place in every.values()], [place[1] for place in every.values()]
    if x and min(x) > 0 and max(x) > 30 * min(x):
        axes.set_xscale("log")
    plot_style.clip(axes, y, worse_is_low=not first.startswith("-"))
    axes.set_xlabel(summary.shown_objective(second))
    axes.set_ylabel(summary.shown_objective(first))
    plot_style.legend(axes)
    return figure


def reliability(groups: Sequence[Mapping[str, float]]) -> Figure:
    """How often an ensemble is right, over how sure it is.

    Args:
        groups: of :func:`evo.ensemble.calibration.reliability`.
    """
    figure, axes = plot_style.new_figure(4.6, 3.6)
    sure, right = [group["sure"] for group in groups], [group["right"] for group in groups]
    low = min(0.5, *sure, *right)
    axes.plot([low, 1], [low, 1], color=plot_style.FAINT, linewidth=1, linestyle=(0, (4, 2)), label="as sure as right")
    most = max(group["rows"] for group in groups)
    axes.plot(sure, right, color=plot_style.COLOURS[0], linewidth=1.2)
    sizes = [20 + 120 * group["rows"] / most for group in groups]
    axes.scatter(sure, right, s=sizes, color=plot_style.COLOURS[0], label="rows, by how sure")
    axes.set_xlabel("probability of the predicted class")
    axes.set_ylabel("share that is right")
    plot_style.legend(axes)
    return figure


def curve_name(history: History) -> str | None:
    """The metric whose curves are shown: the first objective's, else ``val_loss``, else any."""
    names = {name for trial in history.completed() if trial.outcome for name in trial.outcome.curves}
    for name in (summary.shown_objective(history.objectives.names[0]), "val_loss", *sorted(names)):
        if name in names:
            return name
    return None


def learning_curves(history: History, highlighted: Sequence[int] = (), most: int = 6) -> Figure:
    """Learning curves over the epochs of each model, joined across the trials that continue one another.

    Args:
        history: the trials.
        highlighted: numbers of trials to draw in colour, best first; by default the ``most`` best.
        most: how many are drawn in colour at most.
    """
    from matplotlib.ticker import MaxNLocator

    figure, axes = plot_style.new_figure(9.2, 3.6)
    name = curve_name(history)
    if name is None:
        return figure
    order = sorted(history.completed(), key=lambda t: history.rank_key(t.number), reverse=True)
    chosen = list(highlighted)[:most] if highlighted else [t.number for t in order[:most]]
    every: list[float] = []
    continued = {t.proposal.continues for t in history.completed()}
    for trial in order:
        if trial.number in chosen or trial.number in continued:
            continue
        x, y = curve(history, trial.number, name)
        every += y
        pixels = len(order) > 600
        axes.plot(x, y, "o-", color=plot_style.FAINT, alpha=0.25, linewidth=0.8, markersize=1.5, rasterized=pixels)
    for colour, number in zip(plot_style.cycle(len(chosen)), chosen, strict=True):
        x, y = curve(history, number, name)
        every += y
        axes.plot(x, y, color=colour, linewidth=1.8, marker="o", markersize=3, label=f"trial {number}")
    low = name.split("_")[-1] in ("loss", "error", "rmse", "mae", "mse")
    plot_style.clip(axes, every, worse_is_low=not low)
    axes.set_xlabel("epochs of training")
    axes.set_ylabel(name)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    plot_style.legend(axes)
    return figure


def lineage(history: History, number: int, most: int = 40) -> Figure:
    """Where a model came from: its ancestors by number of trial, one row per line of training.

    Args:
        history: the trials.
        number: the trial at the end of the line.
        most: most trials shown, the latest ones.
    """
    ancestors = summary.lineage(history, number)
    kept = ancestors[-most:]
    rows, place = _rows(history, kept)
    figure, axes = plot_style.new_figure(9.2, max(1.7, 0.55 * rows + 0.9))
    axes.grid(False)
    name = history.objectives.names[0]
    origins = list(dict.fromkeys(t.proposal.origin for t in kept))
    colours = dict(zip(origins, plot_style.cycle(len(origins)), strict=True))
    known = {trial.number for trial in kept}
    for trial in kept:
        proposal = trial.proposal
        sources = set(proposal.parents) | {n for n in (proposal.continues, proposal.inherits) if n is not None}
        for source in sorted(sources & known):
            same = proposal.continues == source
            style = {"color": plot_style.INK if same else plot_style.FAINT, "linewidth": 2.2 if same else 1.1}
            if proposal.inherits == source and not same:
                style["linestyle"] = (0, (1.5, 1.5))
            axes.annotate(
                "",
                xy=place[trial.number],
                xytext=place[source],
                zorder=1,
                arrowprops={"arrowstyle": "-|>", "shrinkA": 8, "shrinkB": 8, **style},
            )
    for origin in origins:
        spots = [place[t.number] for t in kept if t.proposal.origin == origin]
        x, y = zip(*spots, strict=True)
        axes.scatter(x, y, s=130, color=colours[origin], zorder=2, label=origin)
    for trial in kept:
        value = history.fitness(trial.number)[0]
        shown = formatting.short_value(summary.shown_value(value, name)) if math.isfinite(value) else "–"
        left, bottom = place[trial.number]
        axes.text(left, bottom - 0.27, f"{trial.number}", ha="center", va="top", fontsize=8.5, weight="bold")
        axes.text(left, bottom - 0.5, shown, ha="center", va="top", fontsize=8, color=plot_style.FAINT)
    axes.set_ylim(-1.0, rows - 0.45)
    axes.set_xlim(-0.6, max(x for x, _ in place.values()) + 0.6)
    axes.set_yticks([])
    axes.set_xticks([])
    for side in ("left", "bottom"):
        axes.spines[side].set_visible(False)
    plot_style.legend(axes)
    return figure


def matrix(values: Sequence[Sequence[float | None]], labels: Sequence[str], title: str) -> Figure:
    """A symmetric matrix between members, e.g. how often two of them disagree."""
    count = len(labels)
    array = np.array([[math.nan if v is None else v for v in row] for row in values], dtype=float)
    off = array[~np.eye(count, dtype=bool)]
    finite = off[np.isfinite(off)]
    side = 1.2 + 0.42 * count
    figure, axes = plot_style.new_figure(side, side)
    axes.grid(False)
    shown = np.where(np.eye(count, dtype=bool), np.nan, array)
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    axes.imshow(shown, cmap="Blues", vmin=min(low, 0.0), vmax=high if high > low else low + 1)
    middle = min(low, 0.0) + 0.6 * (high - min(low, 0.0))
    for row in range(count):
        for column in range(count):
            value = shown[row, column]
            if math.isfinite(value):
                axes.text(
                    column,
                    row,
                    f"{value:.2g}",
                    ha="center",
                    va="center",
                    fontsize=8,
                    color="white" if value > middle else plot_style.INK,
                )
    axes.set_xticks(range(count), labels, rotation=45)
    axes.set_yticks(range(count), labels)
    axes.set_title(title, fontsize=10, loc="left")
    for spine in axes.spines.values():
        spine.set_visible(False)
    return figure


def seconds(history: History) -> Mapping[str, float]:
    """Wall-clock seconds of all trials, by phase, longest first."""
    total: dict[str, float] = {}
    for trial in history:
        for phase, value in (trial.outcome.seconds if trial.outcome is not None else {}).items():
            total[phase] = total.get(phase, 0.0) + value
    return dict(sorted(total.items(), key=lambda item: -item[1]))


# -- parts -----------------------------------------------------------------------------
def _told(history: History, trial: Trial) -> str:
    """A trial in one line, for who points at it."""
    size = "" if trial.outcome is None else f", {formatting.short_number(trial.outcome.parameters)} parameters"
    scores = summary.short_scores(history, trial.number)
    epochs = formatting.counted(trial.epochs, "epoch")
    return f"trial {trial.number}, {trial.proposal.origin}: {scores}{size}, {epochs}"


def _front(points: Sequence[tuple[float, float]], maximise: bool) -> list[tuple[float, float]]:
    """Points that no other one beats with as few parameters."""
    best = -math.inf
    front = []
    for x, y in sorted(points, key=lambda p: (p[0], -p[1] if maximise else p[1])):
        value = y if maximise else -y
        if value > best:
            best = value
            front.append((x, y))
    return front


def curve(history: History, number: int, name: str) -> tuple[list[int], list[float]]:
    """A metric per epoch from the first epoch of the model on, across all trials it continues."""
    pieces: list[Trial] = []
    current: int | None = number
    while current is not None:
        pieces.insert(0, history[current])
        current = history[current].proposal.continues
    x: list[int] = []
    y: list[float] = []
    for trial in pieces:
        values = trial.outcome.curves.get(name, ()) if trial.outcome is not None else ()
        # What an earlier piece trained beyond the point that this one went on from is not of this model.
        keep = [i for i, epoch in enumerate(x) if epoch <= trial.proposal.first_epoch]
        x, y = [x[i] for i in keep], [y[i] for i in keep]
        x += range(trial.proposal.first_epoch + 1, trial.proposal.first_epoch + 1 + len(values))
        y += values
    return x, y


def _rows(history: History, kept: Sequence[Trial]) -> tuple[int, dict[int, tuple[float, float]]]:
    """Places of the trials of a lineage: a trial that continues another stands in its row, to its right."""
    row: dict[int, int] = {}
    count = 0
    for trial in reversed(kept):
        if trial.number not in row:
            row[trial.number] = count
            count += 1
        source = trial.proposal.continues
        if source is not None and source not in row:
            row[source] = row[trial.number]
    # The line that ends in the model asked for is at the bottom; its parents' lines are above it.
    return count, {t.number: (float(i), float(row[t.number])) for i, t in enumerate(kept)}
