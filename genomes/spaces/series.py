"""The space of time series: several channels, variable length."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from genomes import masks
from genomes.checks import axis_lengths, real_number
from genomes.costs import Shape
from genomes.errors import GenomeError, shown
from genomes.spaces.encoded import EncodedSpace, standardize, standardized
from genomes.targets.standardization import positive


class TimeSeriesSpace(EncodedSpace):
    """Networks on time series; :func:`genomes.spaces.timeseries` makes it."""

    def _check_options(self) -> None:
        axis_lengths(self.input_shape, "input_shape", ("length", "channels"))
        if self.mask_value is not None:
            real_number(self.mask_value, "mask_value", -math.inf)

    @property
    def mask_value(self) -> float | None:
        """The number that stands for "no value", in addition to NaN."""
        return self.options["mask_value"]

    @property
    def encoded_shape(self) -> Shape:
        """The channels, and whether the step is real."""
        length, channels = self.input_shape
        assert channels is not None
        return (length, channels + 1)

    @property
    def gene_shape(self) -> Shape:
        """Shape that reaches the first gene: the channels alone."""
        return self.input_shape

    # -- data ------------------------------------------------------------------------
    def check_data(self, x: Any, y: Any, role: str = "train") -> None:
        """Check that series have the right channels and are not too long, and the targets."""
        self.check_rows(self._prepared(x, f"x_{role}"), y, role)

    def prepare(self, x: Any) -> np.ndarray:
        """Series of one length: float32, shape (rows, length, channels), NaN where nothing is known.

        Accepts such an array, or a sequence of arrays (steps, channels) of up to ``length`` steps each.
        """
        return self._prepared(x, "x")

    def _prepared(self, x: Any, name: str) -> np.ndarray:
        length, channels = self.input_shape
        assert length is not None and channels is not None
        if isinstance(x, np.ndarray) and x.dtype.kind in "biuf":
            array = x
        elif isinstance(x, (Sequence, np.ndarray)):
            array = self._padded(x, name)
        else:
            array = np.asarray(x)
        if channels == 1 and array.ndim == 2:
            array = array[..., None]
        if array.ndim != 3 or array.shape[1] > length or array.shape[2] != channels or array.dtype.kind not in "biuf":
            raise GenomeError(
                f"{name}: expected numbers of shape (rows, up to {length}, {channels}), "
                f"got shape {array.shape} of {array.dtype}"
            )
        array = array.astype(np.float32)
        if self.mask_value is not None:
            array = np.where(array == np.float32(self.mask_value), np.float32(np.nan), array)
        if np.isinf(array).any():
            raise GenomeError(f"{name}: holds infinite values, or values too large for float32")
        missing = length - array.shape[1]
        return np.pad(array, [(0, 0), (0, missing), (0, 0)], constant_values=np.nan) if missing else array

    def _padded(self, x: Any, name: str) -> np.ndarray:
        length, channels = self.input_shape
        assert length is not None and channels is not None
        padded = np.full((len(x), length, channels), np.nan, np.float32)
        for row, series in enumerate(x):
            try:
                steps = np.asarray(series, dtype=np.float32)
            except (TypeError, ValueError):
                raise GenomeError(f"{name}[{row}]: expected numbers, got {shown(series)}") from None
            if channels == 1 and steps.ndim == 1:
                steps = steps[:, None]
            if steps.ndim != 2 or steps.shape[0] > length or steps.shape[1] != channels:
                raise GenomeError(f"{name}[{row}]: expected shape (up to {length}, {channels}), got {steps.shape}")
            padded[row, : len(steps)] = steps
        return padded

    def adapt(self, x: Any, y: Any) -> dict[str, np.ndarray]:
        """``mean`` and ``scale`` of each channel over all known values, float32; scale of the targets."""
        flat = np.asarray(x, np.float64).reshape(-1, x.shape[-1])
        known = ~np.isnan(flat)
        count = np.maximum(known.sum(axis=0), 1)
        mean = np.where(known, flat, 0.0).sum(axis=0) / count
        deviation = np.sqrt(np.where(known, (flat - mean) ** 2, 0.0).sum(axis=0) / count)
        found = super().adapt(x, y)
        found.update(mean=mean.astype(np.float32), scale=positive(deviation, mean).astype(np.float32))
        return found

    def encode(self, x: Any, preprocessing: Mapping[str, np.ndarray]) -> np.ndarray:
        """Scaled channels and the mask: float32, shape (rows, length, channels + 1).

        Standardized channels, 0 where a value is unknown; last 1 for real steps, 0 for steps without any value.
        """
        real = ~np.isnan(x).all(axis=-1, keepdims=True)
        z = standardize(x, preprocessing["mean"], preprocessing["scale"])
        return np.concatenate([z, real.astype(np.float32)], axis=-1)

    # -- model -----------------------------------------------------------------------
    def preprocess(self, inputs: Any, preprocessing: Mapping[str, np.ndarray]) -> Any:
        """What :meth:`encode` computes, by Keras operations."""
        from keras import ops

        if "mean" not in preprocessing:
            raise GenomeError("preprocessing: time series need what adapt() found in the training data; got nothing")
        x = inputs
        if self.mask_value is not None:
            x = ops.where(ops.equal(x, self.mask_value), ops.full_like(x, float("nan")), x)
        real = ops.logical_not(ops.all(ops.isnan(x), axis=-1, keepdims=True))
        z = standardized(x, preprocessing["mean"], preprocessing["scale"])
        return ops.concatenate([z, ops.cast(real, "float32")], axis=-1)

    def enter(self, x: Any) -> Any:
        """The channels; the last number of every step becomes the mask."""
        from keras import ops

        return masks.with_mask(x[:, :, :-1], ops.greater(x[:, :, -1], 0.5))
