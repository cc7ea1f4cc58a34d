"""Parts that sections of the HTML report are made of: figures, tables of facts, bars."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from evo.display import formatting
from evo.report import plot_style

#: Inches from which on a plot is made narrower on a phone, as far as its letters stay readable.
_WIDE = 6.0


def figure(drawn: Any, label: str) -> str:
    """A ``matplotlib`` figure; ``label`` says what is seen."""
    # Wider than a phone: it is scrolled, by keys as well.
    small = " class=small" if drawn.get_size_inches()[0] < _WIDE else ""
    return f'<figure tabindex="0"{small}>{plot_style.svg(drawn, label)}</figure>'


def scrolled(table: str, label: str, tall: bool = False) -> str:
    """A table that is scrolled sideways where it is wider than the page; ``label`` names it.

    Args:
        table: as HTML.
        label: its name.
        tall: it is scrolled up and down as well.
    """
    kind = "scroll tall" if tall else "scroll"
    return f'<div class="{kind}" role="region" tabindex="0" aria-label="{escape(label, quote=True)}">{table}</div>'


def sortable(columns: Sequence[tuple[str, bool]], rows: Iterable[str], label: str, filtered: str = "") -> str:
    """A table whose rows are sorted by a click on a column's name, where scripts may run.

    Args:
        columns: their names, and whether they hold numbers.
        rows: each as a ``<tr>``.
        label: names the table, and no other one on the page.
        filtered: an example of a comparison that rows can be filtered by; empty where they cannot.
    """
    head = "".join(
        f'<th scope="col"{" class=number" if numbers else ""}>{escape(name)}</th>' for name, numbers in columns
    )
    given = f' data-filter="{escape(filtered, quote=True)}"' if filtered else ""
    table = f'<table class="sortable"{given}><thead><tr>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table>'
    return scrolled(table, label, tall=bool(filtered))


def number(value: float | None, shown: str | None = None) -> str:
    """A cell of a number, which sorts by its value however it is shown."""
    if value is None or not math.isfinite(value):
        return f'<td class="number">{escape(shown or "–")}</td>'
    if shown is None or shown == str(value):
        return f'<td class="number">{value}</td>'
    return f'<td class="number" data-value="{value!r}">{escape(shown)}</td>'


def facts(given: Mapping[str, Any]) -> str:
    """A table of names and values."""
    rows = "".join(
        f'<tr><th scope="row" class="key">{escape(str(name))}</th>'
        f'<td class="value">{escape(formatting.plain(value))}</td></tr>'
        for name, value in given.items()
    )
    return f"<table>{rows}</table>"


def bars(rows: Iterable[tuple[str, float, str]], unit: str = "") -> str:
    """A table with a bar per row: name, value, class of the bar."""
    rows = list(rows)
    most = max((value for _, value, _ in rows), default=1) or 1
    cells = "".join(
        f'<tr><td>{escape(name)}</td><td class="number">{value:.0f}{unit}</td>'
        f'<td class="wide"><span class="{kind}" style="width:{100 * value / most:.1f}%"></span></td></tr>'
        for name, value, kind in rows
    )
    return f"<table>{cells}</table>"
