"""Linear models on features: logistic regression, ridge regression, ridge as a classifier."""

from __future__ import annotations

import time
import warnings
from typing import Any, NamedTuple

import numpy as np

#: Most steps of L-BFGS, and how many are done before time is looked at.
_STEPS, _STEPS_AT_ONCE = 1000, 50
#: Penalties of ridge among which leave-one-out chooses.
PENALTIES = np.logspace(-3, 6, 19)
#: Intercept of a class that no training row has: its probability is 0.
_NEVER = -1e4


class Weights(NamedTuple):
    """A linear map.

    Attributes:
        coefficient: float32 (features, outputs).
        intercept: float32 (outputs,).
    """

    coefficient: np.ndarray
    intercept: np.ndarray


def logistic_regression(
    features: Any, y: np.ndarray, weight: np.ndarray | None, strength: float, outputs: int, seconds: float | None
) -> Weights:
    """Scikit-learn's multinomial logistic regression, by L-BFGS.

    Args:
        features: (rows, width), sparse or not.
        y: int64 (rows,), classes.
        weight: of each row, or None.
        strength: ``C``, the inverse of the penalty.
        outputs: 1: the log-odds of class 1; else a score for each class, which softmax makes probabilities of.
        seconds: about how long it may take; None for until it has converged.
    """
    from sklearn.linear_model import LogisticRegression

    began = time.monotonic()
    model = LogisticRegression(C=strength, max_iter=_STEPS)
    if seconds is not None:
        model.set_params(warm_start=True, max_iter=_STEPS_AT_ONCE)
    done = 0
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="(?s).*failed to converge")
        while True:
            model.fit(features, y, sample_weight=weight)
            done += int(np.max(model.n_iter_))
            spent = time.monotonic() - began
            if seconds is None or np.max(model.n_iter_) < _STEPS_AT_ONCE or done >= _STEPS or 2 * spent > seconds:
                break
    coefficient, intercept = model.coef_.T, model.intercept_
    classes = model.classes_.astype(int)
    if outputs == 1:
        return Weights(coefficient.astype(np.float32), intercept.astype(np.float32))
    if len(classes) == 2:  # one column of log-odds
        coefficient = np.concatenate([-coefficient / 2, coefficient / 2], axis=1)
        intercept = np.concatenate([-intercept / 2, intercept / 2])
    whole = np.zeros((coefficient.shape[0], outputs), np.float32)
    shift = np.full(outputs, _NEVER, np.float32)
    whole[:, classes], shift[classes] = coefficient, intercept
    return Weights(whole, shift)


def ridge_regression(features: Any, y: np.ndarray, weight: np.ndarray | None, strength: float) -> Weights:
    """Scikit-learn's ridge regression of standardized targets, on sparse features.

    Args:
        features: (rows, width).
        y: float (rows, outputs).
        weight: of each row, or None.
        strength: the inverse of the penalty.
    """
    from sklearn.linear_model import Ridge

    y = y.astype(np.float64)
    mean, scale = y.mean(axis=0), y.std(axis=0)
    scale = np.where(scale > 0, scale, 1.0)
    model = Ridge(alpha=1 / strength).fit(features, (y - mean) / scale, sample_weight=weight)
    coefficient = np.asarray(model.coef_).reshape(y.shape[1], -1).T * scale
    return Weights(coefficient.astype(np.float32), (np.reshape(model.intercept_, -1) * scale + mean).astype(np.float32))


