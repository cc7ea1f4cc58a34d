"""What an executor is handed: functions that can be pickled by reference, Keras imported only when they run."""

from __future__ import annotations

from typing import Any

from evo.training.task import TrainingSettings, TrialReport, TrialTask


def train_with(task: TrialTask, definitions: tuple[Any, ...]) -> TrialReport:
    """Train, after the user's own genes and hypermodels have registered themselves.

    Args:
        task: the trial.
        definitions: ``Space.definitions``; unpickling them is what registers them.
    """
    from evo.training.trial import train

    return train(task)


def chosen(settings: TrainingSettings) -> dict[str, str]:
    """Precision and strategy that a worker on this machine uses, and why: ``{"precision": ..., "strategy": ...}``."""
    import keras

    from evo.training import precision
    from evo.training.strategy import place

    if keras.backend.backend() != "tensorflow":
        return {"precision": settings.precision, "strategy": f"{settings.strategy} on {keras.backend.backend()}"}
    placement = place(settings.strategy)
    policy, reason = precision.choose(settings.precision, placement)
    return {"precision": f"{policy} ({reason})", "strategy": f"{placement.kind} ({placement.reason})"}
