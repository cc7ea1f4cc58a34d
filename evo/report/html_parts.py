"""Parts that sections of the HTML report are made of: figures, tables of facts, bars."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

from evo.display import formatting
from evo.report import plot_style


def figure(drawn: Any, label: str) -> str:
    """A ``matplotlib`` figure; ``label`` says what is seen."""
    # Wider than a phone: it is scrolled, by keys as well.
    return f'<figure tabindex="0">{plot_style.svg(drawn, label)}</figure>'


def scrolled(table: str, label: str) -> str:
    """A table that is scrolled sideways where it is wider than the page; ``label`` names it."""
    return f'<div class="scroll" role="region" tabindex="0" aria-label="{escape(label)}">{table}</div>'


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
