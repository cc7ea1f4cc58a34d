"""A Gaussian process that predicts how good an untrained genome will be."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from scipy.spatial.distance import cdist
from scipy.stats import norm, rankdata
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import Kernel, NormalizedKernelMixin, StationaryKernelMixin


class Laplacian(StationaryKernelMixin, NormalizedKernelMixin, Kernel):
    """``exp(-|x - y|_1 / length)``: on one-hot columns of height 1/2 the Hamming-exponential kernel.

    Args:
        length: L1 distance at which the correlation has fallen to 1/e.
    """

    def __init__(self, length: float = 1.0) -> None:
        self.length = length

    def __call__(self, X: Any, Y: Any = None, eval_gradient: bool = False) -> Any:
        """The kernel matrix, shape (len(X), len(Y))."""
        if eval_gradient:
            raise ValueError("Laplacian: its length is chosen from a grid, there is no gradient")
        return np.exp(-cdist(X, X if Y is None else Y, "cityblock") / self.length)

    def __repr__(self) -> str:
        return f"Laplacian(length={self.length:.3g})"


def gaussianized(values: np.ndarray) -> np.ndarray:
    """Values replaced by the normal quantiles of their ranks: shape (n,), mean 0, ties shared."""
    count = len(values)
    return norm.ppf((rankdata(values) - 0.5) / count) if count else np.zeros(0)


class Surrogate:
    """Gaussian-process regression whose length scale is chosen by marginal likelihood from a grid.

    Args:
        lengths: candidate length scales, in units of the features' L1 distances.
    """

    def __init__(self, lengths: tuple[float, ...] = (0.5, 1.0, 2.0, 4.0, 8.0)) -> None:
        self.lengths = lengths
        self._chosen: dict[bytes, float] = {}
        self._model: GaussianProcessRegressor | None = None

    def fit(self, features: np.ndarray, targets: np.ndarray, noise: np.ndarray, length: float) -> None:
        """Condition on observations.

        Args:
            features: float64, shape (n, d).
            targets: float64, shape (n,), about standard normal.
            noise: variance of each target, shape (n,).
            length: length scale.
        """
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._model = GaussianProcessRegressor(Laplacian(length), alpha=noise, optimizer=None).fit(
                features, targets
            )

    def choose(self, features: np.ndarray, targets: np.ndarray, noise: np.ndarray) -> float:
        """The length scale of the grid with the highest marginal likelihood; remembered by its arguments."""
        key = features.tobytes() + targets.tobytes() + noise.tobytes()
        if key not in self._chosen:
            likelihood = []
            for length in self.lengths:
                self.fit(features, targets, noise, length)
                assert self._model is not None
                likelihood.append(self._model.log_marginal_likelihood_value_)
            self._chosen.clear()
            self._chosen[key] = self.lengths[int(np.argmax(likelihood))]
        return self._chosen[key]

    def predict(self, features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation, each of shape (n,)."""
        assert self._model is not None
        mean, deviation = self._model.predict(features, return_std=True)
        return mean, deviation
