"""Comparing methods over tasks and seeds: ranks, critical differences, paired tests, bootstrap.

Everywhere a *score table* has one row per block (a task, or a task and a
seed), one column per method, and less is better (errors, regrets).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import scipy.stats


def score_table(
    frame: pd.DataFrame, value: str, method: str = "method", block: Sequence[str] = ("task",)
) -> pd.DataFrame:
    """A tidy frame as a score table: the mean of ``value`` per block and method.

    Blocks in which a method is missing are left out, so that all are compared on the same.
    """
    table = frame.pivot_table(index=list(block), columns=method, values=value, aggfunc="mean", dropna=False)
    return table.dropna(axis=0, how="any")


def mean_ranks(table: pd.DataFrame) -> pd.Series:
    """Mean rank of each method over the blocks (1 is best, ties share their mean), best first."""
    ranks = table.rank(axis=1, method="average")
    return ranks.mean(axis=0).sort_values(kind="stable")


def friedman(table: pd.DataFrame) -> float:
    """p-value of Friedman's test that all methods rank alike; 1.0 where it is not defined.

    Source: Friedman, JASA 1937; needs three methods and two blocks.
    """
    if table.shape[1] < 3 or len(table) < 2:
        return 1.0
    if (table.nunique(axis=1) == 1).all():  # nothing but ties: the statistic is 0 / 0
        return 1.0
    return float(scipy.stats.friedmanchisquare(*(table[column].to_numpy() for column in table)).pvalue)


def critical_difference(methods: int, blocks: int, alpha: float = 0.05) -> float:
    """Nemenyi's critical difference of mean ranks.

    ``CD = q_alpha * sqrt(k (k + 1) / (6 N))`` with q from the studentized range
    divided by sqrt(2) (Demšar, JMLR 7, 2006, section 3.2.2).

    Args:
        methods: number of methods k, at least 2.
        blocks: number of blocks N, at least 1.
        alpha: level of the family of all pairs.

    Raises:
        ValueError: too few methods or blocks, or alpha outside (0, 1).
    """
    if methods < 2 or blocks < 1 or not 0 < alpha < 1:
        raise ValueError(f"expected 2 or more methods, 1 or more blocks, got {methods}, {blocks}, {alpha=}")
    q = scipy.stats.studentized_range.ppf(1 - alpha, methods, np.inf) / math.sqrt(2)
    return float(q * math.sqrt(methods * (methods + 1) / (6 * blocks)))


def cliques(ranks: pd.Series, difference: float) -> list[tuple[str, ...]]:
    """Maximal groups of methods whose mean ranks differ by at most ``difference``, best first."""
    ordered = ranks.sort_values(kind="stable")
    values, names = ordered.to_numpy(), [str(name) for name in ordered.index]
    groups: list[tuple[int, int]] = []
    for first in range(len(values)):
        last = int(np.searchsorted(values, values[first] + difference + 1e-12, side="right")) - 1
        if last > first and (not groups or last > groups[-1][1]):
            groups.append((first, last))
    return [tuple(names[first : last + 1]) for first, last in groups]


def holm(p_values: Sequence[float]) -> np.ndarray:
    """Holm's step-down adjustment (Holm 1979): adjusted p-values in the order given."""
    p = np.asarray(p_values, dtype=float)
    order = np.argsort(p, kind="stable")
    adjusted = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    result = np.empty_like(p)
    result[order] = np.minimum(adjusted, 1.0)
    return result


def wilcoxon_holm(table: pd.DataFrame, against: str | None = None) -> pd.DataFrame:
    """Paired Wilcoxon signed-rank tests (two-sided) with Holm's correction over all pairs tested.

    Differences are taken of logarithms where all values are positive, so
    that tasks with large errors do not outweigh the rest.

    Args:
        table: a score table; use one row per task and seed.
        against: compare this method with each other one; None for all pairs.

    Returns:
        Columns ``first``, ``second``, ``wins`` (blocks where first is lower), ``losses``,
        ``ratio`` (geometric mean of first / second; NaN unless all are positive), ``p``, ``p_holm``.
    """
    names = list(table.columns)
    if against is None:
        pairs = [(a, b) for i, a in enumerate(names) for b in names[i + 1 :]]
    else:
        if against not in names:
            raise ValueError(f"against: expected one of {names}, got {against!r}")
        pairs = [(against, b) for b in names if b != against]
    positive = bool((table.to_numpy() > 0).all())
    rows = []
    for first, second in pairs:
        a, b = table[first].to_numpy(float), table[second].to_numpy(float)
        differences = np.log(a) - np.log(b) if positive else a - b
        p = 1.0
        if len(differences) and np.any(differences != 0):
            p = float(scipy.stats.wilcoxon(differences, zero_method="pratt").pvalue)
        rows.append(
            {
                "first": first,
                "second": second,
                "wins": int((a < b).sum()),
                "losses": int((a > b).sum()),
                "ratio": float(np.exp(differences.mean())) if positive and len(differences) else math.nan,
                "p": p,
            }
        )
    result = pd.DataFrame(rows, columns=["first", "second", "wins", "losses", "ratio", "p"])
    result["p_holm"] = holm(result["p"].to_numpy())
    return result


@dataclass(frozen=True)
class Interval:
    """An estimate with its confidence interval."""

    estimate: float
    low: float
    high: float


def bootstrap(
    values: Sequence[float] | np.ndarray,
    statistic: Callable[[np.ndarray], float] = np.mean,
    level: float = 0.95,
    resamples: int = 9999,
    seed: int = 0,
) -> Interval:
    """Percentile bootstrap interval of a statistic over independent values (Efron 1979).

    Args:
        values: shape (n,) or (n, ...); rows are resampled.
        statistic: maps such an array to a number.
        level: confidence.
        resamples: bootstrap samples.
        seed: seed of the resampling.

    Raises:
        ValueError: no values.
    """
    array = np.asarray(values, dtype=float)
    if not len(array):
        raise ValueError("values: expected at least one, got none")
    rng = np.random.default_rng(seed)
    drawn = [float(statistic(array[rng.integers(len(array), size=len(array))])) for _ in range(resamples)]
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(statistic(array)), float(low), float(high))


def geometric_mean_ratio(first: pd.Series, second: pd.Series) -> float:
    """Geometric mean over blocks of ``first / second``; both must be positive, with equal index."""
    a, b = first.to_numpy(float), second.reindex(first.index).to_numpy(float)
    if not ((a > 0).all() and (b > 0).all()):
        return math.nan
    return float(np.exp(np.mean(np.log(a) - np.log(b))))


def best_so_far(cost: np.ndarray, value: np.ndarray, grid: np.ndarray) -> np.ndarray:
    """The lowest value seen up to each cost of the grid; NaN before the first.

    Args:
        cost: shape (n,), cumulative cost at which each value became known, any order.
        value: shape (n,), less is better; NaN is never best.
        grid: shape (m,), costs at which to look.
    """
    order = np.argsort(cost, kind="stable")
    known = np.asarray(cost, float)[order]
    lowest = np.fmin.accumulate(np.asarray(value, float)[order]) if len(known) else np.empty(0)
    position = np.searchsorted(known, np.asarray(grid, float), side="right") - 1
    result = np.full(len(grid), np.nan)
    seen = position >= 0
    result[seen] = lowest[position[seen]]
    return result


def cost_to_reach(cost: np.ndarray, value: np.ndarray, goal: float) -> float:
    """The lowest cost at which a value of at most ``goal`` was known; ``inf`` if none was."""
    reached = np.asarray(cost, float)[np.asarray(value, float) <= goal]
    return float(reached.min()) if len(reached) else math.inf
