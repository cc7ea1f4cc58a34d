"""Pictures of an ensemble: accuracy against diversity, loss against size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from evo.ensemble.selection import FrontierPoint


def plot_diversity(diversity: Mapping[str, Any], path: str | Path | None = None, axes: Any = None) -> Any:
    """Every pair of members: how good the two are, against how much they differ.

    The picture of Margineantu & Dietterich (1997), with disagreement instead of kappa. Good pairs are high up
    and far to the right; colour tells the pair's share of the ensemble.

    Args:
        diversity: of :meth:`evo.ensemble.Ensemble.diversity`.
        path: where to write the picture (its suffix tells the format), or None.
        axes: matplotlib axes to draw on; a new figure for None.

    Returns:
        The matplotlib figure.
    """
    from matplotlib.figure import Figure

    classifier = "accuracies" in diversity
    measure = "disagreement" if classifier else "error_correlation"
    pairs = np.array(diversity["pairs"][measure], dtype=float)
    values = np.array(diversity["accuracies"] if classifier else diversity["losses"], dtype=float)
    weights = np.array(diversity["weights"], dtype=float)
    first, second = np.triu_indices(len(values), 1)
    differ = pairs[first, second] if classifier else 1 - pairs[first, second]
    figure = axes.figure if axes is not None else Figure(figsize=(6, 4.2), layout="constrained")
    if axes is None:
        axes = figure.add_subplot()
    mean = (values[first] + values[second]) / 2
    drawn = axes.scatter(differ, mean, c=weights[first] + weights[second], cmap="viridis", s=36, alpha=0.85)
    if len(first):
        figure.colorbar(drawn, ax=axes, label="weight of the pair")
    axes.set_xlabel("disagreement of the pair" if classifier else "1 - correlation of the pair's errors")
    axes.set_ylabel("mean accuracy of the pair" if classifier else "mean loss of the pair")
    axes.set_title(f"{len(values)} members on {diversity['rows']} rows")
    if not classifier:
        axes.invert_yaxis()
    if path is not None:
        figure.savefig(path, dpi=150)
    return figure


def plot_frontier(
    points: Sequence[FrontierPoint], by: str = "members", path: str | Path | None = None, axes: Any = None
) -> Any:
    """Nested estimate of the loss against size, with its standard error.

    Args:
        points: of :func:`evo.ensemble.frontier`.
        by: ``members``, ``parameters`` or ``latency``.
        path: where to write the picture, or None.
        axes: matplotlib axes to draw on; a new figure for None.

    Returns:
        The matplotlib figure.
    """
    from matplotlib.figure import Figure

    figure = axes.figure if axes is not None else Figure(figsize=(6, 4.2), layout="constrained")
    if axes is None:
        axes = figure.add_subplot()
    sizes = [getattr(point, by) for point in points]
    if by == "latency":
        sizes = [1000 * size for size in sizes]
    values = [point.estimate.value for point in points]
    axes.errorbar(sizes, values, [point.estimate.error for point in points], marker="o", capsize=3)
    axes.set_xlabel({"latency": "latency (milliseconds per batch)"}.get(by, by))
    axes.set_ylabel(f"{points[0].selection.loss} (nested estimate)" if points else "loss")
    if by == "parameters":
        axes.set_xscale("log")
    if path is not None:
        figure.savefig(path, dpi=150)
    return figure
