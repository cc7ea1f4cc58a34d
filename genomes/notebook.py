"""HTML for notebooks: facts and tables. Everything that is shown is escaped; colours are the notebook's own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

_CELL = 'style="text-align:left;vertical-align:top;padding:2px 12px 2px 0"'


def readable(value: Any) -> str:
    """A value as people read it: four significant digits, a dash for nothing, commas between thousands."""
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return str(value)


def facts(title: str, values: Mapping[str, Any]) -> str:
    """A heading and a table of names and values."""
    rows = "".join(
        f"<tr><th scope=row {_CELL}>{escape(name)}</th><td {_CELL}>{escape(readable(value))}</td></tr>"
        for name, value in values.items()
    )
    return f"<div><strong>{escape(title)}</strong><table>{rows}</table></div>"


def table(title: str, header: Sequence[str], rows: Iterable[Sequence[Any]], note: str = "") -> str:
    """A heading, a table with a row of column names, and a remark below it.

    Args:
        title: the heading.
        header: names of the columns.
        rows: one value per column each.
        note: what is left out; nothing if empty.
    """
    head = "".join(f"<th scope=col {_CELL}>{escape(name)}</th>" for name in header)
    body = "".join(
        "<tr>" + "".join(f"<td {_CELL}>{escape(readable(cell))}</td>" for cell in row) + "</tr>" for row in rows
    )
    remark = f"<div><small>{escape(note)}</small></div>" if note else ""
    return f"<div><strong>{escape(title)}</strong><table><tr>{head}</tr>{body}</table>{remark}</div>"
