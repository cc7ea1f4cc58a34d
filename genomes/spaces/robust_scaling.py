"""Numbers of a table on a scale that outliers do not set, and softly limited."""

from __future__ import annotations

from typing import Any

import numpy as np

#: What numbers come near to and never pass, up and down.
LIMIT = 3.0
#: Beyond it the limit is reached to the last bit, and far beyond it the square would overflow.
_FAR = 1e9


def robust_scale(knots: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Centre and factor of every column: its median, and 1 over the distance of its quartiles.

    Where the quartiles are one, half the range stands in; of a constant column the factor is 0 (RealMLP:
    Holzmüller, Grinsztajn & Steinwart 2024, arXiv 2407.04491, section 3).

    Args:
        knots: quantiles in equal steps from the least to the greatest value, shape (columns, 4 n + 1).

    Returns:
        float32 of shape (columns,), twice.
    """
    quarter = (knots.shape[1] - 1) // 4
    wide = knots.astype(np.float64)
    spread = wide[:, 3 * quarter] - wide[:, quarter]
    spread = np.where(spread > 0, spread, 0.5 * (wide[:, -1] - wide[:, 0]))
    least = float(np.finfo(np.float32).tiny)
    factor = np.where(spread > least, 1.0 / np.maximum(spread, least), 0.0)
    # An odd range of float64 may pass what float32 holds.
    factor = np.minimum(factor, float(np.finfo(np.float32).max))
    return knots[:, 2 * quarter].astype(np.float32), factor.astype(np.float32)


def robust_scaled(x: np.ndarray, knots: np.ndarray) -> np.ndarray:
    """``z / sqrt(1 + (z / 3)^2)`` of ``z = (x - centre) * factor``; 0 where x is NaN; float32 (rows, columns)."""
    centre, factor = robust_scale(knots)
    with np.errstate(over="ignore"):
        z = np.clip((x.astype(np.float32) - centre) * factor, -_FAR, _FAR)
    return np.nan_to_num(z / np.sqrt(1.0 + (z / LIMIT) ** 2), nan=0.0).astype(np.float32)


def robust_scaled_tensor(x: Any, knots: np.ndarray) -> Any:
    """:func:`robust_scaled` on a Keras tensor."""
    from keras import ops

    centre, factor = robust_scale(knots)
    z = ops.clip((x - centre) * factor, -_FAR, _FAR)
    soft = z / ops.sqrt(1.0 + ops.square(z / LIMIT))
    return ops.where(ops.isnan(x), ops.zeros_like(soft), soft)
