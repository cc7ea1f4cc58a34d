"""What is forecast from what: the plan of a forecast, which is stored with the model."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np

from evo.core.errors import DataError
from evo.fitting.forecasting.long_tables import side_by_side
from evo.fitting.forecasting.series import Series, calendar, series_of, times_after
from genomes.checks import whole_number
from genomes.targets.labels import in_words

#: Most steps of a stored plan.
_LONGEST = 1_000_000


@dataclasses.dataclass(frozen=True)
class Plan:
    """Columns, window and horizon of a forecast.

    Attributes:
        targets: names of the series that are predicted.
        others: names of further channels, known up to now.
        known: names of the channels whose next values are known beforehand.
        calendar: parts of the calendar that are channels known beforehand.
        time: name of the column of times, or None.
        window: steps that a prediction looks at.
        horizon: steps that are predicted.
        period: steps of a season, or None.
        ids: columns that tell the series of a long table, in which they stood below each other.
        value: the column of their values there.
    """

    targets: tuple[str, ...]
    others: tuple[str, ...]
    known: tuple[str, ...]
    calendar: tuple[str, ...]
    time: str | None
    window: int
    horizon: int
    period: int | None
    ids: tuple[str, ...] = ()
    value: str = ""

    @property
    def columns(self) -> tuple[str, ...]:
        """Channels that a user gives: the series, others, and those known beforehand."""
        return (*self.targets, *self.others, *self.known)

    @property
    def channels(self) -> int:
        """Number of channels of the model."""
        return len(self.columns) + 2 * len(self.calendar)

    @property
    def predicted(self) -> list[int]:
        """Numbers of the channels that are predicted."""
        return list(range(len(self.targets)))

    @property
    def ahead(self) -> list[int]:
        """Numbers of the channels that are known beforehand."""
        return list(range(len(self.targets) + len(self.others), self.channels))

    def to_json(self) -> dict[str, Any]:
        """The plan as a JSON object."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, json: Mapping[str, Any]) -> Self:
        """The plan that :meth:`to_json` wrote.

        Raises:
            TypeError, ValueError: something else.
        """
        values: dict[str, Any] = {n: tuple(value) if isinstance(value, list) else value for n, value in json.items()}
        plan = cls(**values)
        names = (plan.targets, plan.others, plan.known, plan.calendar, plan.ids)
        if not all(isinstance(part, tuple) and all(isinstance(name, str) for name in part) for part in names):
            raise ValueError("plan: expected names of columns")
        if not plan.targets or not (plan.time is None or isinstance(plan.time, str)) or not isinstance(plan.value, str):
            raise ValueError("plan: expected a series to predict, and the name of the times")
        for name in ("window", "horizon", "period"):
            if name != "period" or plan.period is not None:
                whole_number(getattr(plan, name), f"plan: {name}", 1, _LONGEST)
        return plan

    # -- data --------------------------------------------------------------------------
    def read(self, data: Any, *, needs_targets: bool = True) -> Series:
        """The series in what a user gives, with this plan's columns in its order.

        Raises:
            DataError: a column is missing, or holds no numbers.
        """
        wanted = self.columns if needs_targets else self.known
        columns = getattr(data, "columns", data if isinstance(data, Mapping) else ())
        if self.ids and any(name in columns for name in self.ids):
            data = side_by_side(data, self.ids, self.time, self.value)
            columns = data.columns
        series = series_of(data, wanted, self.time if self.time in columns else None)
        if needs_targets and self.calendar and series.times is None:
            raise DataError("data: has no times, which this model looks at; give their column, or dates as index")
        return dataclasses.replace(series, names=tuple(wanted), values=series.of(wanted))

    def channels_of(self, series: Series) -> np.ndarray:
        """All channels of the model, float64 (steps, channels), of a series with this plan's columns."""
        if not self.calendar:
            return series.values
        assert series.times is not None
        return np.concatenate([series.values, calendar(series.times, self.calendar)[1]], axis=1)

    def continued(self, history: Series, future: Any = None) -> tuple[np.ndarray, np.ndarray | None]:
        """The last window of a history, as a model takes it, with what is known of the next steps.

        Args:
            history: with this plan's columns; rows at its end without any series' value are the steps to come.
            future: the next steps' values of the columns that are known beforehand, in the form of the history.

        Returns:
            The window, (1, steps, channels), and the times of the next steps, or None.

        Raises:
            DataError: fewer steps than the window has, or too few next values of the columns known beforehand.
        """
        there = np.flatnonzero(np.isfinite(history.values[:, self.predicted]).any(axis=1))
        if not len(there):
            raise DataError(f"data: has no value of {in_words(list(self.targets))}")
        end = int(there[-1]) + 1
        past = Series(history.names, history.values[:end], None if history.times is None else history.times[:end])
        if len(past) < self.window:
            raise DataError(
                f"data: {len(past)} steps of history are too few; the model looks at the last {self.window}"
            )
        times = None if past.times is None else times_after(past.times, self.horizon)
        coming = np.full((self.horizon, len(self.columns)), np.nan)
        if self.known:
            given = self._known_ahead(history, end, future)
            coming[:, len(self.targets) + len(self.others) :] = given
        whole = Series(
            self.columns,
            np.concatenate([past.values[-self.window :], coming]),
            None if past.times is None or times is None else np.concatenate([past.times[-self.window :], times]),
        )
        channels = self.channels_of(whole)
        return (channels if self.ahead else channels[: self.window])[None], times

    def _known_ahead(self, history: Series, end: int, future: Any) -> np.ndarray:
        if future is None:
            given = history.values[end:, len(self.targets) + len(self.others) :]
        else:
            given = self.read(future, needs_targets=False).values
        if len(given) < self.horizon:
            raise DataError(
                f"future: expected the next {self.horizon} values of {in_words(list(self.known))}, got {len(given)}; "
                "give them as future=, or as rows at the end of the history whose other values are empty"
            )
        return given[: self.horizon]


def default_window(steps: int, horizon: int, period: int | None) -> int:
    """Steps of the window: two seasons and twice the horizon, but no more than a quarter of the steps for training."""
    wanted = max(2 * horizon, 2 * (period or 0), 12)
    return int(max(min(wanted, (steps - horizon) // 4), (period or 0) if 3 * (period or 0) < steps else 0, 2))


def names_of(target: Any, series_names: Sequence[str]) -> list[str]:
    """Names of columns that a user gave as one name or several; all of them for None."""
    if target is None:
        return list(series_names)
    return [target] if isinstance(target, str) else [str(name) for name in target]
