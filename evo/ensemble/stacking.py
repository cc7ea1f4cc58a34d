"""Stacking: a linear model on the members' predictions (Wolpert 1992)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from evo.ensemble.calibration import FLOOR, logits, sigmoid, softmax


@dataclass(frozen=True, eq=False)
class Stacker:
    """Coefficients of the linear model.

    Attributes:
        coefficients: float64 (members * outputs, outputs), on log-probabilities (multiclass), log-odds
            (outputs that stand alone) or numbers (regression).
        intercept: float64 (outputs,).
    """

    coefficients: np.ndarray
    intercept: np.ndarray

    def predict(self, predictions: Sequence[np.ndarray], task: str) -> np.ndarray:
        """Stacked predictions, float32 (rows, outputs)."""
        scores = features(predictions, task) @ self.coefficients + self.intercept
        if task == "multiclass":
            scores = softmax(scores)
        elif task != "regression":
            scores = sigmoid(scores)
        return scores.astype(np.float32)

    def member_weights(self, members: int) -> np.ndarray:
        """A member's share of the size of all coefficients; sums to 1."""
        size = np.abs(self.coefficients).reshape(members, -1).sum(axis=1)
        return np.asarray(size / size.sum()) if size.sum() > 0 else np.full(members, 1 / members)

    def to_json(self) -> dict[str, Any]:
        """JSON object."""
        return {"coefficients": self.coefficients.tolist(), "intercept": self.intercept.tolist()}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Stacker:
        """What :meth:`to_json` gave."""
        return cls(np.asarray(stored["coefficients"], float), np.asarray(stored["intercept"], float))


def features(predictions: Sequence[np.ndarray], task: str) -> np.ndarray:
    """What the linear model sees, float64 (rows, members * outputs)."""
    parts = []
    for one in predictions:
        values = one.astype(np.float64)
        if task == "multiclass":
            values = np.log(np.clip(values, FLOOR, None))
        elif task != "regression":
            values = logits(values)
        parts.append(values)
    return np.concatenate(parts, axis=1)


def fit_stacker(
    predictions: Sequence[np.ndarray],
    targets: np.ndarray,
    task: str,
    penalty: float = 1.0,
    row_weight: np.ndarray | None = None,
) -> Stacker:
    """Fit by penalised maximum likelihood (least squares for regression).

    The penalty pulls towards the plain (geometric) mean of the members, not towards zero, so
    that little data gives the mean.

    Args:
        predictions: per member, float32 (rows, outputs).
        targets: as :func:`evo.ensemble.metrics.as_targets` returns them.
        task: the kind of task.
        penalty: strength of the pull, in rows.
        row_weight: weight of each row, or None.
    """
    x = features(predictions, task)
    rows, width = x.shape
    outputs = predictions[0].shape[1]
    prior = np.concatenate([np.eye(outputs)] * len(predictions)) / len(predictions)
    share = np.full(rows, 1 / rows) if row_weight is None else row_weight / row_weight.sum()
    strength = penalty / rows
    if task == "regression":
        # least squares on what the prior leaves over; features centred so that the intercept is free
        center, middle = share @ x, share @ targets
        left = (targets - middle) - (x - center) @ prior
        gram = (x - center).T @ ((x - center) * share[:, None])
        scale = np.trace(gram) / width
        change = np.linalg.solve(
            gram + max(strength * scale, 1e-9 * scale, 1e-30) * np.eye(width), (x - center).T @ (left * share[:, None])
        )
        coefficients = prior + change
        return Stacker(coefficients, middle - center @ coefficients)

    from scipy.optimize import minimize

    onehot = np.zeros((rows, outputs))
    if task == "multiclass":
        onehot[np.arange(rows), targets] = 1
    else:
        onehot[...] = targets

    def objective(flat: np.ndarray) -> tuple[float, np.ndarray]:
        change = flat[: width * outputs].reshape(width, outputs)
        scores = x @ (prior + change) + flat[width * outputs :]
        if task == "multiclass":
            top = scores.max(axis=1, keepdims=True)
            normaliser = top[:, 0] + np.log(np.exp(scores - top).sum(axis=1))
            value = float(share @ (normaliser - (scores * onehot).sum(axis=1)))
            slope = (softmax(scores) - onehot) * share[:, None]
        else:
            sign = 2 * onehot - 1
            value = float(share @ np.logaddexp(0, -sign * scores).mean(axis=1))
            slope = (sigmoid(scores) - onehot) * share[:, None] / outputs
        value += 0.5 * strength * float((change**2).sum())
        return value, np.concatenate([(x.T @ slope + strength * change).ravel(), slope.sum(axis=0)])

    start = np.zeros(width * outputs + outputs)
    found = minimize(objective, start, jac=True, method="L-BFGS-B", options={"maxiter": 60}).x
    return Stacker(prior + found[: width * outputs].reshape(width, outputs), found[width * outputs :])
