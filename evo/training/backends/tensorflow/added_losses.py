"""The losses that layers add while they are called, apart for each replica."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

import keras


class AddedLosses:
    """What ``add_loss`` and activity regularizers of a model give to the thread that called it.

    Replicas are threads that are traced in turns: one that waits for the others within the model, as synchronized batch
    normalization does, would find that their calls have cleared or joined the losses that Keras keeps in the layers.

    Args:
        model: whose layers are listened to.
    """

    def __init__(self, model: Any) -> None:
        self.model = model
        self._of_thread = threading.local()

    @contextlib.contextmanager
    def collected(self) -> Iterator[None]:
        """Inside the ``with`` block layers add their losses here, and no longer to themselves."""
        layers = [self.model, *(layer for layer in self.model._flatten_layers() if layer is not self.model)]
        for layer in layers:
            object.__setattr__(layer, "add_loss", self._add)
        try:
            yield
        finally:
            for layer in layers:
                object.__delattr__(layer, "add_loss")

    def begin(self) -> None:
        """Forget what this thread's earlier calls have added."""
        self._of_thread.losses = []

    def found(self) -> list[Any]:
        """Losses of this thread's calls, and those of the regularizers of weights."""
        return [*self._of_thread.losses, *self.model.losses]

    def _add(self, loss: Any) -> None:
        self._of_thread.losses.extend(keras.tree.flatten(loss))
