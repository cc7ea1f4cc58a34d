"""Errors of genomes: each message names the path inside the genome."""

from __future__ import annotations


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
