"""The Keras callbacks of one trial, called as ``fit`` calls them, whatever engine trains."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from evo.training.backends.engine import Engine, follows_rates


class TrialCallbacks:
    """Calls what ``fit`` calls around a training and its epochs; batches are the engine's to tell.

    A callback begins anew in every trial, also in one that continues another: as in a second call of ``fit`` with
    ``initial_epoch``. A learning rate that a callback sets multiplies what the genome's schedule says from then on; of
    a constant rate that is the rate that was set. It goes on in the trials that continue this one.

    Args:
        callbacks: fresh ones (:meth:`evo.training.shipped_callbacks.ShippedCallbacks.fresh`).
        engine: trains.
        trial: number of the trial; callbacks find it in ``self.params["trial"]``.
        last_epoch: epochs at the end.
        steps: steps of an epoch.
        rate_scale: what callbacks made of the rate before the trial began.
    """

    def __init__(
        self, callbacks: list[Any], engine: Engine, trial: int, last_epoch: int, steps: int, rate_scale: float
    ) -> None:
        self.rate_scale = rate_scale
        self._engine, self._model = engine, engine.model
        if getattr(self._model, "optimizer", None) is None:
            self._model.optimizer = engine.optimizer
        self._record = _Record()
        self._logs: dict[str, float] = {}
        self._list = keras.callbacks.CallbackList(
            [*callbacks, self._record],
            add_history=True,
            model=self._model,
            verbose=0,
            epochs=last_epoch,
            steps=steps,
            trial=trial,
        )
        self._follows = follows_rates(engine.optimizer)
        engine.listeners = self._list

    @property
    def stopped(self) -> bool:
        """Whether a callback wants the training to end after this epoch."""
        return bool(self._model.stop_training)

    def train_begins(self) -> None:
        """Before the first epoch."""
        self._model.stop_training = False
        self._list.on_train_begin()
        self._engine.weights_changed()

    def epoch_begins(self, epoch: int, rates: np.ndarray) -> np.ndarray:
        """Before an epoch.

        Args:
            epoch: its number, from 0.
            rates: of its steps, as the genome's schedule says.

        Returns:
            The rates that callbacks leave.
        """
        before = self._set_rate(float(rates[0]) * self.rate_scale)
        self._list.on_epoch_begin(epoch)
        self._rescale(before)
        self._engine.weights_changed()
        return (rates.astype(np.float64) * self.rate_scale).astype(np.float32)

    def epoch_ends(self, epoch: int, logs: Mapping[str, float], rates: np.ndarray) -> dict[str, float]:
        """After an epoch and its validation.

        Args:
            epoch: its number, from 0.
            logs: loss and metrics, also of the validation rows.
            rates: that :meth:`epoch_begins` gave; what was set meanwhile is noticed.

        Returns:
            The logs as callbacks leave them: numbers that they added are curves too.
        """
        if self._follows:
            self._rescale(float(rates[-1]))
        # An engine that calls `fit` for each epoch has put that epoch's history there.
        self._model.history = self._list._history
        before = self._rate()
        self._logs = dict(logs)
        self._list.on_epoch_end(epoch, dict(logs))
        self._rescale(before)
        self._engine.weights_changed()
        return self._record.numbers

    def train_ends(self) -> None:
        """After the last epoch, with its logs as ``fit`` has them; a callback may put other weights into the model."""
        self._list.on_train_end(self._logs)
        self._engine.weights_changed()

    def close(self) -> None:
        """The engine goes on without these callbacks."""
        self._engine.listeners = None

    # -- learning rate -------------------------------------------------------------------
    def _rate(self) -> float:
        return float(keras.ops.convert_to_numpy(self._engine.optimizer.learning_rate)) if self._follows else 1.0

    def _set_rate(self, rate: float) -> float:
        if self._follows:
            self._engine.optimizer.learning_rate = rate
        return self._rate()

    def _rescale(self, before: float) -> None:
        after = self._rate()
        if after != before and before != 0:
            self.rate_scale *= after / before


class _Record(keras.callbacks.Callback):  # type: ignore[misc]
    """The last of the callbacks: sees the logs as the others left them."""

    numbers: dict[str, float]

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.numbers = {
            name: float(value) for name, value in (logs or {}).items() if np.ndim(value) == 0 and not _is_text(value)
        }


def _is_text(value: Any) -> bool:
    return value is None or isinstance(value, str)
