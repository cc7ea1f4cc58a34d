"""Quantiles of a number: what it will not fall below, and not exceed, in so many of all cases."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from genomes.errors import GenomeError, shown
from genomes.targets.pooled_loss import PooledLoss
from genomes.targets.regression import Regression
from genomes.targets.target import Target


@dataclasses.dataclass(frozen=True)
class Quantiles(Regression):
    """Labels: numbers, shape (rows,) or (rows, 1). Predictions: one number per quantile, never crossing.

    Trained and judged by the pinball loss, which is least where a quantile is right (Koenker and Bassett 1978):
    ``max(q (y - p), (q - 1) (y - p))``, averaged over the quantiles.

    Args:
        outputs: number of quantiles; read off them.
        quantiles: between 0 and 1, ascending; by default .1, .5 and .9.

    Raises:
        GenomeError: quantiles that are none, or not ascending.
    """

    quantiles: tuple[float, ...] = (0.1, 0.5, 0.9)

    task = "quantile"
    is_stated = True
    combinable = False
    objective = "-val_pinball"
    metric_names = ("pinball", "mae")
    losses = ("pinball", "mae")
    rooted = frozenset()
    poolings = ("arithmetic",)
    pooling_synonyms = {"mean": "arithmetic"}
    least_squares = False
    separable = False

    def __post_init__(self) -> None:
        given = self.quantiles
        wrong = GenomeError(f"quantiles: expected numbers between 0 and 1, ascending, got {shown(given)}")
        try:
            plain = tuple(float(one) for one in given)
        except (TypeError, ValueError):
            raise wrong from None
        ascending = all(a < b for a, b in zip((0.0, *plain), (*plain, 1.0), strict=True))
        if not plain or not ascending:
            raise wrong
        object.__setattr__(self, "quantiles", plain)
        if self.outputs in (None, 1):
            object.__setattr__(self, "outputs", len(plain))
        super().__post_init__()
        if self.outputs != len(plain):
            raise GenomeError(f"outputs: {self.outputs}, but there are {len(plain)} quantiles; leave outputs out")

    @property
    def middle(self) -> int:
        """Place of the quantile that is nearest to the median."""
        return int(np.abs(np.asarray(self.quantiles) - 0.5).argmin())

    # -- labels ------------------------------------------------------------------------
    def check_values(self, array: np.ndarray, name: str) -> None:
        """One number per row."""
        rows = len(array) if array.ndim else 0
        if array.shape not in ((rows,), (rows, 1)):
            raise GenomeError(f"{name}: expected shape {(rows,)} or {(rows, 1)}, got {array.shape}")

    def prepare(self, y: Any) -> np.ndarray:
        """float32 (rows, 1)."""
        return np.ascontiguousarray(np.asarray(y, dtype=np.float32).reshape(-1, 1))

    def as_given(self, prepared: np.ndarray) -> np.ndarray:
        """(rows,)."""
        return np.asarray(prepared).reshape(-1)

    def encode(self, array: np.ndarray, outputs: int | None, name: str) -> np.ndarray:
        """float32 (rows, 1)."""
        return super().encode(array, None if outputs is None else 1, name)

    def count_outputs(self, targets: np.ndarray) -> int:
        """The number of quantiles."""
        return self.width

    def as_outputs(self, targets: np.ndarray, outputs: int) -> np.ndarray:
        """The number itself at every quantile, (rows, outputs)."""
        return np.repeat(targets, outputs, axis=1)

    def some_labels(self, rows: int) -> np.ndarray:
        """Zeros, (rows,)."""
        return np.zeros(rows, np.float32)

    def numbers(self, predictions: np.ndarray) -> np.ndarray:
        """The quantile nearest to the median, (rows, 1)."""
        return predictions[:, self.middle : self.middle + 1]

    def decode(self, outputs: np.ndarray) -> np.ndarray:
        """(rows,) for one quantile, else (rows, quantiles), ascending in each row."""
        return outputs[:, 0] if len(self.quantiles) == 1 else np.sort(outputs, axis=1)

    def statistics(self, y: Any) -> dict[str, np.ndarray]:
        """``target_mean`` and ``target_scale`` (standard deviation), float32 (1,)."""
        return Regression(1).statistics(np.asarray(y, dtype=np.float64).reshape(-1, 1))

    # -- model -----------------------------------------------------------------------
    def head(self, x: Any, statistics: Mapping[str, np.ndarray] | None = None) -> Any:
        """A linear layer: the lowest quantile, and the steps from each to the next, which are never negative."""
        import keras
        from keras import ops

        x = Target.head(self, x)
        if self.width > 1:
            x = ops.cumsum(ops.concatenate([x[:, :1], ops.softplus(x[:, 1:])], axis=-1), axis=-1)
        if statistics and "target_scale" in statistics:
            scale, offset = float(statistics["target_scale"][0]), float(statistics["target_mean"][0])
            x = keras.layers.Rescaling(scale, offset, dtype="float32", name="units")(x)
        return x

    def ambiguity(self, scores: Any) -> None:
        """None: the pinball loss is no square."""
        return None

    def loss(
        self, label_smoothing: float = 0.0, soft: bool = False, statistics: Mapping[str, np.ndarray] | None = None
    ) -> Any:
        """Pinball loss, in units of the target's standard deviation where it is known."""
        scale = float(statistics["target_scale"][0]) if statistics and "target_scale" in statistics else 1.0
        return _pinball_loss(self.quantiles, scale)

    def metrics(self, soft: bool = False) -> list[Any]:
        """``pinball``, in the target's unit, and ``mae`` of the quantile nearest to the median."""
        import keras
        from keras import ops

        pinball, middle = _pinball_loss(self.quantiles, 1.0), self.middle

        def distance(y_true: Any, y_pred: Any) -> Any:
            told = y_pred[:, middle]
            return ops.abs(ops.cast(ops.reshape(y_true, (-1,)), told.dtype) - told)

        return [
            keras.metrics.MeanMetricWrapper(pinball.call, name="pinball"),
            keras.metrics.MeanMetricWrapper(distance, name="mae"),
        ]

    # -- judging -----------------------------------------------------------------------
    def row_losses(self, loss: str, predictions: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """Mean pinball loss over the quantiles, or the absolute error of the one nearest to the median."""
        error = targets.astype(np.float64) - predictions.astype(np.float64)
        if loss == "mae":
            return np.asarray(np.abs(error[:, self.middle]))
        q = np.asarray(self.quantiles)
        return np.asarray(np.maximum(q * error, (q - 1) * error).mean(axis=1))

    def evaluate(
        self, predictions: np.ndarray, targets: np.ndarray, weight: np.ndarray | None = None
    ) -> dict[str, float]:
        """``pinball``, ``mae``, and for each quantile ``below_0.9``: the share of rows that are not above it."""

        def average(rows: np.ndarray) -> float:
            return float(np.average(rows, weights=weight))

        losses = {loss: average(self.row_losses(loss, predictions, targets)) for loss in self.losses}
        not_above = targets <= predictions
        shares = {f"below_{q:g}": average(not_above[:, at]) for at, q in enumerate(self.quantiles)}
        return {**losses, **shares}

    def pooled_loss(self, loss: str, pooling: str) -> PooledLoss:
        """Of the mean of each quantile."""
        return Target.pooled_loss(self, loss, pooling)


def _pinball_loss(quantiles: tuple[float, ...], scale: float) -> Any:
    """Keras loss: the pinball loss divided by a scale, averaged over the quantiles."""
    import keras
    from keras import ops

    class PinballLoss(keras.losses.Loss):
        def call(self, y_true: Any, y_pred: Any) -> Any:
            q = ops.cast(np.asarray(quantiles, np.float32), y_pred.dtype)
            error = (ops.cast(ops.reshape(y_true, (-1, 1)), y_pred.dtype) - y_pred) / scale
            return ops.mean(ops.maximum(q * error, (q - 1.0) * error), axis=-1)

        def get_config(self) -> dict[str, Any]:
            return {**super().get_config(), "quantiles": list(quantiles), "scale": scale}

    return PinballLoss(name="pinball_loss")
