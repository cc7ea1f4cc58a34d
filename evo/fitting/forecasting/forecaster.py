"""Forecaster: a model that continues a series."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Self

import numpy as np

from evo.core.errors import DataError
from evo.fitting.fitted import Fitted
from evo.fitting.forecasting.baselines import baselines, errors
from evo.fitting.forecasting.long_tables import BETWEEN
from evo.fitting.forecasting.plan import Plan
from evo.fitting.forecasting.series import Series
from genomes.checks import whole_number
from genomes.errors import GenomeError
from genomes.spaces.forecast import ForecastSpace


class Forecaster(Fitted):
    """What :func:`evo.fit` returns with a horizon, and :func:`evo.load_fitted` reopens.

    Attributes:
        plan: what is forecast from what: columns, window, horizon, season.
        history: the last steps of what it was fitted on; forecasts begin after them where none are given.
        scores: ``rmse`` and ``mae`` of this model and of the baselines over the validation windows.
    """

    plan: Plan
    history: Series
    scores: dict[str, dict[str, float]]

    def planned(self, plan: Plan, history: Series, scores: Mapping[str, Mapping[str, float]]) -> Self:
        """The same with its plan, the end of its history, and its scores."""
        self.plan, self.history = plan, history
        self.scores = {name: dict(row) for name, row in scores.items()}
        return self

    @property
    def horizon(self) -> int:
        """Steps that are predicted."""
        return self.plan.horizon

    # -- predicting ----------------------------------------------------------------------
    def predict(self, data: Any = None, future: Any = None, **form: str | None) -> np.ndarray:
        """The next steps after the end of a history, in its units.

        Args:
            data: the history, in the form of what the model was fitted on, or a file; at least as long as the window.
                By default the one that the model was fitted on.
            future: the next values of the columns that are known beforehand, if there are such; or they stand in rows
                at the history's end whose other values are empty.
            **form: ``separator``, ``decimal`` and ``encoding`` of a file, where they are not found out rightly.

        Returns:
            (horizon,), or (horizon, series) for several series, in the order of ``plan.targets``.

        Raises:
            DataError: other columns, a history shorter than the window, no next values of what is known beforehand.
        """
        return self._predicted(data, future, form)[0]

    def forecast(self, data: Any = None, future: Any = None, **form: str | None) -> Any:
        """:meth:`predict` as a data frame of pandas: a row per step, with its time where the history has times.

        Of series that stood below each other in one table, a row per series and step, as there.

        Raises:
            DataError: as :meth:`predict`.
        """
        import pandas

        found, times = self._predicted(data, future, form)
        columns = dict(zip(self.plan.targets, found.reshape(self.horizon, -1).T, strict=True))
        if times is None:
            return pandas.DataFrame({"step": np.arange(1, self.horizon + 1), **columns})
        time = self.plan.time or "time"
        if self.plan.ids:
            parts = {time: np.tile(times, len(columns)), BETWEEN.join(self.plan.ids): np.repeat([*columns], len(times))}
            return pandas.DataFrame({**parts, self.plan.value: np.concatenate([*columns.values()])})
        return pandas.DataFrame({time: times, **columns})

    def _predicted(
        self, data: Any, future: Any, form: Mapping[str, str | None]
    ) -> tuple[np.ndarray, np.ndarray | None]:
        history = self.history if data is None else self._read(data, form)
        window, times = self.plan.continued(history, future)
        found = self.space.target.decode(self.ensemble.outputs(self._space.prepare(window)))  # type: ignore[union-attr]
        return found[0], times

    @property
    def _space(self) -> ForecastSpace:
        space = self.space
        assert isinstance(space, ForecastSpace)
        return space

    def _read(self, data: Any, form: Mapping[str, str | None] | None = None) -> Series:
        from evo.fitting.task import inputs_of

        return self.plan.read(inputs_of(data, self.form_with(form or {})))

    # -- judging -------------------------------------------------------------------------
    def evaluate(
        self, data: Any, target: Any = None, sample_weight: Any = None, metrics: Any = (), **form: str | None
    ) -> dict[str, float]:
        """``rmse``, ``mae`` and ``r2`` over all windows of a series.

        Args:
            data: the series, in the form of what the model was fitted on, or a file.
            target: not taken: the series has what is predicted.
            sample_weight: not taken.
            metrics: further metrics by name, or scorers of scikit-learn: see :meth:`evo.Ensemble.evaluate`.
            **form: ``separator``, ``decimal`` and ``encoding`` of a file, where they are not found out rightly.

        Raises:
            DataError: as :meth:`predict`, or too few steps for one window and the horizon after it.
        """
        if target is not None or sample_weight is not None:
            raise DataError("target: a series has what is predicted itself; give it alone")
        x, y = self._windows(self.plan.channels_of(self._read(data, form)), 0, 1)
        return self.ensemble.evaluate(x, self.space.target.prepare(y), metrics=metrics)  # type: ignore[union-attr]

    def backtest(self, data: Any, origins: int = 5, stride: int | None = None) -> Any:
        """Forecasts from several origins, one after the other, beside the baselines: how good it would have been.

        The model stays as it is: for an honest figure let the series begin to be predicted after what the model was
        fitted on. The ridge is fitted on what comes before the first origin.

        Args:
            data: the series, in the form of what the model was fitted on, or a file.
            origins: how many; the last one is the horizon's steps before the end.
            stride: steps from one origin to the next; by default the horizon.

        Returns:
            A data frame of pandas with a row per origin and forecast: ``origin`` (the time or the number of the
            last step that is known), ``forecast`` (``this model`` or a baseline), ``rmse``, ``mae``.

        Raises:
            DataError: too few steps for so many origins.
        """
        import pandas

        try:
            origins = whole_number(origins, "origins", 1)
            stride = self.horizon if stride is None else whole_number(stride, "stride", 1)
        except GenomeError as error:
            raise DataError(str(error)) from error
        series = self._read(data)
        channels = self.plan.channels_of(series)
        first = len(series) - self.horizon - (origins - 1) * stride
        if first < self.plan.window:
            raise DataError(
                f"data: {len(series)} steps are too few for {origins} origins {stride} steps apart, with a window of "
                f"{self.plan.window} steps before the first and {self.horizon} after the last"
            )
        x, y = self._windows(channels, first, stride)
        if len(y) != origins:
            raise DataError("data: some of the steps to predict have no value; choose other origins, or fill them")
        try:
            train: Any = self._space.windows(channels, last=first)
            train = (train[0], self._cubes(train[1])) if len(train[1]) > 1 else None
        except GenomeError:
            train = None
        truth = self._cubes(y)
        found = {"this model": self._cubes(self.ensemble.outputs(x))}
        found |= baselines(train, x, self.horizon, self.plan.window, self.plan.predicted, self.plan.period)
        rows = []
        for number in range(origins):
            at = first + number * stride - 1
            origin = at if series.times is None else pandas.Timestamp(series.times[at])
            for name, predictions in found.items():
                rows.append({"origin": origin, "forecast": name, **errors(predictions[number], truth[number])})
        return pandas.DataFrame(rows)

    def _cubes(self, y: np.ndarray) -> np.ndarray:
        """(rows, horizon, series)"""
        return np.asarray(y).reshape(len(y), self.horizon, -1)

    def _windows(self, channels: np.ndarray, first: int, stride: int) -> tuple[np.ndarray, np.ndarray]:
        try:
            return self._space.windows(channels, first=first, stride=stride)
        except GenomeError as error:
            raise DataError(str(error).replace("series:", "data:")) from error

    def predict_proba(self, data: Any, **form: str | None) -> np.ndarray:
        """Numbers are predicted, which have no probabilities.

        Raises:
            DataError: always.
        """
        raise DataError("predict_proba: numbers are predicted, which have no probabilities; use predict")

    # -- keeping -------------------------------------------------------------------------
    def _about(self) -> dict[str, Any]:
        times = self.history.times
        return {
            **super()._about(),
            "kind": type(self).__name__,
            "plan": self.plan.to_json(),
            "history": [[None if math.isnan(v) else v for v in row] for row in self.history.values.tolist()],
            "times": None if times is None else [str(time) for time in times],
            "scores": self.scores,
        }

    def _with(self, about: Mapping[str, Any]) -> Self:
        plan = Plan.from_json(about["plan"])
        values = np.array(about["history"], dtype=np.float64).reshape(-1, len(plan.columns))
        times = None if about["times"] is None else np.array(about["times"], dtype="datetime64[ns]")
        if times is not None and (times.shape != (len(values),) or np.isnat(times).any()):
            raise ValueError("expected a time for each step")
        space = self.space
        if not isinstance(space, ForecastSpace) or space.target is None:
            raise ValueError("a forecast by a model that makes none")
        if (space.horizon, space.window, space.channels) != (plan.horizon, plan.window, plan.channels):
            raise ValueError("the plan of another model")
        if space.target.width != plan.horizon * len(plan.targets):
            raise ValueError("the plan of a model with other outputs")
        return self.planned(plan, Series(plan.columns, values, times), about["scores"])
