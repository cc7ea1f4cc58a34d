"""Random convolutions of series: what share of the steps rises above a threshold (MiniROCKET).

Source: Dempster, Schmidt & Webb, "MiniRocket" (2021): 84 kernels of length 9 with weights -1 and 2, dilations up to the
length of the series, thresholds that are quantiles of what the kernels give for training series. Several channels are
added up, drawn for each kernel and dilation, as in the authors' own multivariate version. Other than there, all steps
of all kernels count (padded with the channels' means), and of series of different lengths the real steps alone.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from evo.ensemble.linear.features import Features
from genomes.spaces.encoded import standardize, standardized
from genomes.targets.standardization import positive

#: Length of the kernels, and of each the places of its three weights 2; the others are -1.
_LENGTH = 9
_PLACES = np.array(list(itertools.combinations(range(_LENGTH), 3)))
_KERNELS = len(_PLACES)
#: Most dilations, and features; of so many rows that these are solved for by features, fewer.
_DILATIONS = 32
_FEATURES, _FEW_FEATURES, _MANY_ROWS = 9_996, 2_520, 3_000
#: What thresholds stand above quantiles: a constant stretch is not to be above itself by rounding.
_ABOVE = 1e-5
#: Numbers (float32) of convolutions at once.
_AT_ONCE = 4_000_000


@dataclass(frozen=True, eq=False)
class Dilation:
    """All kernels at one dilation.

    Attributes:
        step: steps between two weights.
        channels: bool (84, channels), which are added up by each kernel.
        thresholds: float32 (84, thresholds).
    """

    step: int
    channels: np.ndarray
    thresholds: np.ndarray

    def kernel(self) -> np.ndarray:
        """float32 (9, channels, 84), as Keras' convolutions take it."""
        weights = np.full((_LENGTH, _KERNELS), -1.0, np.float32)
        weights[_PLACES.T, np.arange(_KERNELS)] = 2.0
        return weights[:, None, :] * self.channels.T[None].astype(np.float32)


