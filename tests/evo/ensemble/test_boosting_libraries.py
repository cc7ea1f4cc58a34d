"""LightGBM's, XGBoost's and CatBoost's trees as arrays predict what the libraries predict, which are the oracles."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from evo.ensemble import fit_trees, tree_candidates
from evo.ensemble.trees import KINDS, TreeModel
from evo.ensemble.trees.growing import Growing, Rows
from evo.ensemble.trees.tree_arrays import TreeArrays

ROWS, TRAIN = 800, 500
LIBRARIES = ["LightGBM", "XGBoost", "CatBoost"]
CATEGORICAL = np.array([True, True, False, False, False])


def installed(name: str) -> str:
    """The library's name; skips where it is not installed."""
    pytest.importorskip(str(KINDS[name].package), reason=f"{name} is not installed: pip install 'evo-keras[trees]'")
    return name


@pytest.fixture(scope="module")
def table() -> tuple[np.ndarray, np.ndarray]:
    """Categories, numbers and gaps, of which the last column has none in the training rows; numbers to predict."""
    random = np.random.default_rng(0)
    matrix = random.normal(size=(ROWS, 5)).astype(np.float32).astype(np.float64)
    matrix[:, 0] = random.integers(0, 40, ROWS)
    matrix[:, 1] = random.integers(0, 3, ROWS)
    numbers = matrix[:, 0] % 3 + matrix[:, 1] + matrix[:, 2] * 2 + np.sin(3 * matrix[:, 3])
    gaps = random.random(matrix.shape) < 0.05
    gaps[:TRAIN, 4] = False
    matrix[gaps] = np.nan
    return matrix, numbers


def learned(numbers: np.ndarray, classes: int) -> np.ndarray:
    y = {0: numbers, 2: numbers > 2, 3: np.digitize(numbers, [1, 3])}[classes]
    return y.astype(np.int64) if classes else y


def grown(monkeypatch: Any, name: str, table: Any, classes: int, **options: Any) -> tuple[TreeArrays, np.ndarray]:
    """Our arrays, and what the very model that they were made of predicts."""
    kept: dict[str, Any] = {}
    if name == "LightGBM":
        import lightgbm as library

        original = library.train
        monkeypatch.setattr(library, "train", lambda *a, **k: kept.setdefault("model", original(*a, **k)))
    elif name == "XGBoost":
        import xgboost as library

        original = library.train
        monkeypatch.setattr(library, "train", lambda *a, **k: kept.setdefault("model", original(*a, **k)))
    else:
        import catboost as library

        original = library.CatBoost.fit
        monkeypatch.setattr(
            library.CatBoost, "fit", lambda self, *a, **k: kept.setdefault("model", original(self, *a, **k))
        )
    matrix, y = table[0], learned(table[1], classes)
    judged = Rows(matrix[TRAIN:650], y[TRAIN:650])
    rows = Rows(matrix[:TRAIN], y[:TRAIN], np.linspace(0.5, 2, TRAIN))
    growing = Growing(rows, judged, CATEGORICAL, **{"settings": {}, "iterations": 40, "seed": 3, **options})
    arrays = KINDS[name].grow(growing)
    model = kept["model"]
    if name == "LightGBM":
        expected = model.predict(matrix)
    elif name == "XGBoost":
        kinds = ["c" if c else "q" for c in CATEGORICAL]
        data = library.DMatrix(matrix, feature_types=kinds, enable_categorical=True)
        expected = model.predict(data, iteration_range=(0, model.best_iteration + 1))
    else:
        from evo.ensemble.trees.catboost_trees import _columns, _widened

        wide = _widened(matrix, _columns(matrix[:TRAIN], CATEGORICAL))
        expected = model.predict(wide, prediction_type="Probability" if classes else "RawFormulaVal")
    if classes == 2 and expected.ndim == 1:
        expected = np.stack([1 - expected, expected], axis=1)
    return arrays, expected.reshape(ROWS, -1)


@pytest.mark.parametrize("classes", [0, 2, 3])
@pytest.mark.parametrize("name", LIBRARIES)
def test_arrays_predict_what_the_library_predicts(table, name, classes, monkeypatch):
    arrays, expected = grown(monkeypatch, installed(name), table, classes)
    tolerance = {"LightGBM": 1e-12, "XGBoost": 3e-5, "CatBoost": 2e-6}[name]
    np.testing.assert_allclose(arrays.predict(table[0]), expected, rtol=tolerance, atol=tolerance)
    assert len(arrays.sets) and 0 < len(arrays.roots) <= 40 * max(1, classes)
    again = TreeArrays.from_stored(arrays.to_arrays(), json.loads(json.dumps(arrays.to_json())), 5)
    np.testing.assert_array_equal(again.predict(table[0]), arrays.predict(table[0]))


@pytest.mark.parametrize("name", LIBRARIES)
def test_a_class_that_few_rows_have_and_one_that_is_not_learned(table, name, tmp_path):
    installed(name)
    x, y = table[0], learned(table[1], 3)
    y[:TRAIN][y[:TRAIN] == 1] = 2  # only rows that are judged by have the class 1
    recipes = [(name, {})]
    (found,) = tree_candidates(x[:TRAIN], y[:TRAIN], x[TRAIN:], y[TRAIN:], "multiclass", outputs=4, recipes=recipes)
    assert found.predictions.shape == (ROWS - TRAIN, 4) and not found.predictions[:, [1, 3]].any()
    np.testing.assert_allclose(found.predictions.sum(axis=1), 1, atol=1e-6)
    found.load().save(tmp_path / "m.trees")
    assert TreeModel.load(tmp_path / "m.trees").predict(x).tobytes() == found.load().predict(x).tobytes()


@pytest.mark.parametrize("name", LIBRARIES)
def test_rows_of_ones_own_stop_boosting_and_so_does_time(table, name):
    installed(name)
    x, y = table[0], learned(table[1], 0)
    model = fit_trees(x, y, "regression", kind=name, iterations=30, categorical=["0", "1"])
    error = np.sqrt(np.mean((model.predict(x)[:, 0] - y) ** 2))
    assert error < 0.6 * y.std()
    assert (
        model.predict(x).tobytes()
        == fit_trees(x, y, "regression", kind=name, iterations=30, categorical=["0", "1"]).predict(x).tobytes()
    )
    rows = Rows(x, y)
    short = KINDS[name].grow(Growing(rows, Rows(x[:50], y[:50]), CATEGORICAL, {}, seconds=0.0))
    assert 1 <= len(short.roots) <= 2
    tiny = KINDS[name].grow(Growing(Rows(x[:30], y[:30]), None, CATEGORICAL, {"min_data_in_leaf": 3}))
    assert np.isfinite(tiny.predict(x)).all()
