"""How far two trainings are from one another.

A loss or metric differs by ``|ours - Keras'|``, relative to the larger of ``|Keras'|`` and ``FLOOR`` times the
largest magnitude of its kind: of the curve for losses, 1 for metrics; so an accuracy of 0 is not compared with
nothing. Entries of a weight differ relative to its largest entry, or to ``SMALL_ARRAY`` times the largest one of
all weights if that is larger: a bias that began at 0 is what rounding left of sums over a batch. What Keras has
and evo has not differs by infinity.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

#: Magnitudes below this share of the largest one of their kind are compared with that share.
FLOOR = 1e-2
#: Weights whose largest entry is below this share of the largest one of the model are compared with that share.
SMALL_ARRAY = 0.1


@dataclass
class Training:
    """What a training left.

    Attributes:
        curves: value of each log per epoch, by Keras' names.
        weights: arrays in the order of ``model.weights``.
        engine: class that trained it.
        on_replicas: on several replicas of a ``tf.distribute.Strategy``.
        reused: a program that was compiled for an earlier trial did it.
        problem: why there is nothing to compare; empty if there is.
        diverged: it was ended for a loss that is not finite.
    """

    curves: dict[str, list[float]] = field(default_factory=dict)
    weights: list[np.ndarray] = field(default_factory=list)
    engine: str = "fit"
    on_replicas: bool = False
    reused: bool = False
    problem: str = ""
    diverged: bool = False


@dataclass(frozen=True)
class Difference:
    """The largest relative difference, and in what; ``inf`` where there is nothing to compare."""

    value: float
    place: str


def largest(ours: Training, keras: Training) -> Difference:
    """The largest difference between evo's training and Keras' own.

    A trial that evo ends for a loss that is not finite is Keras' where Keras' loss is not finite in the end.
    """
    if ours.diverged and keras.curves and not math.isfinite(keras.curves["loss"][-1]):
        return Difference(0.0, f"both not finite; {ours.problem}")
    if ours.problem or keras.problem:
        return Difference(math.inf, f"Keras cannot: {keras.problem}" if keras.problem else ours.problem)
    found = [*_of_curves(ours.curves, keras.curves), *_of_weights(ours.weights, keras.weights)]
    return max(found, key=lambda one: one.value)


def _of_curves(ours: Mapping[str, Sequence[float]], keras: Mapping[str, Sequence[float]]) -> list[Difference]:
    found = []
    for name, expected in keras.items():
        if name not in ours:
            found.append(Difference(math.inf, f"no {name}; there are {', '.join(sorted(ours))}"))
            continue
        given = ours[name]
        if len(given) != len(expected):
            found.append(Difference(math.inf, f"{name}: {len(given)} epochs, not {len(expected)}"))
            continue
        scale = max(map(abs, expected)) if "loss" in name else 1.0
        for epoch, (a, b) in enumerate(zip(given, expected, strict=True), 1):
            value = relative(a, b, scale)
            found.append(Difference(value, f"{name} of epoch {epoch}: {a:.7g}, Keras {b:.7g}"))
    return found


def _of_weights(ours: Sequence[np.ndarray], keras: Sequence[np.ndarray]) -> list[Difference]:
    if [a.shape for a in ours] != [b.shape for b in keras]:
        return [Difference(math.inf, f"weights: {[a.shape for a in ours]}, Keras {[b.shape for b in keras]}")]
    found = [Difference(0.0, "weights")]
    least = SMALL_ARRAY * max((float(np.abs(b).max()) for b in keras if b.size and b.dtype.kind == "f"), default=0.0)
    for index, (a, b) in enumerate(zip(ours, keras, strict=True)):
        if b.size and b.dtype.kind == "f":
            scale = max(float(np.abs(b).max()), least) or 1.0
            wrong = ~np.isfinite(a) | ~np.isfinite(b)
            value = math.inf if wrong.any() else float(np.abs(a.astype(np.float64) - b).max() / scale)
            found.append(Difference(value, f"weight {index} of shape {b.shape}"))
        elif b.size and (a != b).any():
            found.append(Difference(math.inf, f"weight {index} of shape {b.shape}, whole numbers"))
    return found


def relative(ours: float, keras: float, scale: float) -> float:
    """Difference of two numbers, relative to the second, or to a share of ``scale`` if that is larger."""
    if math.isnan(ours) and math.isnan(keras):
        return 0.0
    if not (math.isfinite(ours) and math.isfinite(keras)):
        return math.inf
    floor = max(abs(keras), FLOOR * scale)
    return abs(ours - keras) / floor if floor else (0.0 if ours == keras else math.inf)
