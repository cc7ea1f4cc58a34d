"""What is printed: names and messages may come from somebody else, and a terminal obeys characters that are in them."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType
    from rich.segment import Segment

#: What stands for a character that is not printed.
_MARK = "\ufffd"


def printable(text: str) -> str:
    """A text without the characters that a terminal obeys: escape codes, and those that turn the direction of writing.

    Newlines and tabs stay.
    """
    if text.isprintable():
        return text
    return "".join(_MARK if _is_obeyed(character) else character for character in text)


def _is_obeyed(character: str) -> bool:
    # Cc: control characters; Cf: formats, of which joiners of letters and emoji are harmless; Cs: halves of characters.
    kind = unicodedata.category(character)
    return (
        (kind == "Cc" and character not in "\n\t") or kind == "Cs" or (kind == "Cf" and character not in "\u200c\u200d")
    )


def console(**options: Any) -> Console:
    """A ``rich`` console that prints :func:`printable` texts; its own colours and movements stay.

    Args:
        **options: of ``rich.console.Console``.
    """
    from rich.console import Console
    from rich.segment import Segment

    class PrintableConsole(Console):
        def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
            for segment in super().render(renderable, options):
                if segment.control or segment.text.isprintable():
                    yield segment
                else:
                    yield Segment(printable(segment.text), segment.style)

    # A column's name such as ":x:" is no picture.
    return PrintableConsole(**{"emoji": False, **options})
