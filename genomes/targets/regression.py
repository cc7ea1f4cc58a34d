"""Numbers, judged by their squared error."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from genomes.targets.pooled_loss import AbsoluteError, PooledLoss, SquaredError
from genomes.targets.standardization import positive, standardized_error
from genomes.targets.target import Target


class Regression(Target):
    """Labels: numbers, shape (rows,) or (rows, 1) for one output, else (rows, outputs)."""

    task = "regression"
    objective = "-val_rmse"
    metric_names = ("rmse", "mae")
    losses = ("rmse", "mae")
    rooted = frozenset({"rmse"})
    combinable = True
    losses_by_objective = {"-val_mae": ("mae", "mae"), "-val_mean_absolute_error": ("mae", "mae")}

    @classmethod
    def is_meant_by(cls, argument: str, number: int) -> bool:
        """By ``outputs=``."""
        return argument == cls.counted_by

    @classmethod
    def is_meant_by_labels(cls, y: np.ndarray) -> bool:
        """By other numbers than whole ones."""
        return y.dtype.kind == "f"

    def statistics(self, y: Any) -> dict[str, np.ndarray]:
        """``target_mean`` and ``target_scale`` (standard deviation), float32 (outputs,)."""
        values = np.asarray(y, dtype=np.float64).reshape(-1, self.width)
        mean = values.mean(axis=0)
        return {
            "target_mean": mean.astype(np.float32),
            "target_scale": positive(values.std(axis=0), mean).astype(np.float32),
        }

    def head(self, x: Any, statistics: Mapping[str, np.ndarray] | None = None) -> Any:
        """A linear layer, whose standardized numbers are brought back to the targets' units."""
        import keras

        x = super().head(x)
        if statistics and "target_scale" in statistics:
            scale, offset = statistics["target_scale"].tolist(), statistics["target_mean"].tolist()
            x = keras.layers.Rescaling(scale, offset, dtype="float32", name="units")(x)
        return x

    def ambiguity(self, scores: Any) -> Any:
        """The variance of the members, in units of the targets' deviation."""
        from keras import ops

        return ops.mean(ops.var(scores, axis=1), axis=-1, keepdims=True)

    def loss(
        self, label_smoothing: float = 0.0, soft: bool = False, statistics: Mapping[str, np.ndarray] | None = None
    ) -> Any:
        """Mean squared error; in units of the targets' standard deviation where it is known."""
        import keras

        if statistics and "target_scale" in statistics:
            return standardized_error(statistics["target_scale"])
        return keras.losses.MeanSquaredError()

    def loss_of_outputs(self, y_true: Any, y_pred: Any) -> Any:
        """Squared error, averaged over the outputs."""
        import keras

        return keras.losses.mean_squared_error(y_true, y_pred)

    def metrics(self, soft: bool = False) -> list[Any]:
        """``rmse`` and ``mae``."""
        import keras

        return [keras.metrics.RootMeanSquaredError(name="rmse"), keras.metrics.MeanAbsoluteError(name="mae")]

    def row_losses(self, loss: str, predictions: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """Squared errors for ``rmse``, absolute ones for ``mae``."""
        p = predictions.astype(np.float64)
        if loss == "rmse":
            return np.asarray(np.mean((p - targets) ** 2, axis=1))
        return np.asarray(np.mean(np.abs(p - targets), axis=1))

    def evaluate(
        self, predictions: np.ndarray, targets: np.ndarray, weight: np.ndarray | None = None
    ) -> dict[str, float]:
        """``rmse``, ``mae`` and ``r2`` (NaN for constant targets)."""

        def average(rows: np.ndarray) -> float:
            return float(np.average(rows, weights=weight))

        center = np.average(targets, axis=0, weights=weight)
        spread = average(np.mean((targets - center) ** 2, axis=1))
        mse = average(self.row_losses("rmse", predictions, targets))
        return {
            "rmse": float(np.sqrt(mse)),
            "mae": average(self.row_losses("mae", predictions, targets)),
            "r2": 1 - mse / spread if spread > 0 else float("nan"),
        }

    def pooled_loss(self, loss: str, pooling: str) -> PooledLoss:
        """Of the arithmetic mean; the median is chosen by it, too."""
        return SquaredError() if loss == "rmse" else AbsoluteError()
