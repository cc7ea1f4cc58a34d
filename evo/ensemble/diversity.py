"""How members differ: disagreement, Q statistic, correlation of errors, ambiguity, genome distance."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from evo.ensemble.arguments import as_target
from evo.ensemble.metrics import row_losses
from evo.ensemble.pooling import pool
from genomes.edit_distance import distance as genome_distance
from genomes.targets import Target


def diversity(
    predictions: Sequence[np.ndarray],
    targets: np.ndarray,
    target: Target | str,
    weights: np.ndarray,
    pooled: np.ndarray | None = None,
    genomes: Sequence[Any] | None = None,
    distance: Callable[[Any, Any], float] | None = None,
    together: Callable[[Sequence[np.ndarray], np.ndarray], np.ndarray] | None = None,
) -> dict[str, Any]:
    """Diversity of members on given rows.

    Args:
        predictions: per member, (rows, outputs).
        targets: as :func:`evo.ensemble.arguments.as_targets` returns them.
        target: what is predicted, or the name of its task.
        weights: (members,), sum 1.
        pooled: the ensemble's predictions; the weighted mean for None.
        genomes: per member its genome or None, for their distances.
        distance: the distance of two genomes; :func:`genomes.distance` for None.
        together: what some of the members predict together, from their predictions and their weights of sum 1; None
            where it is not asked what each adds.

    Returns:
        A JSON object. ``pairs``: per measure a symmetric matrix (members x members, nested lists; None
        where it is not defined). ``mean``: its mean over pairs. Measures of pairs (Kuncheva & Whitaker 2003):

        - ``disagreement`` (classifiers): share of rows (and labels) where the two predict differently, 0 to 1;
        - ``q_statistic`` (classifiers): Yule's Q of being right, -1 to 1; 0 for independent mistakes;
        - ``error_correlation``: correlation of the residuals (probability minus target for classifiers);
        - ``genome_distance``: of the two genomes, where both are known.

        ``ambiguity``: weighted mean of the members' losses less the loss of the pool, which is what
        pooling gains (Krogh & Vedelsby 1995; squared error for regression, log loss else).
        ``losses``: each member's loss (the target's default, ``rmse`` or ``log_loss``); ``loss``: of the pool.
        ``accuracies``: each member's accuracy (classifiers). ``adds``: per member, where ``together`` is given, the
        loss of the others, their weights scaled up, less the loss of the pool: what it is good for.
    """
    count = len(predictions)
    target = as_target(target)
    loss = target.losses[0]
    if pooled is None:
        pooled = pool(predictions, weights, "arithmetic", target)
    each = [row_losses(loss, target, one, targets) for one in predictions]
    whole = float(row_losses(loss, target, pooled, targets).mean())
    means = np.array([float(rows.mean()) for rows in each])
    pairs: dict[str, np.ndarray] = {}
    result: dict[str, Any] = {}
    truth = target.true_decisions(targets)
    if truth is not None:
        labels = [target.decisions(one) for one in predictions]
        right = [np.asarray(label == truth) for label in labels]
        pairs["disagreement"] = _matrix(count, lambda i, j: float(np.mean(labels[i] != labels[j])), 0.0)
        pairs["q_statistic"] = _matrix(count, lambda i, j: _yule(right[i], right[j]), 1.0)
        result["accuracies"] = [float(r.mean()) for r in right]
    perfect = target.as_outputs(targets, pooled.shape[1])
    residuals = [(one.astype(np.float64) - perfect).ravel() for one in predictions]
    pairs["error_correlation"] = _matrix(count, lambda i, j: _correlation(residuals[i], residuals[j]), 1.0)
    if genomes is not None and any(genome is not None for genome in genomes):
        apart = genome_distance if distance is None else distance
        pairs["genome_distance"] = _matrix(
            count,
            lambda i, j: (
                float("nan") if genomes[i] is None or genomes[j] is None else float(apart(genomes[i], genomes[j]))
            ),
            0.0,
        )
    above = np.triu_indices(count, 1)
    result |= {
        "rows": len(targets),
        "weights": [float(w) for w in weights],
        "pairs": {name: _jsonable(matrix) for name, matrix in pairs.items()},
        "mean": {name: _mean(matrix[above]) for name, matrix in pairs.items()},
        "ambiguity": float(weights @ means) - whole,
        "losses": [target.finish(loss, mean) for mean in means],
        "loss": target.finish(loss, whole),
        "measured_by": loss,
    }
    if together is not None and weights.max() < 1:
        left = []
        for number in range(count):
            others = [other for other in range(count) if other != number]
            pooled = together([predictions[other] for other in others], weights[others] / weights[others].sum())
            left.append(float(row_losses(loss, target, pooled, targets).mean()))
        result["adds"] = [target.finish(loss, mean) - result["loss"] for mean in left]
    return result


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
