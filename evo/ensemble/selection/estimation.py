"""Estimates that do not flatter: cross-fitting over validation rows, paired bootstrap."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Estimate:
    """A metric and its standard error over rows.

    Attributes:
        value: the metric.
        error: its standard error; treats rows as independent.
    """

    value: float
    error: float

    def to_json(self) -> dict[str, float]:
        """JSON object."""
        return {"value": self.value, "error": self.error}

    def __str__(self) -> str:
        return f"{self.value:.4g} ± {self.error:.2g}"


@dataclass(frozen=True)
class PairedGain:
    """How much less an ensemble loses than the best single model, on the same rows.

    Attributes:
        value: mean difference of the row losses, positive where the ensemble is better.
        low: 5th percentile of its bootstrap distribution.
        high: 95th percentile.
        probability: share of the bootstrap samples in which the ensemble is better.
    """

    value: float
    low: float
    high: float
    probability: float

    def to_json(self) -> dict[str, float]:
        """JSON object."""
        return {"value": self.value, "low": self.low, "high": self.high, "probability": self.probability}


def paired_gain(
    single: np.ndarray,
    ensemble: np.ndarray,
    rng: np.random.Generator,
    weight: np.ndarray | None = None,
    samples: int = 1000,
) -> PairedGain:
    """Paired bootstrap of the difference of row losses.

    Above 2,000 rows the mean's bootstrap distribution is its normal limit, which is drawn directly.

    Args:
        single: row losses of the best single model, (rows,).
        ensemble: row losses of the ensemble, (rows,).
        rng: randomness of the bootstrap.
        weight: weight of each row, or None.
        samples: bootstrap samples.
    """
    difference = np.asarray(single - ensemble, dtype=np.float64)
    rows = len(difference)
    w = np.full(rows, 1 / rows) if weight is None else weight / weight.sum()
    mean = float(w @ difference)
    if rows > 2000:
        error = float(np.sqrt(np.sum(w**2 * (difference - mean) ** 2)))
        means = rng.normal(mean, error, size=samples) if error > 0 else np.full(samples, mean)
    else:
        counts = rng.multinomial(rows, np.full(rows, 1 / rows), size=samples) * (w * rows)
        means = counts @ difference / np.maximum(counts.sum(axis=1), 1e-12)
    low, high = np.quantile(means, [0.05, 0.95])
    # a tie is no gain
    return PairedGain(mean, float(low), float(high), float((means > 0).mean()))


def folds(rows: int, count: int, targets: np.ndarray | None, rng: np.random.Generator) -> np.ndarray:
    """Fold of each row, int64 (rows,), 0 .. count - 1.

    Args:
        rows: number of rows.
        count: number of folds; their sizes differ by at most one.
        targets: class of each row, of which every fold gets its share; None to leave that to chance.
        rng: randomness of the folds.
    """
    fold = np.empty(rows, dtype=np.int64)
    order = rng.permutation(rows)
    if targets is not None:
        order = order[np.argsort(targets[order], kind="stable")]
    fold[order] = np.arange(rows) % count
    return fold
