"""How members differ: disagreement, Q statistic, correlation of errors, ambiguity, genome distance."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from evo.ensemble.metrics import LOSSES, finish, row_losses
from evo.ensemble.pooling import pool


def diversity(
    predictions: Sequence[np.ndarray],
    targets: np.ndarray,
    task: str,
    weights: np.ndarray,
    pooled: np.ndarray | None = None,
    genomes: Sequence[Any] | None = None,
    distance: Callable[[Any, Any], float] | None = None,
) -> dict[str, Any]:
    """Diversity of members on given rows.

    Args:
        predictions: per member, (rows, outputs).
        targets: as :func:`evo.ensemble.metrics.as_targets` returns them.
        task: the kind of task.
        weights: (members,), sum 1.
        pooled: the ensemble's predictions; the weighted mean for None.
        genomes: per member its genome or None, for their distances.
        distance: the distance of two genomes; ``genomes.distance`` for None.

    Returns:
        A JSON object. ``pairs``: per measure a symmetric matrix (members x members, nested lists; None
        where it is not defined). ``mean``: its mean over pairs. Measures of pairs (Kuncheva & Whitaker 2003):

        - ``disagreement`` (classifiers): share of rows (and labels) where the two predict otherwise, 0 to 1;
        - ``q_statistic`` (classifiers): Yule's Q of being right, -1 to 1; 0 for independent mistakes;
        - ``error_correlation``: correlation of the residuals (probability minus target for classifiers);
        - ``genome_distance``: of the two genomes, where both are known.

        ``ambiguity``: weighted mean of the members' losses less the loss of the pool, which is what
        pooling gains (Krogh & Vedelsby 1995; squared error for regression, log loss else).
        ``losses``: each member's loss (``rmse`` or ``log_loss``); ``loss``: of the pool.
        ``accuracies``: each member's accuracy (classifiers).
    """
    count = len(predictions)
    loss = LOSSES[task][0]
    if pooled is None:
        pooled = pool(predictions, weights, "arithmetic", task)
    each = [row_losses(loss, task, one, targets) for one in predictions]
    together = float(row_losses(loss, task, pooled, targets).mean())
    means = np.array([float(rows.mean()) for rows in each])
    pairs: dict[str, np.ndarray] = {}
    result: dict[str, Any] = {}
    if task != "regression":
        labels = [one.argmax(axis=1) if task == "multiclass" else (one > 0.5).ravel() for one in predictions]
        truth = targets if task == "multiclass" else (targets > 0.5).ravel()
        right = [label == truth for label in labels]
        pairs["disagreement"] = _matrix(count, lambda i, j: float(np.mean(labels[i] != labels[j])), 0.0)
        pairs["q_statistic"] = _matrix(count, lambda i, j: _yule(right[i], right[j]), 1.0)
        result["accuracies"] = [float(r.mean()) for r in right]
    residuals = [_residuals(one, targets, task) for one in predictions]
    pairs["error_correlation"] = _matrix(count, lambda i, j: _correlation(residuals[i], residuals[j]), 1.0)
    if genomes is not None and any(genome is not None for genome in genomes):
        if distance is None:
            from genomes import distance as genome_distance

            distance = genome_distance
        pairs["genome_distance"] = _matrix(
            count,
            lambda i, j: (
                float("nan") if genomes[i] is None or genomes[j] is None else float(distance(genomes[i], genomes[j]))
            ),
            0.0,
        )
    above = np.triu_indices(count, 1)
    result |= {
        "rows": len(targets),
        "weights": [float(w) for w in weights],
        "pairs": {name: _jsonable(matrix) for name, matrix in pairs.items()},
        "mean": {name: _mean(matrix[above]) for name, matrix in pairs.items()},
        "ambiguity": float(weights @ means) - together,
        "losses": [finish(loss, mean) for mean in means],
        "loss": finish(loss, together),
    }
    return result


def _residuals(predictions: np.ndarray, targets: np.ndarray, task: str) -> np.ndarray:
    residuals = predictions.astype(np.float64)
    if task == "multiclass":
        residuals[np.arange(len(residuals)), targets] -= 1
    else:
        residuals -= targets
    return residuals.ravel()


def _matrix(count: int, measure: Callable[[int, int], float], diagonal: float) -> np.ndarray:
    matrix = np.full((count, count), diagonal)
    for i in range(count):
        for j in range(i + 1, count):
            matrix[i, j] = matrix[j, i] = measure(i, j)
    return matrix


def _yule(a: np.ndarray, b: np.ndarray) -> float:
    """Yule's Q of two boolean vectors; NaN where it is not defined (nobody errs, say)."""
    both, neither = np.sum(a & b), np.sum(~a & ~b)
    first, second = np.sum(a & ~b), np.sum(~a & b)
    agree, differ = float(both) * float(neither), float(first) * float(second)
    return (agree - differ) / (agree + differ) if agree + differ > 0 else float("nan")


def _correlation(a: np.ndarray, b: np.ndarray) -> float:
    a, b = a - a.mean(), b - b.mean()
    size = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / size if size > 0 else float("nan")


def _mean(values: np.ndarray) -> float | None:
    values = values[np.isfinite(values)]
    return float(values.mean()) if len(values) else None


def _jsonable(matrix: np.ndarray) -> list[list[float | None]]:
    return [[float(v) if np.isfinite(v) else None for v in row] for row in matrix]
