"""A Gaussian process over features and rungs."""

from __future__ import annotations

import contextlib
import functools
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import sklearn
from scipy.spatial.distance import cdist
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import Kernel
from threadpoolctl import ThreadpoolController


class RungKernel(Kernel):
    """Matérn's 5/2 kernel of the features' distance, times ``correlation ** |difference of rungs|``.

    On one-hot columns the distance is the square root of the Hamming distance. The last
    column of the inputs is the rung; all others are features.

    Args:
        length: length scale, in units of the features' Euclidean distance.
        correlation: of one genome on neighbouring rungs.
    """

    def __init__(self, length: float = 1.0, correlation: float = 0.9) -> None:
        self.length = length
        self.correlation = correlation

    def __call__(self, X: Any, Y: Any = None, eval_gradient: bool = False) -> Any:
        """The kernel matrix, shape (len(X), len(Y))."""
        if eval_gradient:
            raise ValueError("RungKernel: its parameters are chosen from a grid, there is no gradient")
        other = X if Y is None else Y
        scaled = cdist(X[:, :-1], other[:, :-1]) * (math.sqrt(5) / self.length)
        near = (1 + scaled + scaled * scaled / 3) * np.exp(-scaled)
        # Where all are asked about for one rung, there is one distance for each column.
        rungs = X[:, -1:] if np.ptp(X[:, -1]) else X[:1, -1:]
        apart = np.abs(rungs - other[:, -1])
        return near * self.correlation**apart if apart.any() else near

    def diag(self, X: Any) -> np.ndarray:
        """Ones: the prior variance."""
        return np.ones(len(X))

    def is_stationary(self) -> bool:
        """It depends on differences only."""
        return True

    def __repr__(self) -> str:
        return f"RungKernel(length={self.length:.3g}, correlation={self.correlation:.3g})"


#: Variances of noise to choose from.
NOISES = (1e-3, 0.03, 0.15)

#: Length, correlation and noise.
Setting = tuple[float, float, float]


class GaussianProcess:
    """Gaussian-process regression; its kernel and noise are those of a grid with the highest likelihood.

    It is a :class:`evo.algorithms.surrogates.Surrogate`. The grid is searched on at most ``rows`` observations, and
    the answer is remembered for the very observations that it was found on.

    Args:
        lengths: length scales to choose from, in units of the features' distance.
        noises: variances of noise to choose from; targets have a variance of about 1.
        correlations: of neighbouring rungs, to choose from.
        rows: most rows that the choice is made on.
    """

    def __init__(
        self,
        lengths: tuple[float, ...] = (0.5, 0.7, 1.0, 1.4, 2.0, 2.8),
        noises: tuple[float, ...] = NOISES,
        correlations: tuple[float, ...] = (0.6, 0.8, 0.95),
        rows: int = 100,
    ) -> None:
        self.lengths, self.noises, self.correlations, self.rows = lengths, noises, correlations, rows
        self._chosen: dict[bytes, Setting] = {}
        self._model: GaussianProcessRegressor | None = None
        self._setting = (lengths[0], correlations[0], noises[0])

    def choose(self, inputs: np.ndarray, targets: np.ndarray) -> None:
        """Choose kernel and noise for these observations.

        Args:
            inputs: float64, shape (n, d + 1): features and rung.
            targets: float64, shape (n,), about standard normal.
        """
        few = np.unique(np.linspace(0, len(targets) - 1, min(self.rows, len(targets))).astype(int))
        x, y = inputs[few], targets[few]
        key = x.tobytes() + y.tobytes()
        if key not in self._chosen:
            while len(self._chosen) > 16:
                del self._chosen[next(iter(self._chosen))]
            self._chosen[key] = self._search(x, y)
        self._setting = self._chosen[key]

    def _search(self, inputs: np.ndarray, targets: np.ndarray) -> Setting:
        """The best setting by one parameter after the other, twice."""
        grid = (self.lengths, self.correlations, self.noises)
        best: Setting = (self.lengths[len(self.lengths) // 2], self.correlations[-1], self.noises[0])
        known: dict[Setting, float] = {}
        # With one rung the correlation has no effect.
        places = (0, 2, 1, 0, 2, 1) if np.ptp(inputs[:, -1]) else (0, 2, 0, 2)
        for place in places:
            for value in grid[place]:
                setting: Setting = (*best[:place], value, *best[place + 1 :])  # type: ignore[assignment]
                if setting not in known:
                    known[setting] = _fitted(inputs, targets, *setting).log_marginal_likelihood_value_
            best = max(known, key=lambda s: known[s])
        return best

    def fit(self, inputs: np.ndarray, targets: np.ndarray) -> None:
        """Condition on observations.

        Args:
            inputs: float64, shape (n, d + 1): features and rung.
            targets: float64, shape (n,), about standard normal.
        """
        self._model = _fitted(inputs, targets, *self._setting)

    def means(self, inputs: np.ndarray) -> np.ndarray:
        """Means alone, which are quicker; float64, shape (n,)."""
        assert self._model is not None
        with _lean():
            return np.asarray(self._model.predict(inputs))

    def predict(self, inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation, each float64 of shape (n,)."""
        assert self._model is not None
        with _lean():
            mean, deviation = self._model.predict(inputs, return_std=True)
        return mean, deviation


def _fitted(
    inputs: np.ndarray, targets: np.ndarray, length: float, correlation: float, noise: float
) -> GaussianProcessRegressor:
    kernel = RungKernel(length, correlation)
    model = GaussianProcessRegressor(kernel, alpha=noise, optimizer=None, copy_X_train=False)
    with _lean():
        return model.fit(inputs, targets)


@contextlib.contextmanager
def _lean() -> Iterator[None]:
    """Linear algebra in one thread, inputs unchecked.

    The matrices are small: further threads only spin, on cores that the workers train on, and would make the last bits
    of a prediction a matter of the machine. The inputs are our own; checking them takes longer than a fit.
    """
    with (
        _libraries().limit(limits=1, user_api="blas"),
        sklearn.config_context(assume_finite=True, skip_parameter_validation=True),
    ):
        yield


@functools.cache
def _libraries() -> ThreadpoolController:
    """The libraries of linear algebra in this process; finding them takes milliseconds."""
    return ThreadpoolController()
