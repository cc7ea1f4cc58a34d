"""Stacking: a linear model on the members' predictions (Wolpert 1992)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from evo.ensemble.arguments import as_target
from genomes.targets import Target


@dataclass(frozen=True, eq=False)
class Stacker:
    """Coefficients of the linear model.

    Attributes:
        coefficients: float64 (members * outputs, outputs), on the scale of the target's link: log-probabilities
            (multiclass), log-odds (outputs that stand alone) or numbers (regression).
        intercept: float64 (outputs,).
    """

    coefficients: np.ndarray
    intercept: np.ndarray

    def predict(self, predictions: Sequence[np.ndarray], target: Target | str) -> np.ndarray:
        """Stacked predictions, float32 (rows, outputs)."""
        target = as_target(target)
        scores = features(predictions, target) @ self.coefficients + self.intercept
        return target.inverse_link(scores).astype(np.float32)

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


def features(predictions: Sequence[np.ndarray], target: Target | str) -> np.ndarray:
    """What the linear model sees, float64 (rows, members * outputs)."""
    target = as_target(target)
    return np.concatenate([target.link(one.astype(np.float64)) for one in predictions], axis=1)


def fit_stacker(
    predictions: Sequence[np.ndarray],
    targets: np.ndarray,
    target: Target | str,
    penalty: float = 1.0,
    row_weight: np.ndarray | None = None,
) -> Stacker:
    """Fit by penalised maximum likelihood (least squares for regression).

    The penalty pulls towards the plain (geometric) mean of the members, not towards zero, so
    that little data gives the mean.

    Args:
        predictions: per member, float32 (rows, outputs).
        targets: as :func:`evo.ensemble.arguments.as_targets` returns them.
        target: what is predicted, or the name of its task.
        penalty: strength of the pull, in rows.
        row_weight: weight of each row, or None.
    """
    target = as_target(target)
    x = features(predictions, target)
    outputs = predictions[0].shape[1]
    prior = np.concatenate([np.eye(outputs)] * len(predictions)) / len(predictions)
    share = np.full(len(x), 1 / len(x)) if row_weight is None else row_weight / row_weight.sum()
    fit = _least_squares if target.least_squares else _by_gradient
    return fit(target, x, targets, prior, share, penalty / len(x))


def _least_squares(
    target: Target, x: np.ndarray, targets: np.ndarray, prior: np.ndarray, share: np.ndarray, strength: float
) -> Stacker:
    """Least squares on what the prior leaves over; features centred so that the intercept is free."""
    width = x.shape[1]
    wanted = target.as_outputs(targets, prior.shape[1])
    center, middle = share @ x, share @ wanted
    left = (wanted - middle) - (x - center) @ prior
    gram = (x - center).T @ ((x - center) * share[:, None])
    scale = np.trace(gram) / width
    change = np.linalg.solve(
        gram + max(strength * scale, 1e-9 * scale, 1e-30) * np.eye(width), (x - center).T @ (left * share[:, None])
    )
    coefficients = prior + change
    return Stacker(coefficients, middle - center @ coefficients)


def _by_gradient(
    target: Target, x: np.ndarray, targets: np.ndarray, prior: np.ndarray, share: np.ndarray, strength: float
) -> Stacker:
    """L-BFGS on the target's loss of stacked scores."""
    from scipy.optimize import minimize

    width, outputs = prior.shape

    def objective(flat: np.ndarray) -> tuple[float, np.ndarray]:
        change = flat[: width * outputs].reshape(width, outputs)
        scores = x @ (prior + change) + flat[width * outputs :]
        value, slope = target.stacking_loss(scores, targets, share)
        value += 0.5 * strength * float((change**2).sum())
        return value, np.concatenate([(x.T @ slope + strength * change).ravel(), slope.sum(axis=0)])

    start = np.zeros(width * outputs + outputs)
    found = minimize(objective, start, jac=True, method="L-BFGS-B", options={"maxiter": 60}).x
    return Stacker(prior + found[: width * outputs].reshape(width, outputs), found[width * outputs :])
