"""Forecasts from a raw series: what is read, what is compared, what comes back."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import evo
from evo.core.errors import DataError
from evo.fitting.forecasting.baselines import Ridge, infer_period, last_value, seasonal_last_value
from evo.fitting.forecasting.series import calendar, calendar_parts, frequency_of, series_of, times_after
from evo.fitting.forecasting.training import planned
from genomes import spaces

pandas = pytest.importorskip("pandas")


def seasonal(count: int = 240, period: int = 12) -> np.ndarray:
    """A trend with a season and a little noise."""
    steps = np.arange(count)
    noise = np.random.default_rng(0).normal(0, 0.3, count)
    return np.asarray(100 + 0.2 * steps + 8 * np.sin(2 * np.pi * steps / period) + noise)


def monthly(count: int = 240) -> Any:
    return pandas.DataFrame(
        {
            "month": pandas.date_range("2001-01-01", periods=count, freq="MS").strftime("%Y-%m-%d"),
            "sales": seasonal(count),
            "holidays": np.arange(count) % 5,
            "town": ["Ulm"] * count,
        }
    )


# -- reading -----------------------------------------------------------------------------
def test_a_frame_is_put_in_the_order_of_its_dates() -> None:
    frame = monthly(24)
    series = series_of(frame.sample(frac=1, random_state=1), ["sales"])
    assert series.names == ("sales", "holidays") and series.time == "month"
    assert np.allclose(series.of(["sales"])[:, 0], frame["sales"])
    assert series.notes == ("time: column 'month'", "left out: 'town': no numbers", "rows: put in the order of time")


def test_missing_steps_are_put_in_as_unknown() -> None:
    times = pandas.date_range("2024-01-01", periods=50, freq="h").delete([7, 8, 30])
    series = series_of(pandas.DataFrame({"y": np.arange(47.0)}, index=times))
    assert len(series) == 50 and np.flatnonzero(np.isnan(series.values[:, 0])).tolist() == [7, 8, 30]
    months = monthly(24).drop(index=[5])
    assert len(series_of(months, ["sales"])) == 24


@pytest.mark.parametrize("form", ["%Y-%m-%d", "%d.%m.%Y", "%Y-%m", "%d/%m/%Y"])
def test_dates_in_many_forms(form: str) -> None:
    times = pandas.date_range("2020-01-01", periods=30, freq="MS")
    series = series_of({"when": times.strftime(form).tolist(), "y": np.arange(30)})
    assert series.times is not None and (series.times == times.to_numpy("datetime64[ns]")).all()


@pytest.mark.parametrize("time", [None, "ts"])
def test_counts_of_seconds_are_times(time: str | None) -> None:
    days = pandas.date_range("2022-01-01", periods=40, freq="D")
    frame = pandas.DataFrame({"ts": days.astype("datetime64[s]").astype("int64"), "load": np.arange(40.0)})
    series = series_of(frame.sample(frac=1, random_state=0), ["load"], time)
    assert series.times is not None and (series.times == days.to_numpy("datetime64[ns]")).all()
    assert series.of(["load"])[:, 0].tolist() == list(range(40)) and series.names == ("load",)


def test_times_of_a_zone_are_those_of_utc() -> None:
    times = pandas.date_range("2022-01-01", periods=30, freq="h", tz="Europe/Berlin")
    for frame in (
        pandas.DataFrame({"load": np.arange(30.0)}, index=times),
        pandas.DataFrame({"at": times, "load": np.arange(30.0)}),
    ):
        series = series_of(frame, ["load"])
        assert series.times is not None and series.times[0] == np.datetime64("2021-12-31T23:00")


def test_times_go_on_as_they_went() -> None:
    months = pandas.date_range("2024-01-01", periods=12, freq="MS").to_numpy("datetime64[ns]")
    assert frequency_of(months) == "MS" and frequency_of(months[:2]) is None
    assert str(times_after(months, 2)[-1])[:10] == "2025-02-01"
    workdays = pandas.bdate_range("2024-01-01", periods=30).to_numpy("datetime64[ns]")
    assert str(times_after(workdays, 1)[0])[:10] == "2024-02-12"


def test_the_calendar_is_told_where_it_varies() -> None:
    hours = pandas.date_range("2024-01-01", periods=24 * 20, freq="h").to_numpy("datetime64[ns]")
    assert calendar_parts(hours) == ("hour", "weekday")
    names, values = calendar(hours, ("hour",))
    assert names == ("hour (sine)", "hour (cosine)") and np.allclose(values[6], [1, 0])
    assert calendar_parts(hours[:5]) == ()


@pytest.mark.parametrize(
    ("data", "target", "message"),
    [
        (monthly(40), "salse", "there is no column 'salse'; there are 'month', 'sales'"),
        (monthly(40), "town", "column 'town' holds no numbers: 'Ulm' first"),
        (pandas.concat([monthly(40)] * 2), "sales", "2001-01-01 00:00:00 occurs twice"),
        (monthly(10), "sales", "10 steps are too few for a horizon of 4"),
        (np.zeros((9, 3, 2)), None, "numbers of shape (steps,) or (steps, channels), got shape (9, 3, 2)"),
        (evo.Data(np.zeros((9, 3)), np.zeros(9)), None, "give the series itself"),
        (monthly(40).assign(other=monthly(40)["month"]), "sales", "'month', 'other' hold dates; say which one"),
    ],
)
def test_mistakes_are_one_line_before_training(data: Any, target: Any, message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        evo.fit(data, target, horizon=4, directory=tmp_path / "run", verbose=False)
    assert message in str(caught.value) and "\n" not in str(caught.value)
    assert not (tmp_path / "run").exists()


# -- baselines -----------------------------------------------------------------------------
@pytest.mark.parametrize("period", [4, 7, 12, 24, 52])
@pytest.mark.parametrize("trend", [0.0, 0.5])
def test_the_season_is_found(period: int, trend: float) -> None:
    rng = np.random.default_rng(period)
    shape = rng.normal(0, 5, period)
    steps = np.arange(12 * period)
    values = shape[steps % period] + trend * steps + rng.normal(0, 1, len(steps))
    assert infer_period(values) == period


def test_no_season_is_found_where_there_is_none() -> None:
    rng = np.random.default_rng(0)
    assert infer_period(rng.normal(size=300).cumsum()) is None
    assert infer_period(rng.normal(size=300)) is None
    assert infer_period(np.arange(300.0)) is None and infer_period(np.ones(300)) is None


def test_baselines_by_hand() -> None:
    past = np.array([1.0, 2.0, 3.0, 4.0, 5.0, np.nan])[None, :, None]
    assert last_value(past, 3)[0, :, 0].tolist() == [5, 5, 5]
    assert seasonal_last_value(past[:, :5], 5, 2)[0, :, 0].tolist() == [4, 5, 4, 5, 4]


def test_the_ridge_is_that_of_scikit_learn() -> None:
    from sklearn.linear_model import RidgeCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    space = spaces.timeseries((12, 1), horizon=3)
    x, y = space.windows(seasonal())
    ours = Ridge([0], 12).fit(x, y[:, :, None]).predict(x[:20], 3)[:, :, 0]
    level = x[:, -1:, 0].astype(np.float64)
    strengths = [s * len(x) / 100 for s in (0.01, 0.1, 1.0, 10.0, 100.0, 1000.0)]
    theirs = make_pipeline(StandardScaler(), RidgeCV(alphas=strengths)).fit(x[:, :, 0] - level, y - level)
    assert np.allclose(ours, theirs.predict(x[:20, :, 0] - level[:20]) + level[:20], atol=1e-6)


# -- windows -------------------------------------------------------------------------------
@pytest.mark.parametrize("share", [0.1, 0.2, 0.5])
def test_no_window_of_training_reaches_what_validation_predicts(share: float) -> None:
    steps = np.arange(200.0)
    data = evo.series_data(spaces.timeseries((20, 1), horizon=5), steps, validation=share)
    first = data.y_validation.min()
    assert data.x_train.max() < first and data.y_train.max() < first
    assert first == 200 - round(200 * share) and data.y_validation.max() == 199


def test_a_plan_names_channels_in_its_own_order() -> None:
    series, plan, notes = planned(monthly(), ["sales"], 6, 0.2, None, ["holidays"], None, None)
    assert plan.columns == ("sales", "holidays") and plan.calendar == ("month",) and plan.period == 12
    assert plan.predicted == [0] and plan.ahead == [1, 2, 3] and plan.channels_of(series).shape == (240, 4)
    assert notes[0] == "'sales': the next 6 of 240 steps, from the last 24 of 'sales', 'holidays'"


# -- the whole -----------------------------------------------------------------------------
def fitted(directory: Path, **more: Any) -> Any:
    arguments: dict[str, Any] = {"known": ["holidays"], "window": 24, "trials": 1, "epochs": 1, "workers": 0}
    return evo.fit(monthly(120), "sales", horizon=4, directory=directory, verbose=False, **(arguments | more))


def test_a_forecaster_continues_its_history(tmp_path: Path) -> None:
    model = fitted(tmp_path)
    coming = {"holidays": [0, 1, 2, 3]}
    told = model.predict(future=coming)
    assert told.shape == (4,) and np.isfinite(told).all() and abs(told - 120).max() < 40
    whole = monthly(124)
    whole.loc[120:, "sales"] = np.nan
    assert np.allclose(model.predict(whole), told, rtol=1e-5), "rows to come at the end are the same as future="
    assert model.forecast(future=coming)["month"].dt.strftime("%Y-%m").tolist() == [
        "2011-01",
        "2011-02",
        "2011-03",
        "2011-04",
    ]
    again = evo.load_fitted(tmp_path)
    assert isinstance(again, type(model)) and np.array_equal(again.predict(future=coming), told)
    assert again.scores == model.scores and set(model.scores) == {
        "this model",
        "last value",
        "last season (12 steps)",
        "ridge on the window",
    }
    saved = evo.load_fitted(model.save(tmp_path / "one.ensemble"))
    assert np.array_equal(saved.predict(future=coming), told)
    with pytest.raises(DataError, match="expected the next 4 values of 'holidays', got 0"):
        model.predict()
    with pytest.raises(DataError, match="20 steps of history are too few; the model looks at the last 24"):
        model.predict(monthly(20))

    table = model.backtest(monthly(160), origins=3)
    assert table["forecast"].nunique() == 4 and len(table) == 12
    assert table["origin"].dt.strftime("%Y-%m").unique().tolist() == ["2013-04", "2013-08", "2013-12"]
    own = table[table["forecast"] == "this model"]["rmse"].iloc[-1]
    last = model.predict(monthly(156), future={"holidays": monthly(160)["holidays"][156:]})
    assert np.isclose(own, np.sqrt(np.mean((last - monthly(160)["sales"][156:].to_numpy()) ** 2)), rtol=1e-4)
    assert set(model.evaluate(monthly(160))) == {"rmse", "mae", "r2"}


@pytest.mark.slow
def test_a_forecast_beats_repeating_the_last_value(tmp_path: Path) -> None:
    frame = monthly(300)
    model = evo.fit(frame[:276], "sales", horizon=12, directory=tmp_path, trials=6, epochs=30, workers=0, verbose=False)
    truth = frame["sales"][276:288].to_numpy()
    error = np.sqrt(np.mean((model.predict() - truth) ** 2))
    assert error < 0.25 * np.sqrt(np.mean((frame["sales"][275] - truth) ** 2)), model.notes


PROGRAM = """
import evo
model = evo.fit("series.csv", "sales", horizon=6, directory="runs/sales", trials=3, epochs=2, verbose=False)
print(model.predict("series.csv", future={"holidays": [0] * 6}).tolist())
"""


@pytest.mark.slow
def test_the_first_program_of_a_user_in_two_workers_and_from_a_shell(tmp_path: Path) -> None:
    monthly(120).to_csv(tmp_path / "series.csv", index=False)
    (tmp_path / "program.py").write_text(PROGRAM.replace(', future={"holidays": [0] * 6}', ""))
    run = subprocess.run([sys.executable, "program.py"], cwd=tmp_path, capture_output=True, text=True, timeout=400)
    assert run.returncode == 0, run.stderr
    told = np.array(eval(run.stdout.strip().splitlines()[-1]))
    assert told.shape == (6,) and np.isfinite(told).all()
    shell = [sys.executable, "-m", "evo"]
    first = subprocess.run(
        [*shell, "fit", "series.csv", "--target", "sales", "--horizon", "6", "--trials", "3", "-d", "runs/shell", "-q"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=400,
    )
    assert first.returncode == 0 and "evo predict runs/shell" in first.stdout, first.stderr
    second = subprocess.run(
        [*shell, "predict", "runs/shell", "series.csv", "--output", "next.csv"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=400,
    )
    assert second.returncode == 0, second.stderr
    written = pandas.read_csv(tmp_path / "next.csv")
    assert written.columns.tolist() == ["month", "sales"] and written["month"].iloc[0].startswith("2011-01-01")
