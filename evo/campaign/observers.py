"""Telling the callbacks of a campaign what happens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from evo.core.events import Callback


class Observers:
    """The callbacks of a session; one that raises is reported once and no longer called.

    Args:
        callbacks: in the order in which they are called.
    """

    def __init__(self, callbacks: Sequence[Callback]) -> None:
        self._callbacks = tuple(callbacks)
        self._failed: set[int] = set()

    def tell(self, event: str, *arguments: Any) -> None:
        """Call a method of every callback.

        Args:
            event: name of the method, e.g. ``on_outcome``; see :class:`evo.core.events.Callback`.
            *arguments: what it is given.
        """
        for callback in self._callbacks:
            if id(callback) in self._failed:
                continue
            try:
                # An observer need not be derived from `Callback`, which has every method.
                getattr(callback, event, _nothing)(*arguments)
            except Exception as error:
                self._failed.add(id(callback))
                self.message(
                    f"callback {type(callback).__name__} failed in {event} and is no longer called: "
                    f"{type(error).__name__}: {error}"
                )

    def message(self, text: str) -> None:
        """Tell something in words."""
        self.tell("on_message", text)


def _nothing(*arguments: Any) -> None:
    """What an observer does with an event that it has no method for."""
