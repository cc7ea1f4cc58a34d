"""Targets in units of their standard deviation."""

from __future__ import annotations

from typing import Any

import numpy as np


def positive(scale: np.ndarray) -> np.ndarray:
    """Scales with 1 where they are 0 or not finite: of a constant nothing is left to scale."""
    return np.where(np.isfinite(scale) & (scale > 1e-12), scale, 1.0)


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
