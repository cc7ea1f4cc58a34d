"""Losses of a pool of models as functions of a weighted sum of one array per model.

Written so, trying one more model in a pool is one addition to a running sum. The arithmetic mean with log loss, say,
needs only the probability given to the true class: one number per row and model, however many classes there are.
"""

from __future__ import annotations

import abc
from collections.abc import Callable
from typing import ClassVar

import numpy as np

from genomes.targets.probabilities import FLOOR, log_probabilities, logit

#: Row losses, float64 (rows,), of predictions (rows, outputs) and targets.
RowLosses = Callable[[np.ndarray, np.ndarray], np.ndarray]


class PooledLoss(abc.ABC):
    """A loss of pooled predictions, by way of *terms*: what is summed over models, weights summing to 1."""

    #: Whether the loss has a useful gradient.
    smooth: ClassVar[bool] = True
    #: Whether a row's loss is the mean over the width of the terms.
    averaged: ClassVar[bool] = True
    #: Whether the loss has a natural unit (nats), in which a prior's strength counts.
    natural: ClassVar[bool] = False

    def width(self, outputs: int) -> int:
        """Numbers per row and model that are summed."""
        return outputs

    @abc.abstractmethod
    def terms(self, predictions: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """What one model adds to the sum, (rows, width).

        Args:
            predictions: float32 (rows, outputs).
            targets: as :meth:`genomes.targets.Target.as_targets` returns them.
        """

    @abc.abstractmethod
    def rows(self, sums: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """Loss of every row, (..., rows), of sums (..., rows, width); overwrites ``sums``."""

    def slope(self, sums: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """Derivative of the loss by each number of sums (rows, width), before any averaging over the width."""
        raise ValueError(f"{type(self).__name__} has no gradient")


def _mean(sums: np.ndarray) -> np.ndarray:
    return np.asarray(sums[..., 0] if sums.shape[-1] == 1 else sums.mean(axis=-1))


def _sign(targets: np.ndarray) -> np.ndarray:
    return np.where(targets > 0.5, 1.0, -1.0).astype(np.float32)


class LogLoss(PooledLoss):
    """Log loss of the arithmetic mean of probabilities that stand alone; sums the probability of what is true."""

    natural = True

    def terms(self, predictions: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """The probability of what is true, (rows, outputs)."""
        return np.clip(np.where(targets > 0.5, predictions, 1 - predictions), FLOOR, None)

    def rows(self, sums: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """Minus the logarithm of the sums."""
        np.log(sums, out=sums)
        np.negative(sums, out=sums)
        return _mean(sums)

    def slope(self, sums: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """Minus one over the sums."""
        return np.asarray(-1 / np.maximum(sums, FLOOR))


class ClassLogLoss(LogLoss):
    """Log loss of the arithmetic mean of probabilities of exclusive classes: one number per row and model."""

    def width(self, outputs: int) -> int:
        """One: the true class's."""
        return 1

    def terms(self, predictions: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """The probability of the true class, (rows, 1)."""
        return np.clip(predictions[np.arange(len(targets)), targets][:, None], FLOOR, None)


class LogisticLoss(PooledLoss):
    """Log loss of the geometric mean of probabilities that stand alone; sums log-odds of what is true."""

    natural = True

    def terms(self, predictions: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """Log-odds of what is true, (rows, outputs)."""
        return logit(predictions) * _sign(targets)

    def rows(self, sums: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """``log(1 + exp(-sum))``."""
        np.negative(sums, out=sums)
        # log(1 + e^s) = max(s, 0) + log(1 + e^-|s|)
        tail = np.abs(sums)
        np.negative(tail, out=tail)
        np.exp(tail, out=tail)
        np.log1p(tail, out=tail)
        np.maximum(sums, 0, out=sums)
        sums += tail
        return _mean(sums)

    def slope(self, sums: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """Minus the probability of what is not true."""
        return np.asarray(-0.5 * (1 - np.tanh(0.5 * sums)))


class SoftmaxLoss(PooledLoss):
    """Log loss of the normalised geometric mean of probabilities of exclusive classes; sums log-probabilities."""

    averaged = False
    natural = True

    def terms(self, predictions: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """Log-probabilities, (rows, classes)."""
        return log_probabilities(predictions)

    def rows(self, sums: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """Cross-entropy of the softmax of the sums."""
        sums -= sums.max(axis=-1, keepdims=True)
        seen = sums[..., np.arange(sums.shape[-2]), targets].copy()
        np.exp(sums, out=sums)
        total = sums.sum(axis=-1)
        np.log(total, out=total)
        return np.asarray(total - seen)

    def slope(self, sums: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """Softmax minus one-hot."""
        slope = np.exp(sums - sums.max(axis=-1, keepdims=True))
        slope /= slope.sum(axis=-1, keepdims=True)
        slope[np.arange(len(slope)), targets] -= 1
        return np.asarray(slope)


class SquaredError(PooledLoss):
    """Squared error of the arithmetic mean; sums residuals."""

    def terms(self, predictions: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """Residuals, (rows, outputs)."""
        return np.asarray(predictions - targets)

    def rows(self, sums: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """Squares of the sums."""
        np.square(sums, out=sums)
        return _mean(sums)

    def slope(self, sums: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """Twice the sums."""
        return np.asarray(2 * sums)


class ClassSquaredError(SquaredError):
    """Brier score of the arithmetic mean of probabilities of exclusive classes, per class."""

    def terms(self, predictions: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """Probabilities minus one-hot, (rows, classes)."""
        residuals = predictions.copy()
        residuals[np.arange(len(targets)), targets] -= 1
        return residuals


class AbsoluteError(SquaredError):
    """Absolute error of the arithmetic mean; sums residuals."""

    def rows(self, sums: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """Absolute values of the sums."""
        np.abs(sums, out=sums)
        return _mean(sums)

    def slope(self, sums: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """Signs of the sums."""
        return np.asarray(np.sign(sums))


class WrongSign(PooledLoss):
    """Error rate of probabilities that stand alone.

    Args:
        geometric: pools by the geometric mean (of odds), else by the arithmetic mean of probabilities.
    """

    smooth = False

    def __init__(self, geometric: bool) -> None:
        self.geometric = geometric

    def terms(self, predictions: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """Above zero where the model is right, (rows, outputs)."""
        return (logit(predictions) if self.geometric else predictions - 0.5) * _sign(targets)

    def rows(self, sums: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """1 where the sum is not above zero."""
        np.less_equal(sums, 0, out=sums)
        return _mean(sums)


class WrongClass(PooledLoss):
    """Error rate of exclusive classes.

    Args:
        geometric: pools by the geometric mean of probabilities, else by the arithmetic mean.
    """

    smooth = False
    averaged = False

    def __init__(self, geometric: bool) -> None:
        self.geometric = geometric

    def terms(self, predictions: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """Log-probabilities or probabilities, (rows, classes)."""
        return log_probabilities(predictions) if self.geometric else predictions

    def rows(self, sums: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """1 where another class has the greatest sum."""
        return (sums.argmax(axis=-1) != targets).astype(np.float32)


class LossOfMean(PooledLoss):
    """Any row loss of the mean on any scale, with a gradient by central differences: slower, for every kind of target.

    Args:
        row_losses: the loss of every row.
        link: to the scale on which predictions are averaged.
        inverse_link: back from it.
    """

    averaged = False

    def __init__(
        self,
        row_losses: RowLosses,
        link: Callable[[np.ndarray], np.ndarray],
        inverse_link: Callable[[np.ndarray], np.ndarray],
    ) -> None:
        self.row_losses, self.link, self.inverse_link = row_losses, link, inverse_link

    def terms(self, predictions: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """Predictions on the scale on which they are averaged, (rows, outputs)."""
        return self.link(predictions)

    def rows(self, sums: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """The row losses of the mean."""
        flat = sums.reshape(-1, *sums.shape[-2:]).astype(np.float64)
        losses = [self.row_losses(self.inverse_link(one), targets) for one in flat]
        return np.asarray(losses, dtype=np.float32).reshape(sums.shape[:-1])

    def slope(self, sums: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """By central differences, one column at a time."""
        return numerical_slope(lambda scores: self.row_losses(self.inverse_link(scores), targets), sums)


def numerical_slope(row_losses: Callable[[np.ndarray], np.ndarray], scores: np.ndarray) -> np.ndarray:
    """Derivative of row losses by each score, float64 (rows, width), by central differences.

    Args:
        row_losses: from scores (rows, width) to losses (rows,); a row's loss depends on that row alone.
        scores: where.
    """
    scores = scores.astype(np.float64)
    step = 1e-4 * np.maximum(1.0, np.abs(scores))
    slope = np.empty_like(scores)
    for at in range(scores.shape[1]):
        above, below = scores.copy(), scores.copy()
        above[:, at] += step[:, at]
        below[:, at] -= step[:, at]
        slope[:, at] = (row_losses(above) - row_losses(below)) / (2 * step[:, at])
    return slope
