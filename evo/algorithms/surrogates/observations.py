"""What a surrogate learns: outcomes of different lengths of training and several objectives on one scale."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from evo.algorithms.ladder import Ladder
from evo.algorithms.phenotypes import Phenotype
from evo.core.history import History

#: Standard deviation of the targets on a rung above the lowest: the promoted are alike.
_SPREAD = 0.5
#: How far below the worst of all a failed phenotype counts.
_FAILURE = 0.5


class Observation(NamedTuple):
    """The outcome of a phenotype after some length of training.

    Attributes:
        key: the phenotype's.
        level: index of the rung, 0 for the lowest; a fraction where training stopped between two.
        trial: number of the trial.
        target: about standard normal, comparable between rungs, more is better.
    """

    key: str
    level: float
    trial: int
    target: float


def average_ranks(values: np.ndarray) -> np.ndarray:
    """Ranks from 1, ties sharing the mean of theirs.

    Args:
        values: float64, shape (n,), without NaN.

    Returns:
        float64, shape (n,).
    """
    _, group, sizes = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(sizes)
    return ((2 * last - sizes + 1) / 2)[group]


def gaussianized(values: np.ndarray) -> np.ndarray:
    """Values replaced by the normal quantiles of their ranks, ties shared.

    Args:
        values: float64, shape (n,), without NaN.

    Returns:
        float64, shape (n,): mean 0, variance below 1.
    """
    from scipy.special import ndtri  # takes as long to import as all of evo

    count = len(values)
    return np.asarray(ndtri((average_ranks(values) - 0.5) / count)) if count else np.zeros(0)


def observations(
    history: History,
    found: Iterable[Phenotype],
    ladder: Ladder,
    rng: np.random.Generator | None = None,
    before: int | None = None,
) -> list[Observation]:
    """Every outcome as a target that is comparable with those of other rungs.

    On each rung outcomes become the normal quantiles of their ranks. The promoted
    were chosen, so that rank 2 of 3 up there is not rank 2 of 3 below: the quantiles of a
    rung are narrowed, and moved to the mean that its phenotypes have on the rung below.
    Phenotypes that only failed get less than all others.

    Several objectives become one by an augmented Chebyshev scalarisation with
    random weights, drawn anew for every proposal (ParEGO: Knowles 2006).

    Args:
        history: trials.
        found: their phenotypes.
        ladder: the rungs.
        rng: draws the weights of several objectives; equal weights without it.
        before: leave out all trials from this number on.

    Returns:
        one observation per completed length of a phenotype, in order of trials.
    """
    phenotypes = list(found)
    end = len(history) if before is None else before
    seen = sorted((n, p.key, mark) for p in phenotypes for mark, n in p.marks.items() if n < end)
    if not seen:
        return []
    scores = _scores(np.array([history.merit(n) for n, _, _ in seen]), rng)
    rungs = np.log(ladder.rungs)
    levels = np.interp(np.log([mark for _, _, mark in seen]), rungs, np.arange(len(ladder)))
    whole = np.floor(levels + 1e-9).astype(int)
    targets = np.empty(len(seen))
    below: dict[str, float] = {}
    for level in range(len(ladder)):
        here = np.flatnonzero(whole == level)
        if not len(here):
            continue
        values = gaussianized(scores[here])
        known = [below[seen[i][1]] for i in here if seen[i][1] in below]
        targets[here] = values * (1.0 if not known else _SPREAD) + (float(np.mean(known)) if known else 0.0)
        below.update((seen[i][1], float(targets[i])) for i in here)
    result = [
        Observation(key, float(level), n, float(target))
        for (n, key, _), level, target in zip(seen, levels, targets, strict=True)
    ]
    lowest = float(targets.min()) - _FAILURE
    failed = [p for p in phenotypes if p.failed and not p.marks and p.first < end]
    return [*result, *(Observation(p.key, 0.0, p.first, lowest) for p in failed)]


def _scores(fitness: np.ndarray, rng: np.random.Generator | None) -> np.ndarray:
    """One score per row, more is better, from fitness of shape (rows, objectives)."""
    if fitness.shape[1] == 1:
        return fitness[:, 0]
    count = fitness.shape[1]
    weights = np.full(count, 1 / count) if rng is None else rng.dirichlet(np.ones(count))
    scaled = np.array([gaussianized(column) for column in fitness.T])
    # As losses from the best, so that the weighted worst one counts.
    losses = weights[:, None] * (scaled.max(axis=1, keepdims=True) - scaled)
    return -(losses.max(axis=0) + 0.05 * losses.sum(axis=0))
