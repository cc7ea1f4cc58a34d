"""Series below each other in one table: told apart, put side by side, and given back as they were."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import evo
from evo.errors import DataError
from evo.fitting.forecasting.long_tables import ids_in, side_by_side

DAYS = pd.date_range("2024-01-01", periods=40)
RNG = np.random.default_rng(0)
SALES = pd.DataFrame(
    {
        "store": np.repeat(["a", "b"], 40),
        "date": np.tile(DAYS, 2),
        "sales": np.concatenate([RNG.normal(20, 1, 40), RNG.normal(500, 9, 40)]),
        "open": 1,
    }
)
ITEMS = pd.concat([SALES.assign(item=item, sales=SALES["sales"] * (item + 1)) for item in (0, 1)])


@pytest.mark.parametrize(
    ("table", "time", "expected"),
    [
        (SALES, None, ("store",)),
        (SALES.sample(frac=1, random_state=0), "date", ("store",)),
        (SALES.assign(date=SALES["date"].dt.strftime("%d.%m.%Y")), None, ("store",)),
        (SALES.assign(store=SALES["store"].map({"a": 7, "b": 9})), None, ("store",)),
        (ITEMS, None, ("store", "item")),
        (SALES.set_index("date"), None, ("store",)),
        (SALES[:40], None, ()),
        (SALES.drop(columns="date"), None, ()),
    ],
    ids=["days", "shuffled", "texts", "numbers", "two", "index", "one", "no times"],
)
def test_columns_that_tell_series_apart(table: pd.DataFrame, time: str | None, expected: tuple[str, ...]) -> None:
    ids, name = ids_in(table, "sales", time)
    assert ids == expected
    if ids:
        wide = side_by_side(table, ids, name, "sales")
        assert (wide.index == DAYS).all()
        names = ["a / 0", "a / 1", "b / 0", "b / 1"] if len(ids) == 2 else sorted(set(table["store"].astype(str)))
        assert list(wide) == names
        np.testing.assert_array_equal(wide.iloc[:, -1], SALES["sales"][40:] * len(ids))


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (SALES.drop(columns="store"), "2024-01-01 00:00:00 occurs twice, and no columns tell which series"),
        (SALES[:1].loc[[0] * 999].assign(store=range(999)), "999 series told by 'store'; at most 200"),
    ],
)
def test_what_cannot_be_told_apart(table: pd.DataFrame, words: str) -> None:
    with pytest.raises(DataError, match=words):
        ids_in(table, "sales", None)


def test_a_long_table_is_forecast_as_the_wide_one_and_comes_back_long(tmp_path: Path) -> None:
    settings: dict[str, Any] = {"horizon": 3, "window": 8, "trials": 1, "epochs": 1, "workers": 0, "verbose": False}
    model = evo.fit(SALES, "sales", directory=tmp_path / "long", **settings)
    wide = SALES.pivot(index="date", columns="store", values="sales")
    assert model.predict().shape == (3, 2) and "last value" in model.scores
    np.testing.assert_array_equal(model.predict(), model.predict(wide))
    assert "sales: 2 series, told by 'store', are forecast together" in model.notes
    model = evo.load_fitted(tmp_path / "long")
    told = model.forecast(SALES.sample(frac=1, random_state=1))
    assert list(told) == ["date", "store", "sales"] and told["store"].tolist() == ["a"] * 3 + ["b"] * 3
    assert told["date"].tolist() == list(pd.date_range("2024-02-10", periods=3)) * 2
    np.testing.assert_array_equal(told["sales"].to_numpy().reshape(2, 3).T, model.predict(wide))
    assert model.evaluate(SALES) == model.evaluate(wide)
    with pytest.raises(DataError, match="there is no column 'sales'"):
        model.predict(SALES.drop(columns="sales"))
