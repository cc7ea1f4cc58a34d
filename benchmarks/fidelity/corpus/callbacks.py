"""Callbacks of Keras and of a user's own: how many epochs, at which rates, and which weights are left at the end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras

from benchmarks.fidelity.corpus.small_models import compiled, dense
from benchmarks.fidelity.made_rows import numbers
from benchmarks.fidelity.program import Subject

SUBJECT = Subject("callbacks")
_OWN = "the callback asks for a number where Keras' own fit has a MirroredVariable"
_C = keras.callbacks


class Noise(keras.callbacks.Callback):  # type: ignore[misc]
    """A user's own: changes rates from step to step, weights after an epoch, and the logs; stops within an epoch."""

    def __init__(self, last_epoch: int) -> None:
        super().__init__()
        self.last_epoch = last_epoch

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        if batch == 1:
            self.model.optimizer.learning_rate = 0.5 * float(self.model.optimizer.learning_rate)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.model.optimizer.learning_rate = 0.9 * float(self.model.optimizer.learning_rate)
        if self.epoch == self.last_epoch:
            self.model.stop_training = True

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.epoch, self.tests = epoch, 0

    def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
        self.tests += 1

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        logs["tests"] = float(self.tests)
        self.model.set_weights([0.9 * weight for weight in self.model.get_weights()])


def _flat(epoch: int, rate: float) -> float:
    return rate if epoch < 2 else rate * 0.3


#: Callbacks; the epochs that they allow, of twelve, differ.
_SEVERAL: dict[str, Callable[[], list[Any]]] = {
    "early-stopping": lambda: [_C.EarlyStopping("val_loss", patience=1)],
    "early-stopping-best-weights": lambda: [_C.EarlyStopping("val_loss", patience=2, restore_best_weights=True)],
    "early-stopping-of-a-metric": lambda: [_C.EarlyStopping("mae", patience=1, min_delta=0.01, mode="min")],
    "rate-on-plateau": lambda: [_C.ReduceLROnPlateau("val_loss", factor=0.3, patience=1, min_lr=1e-4)],
    "rate-by-epoch": lambda: [_C.LearningRateScheduler(_flat)],
    "own": lambda: [Noise(last_epoch=3)],
    "own-and-others": lambda: [
        Noise(last_epoch=9),
        _C.ReduceLROnPlateau("loss", factor=0.5, patience=1),
        _C.EarlyStopping("val_loss", patience=3, restore_best_weights=True),
    ],
    "terminate-on-nan": lambda: [_C.TerminateOnNaN(), _C.EarlyStopping("val_mae", patience=0, mode="min")],
}


def _overshooting(hp: Any) -> keras.Model:
    """Steps so large that the loss goes up and down."""
    return compiled(dense(), rate=0.4, metrics=["mae"])


def _build() -> Callable[[Any], keras.Model]:
    return lambda hp: _overshooting(hp)


for _name, _callbacks in _SEVERAL.items():
    SUBJECT.add(
        _name,
        _build(),
        numbers(),
        callbacks=_callbacks,
        epochs=12,
        single_fit=True,
        not_on={"replicas": _OWN} if _name.startswith("own") else {},
        quick=_name in ("early-stopping-best-weights", "rate-on-plateau", "own-and-others"),
    )
