"""``evo.fit`` with a horizon: from a long series to a fitted forecaster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from evo.core.errors import DataError
from evo.data import Data
from evo.fitting.forecasting.baselines import baselines, errors, infer_period
from evo.fitting.forecasting.forecaster import Forecaster
from evo.fitting.forecasting.long_tables import ids_in, side_by_side
from evo.fitting.forecasting.plan import Plan, default_window, names_of
from evo.fitting.forecasting.series import Series, calendar_parts, series_of
from evo.fitting.searching import Search
from evo.fitting.tables import TableFormat
from evo.splits import VALIDATION_SHARE
from genomes import spaces
from genomes.checks import whole_number
from genomes.errors import GenomeError, shown
from genomes.spaces.forecast import ForecastSpace
from genomes.targets.labels import in_words

#: Windows of the training rows take up to so many bytes; of longer series every second or third window is taken.
_MOST_BYTES = 2**30


def series_data(space: ForecastSpace, series: Any, validation: float = VALIDATION_SHARE) -> Data:
    """Windows of one long series, split in time: training windows end before the first step that validation predicts.

    Args:
        space: of :func:`genomes.spaces.timeseries` with a horizon.
        series: numbers, shape (steps, channels), or (steps,), in the order of time; NaN where a value is not known.
        validation: the share of the steps, at the end, that is predicted for validation.

    Returns:
        The data of a campaign in ``space``. Validation windows may look back at steps before the split, as a forecast
        does; no training window reaches beyond it.

    Raises:
        DataError: too few steps, or a share outside (0, 1).

    Example:
        >>> import numpy as np, genomes
        >>> space = genomes.spaces.timeseries((12, 1), horizon=4)
        >>> series_data(space, np.sin(np.arange(100)), validation=0.2)
        Data(65 training rows, 17 validation rows)
    """
    if not isinstance(space, ForecastSpace):
        raise DataError("space: has no horizon; make it by genomes.spaces.timeseries(..., horizon=...)")
    values = np.asarray(series, dtype=np.float64)
    values = values[:, None] if values.ndim == 1 else values
    border = len(values) - _validation_steps(validation, len(values), space.horizon)
    bytes_each = 4 * (space.input_shape[0] or 1) * space.channels
    stride = max(1, -(-(border * bytes_each) // _MOST_BYTES))
    try:
        x, y = space.windows(values, last=border, stride=stride)
        kept = space.windows(values, first=border, stride=stride)
    except GenomeError as error:
        raise DataError(
            f"data: {len(values)} steps are too few for windows of {space.window} steps with {space.horizon} after "
            f"each in both the first {border} and the last {len(values) - border} steps ({error})"
        ) from error
    return Data(x, y, validation=kept)


def _validation_steps(validation: Any, steps: int, horizon: int) -> int:
    if isinstance(validation, bool) or not isinstance(validation, (int, float, np.floating)):
        raise DataError(f"validation: with a horizon, expected the share of the last steps, got {shown(validation)}")
    if not 0 < validation < 1:
        raise DataError(f"validation: expected a share in (0, 1), got {validation}")
    return max(horizon, round(float(validation) * steps))


def fit_forecast(
    data: Any,
    target: Any,
    horizon: Any,
    *,
    search: Search,
    directory: Path,
    validation: Any = None,
    time: str | None = None,
    known: Sequence[str] = (),
    window: int | None = None,
    period: int | None = None,
    space: Any = None,
    form: TableFormat | None = None,
) -> Forecaster:
    """Search, train and keep a model that continues a series; :func:`evo.fit` says what the arguments are.

    Raises:
        DataError: series that cannot be used.
    """
    validation = VALIDATION_SHARE if validation is None else validation
    try:
        horizon = whole_number(horizon, "horizon", 1)
        series, plan, notes = planned(data, target, horizon, validation, time, known, window, period)
        if space is None:
            space = spaces.timeseries(
                (plan.window, plan.channels), horizon=horizon, predicted=plan.predicted, known=plan.ahead
            )
        elif not isinstance(space, ForecastSpace) or (space.window, space.channels, space.horizon) != (
            plan.window,
            plan.channels,
            horizon,
        ):
            raise DataError(
                f"space: expected one of genomes.spaces.timeseries(({plan.window}, {plan.channels}), horizon={horizon})"
            )
    except GenomeError as error:
        raise DataError(str(error)) from error
    channels = plan.channels_of(series)
    prepared = series_data(space, channels, validation)
    table = _baseline_errors(space, prepared, plan)
    notes.append(
        f"windows: {prepared.rows} of {plan.window} steps to train on, {prepared.validation_rows} to validate on, "
        f"which predict the last {_validation_steps(validation, len(series), horizon)} steps"
    )
    notes += [f"baseline: {name}: rmse {row['rmse']:.5g}, mae {row['mae']:.5g}" for name, row in table.items()]
    result, ensemble, said = search.run(space, prepared, directory, notes)
    truth = _cubes(space, prepared.y_validation)
    own = ensemble.outputs(prepared.x_validation)
    table = {"this model": dict(errors(_cubes(space, own), truth)), **table}
    tail = slice(max(0, len(series) - plan.window), None)
    history = Series(series.names, series.values[tail], None if series.times is None else series.times[tail])
    name = in_words(list(plan.targets))
    forecaster = Forecaster(directory, ensemble, name=name, notes=said, result=result, form=form).planned(
        plan, history, table
    )
    return forecaster.keep()


def _cubes(space: ForecastSpace, y: np.ndarray) -> np.ndarray:
    """(rows, horizon, series)"""
    return np.asarray(y).reshape(len(y), space.horizon, -1)


def _baseline_errors(space: ForecastSpace, data: Data, plan: Plan) -> dict[str, dict[str, float]]:
    train = (data.x_train, _cubes(space, data.y_train))
    truth = _cubes(space, data.y_validation)
    found = baselines(train, data.x_validation, plan.horizon, plan.window, plan.predicted, plan.period)
    return {name: dict(errors(predictions, truth)) for name, predictions in found.items()}


def planned(
    data: Any,
    target: Any,
    horizon: int,
    validation: Any,
    time: str | None,
    known: Sequence[str],
    window: int | None,
    period: int | None,
) -> tuple[Series, Plan, list[str]]:
    """The series with the plan's columns, the plan, and what is to be said about them.

    Raises:
        DataError: see :func:`series_of`; too few steps.
        GenomeError: a window or a period that is no whole number.
    """
    data, target = _together(data, target)
    value = ""
    ids, found_time = ids_in(data, None if len(known) else target, time)
    if ids:
        value, data = target, side_by_side(data, ids, found_time, target)
        target, time = [str(name) for name in data.columns], None
    known = [known] if isinstance(known, str) else [str(name) for name in known]
    series = series_of(data, [*names_of(target, ()), *known], time)
    targets = names_of(target, [name for name in series.names if name not in known])
    if not targets or set(targets) & set(known):
        raise DataError("target: name the columns to forecast; one that is known beforehand is not forecast")
    others = [name for name in series.names if name not in targets and name not in known]
    notes = list(series.notes)
    if ids:
        notes.insert(0, f"{value}: {len(targets)} series, told by {in_words(list(ids))}, are forecast together")
    known_values = np.isfinite(series.of(targets)).any(axis=1)
    end = int(np.flatnonzero(known_values)[-1]) + 1 if known_values.any() else 0
    columns = [*targets, *others, *known]
    series = Series(
        tuple(columns), series.of(columns)[:end], None if series.times is None else series.times[:end], (), series.time
    )
    if end < horizon * 2 + 4:
        raise DataError(
            f"data: {end} steps are too few for a horizon of {horizon}; give at least {horizon * 2 + 4}, "
            "better hundreds, or a shorter horizon"
        )
    border = end - _validation_steps(validation, end, horizon)
    first = series.values[:border, 0]
    found = infer_period(first) if period is None else whole_number(period, "period", 2)
    steps = default_window(border, horizon, found) if window is None else whole_number(window, "window", 1)
    parts = calendar_parts(series.times) if series.times is not None else ()
    notes.insert(
        0,
        f"{in_words(targets)}: the next {horizon} of {end} steps, from the last {steps}"
        + (f" of {in_words(columns)}" if others or known else ""),
    )
    if found is not None:
        notes.append(f"season: {found} steps" + ("" if period is not None else "; should it be others, say period="))
    elif period is None:
        notes.append("season: none found; where there is one, say period=")
    if parts:
        notes.append(f"calendar: {in_words(list(parts))} of the times are known beforehand")
    plan = Plan(
        tuple(targets),
        tuple(others),
        tuple(known),
        parts,
        time if series.time is None else series.time,
        steps,
        horizon,
        found,
        ids,
        value,
    )
    return series, plan, notes


def _together(data: Any, target: Any) -> tuple[Any, Any]:
    """Data with the targets among its columns, and their names; a target given as values becomes a column.

    Raises:
        DataError: it has other steps than the data.
    """
    if isinstance(data, Data) or hasattr(data, "as_numpy_iterator") or hasattr(data, "num_batches"):
        raise DataError("data: with a horizon, give the series itself: a table, or numbers in the order of time")
    several = isinstance(target, (list, tuple)) and all(isinstance(name, str) for name in target)
    if target is None or isinstance(target, str) or several:
        return data, target
    import pandas

    values = np.asarray(target)
    name = getattr(target, "name", None)
    name = name if isinstance(name, str) else "y"
    frame = data.copy(deep=False) if hasattr(data, "iloc") else None
    if frame is None:
        array = np.asarray(data) if not isinstance(data, Mapping) else None
        frame = (
            pandas.DataFrame(data)
            if array is None
            else pandas.DataFrame(array.reshape(len(array), -1)).rename(columns="channel_{}".format)
        )
    if values.ndim != 1 or len(values) != len(frame):
        raise DataError(f"target: expected one value per step, {len(frame)} in all, got shape {values.shape}")
    frame[name] = values
    return frame, name
