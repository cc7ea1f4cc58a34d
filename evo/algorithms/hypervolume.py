"""Hypervolume: how much of the objective space a set of trials dominates (Zitzler & Thiele 1999).

Computed by ``moocore``, which DEAP uses as well. Trials that break a constraint dominate nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from evo.core.checks import known_names
from evo.core.errors import SettingsError
from evo.core.history import History

#: A point that is to be surpassed in every objective: one value per objective, signed as fitness is (all
#: maximised), or by the objectives' names, in the quantities' own units.
Reference = Sequence[float] | Mapping[str, float]


def hypervolume(history: History, reference: Reference | None = None) -> float:
    """Volume dominated by the completed trials, above ``reference``.

    Args:
        history: the trials.
        reference: what is to be surpassed in every objective: ``{"val_accuracy": 0.9, "latency": 0.005}``, or one
            value per objective, signed as fitness is (all maximised). By default, and for objectives that are not
            named, the bound of a constraint on that objective, else the worst value that any trial that counts has.

    Raises:
        SettingsError: a reference of another length, or for something that is no objective.
    """
    return hypervolume_over_time(history, reference)[-1] if len(history) else 0.0


def hypervolume_over_time(history: History, reference: Reference | None = None) -> list[float]:
    """Hypervolume after each trial, in order of their numbers; never falling.

    Args:
        history: the trials.
        reference: as for :func:`hypervolume`; the same point for all of them.

    Returns:
        One number per trial.

    Raises:
        SettingsError: a reference of another length, or for something that is no objective.
    """
    import moocore

    points = np.array([history.fitness(trial.number) for trial in history], dtype=np.float64)
    points = points.reshape(len(history), len(history.objectives))
    usable = np.isfinite(points).all(axis=1) & np.array([history.feasible(n) for n in range(len(history))], dtype=bool)
    given = _given(history, reference)
    if not usable.any():
        return [0.0] * len(history)
    floor = np.where(np.isnan(given), points[usable].min(axis=0), given)
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


def _given(history: History, reference: Reference | None) -> np.ndarray:
    """The reference point as fitness is signed, float64 of shape (objectives,); NaN where nothing says it."""
    names = history.objectives.names
    quantities = [name.lstrip("-") for name in names]
    signs = [-1.0 if name.startswith("-") else 1.0 for name in names]
    if reference is not None and not isinstance(reference, Mapping):
        point = np.asarray(reference, dtype=np.float64)
        if point.shape != (len(names),):
            raise SettingsError(f"reference: expected {len(names)} values, got {reference!r}")
        return point
    point = np.full(len(names), np.nan)
    for constraint in history.objectives.constraints:
        for place, (quantity, sign) in enumerate(zip(quantities, signs, strict=True)):
            # Of what is maximised the least value is a floor, of what is minimised the largest.
            if constraint.name == quantity and (constraint.at_least is None) == (sign < 0):
                point[place] = sign * constraint.bound
    if reference is not None:
        known_names(reference, quantities, "reference: ")
        for quantity, value in reference.items():
            place = quantities.index(quantity)
            point[place] = signs[place] * float(value)
    return point
