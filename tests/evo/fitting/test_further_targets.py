"""evo.fit on ordered classes, quantiles, and several targets of different kinds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest

import evo
from evo.cli import main
from evo.errors import EvoError
from genomes.targets import Mixed, Ordinal, Quantiles

SETTINGS: dict[str, Any] = {"trials": 2, "epochs": 3, "workers": 0, "verbose": False}


def frame(rows: int = 160) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=rows), rng.normal(size=rows)
    size = np.where(a + b > 0.7, "L", np.where(a + b < -0.7, "S", "M"))
    return pd.DataFrame(
        {
            "a": a,
            "b": b,
            "price (€)": 1000 * (a + b) + rng.normal(0, 50, rows),
            "state": np.where(a > 0.5, "hi", np.where(a < -0.5, "lo", "mid")),
            "sold": b > 0,
            "size": pd.Categorical(size, categories=["S", "M", "L"], ordered=True),
        }
    )


def test_several_targets_of_different_kinds(tmp_path: Path) -> None:
    data = frame().drop(columns="size")
    given: Any = {name: data[name].to_numpy() for name in data}
    model = evo.fit(given, ["price (€)", "state", "sold"], directory=tmp_path / "d", **SETTINGS)
    assert isinstance(model.target, Mixed)
    told = model.predict(given)
    assert set(told["state"]) <= {"hi", "lo", "mid"} and told["sold"].dtype == bool
    assert (told["sold"] == data["sold"]).mean() > 0.8
    scores = model.evaluate(given)
    assert scores["sold_accuracy"] == pytest.approx((told["sold"] == data["sold"]).mean())
    error = told["price (€)"].astype(np.float64) - data["price (€)"]
    assert scores["price (€)_rmse"] == pytest.approx(np.sqrt(np.mean(error**2)), rel=1e-4)
    again = evo.load_fitted(tmp_path / "d")
    np.testing.assert_array_equal(again.predict(data.drop(columns=["state", "sold"])), told)
    exported = keras.saving.load_model(model.export(tmp_path / "m.keras"))
    inputs = {name: data[[name]].to_numpy(np.float32) for name in ("a", "b")}
    try:
        raw = np.asarray(exported(inputs))
    except (ValueError, TypeError, KeyError):
        raw = np.asarray(exported(data[["a", "b"]].to_numpy(np.float32)))
    np.testing.assert_array_equal(model.target.decode(raw)["state"], told["state"])
    assert "mixed" in model.report(tmp_path / "r.html").read_text(encoding="utf-8")
    with pytest.raises(EvoError, match="each target has scores of its own"):
        model.evaluate(given, metrics=["auc"])


def test_several_targets_are_chosen_by_one_of_them_and_cross_validated(tmp_path: Path) -> None:
    data = frame().drop(columns=["size", "sold"])
    model = evo.fit(
        data,
        ["price (€)", "state"],
        directory=tmp_path / "d",
        folds=2,
        objective="val_state_accuracy",
        trees=False,
        **SETTINGS,
    )
    assert "val_state_accuracy" in model.result.best.scores
    assert len(model.predict(data)) == len(data)


def test_ordered_categories_keep_their_order(tmp_path: Path) -> None:
    data = frame()[["a", "b", "size"]]
    model = evo.fit(data, "size", directory=tmp_path / "d", trees=False, **SETTINGS)
    assert model.target == Ordinal(labels=("S", "M", "L")) and model.classes.tolist() == ["S", "M", "L"]
    assert "size: 3 classes in order, from 'S' to 'L'" in model.notes
    told = model.predict(data.drop(columns="size"))
    assert set(told) <= {"S", "M", "L"}
    off = np.abs(pd.Categorical(told, categories=["S", "M", "L"]).codes - data["size"].cat.codes.to_numpy())
    assert model.evaluate(data)["mae"] == pytest.approx(off.mean())
    np.testing.assert_allclose(model.predict_proba(data).sum(axis=1), 1, rtol=1e-4)


def test_quantiles_hold_what_they_say(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = frame()[["a", "b", "price (€)"]].rename(columns={"price (€)": "price"})
    data.to_csv(tmp_path / "d.csv", index=False)
    arguments = ["--target", "price", "--task", "quantile", "--trials", "2", "--workers", "0", "--quiet"]
    assert main(["fit", str(tmp_path / "d.csv"), *arguments, "--directory", str(tmp_path / "d")]) == 0
    output = tmp_path / "out.csv"
    assert main(["predict", str(tmp_path / "d"), str(tmp_path / "d.csv"), "--output", str(output)]) == 0
    told = pd.read_csv(output)
    assert list(told.columns[-3:]) == ["price_0.1", "price_0.5", "price_0.9"]
    assert (told["price_0.1"] <= told["price_0.5"]).all() and (told["price_0.5"] <= told["price_0.9"]).all()
    model = evo.load_fitted(tmp_path / "d")
    assert model.target == Quantiles() and model.predict(data).shape == (len(data), 3)
    scores = model.evaluate(data, metrics=["r2"])
    assert scores["below_0.9"] > scores["below_0.1"] and "r2" in scores


def test_several_targets_in_a_shell(tmp_path: Path) -> None:
    data = frame()[["a", "b", "price (€)", "state"]].rename(columns={"price (€)": "price"})
    data.to_csv(tmp_path / "d.csv", index=False)
    arguments = ["--target", "price,state", "--trials", "1", "--workers", "0", "--quiet", "--no-trees"]
    assert main(["fit", str(tmp_path / "d.csv"), *arguments, "--directory", str(tmp_path / "d")]) == 0
    data[["a", "b"]].to_csv(tmp_path / "new.csv", index=False)
    output = tmp_path / "out.csv"
    assert main(["predict", str(tmp_path / "d"), str(tmp_path / "new.csv"), "--output", str(output)]) == 0
    told = pd.read_csv(output)
    assert list(told.columns) == ["a", "b", "price", "state"] and set(told["state"]) <= {"hi", "lo", "mid"}
