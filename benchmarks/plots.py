"""Plots of benchmarks: anytime curves and critical-difference diagrams, as PNG and SVG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks import statistics

#: Okabe and Ito's colours, told apart with any colour vision; grey last.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#999999")
LINES = ("-", "--", ":", "-.")


def style(names: Sequence[str]) -> dict[str, dict[str, str]]:
    """A colour and a line style for each name, in order."""
    return {
        name: {"color": COLOURS[i % len(COLOURS)], "linestyle": LINES[i // len(COLOURS) % len(LINES)]}
        for i, name in enumerate(names)
    }


def _plain_numbers(axis: Any) -> None:
    """Label a logarithmic axis with 0.05 instead of a power of ten, on the same ticks."""
    from matplotlib.ticker import LogFormatter

    class Plain(LogFormatter):
        def __call__(self, x: float, pos: int | None = None) -> str:
            return f"{x:g}" if super().__call__(x, pos) else ""

    axis.set_major_formatter(Plain())
    axis.set_minor_formatter(Plain(minor_thresholds=(1, 0.4)))


def _figure(width: float, height: float, rows: int = 1, columns: int = 1) -> tuple[Any, Any]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.subplots(rows, columns, squeeze=False)


def save(figure: Any, path: str | Path) -> list[Path]:
    """Save as PNG and SVG beside each other (without dates, so that equal plots are equal files).

    Args:
        figure: a matplotlib figure.
        path: with any suffix, or none.

    Returns:
        The two paths.
    """
    import matplotlib

    base = Path(path)
    base = base.with_suffix("") if base.suffix in (".png", ".svg") else base
    base.parent.mkdir(parents=True, exist_ok=True)
    png, svg = base.with_name(base.name + ".png"), base.with_name(base.name + ".svg")
    with matplotlib.rc_context({"svg.hashsalt": "evo", "svg.fonttype": "none"}):
        figure.savefig(png, dpi=130, metadata={"Software": None})
        figure.savefig(svg, metadata={"Date": None})
    return [png, svg]


def anytime(
    frame: pd.DataFrame,
    path: str | Path,
    cost: str,
    value: str,
    method: str = "method",
    run: Sequence[str] = ("seed",),
    panel: str | None = "task",
    cost_label: str = "",
    value_label: str = "",
    title: str = "",
    log_cost: bool = False,
    log_value: bool = True,
    order: Sequence[str] | None = None,
    points: int = 200,
) -> list[Path]:
    """Best so far over cost: median over runs as a line, quartiles as a band; one panel per task.

    Args:
        frame: tidy; one row per evaluation.
        path: where to save (PNG and SVG).
        cost: column with the cumulative cost at which the evaluation was known.
        value: column, less is better.
        method: column with the method's name.
        run: columns that tell runs of one method and panel apart.
        panel: column that makes panels; None for one.
        cost_label: of the horizontal axis; the column's name if empty.
        value_label: of the vertical axis; the column's name if empty.
        title: above all.
        log_cost: logarithmic horizontal axis.
        log_value: logarithmic vertical axis.
        order: methods in the order of the legend; alphabetical if None.
        points: grid points per curve.

    Returns:
        The files.
    """
    panels = list(dict.fromkeys(frame[panel])) if panel else [None]
    names = list(order) if order is not None else sorted(frame[method].unique())
    styles = style(names)
    columns = min(len(panels), 2) or 1
    rows = -(-max(len(panels), 1) // columns)
    figure, axes = _figure(5.2 * columns + 2.2, 3.4 * rows + 0.3, rows, columns)
    for place, name in enumerate(panels):
        axis = axes[place // columns][place % columns]
        part = frame if panel is None else frame[frame[panel] == name]
        positive = part[cost][part[cost] > 0]
        low = float(positive.min()) if len(positive) else 1e-3
        high = float(part[cost].max()) if len(part) else 1.0
        grid = np.geomspace(low, high, points) if log_cost else np.linspace(0.0, high, points)
        for series in names:
            runs = [
                statistics.best_so_far(rows_of[cost].to_numpy(), rows_of[value].to_numpy(), grid)
                for _, rows_of in part[part[method] == series].groupby(list(run), sort=True)
            ]
            if not runs:
                continue
            # A run that knows nothing yet is worse than any that does: the median waits for half of them.
            table = np.where(np.isnan(runs), np.inf, runs)
            quarter, half, upper = np.quantile(table, [0.25, 0.5, 0.75], axis=0, method="nearest")
            shown = np.isfinite(half)
            axis.step(grid[shown], half[shown], where="post", label=series, linewidth=1.6, **styles[series])
            band = shown & np.isfinite(upper)
            axis.fill_between(
                grid[band],
                quarter[band],
                upper[band],
                step="post",
                alpha=0.15,
                linewidth=0,
                color=styles[series]["color"],
            )
        if log_cost:
            axis.set_xscale("log")
        if log_value and (part[value] > 0).all():
            axis.set_yscale("log")
            _plain_numbers(axis.yaxis)
        axis.set_title(str(name) if name is not None else "", fontsize=10)
        axis.set_xlabel(cost_label or cost)
        axis.set_ylabel(value_label or value)
        axis.grid(True, which="both", alpha=0.2)
    for place in range(len(panels), rows * columns):
        axes[place // columns][place % columns].set_visible(False)
    handles: dict[str, Any] = {}
    for axis in axes.flat:
        for handle, label in zip(*axis.get_legend_handles_labels(), strict=True):
            handles.setdefault(label, handle)
    if handles:
        figure.legend(handles.values(), handles.keys(), loc="outside right upper", fontsize=8, frameon=False)
    if title:
        figure.suptitle(title, fontsize=11)
    return save(figure, path)


def critical_difference(
    ranks: pd.Series | Mapping[str, float],
    blocks: int,
    path: str | Path,
    alpha: float = 0.05,
    title: str = "",
) -> list[Path]:
    """Critical-difference diagram (Demšar 2006): mean ranks on an axis, bars join what may be equal.

    Args:
        ranks: mean rank per method, 1 is best; at least two methods.
        blocks: number of blocks that the means are over.
        path: where to save (PNG and SVG).
        alpha: level of Nemenyi's test.
        title: above the diagram.
    """
    series = pd.Series(dict(ranks)).sort_values(kind="stable")
    methods = len(series)
    difference = statistics.critical_difference(methods, blocks, alpha)
    groups = statistics.cliques(series, difference)
    half = (methods + 1) // 2
    figure, axes = _figure(8.5, 1.3 + 0.27 * (half + len(groups)))
    axis = axes[0][0]
    axis.set_axis_off()
    top, step = 0.0, 1.0
    axis.plot([1, methods], [top, top], color="black", linewidth=1)
    for tick in range(1, methods + 1):
        axis.plot([tick, tick], [top, top + 0.25], color="black", linewidth=1)
        axis.text(tick, top + 0.4, str(tick), ha="center", va="bottom", fontsize=8)
    shown = min(difference, methods - 1)
    axis.plot([1, 1 + shown], [top + 1.6, top + 1.6], color="black", linewidth=2)
    axis.text(
        1 + shown / 2,
        top + 1.75,
        f"critical difference {difference:.2f}",
        ha="center",
        va="bottom",
        fontsize=8,
    )
    below = top - 0.5 * (len(groups) + 1)
    for place, (name, rank) in enumerate(series.items()):
        left = place < half
        row = place if left else methods - 1 - place
        y = below - step * row
        x = 0.9 if left else methods + 0.1
        axis.plot([rank, rank, x], [top, y, y], color="#555555", linewidth=0.8)
        text = f"{name} ({rank:.2f})"
        axis.text(x - 0.03 if left else x + 0.03, y, text, ha="right" if left else "left", va="center", fontsize=8)
    for place, group in enumerate(groups):
        y = top - 0.45 * (place + 1)
        axis.plot([series[group[0]] - 0.03, series[group[-1]] + 0.03], [y, y], color="#D55E00", linewidth=3)
    span = methods - 1
    axis.set_xlim(1 - 0.55 * span - 0.5, methods + 0.55 * span + 0.5)
    axis.set_ylim(below - step * half, top + 3.2)
    axis.set_title(title or f"mean ranks over {blocks} blocks (1 is best)", fontsize=10)
    return save(figure, path)
