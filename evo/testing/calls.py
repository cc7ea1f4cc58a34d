"""Calls that executors are given by their suite; importable by workers, some of them not kind."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np

from evo import Outcome, Status
from evo.training.task import TrialReport, TrialTask


def add(first: int, second: int = 0) -> int:
    """The sum."""
    return first + second


def after(seconds: float, value: Any) -> Any:
    """``value``, a little later."""
    time.sleep(seconds)
    return value


def doubled(array: np.ndarray) -> np.ndarray:
    """Twice the array."""
    return array * 2


def fail(message: str) -> None:
    """Raise a ValueError."""
    raise ValueError(message)


class TwoPartError(Exception):
    """An exception that can be pickled but not unpickled, as happens to those with arguments of their own."""

    def __init__(self, first: str, second: str) -> None:
        super().__init__(f"{first} {second}")


def fail_oddly() -> None:
    """Raise an exception that does not survive the way between processes."""
    raise TwoPartError("it", "fails")


def no_value() -> Any:
    """A result that cannot be pickled."""
    return lambda: None


def die() -> None:
    """End this process at once."""
    if hasattr(signal, "SIGKILL"):
        os.kill(os.getpid(), signal.SIGKILL)
    os._exit(9)


def train(task: TrialTask) -> TrialReport:
    """A simulated training: a hill over two numbers; some genomes fail, longer training scores higher.

    Its state is a text file that says how many epochs lie behind it.
    """
    values = task.genome["genes"][0]
    x, y = values["x"], values["y"]
    if x > 0.9:
        return TrialReport(task.number, Outcome(Status.FAILED, message="ValueError: x is too large"))
    epochs = task.last_epoch - task.first_epoch
    behind = 0 if task.start is None else int(Path(task.start).read_text(encoding="utf-8"))
    folder = Path(task.directory)
    folder.mkdir(parents=True, exist_ok=True)
    state = folder / "state.txt"
    state.write_text(str(behind + epochs), encoding="utf-8")
    score = 1 - (x - 0.3) ** 2 - (y - 0.6) ** 2 - 0.5 / (1 + behind + epochs)
    outcome = Outcome(
        Status.COMPLETED,
        {"val_accuracy": score, "val_loss": 1 - score},
        {"val_accuracy": (score,) * epochs},
        epochs,
        100,
        200,
    )
    return TrialReport(task.number, outcome, np.full((4, 2), score, np.float32), str(state))