def leave_one_out_ridge(
    features: np.ndarray, y: np.ndarray, weight: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Ridge with the penalty of the least leave-one-out error, all penalties from one decomposition.

    The residual of a row that is left out is its residual divided by one minus its leverage
    (Golub, Heath & Wahba 1979).

    Args:
        features: float (rows, width).
        y: float64 (rows, outputs).
        weight: of each row, or None.

    Returns:
        Coefficient (width, outputs), intercept (outputs,), and what is predicted for each row without it
        (rows, outputs).
    """
    from scipy import linalg

    share = np.ones(len(y)) if weight is None else np.asarray(weight, np.float64)
    share = share / share.sum()
    x_mean, y_mean = share @ features, share @ y
    root = np.sqrt(share * len(y))[:, None]
    x, z = (features - x_mean) * root, (y - y_mean) * root
    dual = x.shape[0] <= x.shape[1]
    values, vectors = linalg.eigh(x @ x.T if dual else x.T @ x)
    values = np.maximum(values, 0.0)
    # With which share a row's own target enters its prediction: by the intercept, and by the features.
    base = (root[:, 0] ** 2) / len(y)
    left = vectors if dual else x @ vectors
    product = left.T @ z
    best: tuple[float, np.ndarray, np.ndarray, float] | None = None
    for penalty in PENALTIES:
        shrunk = values / (values + penalty) if dual else 1 / (values + penalty)
        fitted = left @ (shrunk[:, None] * product)
        leverage = base + (left**2) @ shrunk
        residual = (z - fitted) / np.maximum(1 - leverage, 1e-6)[:, None]
        error = float((residual**2).sum())
        if best is None or error < best[0]:
            best = (error, residual, shrunk, float(penalty))
    assert best is not None
    _, residual, shrunk, penalty = best
    if dual:
        coefficient = x.T @ (vectors @ ((1 / (values + penalty))[:, None] * product))
    else:
        coefficient = vectors @ (shrunk[:, None] * product)
    without = y - residual / np.where(root > 0, root, 1.0)
    return coefficient, y_mean - x_mean @ coefficient, without


def ridge_classifier(features: np.ndarray, y: np.ndarray, weight: np.ndarray | None, outputs: int) -> Weights:
    """Ridge of the classes' indicators, whose scores are sharpened to be log-probabilities.

    How sharp is fitted to the scores that rows have without themselves (as Platt scaling does, Platt 1999).

    Args:
        features: float (rows, width).
        y: int64 (rows,), classes.
        weight: of each row, or None.
        outputs: 1: the log-odds of class 1; else a score for each class.
    """
    from scipy import optimize, special

    classes = np.unique(y)
    indicator = np.where(y[:, None] == classes, 1.0, -1.0)
    coefficient, intercept, without = leave_one_out_ridge(features, indicator, weight)
    place = np.searchsorted(classes, y)
    share = np.ones(len(y)) if weight is None else np.asarray(weight, np.float64)

    def loss(power: float) -> float:
        scores = np.exp(power) * without
        rows = special.logsumexp(scores, axis=1) - scores[np.arange(len(y)), place]
        return float(share @ rows)

    sharpness = float(np.exp(optimize.minimize_scalar(loss, bounds=(-3.0, 4.0), method="bounded").x))
    coefficient, intercept = sharpness * coefficient, sharpness * intercept
    if outputs == 1:
        second = list(classes).index(1)
        sign = 2.0  # of two columns that are each other's negative
        return Weights(
            (sign * coefficient[:, second : second + 1]).astype(np.float32),
            (sign * intercept[second : second + 1]).astype(np.float32),
        )
    whole = np.zeros((coefficient.shape[0], outputs), np.float32)
    shift = np.full(outputs, _NEVER, np.float32)
    whole[:, classes], shift[classes] = coefficient, intercept
    return Weights(whole, shift)


def ridge_of_scaled(
    features: Any, y: np.ndarray, weight: np.ndarray | None, strength: float, outputs: int, seconds: float | None
) -> Weights:
    """Ridge on features of equal deviation, as a classifier or of numbers; the penalty is found by leave-one-out.

    Args:
        features: float (rows, width).
        y: int64 (rows,), classes; or float (rows, outputs).
        weight: of each row, or None.
        strength: multiplies features; 1 for none.
        outputs: of classes, see :func:`ridge_classifier`.
        seconds: of no account: there is one decomposition.
    """
    features = np.asarray(features, np.float64)
    deviation = features.std(axis=0)
    scale = strength / np.where(deviation > 0, deviation, 1.0)
    if y.dtype.kind == "i":
        coefficient, intercept = ridge_classifier(features * scale, y, weight, outputs)
    else:
        found, shift, _ = leave_one_out_ridge(features * scale, y.astype(np.float64), weight)
        coefficient, intercept = found.astype(np.float32), shift.astype(np.float32)
    return Weights((coefficient * scale[:, None]).astype(np.float32), intercept)
