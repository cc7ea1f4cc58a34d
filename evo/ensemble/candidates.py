"""Candidates of an ensemble, and the check that they belong together."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from evo.core.errors import EnsembleError
from evo.ensemble.metrics import as_predictions


class EnsembleWarning(UserWarning):
    """An ensemble was formed, but it is smaller or other than what was asked for; the message says why."""


@dataclass(frozen=True, eq=False)
class Candidate:
    """A trained model that may become a member, known by its predictions.

    Attributes:
        number: number of its trial; unique among candidates. Models that are no trial (trees) take
            negative numbers.
        predictions: on the validation data, float32 (rows, outputs); probabilities for classifiers.
        scores: validation scores of the trial, for the record.
        parameters: number of weights of the model (of stored numbers, for trees).
        latency: seconds per batch, as measured by the campaign.
        genome: its :class:`genomes.Genome`, or None.
        load: returns the trained model (a ``keras.Model`` or a
            :class:`evo.ensemble.trees.trees.TreeModel`); called only if it is chosen.
        kind: ``net`` or ``trees``.
        data: fingerprint of the data that it was trained on, compared where it is known.
        available: whether the weights are still there; one without is left out with a warning.
    """

    number: int
    predictions: np.ndarray
    scores: Mapping[str, float] = field(default_factory=dict)
    parameters: int | None = None
    latency: float | None = None
    genome: Any = None
    load: Callable[[], Any] | None = None
    kind: str = "net"
    data: str | None = None
    available: bool = True


@dataclass(frozen=True)
class Limits:
    """How large an ensemble may be; None for no limit.

    Attributes:
        members: most distinct members.
        parameters: most parameters, summed over members.
        latency: most seconds per batch, summed over members (one device runs them in turn).
    """

    members: int | None = None
    parameters: int | None = None
    latency: float | None = None

    def __post_init__(self) -> None:
        for name, value in (("members", self.members), ("parameters", self.parameters), ("latency", self.latency)):
            if value is not None and not value > 0:
                raise EnsembleError(f"max_{name}: expected a positive number, got {value!r}")


class Costs:
    """What each candidate adds to an ensemble's size, against the limits.

    Args:
        candidates: all candidates; every one must know its cost for each limit that is set.
        limits: the limits.
    """

    def __init__(self, candidates: Sequence[Candidate], limits: Limits) -> None:
        self.limits = limits
        bounds: list[float] = []
        columns: list[list[float]] = []
        if limits.members is not None:
            bounds.append(limits.members)
            columns.append([1.0] * len(candidates))
        for name in ("parameters", "latency"):
            bound = getattr(limits, name)
            if bound is None:
                continue
            values = [getattr(c, name) for c in candidates]
            if all(value is None for value in values):
                raise EnsembleError(f"max_{name}: no candidate knows its {name}; measure it or drop the limit")
            bounds.append(float(bound))
            columns.append([math.inf if value is None else float(value) for value in values])
        self.bounds = np.asarray(bounds)
        self.costs = np.asarray(columns, dtype=np.float64).reshape(len(bounds), len(candidates))

    def fits(self, chosen: np.ndarray) -> bool:
        """Whether these candidates (indices) together stay within the limits."""
        total = self.costs[:, chosen].sum(axis=1)
        return bool(np.all(total <= self.bounds * (1 + 1e-12)))

    def open(self, chosen: np.ndarray) -> np.ndarray:
        """Mask of the candidates that may be taken next: those chosen already, and those that still fit."""
        total = self.costs[:, chosen].sum(axis=1, keepdims=True)
        mask = np.all(total + self.costs <= self.bounds[:, None] * (1 + 1e-12), axis=0)
        mask[chosen] = True
        return np.asarray(mask)

    def restricted(self, candidates: np.ndarray) -> Costs:
        """The same limits for some of the candidates."""
        part = object.__new__(Costs)
        part.limits, part.bounds, part.costs = self.limits, self.bounds, self.costs[:, candidates]
        return part


def warn(message: str, notes: list[str]) -> None:
    """Warn once and keep the message for the record."""
    notes.append(message)
    warnings.warn(message, EnsembleWarning, stacklevel=4)


def usable(candidates: Sequence[Candidate], rows: int, task: str, notes: list[str]) -> list[Candidate]:
    """The candidates that can stand in one ensemble, in order of their numbers.

    Left out with a warning: predictions that are not finite, weights that are gone, and
    exact copies of an earlier candidate's predictions.

    Args:
        candidates: as given by the user.
        rows: rows of the validation targets.
        task: the kind of task.
        notes: messages of the warnings are added here.

    Raises:
        EnsembleError: none given or none left, other data, other rows, or other classes.
    """
    if len(candidates) == 0:
        raise EnsembleError("candidates: at least one is needed, got none (has any trial completed?)")
    numbers = [c.number for c in candidates]
    if len(set(numbers)) != len(numbers):
        twice = next(n for n in numbers if numbers.count(n) > 1)
        raise EnsembleError(f"candidates: number {twice} is given twice")
    known = {c.data for c in candidates if c.data is not None}
    if len(known) > 1:
        raise EnsembleError(
            f"candidates: they were trained on {len(known)} different sets of data "
            f"(fingerprints {sorted(known)}); an ensemble needs candidates of one"
        )
    widths: dict[int, int] = {}
    kept: list[Candidate] = []
    gone: list[int] = []
    infinite: list[int] = []
    copies: list[int] = []
    seen: dict[bytes, int] = {}
    for candidate in sorted(candidates, key=lambda c: c.number):
        name = f"candidate {candidate.number}"
        predictions = as_predictions(candidate.predictions, task, name)
        if len(predictions) != rows:
            raise EnsembleError(
                f"{name}: {len(predictions)} rows of predictions for {rows} rows of validation targets; "
                "it was trained with other data or another split"
            )
        widths.setdefault(predictions.shape[1], candidate.number)
        if len(widths) > 1:
            (a, first), (b, second) = sorted(widths.items(), key=lambda item: item[1])
            raise EnsembleError(
                f"candidates: number {first} has {a} outputs, number {second} has {b}; "
                "they were trained for other classes"
            )
        if not candidate.available:
            gone.append(candidate.number)
            continue
        total = float(predictions.sum(dtype=np.float64))
        if not math.isfinite(total):
            infinite.append(candidate.number)
            continue
        # equal sums are rare: compare the arrays only then
        fingerprint = np.float64(total).tobytes() + predictions[:1].tobytes()
        if fingerprint in seen and np.array_equal(kept[seen[fingerprint]].predictions, predictions):
            copies.append(candidate.number)
            continue
        seen[fingerprint] = len(kept)
        if predictions is not candidate.predictions:
            candidate = Candidate(**{**candidate.__dict__, "predictions": predictions})
        kept.append(candidate)
    for left_out, why in (
        (gone, "their weights are gone"),
        (infinite, "their predictions are not finite"),
        (copies, "they predict exactly as an earlier one"),
    ):
        if left_out:
            shown = ", ".join(map(str, left_out[:10])) + (" ..." if len(left_out) > 10 else "")
            warn(f"{len(left_out)} candidates left out, as {why}: {shown}", notes)
    if not kept:
        raise EnsembleError(f"candidates: none of {len(candidates)} can be used ({notes[-1]})")
    if task != "regression":
        low = min(float(c.predictions.min()) for c in kept)
        high = max(float(c.predictions.max()) for c in kept)
        if low < -1e-3 or high > 1 + 1e-3:
            raise EnsembleError(
                f"candidates: predictions of a {task} task must be probabilities, got {low:.4g} .. {high:.4g}"
            )
    return kept