class SeriesFeatures(Features):
    """Shares of steps above thresholds.

    Args:
        name: of the input, None where it is the series alone.
        mean: float32 (channels,), of the training series.
        scale: likewise their deviations.
        dilations: the kernels with their thresholds.
        differences: whether differences of neighbouring steps are looked at instead of the steps (as in MultiRocket,
            Tan et al. 2022).
        mask_value: the number that stands for "no value" in the input of a Keras model, besides NaN.
    """

    kind = "series"

    def __init__(
        self,
        name: str | None,
        mean: np.ndarray,
        scale: np.ndarray,
        dilations: tuple[Dilation, ...],
        differences: bool,
        mask_value: float | None,
    ) -> None:
        channels = mean.shape
        if scale.shape != channels or len(channels) != 1 or not (scale > 0).all():
            raise ValueError("channels that do not match")
        for one in dilations:
            if one.channels.shape != (_KERNELS, *channels) or len(one.thresholds) != _KERNELS or one.step < 1:
                raise ValueError("kernels of another number of channels")
        self.name, self.mean, self.scale, self.dilations = name, mean, scale, dilations
        self.differences, self.mask_value = differences, mask_value

    @property
    def width(self) -> int:
        """Number of features."""
        return sum(one.thresholds.size for one in self.dilations)

    # -- learning --------------------------------------------------------------------------
    @classmethod
    def learn(cls, x: Any, name: str | None, differences: bool, mask_value: float | None, seed: int) -> Self:
        """Draw channels and thresholds.

        Args:
            x: prepared series, float32 (rows, length, channels) with NaN where nothing is known; or a mapping that
                holds such by name.
            name: of the series in it.
            differences: see the class.
            mask_value: likewise.
            seed: of what is drawn.
        """
        series = x if name is None else x[name]
        flat = series.reshape(-1, series.shape[-1]).astype(np.float64)
        known = ~np.isnan(flat)
        count = np.maximum(known.sum(axis=0), 1)
        mean = np.where(known, flat, 0.0).sum(axis=0) / count
        scale = positive(np.sqrt(np.where(known, (flat - mean) ** 2, 0.0).sum(axis=0) / count), mean)
        bare = cls(name, mean.astype(np.float32), scale.astype(np.float32), (), differences, mask_value)
        rng = np.random.default_rng([seed, int(differences)])
        z, real = bare._entered(series)
        usable = np.flatnonzero(real.any(axis=1))
        features = _FEATURES if len(series) <= _MANY_ROWS else _FEW_FEATURES
        dilations = []
        quantile = 0
        for step, number in _spread(series.shape[1], features // _KERNELS):
            chosen = np.zeros((_KERNELS, series.shape[2]), bool)
            for kernel in range(_KERNELS):
                most = np.log2(min(series.shape[2], _LENGTH) + 1)
                several = int(2 ** rng.uniform(0, most))
                chosen[kernel, rng.choice(series.shape[2], max(1, several), replace=False)] = True
            one = Dilation(step, chosen, np.zeros((_KERNELS, number), np.float32))
            rows = rng.choice(usable, _KERNELS) if len(usable) else np.zeros(_KERNELS, int)
            for kernel, row in enumerate(rows):
                values = _convolved(z[row : row + 1], one)[0, :, kernel][real[row]]
                # Golden sections: quantiles that are spread evenly, however many there are.
                shares = (np.arange(quantile + 1, quantile + number + 1) * ((np.sqrt(5) + 1) / 2)) % 1.0
                quantile += number
                if len(values):
                    one.thresholds[kernel] = np.quantile(values, shares) + _ABOVE
            dilations.append(one)
        return cls(name, bare.mean, bare.scale, tuple(dilations), differences, mask_value)

    # -- computing -------------------------------------------------------------------------
    def _entered(self, series: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Standardized steps or their differences, float32 (rows, length, channels), and which are real."""
        real = ~np.isnan(series).all(axis=-1)
        z = standardize(series, self.mean, self.scale)
        if self.differences:
            z = np.concatenate([np.zeros_like(z[:, :1]), z[:, 1:] - z[:, :-1]], axis=1)
            real = np.concatenate([np.zeros_like(real[:, :1]), real[:, 1:] & real[:, :-1]], axis=1)
        return z * real[..., None].astype(np.float32), real

    def of(self, x: Any) -> np.ndarray:
        """float32 (rows, width)."""
        series = np.asarray(x if self.name is None else x[self.name])
        if series.ndim != 3 or series.shape[2] != len(self.mean):
            raise ValueError(f"series of shape {series.shape}, expected (rows, length, {len(self.mean)})")
        found = np.zeros((len(series), self.width), np.float32)
        at_once = max(1, _AT_ONCE // (series.shape[1] * _KERNELS))
        for start in range(0, len(series), at_once):
            rows = slice(start, start + at_once)
            z, real = self._entered(series[rows])
            steps = np.maximum(real.sum(axis=1), 1).astype(np.float32)[:, None]
            place = 0
            for one in self.dilations:
                # What is not real is above nothing.
                values = np.where(real[..., None], _convolved(z, one), -np.inf)
                for column in one.thresholds.T:
                    above = np.count_nonzero(values > column, axis=1)
                    found[rows, place : place + _KERNELS] = above / steps
                    place += _KERNELS
        return found

    def keras_features(self, inputs: Any) -> Any:
        """:meth:`of` by dilated convolutions."""
        import keras
        from keras import ops

        x = inputs if self.name is None else inputs[self.name]
        if self.mask_value is not None:
            x = ops.where(ops.equal(x, self.mask_value), ops.full_like(x, float("nan")), x)
        real = ops.cast(ops.logical_not(ops.all(ops.isnan(x), axis=-1, keepdims=True)), "float32")
        z = standardized(x, self.mean, self.scale)
        if self.differences:
            z = ops.pad(z[:, 1:] - z[:, :-1], [[0, 0], [1, 0], [0, 0]])
            real = ops.pad(real[:, 1:] * real[:, :-1], [[0, 0], [1, 0], [0, 0]])
        z = z * real
        steps = ops.maximum(ops.sum(real, axis=1), 1.0)
        parts = []
        for one in self.dilations:
            convolution = keras.layers.Conv1D(
                _KERNELS,
                _LENGTH,
                padding="same",
                dilation_rate=one.step,
                use_bias=False,
                trainable=False,
                dtype="float32",
            )
            values = convolution(z)
            convolution.set_weights([one.kernel()])
            for column in one.thresholds.T:
                above = ops.cast(ops.greater(values, column), "float32") * real
                parts.append(ops.sum(above, axis=1) / steps)
        return ops.concatenate(parts, axis=1)

    # -- storage ---------------------------------------------------------------------------
    def to_arrays(self) -> dict[str, np.ndarray]:
        """Statistics of the channels, and of each dilation channels and thresholds."""
        found = {"mean": self.mean, "scale": self.scale}
        for place, one in enumerate(self.dilations):
            found |= {f"{place}/channels": one.channels, f"{place}/thresholds": one.thresholds}
        return found

    def to_json(self) -> dict[str, Any]:
        """The input's name, dilations, and what is looked at."""
        return {
            "input": self.name,
            "dilations": [one.step for one in self.dilations],
            "differences": self.differences,
            "mask_value": self.mask_value,
        }

    @classmethod
    def from_stored(cls, arrays: Mapping[str, np.ndarray], about: Mapping[str, Any]) -> Self:
        """What was stored."""
        steps = about["dilations"]
        if any(type(step) is not int for step in steps):
            raise ValueError("dilations that are no whole numbers")
        dilations = tuple(
            Dilation(
                step, _of_type(arrays[f"{at}/channels"], np.bool_), _of_type(arrays[f"{at}/thresholds"], np.float32)
            )
            for at, step in enumerate(steps)
        )
        name, mask = about["input"], about["mask_value"]
        return cls(
            None if name is None else str(name),
            _of_type(arrays["mean"], np.float32),
            _of_type(arrays["scale"], np.float32),
            dilations,
            bool(about["differences"]),
            None if mask is None else float(mask),
        )


def _of_type(array: np.ndarray, wanted: Any) -> np.ndarray:
    if array.dtype != wanted:
        raise ValueError(f"an array of {array.dtype}")
    return array


def _spread(length: int, number: int) -> list[tuple[int, int]]:
    """Dilations, and thresholds of each kernel at each; ``number`` thresholds in all.

    Dilations grow by the powers of two, up to where a kernel is as long as the series.
    """
    most = min(number, _DILATIONS)
    longest = max(0.0, np.log2(max(1, length - 1) / (_LENGTH - 1)))
    steps, counts = np.unique(np.logspace(0, longest, most, base=2).astype(int), return_counts=True)
    shares = (counts * (number / most)).astype(int)
    place = 0
    while shares.sum() < number:
        shares[place] += 1
        place = (place + 1) % len(shares)
    return [(int(step), int(share)) for step, share in zip(steps, shares, strict=True)]


def _convolved(z: np.ndarray, one: Dilation) -> np.ndarray:
    """All kernels at a dilation, float32 (rows, length, 84); beyond the ends there are zeros."""
    rows, length, channels = z.shape
    shifted = np.zeros((rows, length, _LENGTH, channels), np.float32)
    for place in range(_LENGTH):
        by = (place - _LENGTH // 2) * one.step
        first, last = max(0, -by), min(length, length - by)
        if first < last:
            shifted[:, first:last, place] = z[:, first + by : last + by]
    matrix = shifted.reshape(rows * length, _LENGTH * channels)
    return (matrix @ one.kernel().reshape(_LENGTH * channels, _KERNELS)).reshape(rows, length, _KERNELS)
