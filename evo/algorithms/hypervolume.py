"""Hypervolume: how much of the objective space a set of trials dominates (Zitzler & Thiele 1999).

Computed by ``moocore``, which DEAP uses as well.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from evo.core.errors import SettingsError
from evo.core.history import History


def hypervolume(history: History, reference: Sequence[float] | None = None) -> float:
    """Volume dominated by the completed trials, above ``reference``.

    Args:
        history: the trials.
        reference: one value per objective, signed as fitness is (all maximised);
            by default the worst value that any completed trial has in each.

    Raises:
        SettingsError: a reference of another length.
    """
    return hypervolume_over_time(history, reference)[-1] if len(history) else 0.0


def hypervolume_over_time(history: History, reference: Sequence[float] | None = None) -> list[float]:
    """Hypervolume after each trial, in order of their numbers; never falling.

    Args:
        history: the trials.
        reference: one value per objective, as for :func:`hypervolume`; the same for all of them.

    Returns:
        One number per trial.

    Raises:
        SettingsError: a reference of another length.
    """
    import moocore

    points = np.array([history.fitness(trial.number) for trial in history], dtype=np.float64)
    points = points.reshape(len(history), len(history.objectives))
    usable = np.asarray(np.isfinite(points).all(axis=1))
    if reference is None:
        if not usable.any():
            return [0.0] * len(history)
        floor = points[usable].min(axis=0)
    else:
        floor = np.asarray(reference, dtype=np.float64)
        if floor.shape != (len(history.objectives),):
            raise SettingsError(f"reference: expected {len(history.objectives)} values, got {reference!r}")
    volumes: list[float] = []
    front = np.empty((0, points.shape[1]))
    latest = 0.0
    for point, good in zip(points, usable, strict=True):
        if good and (point > floor).all() and not (front >= point).all(axis=1).any():
            front = np.vstack([front[~(front <= point).all(axis=1)], point])
            # moocore minimises.
            latest = float(moocore.hypervolume(-front, ref=-floor))
        volumes.append(latest)
    return volumes
