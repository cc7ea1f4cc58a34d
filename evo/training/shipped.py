"""What an executor is handed: functions that can be pickled by reference, Keras imported only when they run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from evo.training.shipped_callbacks import ShippedCallbacks
from evo.training.task import TrainingSettings, TrialReport, TrialTask
from genomes.spaces.hypermodel.user_state import state_put_back


def train_with(task: TrialTask, definitions: tuple[Any, ...]) -> TrialReport:
    """Train, after the user's own genes and hypermodels have registered themselves.

    Args:
        task: the trial.
        definitions: ``Space.definitions``; unpickling them is what registers them.
    """
    from evo.training.trial import train

    # It may be the user's own process, and is where nothing else trains meanwhile.
    with state_put_back():
        return train(task)


@dataclass(frozen=True)
class Abilities:
    """What a worker on this machine answers before the first trial.

    Attributes:
        precision: the policy that it computes in, and why.
        strategy: where it computes, and why.
        metrics: names of the metrics that a trial logs; None where they cannot be told.
    """

    precision: str
    strategy: str
    metrics: tuple[str, ...] | None


def abilities(
    settings: TrainingSettings,
    space: Mapping[str, Any],
    definitions: tuple[Any, ...],
    callbacks: ShippedCallbacks | None = None,
) -> Abilities:
    """Ask a worker whether it can do a campaign's trials: import what they need, compute where and how they ask.

    Args:
        settings: of the campaign.
        space: its space as JSON.
        definitions: ``Space.definitions``; unpickling them is what registers them.
        callbacks: Keras callbacks that every trial is to have copies of.

    Raises:
        SettingsError: precision or strategy cannot be had here, or a callback cannot be made.
        GenomeError: the space cannot be made here.
    """
    with state_put_back():
        return _abilities(settings, space, callbacks)


def _abilities(settings: TrainingSettings, space: Mapping[str, Any], callbacks: ShippedCallbacks | None) -> Abilities:
    import keras

    from evo.training import precision
    from evo.training.backends.choice import engine_cache
    from evo.training.logged_metrics import logged_metrics
    from evo.training.strategy import place, place_elsewhere
    from evo.training.task_inputs import space_of

    backend = keras.backend.backend()
    if backend == "tensorflow" or not isinstance(settings.strategy, str):
        placement = place(settings.strategy)
    else:
        placement = place_elsewhere(backend, settings.strategy)
    made = space_of(space, replaced=engine_cache().clear)
    if callbacks is not None:
        callbacks.copied()
    policy, reason = precision.choose(settings.precision, placement)
    return Abilities(f"{policy} ({reason})", f"{placement.kind} ({placement.reason})", logged_metrics(made))
