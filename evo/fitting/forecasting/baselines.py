"""What a forecast has to beat: the last value, the last season, a linear model of the window."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

#: A season is looked for up to this share of the series, so that three of them are seen.
_LONGEST_SEASON = 3
#: Correlation of the differences with themselves a season before, from which there is a season.
_LEAST_CORRELATION = 0.3
#: Strengths of the ridge that are tried, in units of the window's standardized values.
_STRENGTHS = (0.01, 0.1, 1.0, 10.0, 100.0, 1000.0)
#: Rows on which the ridge is fitted at most, evenly spread.
_MOST_ROWS = 20_000


def infer_period(values: np.ndarray, longest: int | None = None) -> int | None:
    """Steps of a season: where the series' differences repeat most, or None.

    The first peak of the autocorrelation of first differences that comes within 90 % of the highest one, so that a
    multiple of a season is not taken for it.

    Args:
        values: (steps,), NaN where a value is not known.
        longest: longest season that is looked for; by default a third of the steps.
    """
    known = np.asarray(values, np.float64)
    steps = np.arange(len(known))
    there = np.isfinite(known)
    if there.sum() < 8:
        return None
    changes = np.diff(np.interp(steps, steps[there], known[there]))
    changes = changes - changes.mean()
    power = float(changes @ changes)
    most = min(len(known) // _LONGEST_SEASON, longest or len(known))
    if power <= 1e-12 * max(1.0, float(np.nanmax(np.abs(known))) ** 2) or most < 3:
        return None
    size = 1 << (2 * len(changes) - 1).bit_length()
    spectrum = np.fft.rfft(changes, size)
    correlation = np.fft.irfft(spectrum * np.conj(spectrum), size)[: most + 1] / power
    # Fewer pairs the further apart: without this a long season would always look weaker than a short one.
    correlation *= len(changes) / (len(changes) - np.arange(most + 1))
    peaks = [
        lag
        for lag in range(2, most + 1)
        if correlation[lag] >= correlation[lag - 1] and (lag == most or correlation[lag] >= correlation[lag + 1])
    ]
    if not peaks:
        return None
    highest = max(correlation[lag] for lag in peaks)
    # By chance alone a correlation of so many pairs reaches 3 / sqrt(pairs).
    if highest < max(_LEAST_CORRELATION, 3 / np.sqrt(len(changes))):
        return None
    return next(lag for lag in peaks if correlation[lag] >= 0.9 * highest)


def last_value(past: np.ndarray, horizon: int) -> np.ndarray:
    """The last known value of each series, for all steps: (rows, horizon, series).

    Args:
        past: the windows, (rows, window, series), NaN where a value is not known.
        horizon: steps to predict.
    """
    return np.repeat(_filled(past)[:, -1:], horizon, axis=1)


def seasonal_last_value(past: np.ndarray, horizon: int, period: int) -> np.ndarray:
    """The values one season before, again and again: (rows, horizon, series).

    Args:
        past: the windows, (rows, window, series), at least a season long.
        horizon: steps to predict.
        period: steps of a season.
    """
    season = _filled(past)[:, -period:]
    return np.asarray(season[:, np.arange(horizon) % period])


def _filled(past: np.ndarray) -> np.ndarray:
    """Windows with each unknown value replaced by the last known one before it, or the first one after it."""
    known = np.isfinite(past)
    steps = np.where(known, np.arange(past.shape[1])[None, :, None], -1)
    before = np.maximum.accumulate(steps, axis=1)
    first = np.argmax(known, axis=1)[:, None]
    return np.asarray(np.take_along_axis(past, np.where(before < 0, first, before), axis=1))


@dataclasses.dataclass
class Ridge:
    """A linear model of the window, all steps at once, by scikit-learn; NaN counts as the mean.

    Predicted are differences to the last known value, from differences to it, as the networks do it.

    Args:
        predicted: channels that are predicted.
        window: steps whose values are known of all channels.
    """

    predicted: list[int]
    window: int
    model: Any = None

    def fit(self, x: np.ndarray, y: np.ndarray) -> Ridge:
        """Fit the strength by leave-one-out errors (``RidgeCV``).

        Args:
            x: windows, (rows, steps, channels).
            y: the steps after them, (rows, horizon, series).
        """
        from sklearn.linear_model import RidgeCV
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        rows = np.unique(np.linspace(0, len(x) - 1, min(len(x), _MOST_ROWS)).astype(int))
        inputs, level = self._inputs(x[rows])
        self.model = make_pipeline(StandardScaler(), RidgeCV(alphas=[a * len(rows) / 100 for a in _STRENGTHS]))
        self.model.fit(inputs, (y[rows] - level).reshape(len(rows), -1))
        return self

    def predict(self, x: np.ndarray, horizon: int) -> np.ndarray:
        """(rows, horizon, series)."""
        inputs, level = self._inputs(x)
        found = self.model.predict(inputs).reshape(len(x), horizon, -1)
        return np.asarray(found + level)

    def _inputs(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        level = _filled(x[:, : self.window, self.predicted])[:, -1:].astype(np.float64)
        level = np.nan_to_num(level)
        values = x.astype(np.float64)
        values[:, :, self.predicted] -= level
        return np.nan_to_num(values.reshape(len(x), -1)), level


def baselines(
    train: tuple[np.ndarray, np.ndarray] | None,
    x: np.ndarray,
    horizon: int,
    window: int,
    predicted: list[int],
    period: int | None,
) -> dict[str, np.ndarray]:
    """What each baseline predicts for windows: name -> (rows, horizon, series).

    Args:
        train: windows and steps that the ridge is fitted on; without it there is no ridge.
        x: windows to predict, (rows, steps, channels).
        horizon: steps to predict.
        window: steps of the window.
        predicted: channels that are predicted.
        period: steps of a season; None for no seasonal baseline.
    """
    past = x[:, :window, predicted].astype(np.float64)
    found = {"last value": last_value(past, horizon)}
    if period is not None and 1 < period <= window:
        found[f"last season ({period} steps)"] = seasonal_last_value(past, horizon, period)
    if train is not None:
        found["ridge on the window"] = Ridge(predicted, window).fit(*train).predict(x, horizon)
    return found


def errors(predictions: np.ndarray, truth: np.ndarray) -> Mapping[str, float]:
    """``rmse`` and ``mae`` over all rows, steps and series."""
    gaps = predictions.astype(np.float64) - truth
    return {"rmse": float(np.sqrt(np.mean(gaps**2))), "mae": float(np.mean(np.abs(gaps)))}
