"""How all plots look: colours, axes, legends; and a figure as an ``<svg>`` element."""

from __future__ import annotations

import hashlib
import io
import math
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Colours that people with any colour vision tell apart (Okabe & Ito 2008), in the order of use.
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#7A7A7A", "#B8A800")
INK, FAINT, GRID = "#1f2933", "#7b8794", "#e4e7eb"
#: Points from which on a scatter is drawn as pixels inside the vector graphic.
_MANY = 3000
#: What matplotlib writes before a point with a text: a link.
_LINK = re.compile(r'<a xlink:href="([^"]*)"[^>]*>')
_STYLE: dict[str, Any] = {
    "font.family": "sans-serif",
    "font.sans-serif": ["system-ui", "Segoe UI", "Helvetica Neue", "Liberation Sans", "Arial", "DejaVu Sans"],
    "font.size": 10,
    "svg.fonttype": "none",
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": FAINT,
    "ytick.color": FAINT,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": GRID,
    "axes.axisbelow": True,
    "legend.frameon": False,
    "legend.fontsize": 9,
}


def svg(figure: Figure, label: str) -> str:
    """A figure as an ``<svg>`` element: text stays text, equal figures give equal characters.

    Args:
        figure: the figure.
        label: what is seen, for readers that cannot see it; also keeps its ids apart from other figures'.
    """
    import html

    import matplotlib

    stream = io.StringIO()
    salt = hashlib.sha256(label.encode()).hexdigest()[:8]
    with matplotlib.rc_context({**_STYLE, "svg.hashsalt": salt}):
        figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": None}, transparent=True)
    text = stream.getvalue()
    text = text[text.index("<svg") :].replace('id="figure_1"', f'id="figure_{salt}"', 1)
    text = _LINK.sub(r"<g><title>\1</title>", text).replace("</a>", "</g>")
    start = text.index(">")
    return f'{text[:start]} role="img" aria-label="{html.escape(label, quote=True)}"{text[start:]}'


def points(axes: Axes, places: Sequence[tuple[float, float]], told: Sequence[str], **style: Any) -> None:
    """Points that say what they are where a pointer rests on them; very many are drawn as pixels, and say nothing.

    Args:
        axes: to draw on.
        places: x and y of each.
        told: a text for each.
        **style: of matplotlib's ``scatter``.
    """
    x, y = zip(*places, strict=True) if places else ((), ())
    drawn = axes.scatter(x, y, linewidths=0, rasterized=len(places) > _MANY, **style)
    if 0 < len(places) <= _MANY:
        # Addresses are all that matplotlib writes beside a point of a vector graphic; `svg` makes titles of them. One
        # more than there are points: with one alone it would draw markers, which have none.
        drawn.set_urls([*told, ""])


def new_figure(width: float, height: float) -> tuple[Figure, Axes]:
    """A figure of ``width`` by ``height`` inches in the house's style, with one pair of axes."""
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=(width, height), layout="constrained")
        return figure, figure.add_subplot()


def cycle(count: int) -> list[str]:
    """As many colours; they repeat after eight."""
    return [COLOURS[index % len(COLOURS)] for index in range(count)]


def shades(count: int) -> list[Any]:
    """Shades from green to violet, all of which can be seen on white paper, and turned round on black."""
    from matplotlib import colormaps

    return [colormaps["viridis_r"](0.35 + 0.6 * index / max(1, count - 1)) for index in range(count)]


def clip(axes: Axes, values: Sequence[float], worse_is_low: bool) -> None:
    """Limits of the vertical axis that a few very bad models do not stretch."""
    finite = np.array([value for value in values if math.isfinite(value)])
    if finite.size < 2 or finite.min() == finite.max():
        return
    low, high = float(finite.min()), float(finite.max())
    if finite.size >= 20:
        if worse_is_low:
            low = max(low, float(np.quantile(finite, 0.1)) - 0.75 * (high - float(np.quantile(finite, 0.1))))
        else:
            high = min(high, float(np.quantile(finite, 0.9)) + 0.75 * (float(np.quantile(finite, 0.9)) - low))
    margin = 0.05 * (high - low)
    axes.set_ylim(low - margin, high + margin)


def legend(axes: Axes) -> None:
    """A legend to the right of the axes, if there is anything to tell apart."""
    handles, labels = axes.get_legend_handles_labels()
    if handles:
        axes.legend(
            handles,
            labels,
            loc="upper left",
            bbox_to_anchor=(1.0, 1.02),
            borderaxespad=0.0,
            frameon=False,
            handletextpad=0.5,
        )
