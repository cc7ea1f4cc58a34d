"""The best ensemble for each size: members, parameters, milliseconds."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from evo.core.errors import EnsembleError
from evo.ensemble.library import EnsembleWarning, LibraryModel
from evo.ensemble.selection.estimation import Estimate
from evo.ensemble.selection.selection import Selection, build
from genomes.targets import Target

By = Literal["members", "parameters", "latency"]


@dataclass(frozen=True, eq=False)
class FrontierPoint:
    """An ensemble that no smaller one beats.

    Attributes:
        members: distinct members.
        parameters: of all members; None if not known.
        latency: seconds per batch, of all members in turn; None if not known.
        estimate: nested estimate of the loss that was minimised.
        selection: the members and their weights.
    """

    members: int
    parameters: int | None
    latency: float | None
    estimate: Estimate
    selection: Selection

    def to_json(self) -> dict[str, Any]:
        """Sizes and estimate as a JSON object."""
        return {
            "members": self.members,
            "parameters": self.parameters,
            "latency": self.latency,
            "estimate": self.estimate.to_json(),
            "trials": [c.number for c in self.selection.candidates],
            "weights": self.selection.weights.tolist(),
        }


def frontier(
    candidates: Sequence[LibraryModel],
    y_validation: np.ndarray,
    task: Target | str,
    by: By = "members",
    size: int = 8,
    steps: int = 8,
    *,
    rng: np.random.Generator,
    **options: Any,
) -> list[FrontierPoint]:
    """The best ensembles by size, smallest first, each with a better nested estimate than those before it.

    Args:
        candidates: as for :func:`evo.ensemble.build`.
        y_validation: targets of the validation rows.
        task: what is predicted, or the name of its task.
        by: what counts as size: distinct ``members``, ``parameters``, or ``latency`` (seconds per batch).
        size: most members.
        steps: bounds tried for ``parameters`` and ``latency``, evenly spaced in their logarithm between
            the cheapest candidate and an ensemble without a bound.
        rng: randomness of the selections.
        **options: further arguments of :func:`evo.ensemble.build` (``method``, ``loss``, ``pooling`` ...).

    Raises:
        EnsembleError: no candidate knows its parameters or its latency, or as :func:`evo.ensemble.build`.
    """
    if by not in ("members", "parameters", "latency"):
        raise EnsembleError(f"by: expected 'members', 'parameters' or 'latency', got {by!r}")
    options = {"confidence": None, **options}
    tried: list[Selection] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", EnsembleWarning)
        if by == "members":
            for members in range(1, min(size, len(candidates)) + 1):
                tried.append(build(candidates, y_validation, task, members, rng=rng, **options))
        else:
            known = [getattr(c, by) for c in candidates if getattr(c, by) is not None]
            if not known:
                raise EnsembleError(f"by: no candidate knows its {by}")
            within = [c for c in candidates if getattr(c, by) is not None]
            full = build(within, y_validation, task, size, rng=rng, **options)
            low, high = float(min(known)), float(sum(getattr(c, by) for c in full.candidates))
            for bound in np.geomspace(max(low, 1e-12), max(low, high), steps)[:-1]:
                limit = {f"max_{by}": float(bound) * (1 + 1e-9)}
                tried.append(build(within, y_validation, task, size, rng=rng, **{**options, **limit}))
            tried.append(full)
    points = sorted((_point(selection) for selection in tried), key=lambda p: (_cost(p, by), p.estimate.value))
    best: list[FrontierPoint] = []
    for point in points:
        if not best or point.estimate.value < best[-1].estimate.value:
            best.append(point)
    return best


def _cost(point: FrontierPoint, by: str) -> float:
    value = getattr(point, by)
    return float("inf") if value is None else float(value)


def _point(selection: Selection) -> FrontierPoint:
    def total(name: str) -> Any:
        values = [getattr(c, name) for c in selection.candidates]
        return None if any(value is None for value in values) else sum(values)

    known = selection.estimates.get("ensemble", selection.estimates.get("best", {}))
    estimate = known.get(selection.loss, Estimate(float("nan"), float("nan")))
    return FrontierPoint(len(selection.candidates), total("parameters"), total("latency"), estimate, selection)
