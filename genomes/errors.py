"""Errors of genomes: each message names the path inside the genome."""

from __future__ import annotations

import re

_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


class GenomeError(ValueError):
    """A gene, genome, domain or space is wrong.

    Args:
        message: what was given and what was expected.
        path: where inside the genome, e.g. ``genes[2].body[0].filters``.
    """

    def __init__(self, message: str, path: str = "") -> None:
        self.path = path
        self.message = message
        super().__init__(f"{path}: {message}" if path else message)

    def under(self, prefix: str) -> GenomeError:
        """The same error seen from further up: ``body[0]`` under ``genes[2]`` is ``genes[2].body[0]``."""
        return GenomeError(self.message, f"{prefix}.{self.path}" if self.path else prefix)


def shown(value: object, length: int = 80) -> str:
    """``repr(value)``, cut to ``length`` characters; never fails, however large or deep the value is."""
    try:
        text = repr(value)
    except (RecursionError, ValueError):
        text = f"a value of type {type(value).__name__}"
    return text if len(text) <= length else text[: length - 3] + "..."


def told(error: BaseException, length: int = 400) -> str:
    """An exception's name and what it says, in one line of at most ``length`` characters behind the name."""
    return f"{type(error).__name__}: {in_one_line(str(error), length)}".rstrip(": ")


def in_one_line(text: str, length: int = 400) -> str:
    """What an exception says, in one line of at most ``length`` characters.

    Left out are colours, the arguments that Keras lists behind what it says, and of errors of TensorFlow's graphs the
    stack and the node that they name.
    """
    lines = [_COLOURS.sub("", line).rstrip() for line in text.splitlines()]
    if lines and lines[0].startswith("Graph execution error"):
        lines = [line for line in lines if line and not line[0].isspace() and "[[{{node" not in line][-1:]
    end = next((n for n, line in enumerate(lines) if line.startswith("Arguments received by")), len(lines))
    line = " ".join(line.strip() for line in lines[:end] if line.strip())
    return line if len(line) <= length else line[: length - 3] + "..."
