"""From candidates' validation predictions to the members of an ensemble and their weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from evo.core.errors import EnsembleError
from evo.ensemble.arguments import as_target, as_targets, check_loss, check_pooling
from evo.ensemble.calibration import reliability
from evo.ensemble.library import LibraryModel, usable, warn
from evo.ensemble.pooling import pool
from evo.ensemble.selection.estimation import Estimate, PairedGain
from evo.ensemble.selection.pool_loss import PoolLoss
from evo.ensemble.selection.selection_problem import Chosen, SelectionProblem, Way
from evo.ensemble.size_limits import Costs, SizeLimits
from evo.ensemble.stacking import Stacker
from genomes.checks import whole_number
from genomes.targets import Target

#: Every method by name; ``auto`` is the first of several unless another is clearly better.
METHODS = ("auto", "best", "average", "weighted", "greedy", "bagged", "nes", "stacking")
#: Numbers (float32) that the terms of a selection may take; more candidates than fit are screened by own loss.
_TERMS = 4_000_000
_FEWEST = 64
#: Share of the bootstrap samples in which a way must be better than the one before to replace it. With few rows the
#: least of several nested losses is mostly luck, and many members of similar weight are the safer bet.
_CLEARLY = 0.95


@dataclass(frozen=True, eq=False)
class Selection:
    """The members chosen, and what is known about them.

    Attributes:
        candidates: the members, heaviest first.
        weights: float64 (members,), sum 1.
        target: what is predicted.
        method: the method that chose them; ``best`` after a fallback.
        loss: the loss that was minimised.
        pooling: ``arithmetic``, ``geometric``, ``median`` or ``stacked``.
        temperature: applied after pooling; 1 for none.
        stacker: the linear model of ``stacked``, else None.
        estimates: per approach (``ensemble``, ``best``, ``average``) and metric, the nested estimate:
            each row judged by what was chosen without it. Empty with too few rows to cross-fit.
        gain: of the ensemble over the best single model, nested; None with fewer than two candidates.
        fallback: whether the best single model stands here because no gain was shown.
        calibration: of the rows that were judged by what was chosen without them, see
            :func:`evo.ensemble.calibration.reliability`; empty where there is none.
        notes: why it is smaller or other than asked, one line each.
    """

    candidates: tuple[LibraryModel, ...]
    weights: np.ndarray
    target: Target
    method: str
    loss: str
    pooling: str = "arithmetic"
    temperature: float = 1.0
    stacker: Stacker | None = None
    estimates: Mapping[str, Mapping[str, Estimate]] = field(default_factory=dict)
    gain: PairedGain | None = None
    fallback: bool = False
    calibration: tuple[Mapping[str, Any], ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def task(self) -> str:
        """The name of the task."""
        return self.target.task

    def predictions(self) -> np.ndarray:
        """Pooled validation predictions, float32 (rows, outputs)."""
        return pool(
            [c.predictions for c in self.candidates],
            self.weights,
            self.pooling,
            self.target,
            self.temperature,
            self.stacker,
        )

    @property
    def estimate(self) -> Mapping[str, Estimate]:
        """Nested estimates, by metric, of what was returned: of the best single model after a fallback."""
        return self.estimates.get("best" if self.method == "best" else "ensemble", {})

    def report(self) -> dict[str, Any]:
        """How the ensemble was chosen, as a JSON object."""
        return {
            "method": self.method,
            "loss": self.loss,
            "fallback": self.fallback,
            "estimate": {metric: estimate.to_json() for metric, estimate in self.estimate.items()},
            "estimates": {
                who: {metric: estimate.to_json() for metric, estimate in metrics.items()}
                for who, metrics in self.estimates.items()
            },
            "gain": None if self.gain is None else self.gain.to_json(),
            "calibration": [dict(group) for group in self.calibration],
            "notes": list(self.notes),
        }


def build(
    candidates: Sequence[LibraryModel],
    y_validation: np.ndarray,
    task: Target | str,
    size: int = 8,
    method: str = "auto",
    *,
    loss: str | None = None,
    single_loss: str | None = None,
    pooling: str | None = None,
    temperature: bool = False,
    max_members: int | None = None,
    max_parameters: float | None = None,
    max_latency: float | None = None,
    fold_count: int = 5,
    confidence: float | None = 0.5,
    sample_weight: np.ndarray | None = None,
    rng: np.random.Generator,
) -> Selection:
    """Choose members and weights on validation predictions; no model is loaded.

    The same choice is repeated on all folds but one and judged on that one, which gives the nested
    estimates and decides the fallback; the members returned are chosen on all rows.

    Args:
        candidates: models with their predictions on the validation rows.
        y_validation: targets of those rows.
        task: what is predicted, or the name of its task: ``binary``, ``multiclass``, ``multilabel``, ``regression``.
        size: members asked for, at most; a method may need fewer.
        method: ``best``: the best single model. ``average``: plain average of the best ``size``.
            ``weighted``: weights learned by gradient, drawn towards equal ones. ``greedy``: Caruana's selection with
            replacement. ``bagged``: the mean of 20 such selections over random halves of the candidates.
            ``nes``: forward selection without replacement (Zaidi et al. 2021).
            ``stacking``: a linear model on the greedily chosen. ``auto``: ``weighted`` with ``size``
            members, unless a half or a quarter of them or ``greedy`` has clearly less nested loss
            (docs/decisions/ensemble.md).
        loss: what is minimised: ``log_loss`` (default), ``calibrated_log_loss`` (members are weighed as if each had
            its best temperature, which comes closest to choosing by error), ``brier`` or ``error``; ``rmse``
            (default) or ``mae``.
        single_loss: what the best single model is best in, by default ``loss``.
        pooling: ``arithmetic`` (default) or ``geometric`` mean of probabilities; ``arithmetic`` or
            ``median`` for regression.
        temperature: fit a temperature after pooling (classifiers).
        max_members: most members; the smaller of this and ``size`` holds.
        max_parameters: most parameters, summed over members.
        max_latency: most seconds per batch, summed over members.
        fold_count: folds of the cross-fitting, 2 or more.
        confidence: the best single model is returned unless the ensemble is better in this
            share of the samples of a paired bootstrap; None never falls back. More than one half gives gains
            away: see docs/decisions.md.
        sample_weight: weight of each validation row, or None.
        rng: randomness of bags, folds and bootstrap.

    Raises:
        EnsembleError: an argument is wrong, candidates do not belong together, or none fits the limits.

    Warns:
        EnsembleWarning: candidates were left out, or the ensemble is smaller than asked for, and why.
    """
    target = as_target(task)
    loss = check_loss(target, loss)
    single_loss = loss if single_loss is None else check_loss(target, single_loss)
    asked_pooling, pooling = pooling, check_pooling(target, pooling)
    if method not in METHODS:
        raise EnsembleError(f"method: expected one of {METHODS}, got {method!r}")
    whole_number(size, "size", 1, error=EnsembleError)
    whole_number(fold_count, "fold_count", 2, error=EnsembleError)
    if confidence is not None and not 0 <= confidence <= 1:
        raise EnsembleError(f"confidence: expected a share between 0 and 1 or None, got {confidence!r}")
    if method == "stacking" and asked_pooling is not None:
        raise EnsembleError(f"pooling: stacking has none of its own, got {asked_pooling!r}")
    notes: list[str] = []
    rows = len(y_validation)
    if rows == 0:
        raise EnsembleError("y_validation: at least one row is needed, got none")
    kept = usable(candidates, rows, target, notes)
    if len(candidates) < size and method != "best":
        there = "is only one candidate" if len(candidates) == 1 else f"are only {len(candidates)} candidates"
        warn(f"{size} members asked for, but there {there}", notes)
    targets = as_targets(y_validation, target, kept[0].predictions.shape[1], "y_validation")
    if sample_weight is not None and (np.shape(sample_weight) != (rows,) or np.min(sample_weight) < 0):
        raise EnsembleError(f"sample_weight: expected {rows} non-negative numbers")
    members = int(size if max_members is None else min(size, max_members))
    limits = SizeLimits(members, max_parameters, max_latency)  # type: ignore[arg-type]
    costs = Costs(kept, limits)
    fitting = costs.open(np.array([], dtype=int))
    if not fitting.any():
        least = costs.costs.min(axis=1)
        raise EnsembleError(
            f"no candidate fits max_members={members}, max_parameters={max_parameters}, "
            f"max_latency={max_latency}; the least are {least.tolist()}"
        )
    kept = [c for c, fits in zip(kept, fitting, strict=True) if fits]
    kept = screen(kept, targets, target, loss, pooling, sample_weight)
    problem = SelectionProblem(kept, targets, target, loss, single_loss, pooling, temperature, limits, sample_weight)

    everything = np.arange(rows)
    best, average = ("best", members), ("average", members)
    if len(kept) == 1 or method == "best":
        if len(kept) == 1 and len(candidates) > 1:
            warn("one candidate is left: the ensemble has one member", notes)
        predicted = problem.cross_fit((best,), fold_count, rng)
        named = {name: estimate for (name, _), estimate in problem.estimates(predicted).items()}
        chosen = problem.fit(best, everything, rng)
        return _selection(problem, chosen, "best", named, None, False, notes, predicted.get(best))
    tried = _tried(members) if method == "auto" else ((method, members),)
    predicted = problem.cross_fit((best, average, *tried), fold_count, rng)
    found = problem.estimates(predicted)
    way = _clearly_best(tried, predicted, problem, rng) if found else tried[0]
    named = {"best": found[best], "average": found[average], "ensemble": found[way]} if found else {}
    gain = problem.gain(predicted[best], predicted[way], rng) if found else None
    chosen = problem.fit(way, everything, rng)
    fallback = False
    if confidence is not None and gain is not None:
        lost = problem.gain(predicted[best], predicted[way], rng, single_loss) if single_loss != loss else gain
        if not gain.probability >= confidence:
            fallback = True
            notes.append(
                f"no gain over the best single model was shown (better in {gain.probability:.0%} of the bootstrap "
                f"samples, {confidence:.0%} needed): the ensemble is that model"
            )
        elif lost.high < 0:
            fallback = True
            notes.append(f"better in {loss}, but worse in {single_loss}: the ensemble is the best single model")
    if fallback:
        chosen = problem.fit(best, everything, rng)
    judged = predicted.get(best if fallback else way)
    return _selection(problem, chosen, "best" if fallback else way[0], named, gain, fallback, notes, judged)


def _selection(
    problem: SelectionProblem,
    chosen: Chosen,
    method: str,
    estimates: Mapping[str, Mapping[str, Estimate]],
    gain: PairedGain | None,
    fallback: bool,
    notes: list[str],
    judged: np.ndarray | None,
) -> Selection:
    """The public record of a choice; ``judged`` are its cross-fitted predictions."""
    calibration = () if judged is None else reliability(judged, problem.targets, problem.target, problem.weight)
    return Selection(
        candidates=tuple(problem.candidates[i] for i in chosen.members),
        weights=chosen.weights,
        target=problem.target,
        method=method,
        loss=problem.loss,
        pooling="stacked" if chosen.stacker is not None else problem.pooling,
        temperature=chosen.temperature,
        stacker=chosen.stacker,
        estimates=estimates,
        gain=gain,
        fallback=fallback,
        calibration=tuple(calibration),
        notes=tuple(notes),
    )


def _tried(size: int) -> tuple[Way, ...]:
    """What ``auto`` tries: many members where candidates are alike, few where some are far better.

    The first is taken where there are too few rows to cross-fit.
    """
    fewer = (("weighted", part) for part in (size // 2, size // 4) if part >= 2)
    return (("weighted", size), *fewer, ("greedy", size))


def _clearly_best(
    tried: Sequence[Way], predicted: Mapping[Way, np.ndarray], problem: SelectionProblem, rng: np.random.Generator
) -> Way:
    """The first way unless a later one is clearly better on cross-fitted predictions; then that, and so on."""
    way = tried[0]
    for other in tried[1:]:
        if problem.gain(predicted[way], predicted[other], rng).probability > _CLEARLY:
            way = other
    return way


def screen(
    candidates: list[LibraryModel],
    targets: np.ndarray,
    target: Target | str,
    loss: str,
    pooling: str,
    row_weight: np.ndarray | None = None,
) -> list[LibraryModel]:
    """The candidates of the least own loss, as many as a selection can hold in memory (at least 64).

    Order is kept. Pruning a library by own loss before selecting is Caruana's, too (2006).
    """
    rows, outputs = candidates[0].predictions.shape
    target = as_target(target)
    width = outputs if loss in target.calibrated_losses else target.pooled_loss(loss, pooling).width(outputs)
    most = max(_FEWEST, _TERMS // (rows * width))
    if len(candidates) <= most:
        return candidates
    single = target.screening_losses.get(loss, loss)
    own = np.empty(len(candidates))
    for start in range(0, len(candidates), 16):
        part = [c.predictions for c in candidates[start : start + 16]]
        own[start : start + 16] = PoolLoss(part, targets, target, "arithmetic", single, row_weight).singles()
    best = np.sort(np.argsort(own, kind="stable")[:most])
    return [candidates[i] for i in best]
