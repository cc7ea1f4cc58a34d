"""Trees as arrays predict what scikit-learn's own models predict, which are the oracle."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)

from evo.ensemble import fit_trees, tree_candidates
from evo.ensemble.trees import Fold
from evo.ensemble.trees.growing import Growing, Rows
from evo.ensemble.trees.scikit_fitting import grow_extra_trees, grow_random_forest
from evo.ensemble.trees.scikit_trees import boosting_arrays, forest_arrays
from evo.errors import EnsembleError

ROWS = 600
CATEGORICAL = np.array([True, True, False, False, False])


@pytest.fixture(scope="module")
def table():
    """Categories, numbers and gaps; numbers, and classes of them, to predict."""
    random = np.random.default_rng(0)
    matrix = random.normal(size=(ROWS, 5)).round(2)
    matrix[:, :2] = random.integers(0, 40, (ROWS, 2))
    numbers = matrix[:, 0] % 3 + matrix[:, 2] * 2 + np.sin(3 * matrix[:, 3])
    matrix[random.random(matrix.shape) < 0.05] = np.nan
    return matrix, numbers


def learned(table, classes):
    numbers = table[1]
    y = {0: numbers, 2: numbers > 0, 3: np.digitize(numbers, [-1, 1])}[classes]
    return y.astype(int) if classes else y


@pytest.mark.parametrize("classes", [0, 2, 3])
@pytest.mark.parametrize("weighted", [False, True])
def test_boosting(table, classes, weighted):
    kind = HistGradientBoostingClassifier if classes else HistGradientBoostingRegressor
    model = kind(max_iter=15, categorical_features=CATEGORICAL, random_state=1)
    weight = np.linspace(0, 2, 400) if weighted else None
    model.fit(table[0][:400], learned(table, classes)[:400], sample_weight=weight)
    arrays = boosting_arrays(model)
    expected = model.predict_proba(table[0]) if classes else model.predict(table[0])[:, None]
    np.testing.assert_allclose(arrays.predict(table[0]), expected, rtol=1e-12, atol=1e-14)
    np.testing.assert_array_equal(arrays.predict(table[0][7:8]), arrays.predict(table[0])[7:8])


def test_boosting_of_counts(table):
    model = HistGradientBoostingRegressor(loss="poisson", max_iter=10).fit(table[0], np.abs(table[1]))
    np.testing.assert_allclose(boosting_arrays(model).predict(table[0])[:, 0], model.predict(table[0]), rtol=1e-12)


@pytest.mark.parametrize("classes", [0, 2, 3])
@pytest.mark.parametrize("extra", [False, True])
def test_forests(table, classes, extra):
    kinds = (ExtraTreesRegressor, ExtraTreesClassifier) if extra else (RandomForestRegressor, RandomForestClassifier)
    model = kinds[bool(classes)](n_estimators=12, max_features=0.5, random_state=0)
    weight = np.linspace(0, 2, 400)
    model.fit(table[0][:400], learned(table, classes)[:400], sample_weight=weight)
    arrays = forest_arrays(model)
    expected = model.predict_proba(table[0]) if classes else model.predict(table[0])[:, None]
    np.testing.assert_allclose(arrays.predict(table[0]), expected, rtol=1e-6, atol=1e-7)
    if classes and extra:
        assert len(arrays.value) < 20  # pure leaves are stored once for each class


@pytest.mark.parametrize("grow", [grow_random_forest, grow_extra_trees])
def test_forests_end_with_size_and_time(table, grow, monkeypatch):
    def grown(**options):
        rows = Rows(table[0], learned(table, 3).astype(np.int64), None)
        return len(grow(Growing(rows, None, CATEGORICAL, {}, **options)).roots)

    assert grown() == 200
    assert grown(seconds=0) == 25
    monkeypatch.setattr("evo.ensemble.trees.scikit_fitting._MOST_BYTES", 400_000)
    assert 25 < grown() < 190


def test_a_fold_is_predicted_by_trees_that_have_not_seen_it(table):
    x, y = table[0], learned(table, 3)
    order = np.random.default_rng(3).permutation(ROWS)
    parts = np.array_split(order, 3)
    folds = [
        Fold(np.setdiff1d(order, part), np.arange(at * 200, (at + 1) * 200), None) for at, part in enumerate(parts)
    ]
    recipes = [("random forest", {"n_estimators": 10})]
    (found,) = tree_candidates(x, y, x[order], y[order], "multiclass", recipes=recipes, folds=folds, seed=5)
    own = []
    for fold, part in zip(folds, parts, strict=True):
        model = fit_trees(
            x[fold.train], y[fold.train], "multiclass", kind="random forest", settings=recipes[0][1], seed=5
        )
        own.append(model.predict(x))
        np.testing.assert_array_equal(found.predictions[fold.judged], own[-1][part])
    np.testing.assert_allclose(found.load().predict(x), np.mean(own, axis=0), atol=1e-6)


def test_what_fails_is_left_out_with_a_warning(table):
    x, y = table[0], learned(table, 2)
    recipes = [("random forest", {"criterion": "no such"}), ("extra trees", {"n_estimators": 10})]
    with pytest.warns(UserWarning, match="random forest left out"):
        found = tree_candidates(x, y, x, y, "binary", recipes=recipes)
    assert [candidate.load().name for candidate in found] == ["extra trees"]
    with pytest.warns(UserWarning), pytest.raises(EnsembleError, match="none could be grown"):
        tree_candidates(x, y, x, y, "binary", recipes=recipes[:1])


@pytest.mark.parametrize(("rows", "most"), [(178, 1), (19_999, 1), (40_000, 2), (1_000_000, 8)])
def test_small_tables_are_grown_by_one_thread_and_none_by_more_than_there_are_processors(rows, most, monkeypatch):
    monkeypatch.setattr("joblib.cpu_count", lambda: 8)
    matrix = np.broadcast_to(0.0, (rows, 5))
    growing = Growing(Rows(matrix, matrix[:, 0]), None, np.zeros(5, bool), {})
    assert growing.threads == most
