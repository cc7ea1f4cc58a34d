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
        super().__init__(f"{path}: {message}" if path else message)
