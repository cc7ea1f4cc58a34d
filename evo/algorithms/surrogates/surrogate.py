"""What a search asks of the model that predicts untrained genomes."""

from __future__ import annotations

import math
from typing import Protocol

import numpy as np


class Surrogate(Protocol):
    """A regression with an uncertainty, deterministic: equal calls in equal order give equal predictions.

    Rows of ``inputs`` are float64 of shape (n, d + 1): the d features of a genome (about -1 to 1, one-hot where
    there is a choice), and in the last column how long it was trained: the index of a rung, 0 for the lowest, a
    fraction between two rungs, constant where rungs do not matter.
    """

    def choose(self, inputs: np.ndarray, targets: np.ndarray) -> None:
        """Choose hyperparameters for these observations, and use them until the next choice.

        It is called now and then, before :meth:`fit`, with the first of the observations; the answer may depend on
        nothing else, so that a resumed campaign chooses as the one that was interrupted.

        Args:
            inputs: float64, shape (n, d + 1).
            targets: float64, shape (n,), about standard normal.
        """

    def fit(self, inputs: np.ndarray, targets: np.ndarray) -> None:
        """Learn from these observations and from no others.

        Args:
            inputs: float64, shape (n, d + 1).
            targets: float64, shape (n,), about standard normal.
        """

    def means(self, inputs: np.ndarray) -> np.ndarray:
        """Predicted targets, float64 of shape (n,); called after :meth:`fit`.

        Args:
            inputs: float64, shape (n, d + 1).
        """

    def predict(self, inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Predicted targets and their standard deviations, each float64 of shape (n,); called after :meth:`fit`.

        Args:
            inputs: float64, shape (n, d + 1).
        """


def last_choice(trials: int, first: int = 8, factor: float = 1.25) -> int:
    """How many trials there were when hyperparameters were last due to be chosen.

    They are chosen again when a quarter more is known: at 8, 10, 12, 15, ... trials.

    Args:
        trials: how many there are now.
        first: up to so many, they are chosen every time.
        factor: growth between two choices.

    Returns:
        The last number of the series that is not above ``trials``.
    """
    if trials <= first:
        return trials
    steps = math.floor(math.log(trials / first) / math.log(factor) + 1e-9)
    return math.floor(first * factor**steps)
