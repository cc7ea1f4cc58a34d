"""The library of models that an ensemble is chosen from, and the check that they belong together.

"Ensemble selection from libraries of models" is Caruana et al. 2004.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from evo.core.errors import EnsembleError
from evo.ensemble.arguments import as_predictions, as_target
from evo.ensemble.metrics import evaluate
from genomes.targets import Target


class EnsembleWarning(UserWarning):
    """An ensemble was formed, but it is smaller or other than what was asked for; the message says why."""


@dataclass(frozen=True, eq=False)
class LibraryModel:
    """A trained model that an ensemble may be chosen from, known by its predictions.

    Attributes:
        number: number of its trial; unique among candidates. Models that are no trial (trees, linear ones)
            take negative numbers.
        predictions: on the validation data, float32 (rows, outputs); probabilities for classifiers.
        scores: validation scores of the trial, for the record.
        parameters: number of weights of the model (of stored numbers, for trees).
        latency: seconds per batch, as measured by the campaign.
        genome: its :class:`genomes.Genome`, or None.
        load: returns the trained model (a ``keras.Model``, a :class:`evo.ensemble.trees.TreeModel` or a
            :class:`evo.ensemble.linear.LinearModel`); called only if it is chosen.
        kind: ``net``, ``trees`` or ``linear``.
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


#: What an ensemble is chosen from.
Candidates = list[LibraryModel]
ByNumber = Mapping[int, LibraryModel]
#: What is done with a candidate as soon as it is there.
Keep = Callable[[LibraryModel], None]


def add_beside_nets(
    candidates: Candidates,
    number: int,
    model: Any,
    predictions: np.ndarray,
    judged: tuple[Target, np.ndarray],
    *,
    kind: str,
    data: str | None,
    keep: Keep | None,
) -> None:
    """Add a candidate that is no net, unless it predicts exactly what an earlier one does.

    Args:
        candidates: is added to.
        number: negative.
        model: predicts from prepared input.
        predictions: for the rows that it is judged by.
        judged: what is predicted, and what is true of these rows.
        kind: what it is.
        data: fingerprint of the data.
        keep: is given the candidate, if it is added.
    """
    if any(np.array_equal(predictions, earlier.predictions) for earlier in candidates):
        return  # as on rows that are easily told apart
    target, targets = judged
    candidates.append(
        LibraryModel(
            number=number,
            predictions=predictions,
            scores={f"val_{name}": value for name, value in evaluate(target, predictions, targets).items()},
            parameters=model.parameters,
            load=lambda: model,
            kind=kind,
            data=data,
        )
    )
    if keep is not None:
        keep(candidates[-1])


def warn(message: str, notes: list[str]) -> None:
    """Warn once and keep the message for the record."""
    notes.append(message)
    warnings.warn(message, EnsembleWarning, stacklevel=4)


def usable(candidates: Sequence[LibraryModel], rows: int, target: Target | str, notes: list[str]) -> list[LibraryModel]:
    """The candidates that can stand in one ensemble, in order of their numbers.

    Left out with a warning: predictions that are not finite, weights that are gone, and
    exact copies of an earlier candidate's predictions.

    Args:
        candidates: as given by the user.
        rows: rows of the validation targets.
        target: what is predicted, or the name of its task.
        notes: messages of the warnings are added here.

    Raises:
        EnsembleError: none given or none left, other data, other rows, or other classes.
    """
    target = as_target(target)
    _check_one_library(candidates)
    kept, left_out = _told_apart(_with_fitting_predictions(candidates, rows, target))
    for why, numbers in left_out.items():
        shown = ", ".join(map(str, numbers[:10])) + (" ..." if len(numbers) > 10 else "")
        warn(f"{len(numbers)} candidates left out, as {why}: {shown}", notes)
    if not kept:
        raise EnsembleError(f"candidates: none of {len(candidates)} can be used ({notes[-1]})")
    if target.gives_probabilities:
        low = min(float(c.predictions.min()) for c in kept)
        high = max(float(c.predictions.max()) for c in kept)
        if low < -1e-3 or high > 1 + 1e-3:
            raise EnsembleError(
                f"candidates: predictions of a {target.task} task must be probabilities, got {low:.4g} .. {high:.4g}"
            )
    return kept


def _check_one_library(candidates: Sequence[LibraryModel]) -> None:
    """Refuse no candidates at all, numbers that are given twice, and models of different data."""
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


def _with_fitting_predictions(candidates: Sequence[LibraryModel], rows: int, target: Target) -> Iterator[LibraryModel]:
    """The candidates by number, their predictions as arrays (rows, outputs); refuses other rows and other outputs."""
    widths: dict[int, int] = {}
    for candidate in sorted(candidates, key=lambda c: c.number):
        name = f"candidate {candidate.number}"
        predictions = as_predictions(candidate.predictions, target, name)
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
        yield candidate if predictions is candidate.predictions else replace(candidate, predictions=predictions)


def _told_apart(candidates: Iterable[LibraryModel]) -> tuple[list[LibraryModel], dict[str, list[int]]]:
    """Those that can be members; and the numbers of those that cannot, by the reason why."""
    kept: list[LibraryModel] = []
    gone: list[int] = []
    infinite: list[int] = []
    copies: list[int] = []
    seen: dict[bytes, int] = {}
    for candidate in candidates:
        if not candidate.available:
            gone.append(candidate.number)
            continue
        total = float(candidate.predictions.sum(dtype=np.float64))
        if not math.isfinite(total):
            infinite.append(candidate.number)
            continue
        # Equal sums are rare: the arrays are compared only then.
        fingerprint = np.float64(total).tobytes() + candidate.predictions[:1].tobytes()
        if fingerprint in seen and np.array_equal(kept[seen[fingerprint]].predictions, candidate.predictions):
            copies.append(candidate.number)
            continue
        seen[fingerprint] = len(kept)
        kept.append(candidate)
    left_out = {
        "their weights are gone": gone,
        "their predictions are not finite": infinite,
        "they predict exactly as an earlier one": copies,
    }
    return kept, {why: numbers for why, numbers in left_out.items() if numbers}
