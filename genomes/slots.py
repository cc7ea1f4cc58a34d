"""Slots of genes: what a class declares to hold child genes, next to the domains of its fields."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any


class Genes:
    """Declares a slot that holds a sequence of child genes: ``body = Genes()``.

    Args:
        least: fewest genes.
        most: most genes; None for no limit.
    """

    def __init__(self, least: int = 0, most: int | None = None) -> None:
        self.least = least
        self.most = most

    if TYPE_CHECKING:

        def __get__(self, instance: object, owner: Any = None) -> Any: ...


class Branches:
    """Declares a slot that holds several sequences of child genes, applied side by side.

    Args:
        least: fewest branches.
        most: most branches; None for no limit.
    """

    def __init__(self, least: int = 2, most: int | None = None) -> None:
        self.least = least
        self.most = most

    if TYPE_CHECKING:

        def __get__(self, instance: object, owner: Any = None) -> Any: ...
