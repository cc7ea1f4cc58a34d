"""Lines that are redrawn in place below a notebook's cell."""

from __future__ import annotations

import io
from html import escape
from typing import TYPE_CHECKING, Any

from evo.display.console import console as printing

if TYPE_CHECKING:
    from rich.console import Console, RenderableType


class NotebookDisplay:
    """One output of a cell, which is replaced at every update; ``rich.live`` needs ``ipywidgets`` for that.

    Args:
        console: says how wide lines may be.
    """

    def __init__(self, console: Console) -> None:
        self._width = console.width
        self._handle: Any = None

    def update(self, shown: RenderableType, refresh: bool = True) -> None:
        """Show this in place of what was shown before.

        Args:
            shown: what ``rich`` can print.
            refresh: taken for ``rich.live.Live``'s sake: what is given is shown at once.
        """
        from IPython.display import HTML, display

        file = io.StringIO()
        printing(file=file, width=self._width, color_system=None, force_jupyter=False).print(shown)
        content = HTML(f'<pre aria-live="off">{escape(file.getvalue())}</pre>')
        if self._handle is None:
            self._handle = display(content, display_id=True)
        else:
            self._handle.update(content)

    def stop(self) -> None:
        """Leave what is shown as it is."""
        self._handle = None
