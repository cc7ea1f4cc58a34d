"""Forecasts: from a window of a series to the steps that come after it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from genomes import masks
from genomes.checks import whole_number
from genomes.costs import Cost, Shape
from genomes.errors import GenomeError, shown
from genomes.spaces.encoded import standardize, standardized
from genomes.spaces.series import TimeSeriesSpace
from genomes.targets.standardization import positive

#: The linear part looks at all channels up to so many weights, else at the predicted series, else at nothing.
_MOST_LINEAR_WEIGHTS = 200_000


class ForecastSpace(TimeSeriesSpace):
    """Networks that continue series; :func:`genomes.spaces.timeseries` with a horizon makes it.

    A prediction is the last known value of the series, plus a linear function of the window (Lai et al. 2018, LSTNet;
    Zeng et al. 2023, NLinear), plus what the genes make of the window, so that a trend which leaves the range of the
    training data is followed. Predicted series enter as differences to their last known value.
    """

    def _check_options(self) -> None:
        super()._check_options()
        whole_number(self.options["horizon"], "horizon", 1, 10**6)
        for name in ("predicted", "known"):
            for channel in self.options[name]:
                whole_number(channel, name, 0, self.channels - 1)

    # -- shapes ----------------------------------------------------------------------
    @property
    def horizon(self) -> int:
        """Steps that are predicted."""
        return int(self.options["horizon"])

    @property
    def window(self) -> int:
        """Steps that are known of all channels."""
        length = self.input_shape[0]
        assert length is not None
        return length - (self.horizon if self.known else 0)

    @property
    def predicted(self) -> list[int]:
        """Channels that are predicted."""
        return list(self.options["predicted"])

    @property
    def known(self) -> list[int]:
        """Channels whose next values are known beforehand."""
        return list(self.options["known"])

    @property
    def channels(self) -> int:
        """Number of channels."""
        number = self.input_shape[1]
        assert number is not None
        return number

    @property
    def gene_shape(self) -> Shape:
        """The channels, and 1 for the steps to come where some of these are known."""
        return (self.input_shape[0], self.channels + bool(self.known))

    @property
    def encoded_shape(self) -> Shape:
        """What reaches the first gene, whether the step is real, and the last known values."""
        return (self.input_shape[0], self.channels + bool(self.known) + 1 + len(self.predicted))

    @property
    def _linear(self) -> list[int]:
        """Channels that the linear part looks at."""
        length, outputs = self.input_shape[0] or 0, self.target.width
        for channels in (list(range(self.channels)), self.predicted):
            if length * len(channels) * outputs <= _MOST_LINEAR_WEIGHTS:
                return channels
        return []

    def input_cost(self) -> Cost:
        """Of the linear part."""
        inputs, outputs = (self.input_shape[0] or 0) * len(self._linear), self.target.width
        return Cost(inputs * outputs, 2 * inputs * outputs) if inputs else Cost()

    # -- data ------------------------------------------------------------------------
    def prepare(self, x: Any) -> np.ndarray:
        """Windows: float32, shape (rows, window, channels), or (rows, window + horizon, channels) with known channels.

        NaN stands for what is not known: of channels that are not known beforehand, the steps to come.
        """
        array = super().prepare(x)
        if self.known:
            secret = [channel for channel in range(self.channels) if channel not in self.known]
            array[:, self.window :, secret] = np.nan
        return array

    def _level(self, x: np.ndarray) -> np.ndarray:
        """The last known value of every predicted series in the window, (rows, series); NaN where there is none."""
        past = x[:, : self.window, self.predicted]
        steps = np.where(np.isnan(past), -1, np.arange(self.window)[None, :, None]).max(axis=1)
        values = np.take_along_axis(past, np.maximum(steps, 0)[:, None, :], axis=1)[:, 0]
        return np.asarray(np.where(steps < 0, np.nan, values))

    def adapt(self, x: Any, y: Any) -> dict[str, np.ndarray]:
        """``mean`` and ``scale`` of channels; of predicted series, of their differences to the last known value.

        ``level`` is what stands for a last value where none is known; ``target_mean`` and ``target_scale`` are those of
        the steps' differences to the last known value.
        """
        found = super().adapt(x, None)
        center = found["mean"][self.predicted].copy()
        level = np.where(np.isnan(last := self._level(x)), center, last).astype(np.float64)
        differences = (x[:, : self.window, self.predicted] - level[:, None]).reshape(-1, len(self.predicted))
        seen = np.sqrt(np.nanmean(np.where(np.isnan(differences), 0.0, differences) ** 2, axis=0))
        found["mean"][self.predicted] = 0.0
        found["scale"][self.predicted] = positive(seen, center.astype(np.float64))
        found["level"] = center
        if y is not None:
            found |= self.target.statistics(self.target.prepare(y) - np.tile(level, self.horizon))
        return found

    def encode(self, x: Any, preprocessing: Mapping[str, np.ndarray]) -> np.ndarray:
        """Scaled channels, 1 for steps to come, 1 for real steps, last values: float32 (rows, *encoded_shape)."""
        real = ~np.isnan(x).all(axis=-1, keepdims=True)
        last = self._level(x)
        level = np.where(np.isnan(last), preprocessing["level"], last).astype(np.float32)
        x = x.copy()
        x[:, :, self.predicted] -= level[:, None]
        parts = [standardize(x, preprocessing["mean"], preprocessing["scale"])]
        if self.known:
            parts.append(np.broadcast_to(self._to_come(), real.shape))
        levels = np.broadcast_to(level[:, None], (*x.shape[:2], len(self.predicted)))
        return np.concatenate([*parts, real, levels], axis=-1).astype(np.float32)

    def _to_come(self) -> np.ndarray:
        """1 for steps after the window, float32 (1, steps, 1)."""
        return (np.arange(self.input_shape[0] or 0) >= self.window).astype(np.float32)[None, :, None]

    # -- model -----------------------------------------------------------------------
    def preprocess(self, inputs: Any, preprocessing: Mapping[str, np.ndarray]) -> Any:
        """What :meth:`encode` computes, by Keras operations."""
        from keras import ops

        if "level" not in preprocessing:
            raise GenomeError("preprocessing: forecasts need what adapt() found in the training data; got nothing")
        x = inputs
        if self.mask_value is not None:
            x = ops.where(ops.equal(x, self.mask_value), ops.full_like(x, float("nan")), x)
        real = ops.logical_not(ops.all(ops.isnan(x), axis=-1, keepdims=True))
        past = ops.take(x[:, : self.window], np.asarray(self.predicted, np.int32), axis=2)
        known = ops.logical_not(ops.isnan(past))
        order = np.arange(1, self.window + 1, dtype=np.float32)[None, :, None]
        places = ops.max(ops.cast(known, "float32") * order, axis=1, keepdims=True)
        chosen = ops.logical_and(known, ops.equal(places, order))
        last = ops.sum(ops.where(chosen, past, ops.zeros_like(past)), axis=1)
        level = ops.where(places[:, 0] > 0, last, preprocessing["level"])
        spread = np.zeros((len(self.predicted), self.channels), np.float32)
        spread[np.arange(len(self.predicted)), self.predicted] = 1.0
        # A sum of products with 0 and 1 in place of a scatter: exact, and the same in every backend.
        shift = ops.sum(ops.expand_dims(level, -1) * spread, axis=1)
        parts = [standardized(x - ops.expand_dims(shift, 1), preprocessing["mean"], preprocessing["scale"])]
        if self.known:
            parts.append(ops.zeros_like(x[:, :, :1]) * 0.0 + self._to_come())
        levels = ops.repeat(ops.expand_dims(level, 1), self.input_shape[0] or 0, axis=1)
        return ops.concatenate([*parts, ops.cast(real, "float32"), levels], axis=-1)

    def enter(self, x: Any) -> Any:
        """The channels, with the mask of real steps."""
        from keras import ops

        width = self.channels + bool(self.known)
        return masks.with_mask(x[:, :, :width], ops.greater(x[:, :, width], 0.5))

    def head_inputs(self, body: Any, encoded: Any) -> Any:
        """The genes' vector and the encoded window."""
        return [body, encoded]

    def head(self, x: Any, preprocessing: Mapping[str, np.ndarray]) -> Any:
        """Last value + linear part + the genes' part, float32 (batch, horizon * series)."""
        import keras
        from keras import ops

        body, encoded = x
        total = keras.layers.Dense(self.target.width, dtype="float32", name="head")(body)
        if self._linear:
            past = ops.take(encoded, np.asarray(self._linear, np.int32), axis=2)
            flat = keras.layers.Flatten(dtype="float32")(past)
            linear = keras.layers.Dense(
                # Of zeros: training begins at the last known value, which is hard to beat where nothing repeats.
                self.target.width,
                use_bias=False,
                kernel_initializer="zeros",
                dtype="float32",
                name="autoregression",
            )
            total = keras.layers.Add(dtype="float32")([total, linear(flat)])
        if "target_scale" in preprocessing:
            scale, offset = preprocessing["target_scale"].tolist(), preprocessing["target_mean"].tolist()
            total = keras.layers.Rescaling(scale, offset, dtype="float32", name="units")(total)
        level = encoded[:, 0, self.channels + bool(self.known) + 1 :]
        return keras.layers.Add(dtype="float32", name="forecast")([total, ops.tile(level, (1, self.horizon))])

    # -- windows -----------------------------------------------------------------------
    def windows(self, series: Any, first: int = 0, last: int | None = None, stride: int = 1) -> tuple[Any, Any]:
        """Windows of one long series, and the steps after each.

        Args:
            series: numbers, shape (steps, channels), or (steps,) for one channel; in the order of time.
            first: the earliest step that may be predicted; windows may reach back before it.
            last: the step before which all predicted ones lie; by default the end.
            stride: steps from one window to the next.

        Returns:
            ``x`` as :meth:`prepare` gives it, and ``y``, float32 (rows, horizon), or (rows, horizon, series).
            Windows with a value to predict that is not known are left out.

        Raises:
            GenomeError: another shape, or fewer steps than a window and the horizon have.
        """
        values = np.asarray(series, dtype=np.float64)
        values = values[:, None] if values.ndim == 1 else values
        if values.ndim != 2 or values.shape[1] != self.channels:
            raise GenomeError(f"series: expected shape (steps, {self.channels}), got {np.shape(series)}")
        steps = len(values) if last is None else whole_number(last, "last", 0, len(values))
        starts = np.arange(max(first - self.window, 0), steps - self.window - self.horizon + 1, stride)
        if not len(starts):
            raise GenomeError(
                f"series: {steps} steps are too few for a window of {self.window} and the {self.horizon} after it"
            )
        whole = values[starts[:, None] + np.arange(self.window + self.horizon)].astype(np.float32)
        y = whole[:, self.window :, self.predicted]
        x = whole if self.known else whole[:, : self.window]
        complete = np.isfinite(y).all(axis=(1, 2))
        if not complete.any():
            raise GenomeError(f"series: there are no {self.horizon} steps in a row whose values are all known")
        y = y[complete]
        return self.prepare(x[complete]), y[:, :, 0] if len(self.predicted) == 1 else y


def checked_channels(value: Any, name: str, channels: int, default: Sequence[int]) -> list[int]:
    """Numbers of channels, sorted.

    Raises:
        GenomeError: no sequence of different numbers from 0; names ``name``.
    """
    if value is None:
        return list(default)
    if isinstance(value, (str, bytes)) or not isinstance(value, Sequence):
        raise GenomeError(f"{name}: expected numbers of channels, got {shown(value)}")
    found = sorted({whole_number(number, name, 0, channels - 1) for number in value})
    if len(found) != len(value):
        raise GenomeError(f"{name}: each channel may be named once, got {shown(list(value))}")
    return found
