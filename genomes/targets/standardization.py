"""Targets in units of their standard deviation."""

from __future__ import annotations

from typing import Any

import numpy as np

#: A spread below this share of the mean is what rounding leaves of a constant, in float64.
_ROUNDING = 1e-12


def positive(scale: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """Scales with 1 where they are 0, mere rounding or not finite: of a constant nothing is left to scale.

    What counts is the spread beside the mean, so that a unit of 1e-13 serves as well as one of 1e12.

    Args:
        scale: standard deviations, in the values' own unit.
        mean: means of the same values.
    """
    # float32 has no smaller normal numbers: dividing by them would give infinity.
    least = np.maximum(_ROUNDING * np.abs(mean), float(np.finfo(np.float32).tiny))
    return np.where(np.isfinite(scale) & (scale > least), scale, 1.0)


def standardized_error(scale: np.ndarray) -> Any:
    """Keras loss: mean squared error in units of the training targets' standard deviation.

    Args:
        scale: standard deviation of each target, shape (outputs,).
    """
    import keras

    class StandardizedMeanSquaredError(keras.losses.Loss):
        def call(self, y_true: Any, y_pred: Any) -> Any:
            error = (keras.ops.cast(y_true, y_pred.dtype) - y_pred) / keras.ops.cast(scale, y_pred.dtype)
            return keras.ops.mean(keras.ops.square(error), axis=-1)

        def get_config(self) -> dict[str, Any]:
            return {**super().get_config(), "scale": np.asarray(scale).tolist()}

    return StandardizedMeanSquaredError(name="standardized_mean_squared_error")
