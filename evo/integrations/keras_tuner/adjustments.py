"""What ``from_hypermodel`` may do to trainings, as Keras callbacks: a falling rate, corrected moving averages."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from genomes.spaces.hypermodel.compiled_model import learning_rates
from genomes.spaces.hypermodel.moving_statistics import unbias


class FallingRate(keras.callbacks.Callback):  # type: ignore[misc]
    """A constant learning rate falls linearly to 0, step by step; one with a schedule of its own is left alone.

    Args:
        first_epoch: the first epoch that is trained.
        last_epoch: the epoch before which training ends.
    """

    def __init__(self, first_epoch: int, last_epoch: int) -> None:
        super().__init__()
        self.epochs = max(1, last_epoch - first_epoch)
        self._rates = np.zeros(0, np.float32)
        self._steps, self._step = 1, 0

    def on_train_begin(self, logs: Any = None) -> None:
        """The rates of all steps; of all epochs where the number of steps is not known."""
        self._steps = int(self.params.get("steps") or 1)
        self._known, self._step = bool(self.params.get("steps")), 0
        self._rates = learning_rates(self.model, 0, self.epochs * self._steps, decay=True)

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """This step's rate."""
        if self._known:
            self._set(self._step)
            self._step += 1

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """This epoch's rate, where the number of steps is not known."""
        if not self._known:
            self._set(self._step)
            self._step += 1

    def _set(self, step: int) -> None:
        if step < len(self._rates) and np.isfinite(self._rates[step]):
            self.model.optimizer.learning_rate = float(self._rates[step])


class CorrectedStatistics(keras.callbacks.Callback):  # type: ignore[misc]
    """Removes the initial values from moving averages after the first epoch, before it is judged.

    See :mod:`genomes.spaces.hypermodel.moving_statistics`. For trainings from fresh weights only.
    """

    def __init__(self) -> None:
        super().__init__()
        self._steps, self._done = 0, False

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Counts steps; ``batch`` is the last one of several that were done at once."""
        self._steps = max(self._steps, batch + 1)

    def on_test_begin(self, logs: Any = None) -> None:
        """The validation of the first epoch."""
        self._correct()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """The end of the first epoch, where nothing is validated."""
        self._correct()

    def _correct(self) -> None:
        if not self._done and self._steps:
            self._done = True
            unbias(self.model, self._steps)
