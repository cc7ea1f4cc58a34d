"""Boosted trees as candidates: raw tables in, one file that runs no code."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_wine

from evo.ensemble import Ensemble, build, fit_trees, tree_candidates
from evo.ensemble.trees.table_encoding import TableEncoding, split
from evo.ensemble.trees.tree_model import TreeModel
from evo.errors import EnsembleError

SMALL = {"max_iter": 20, "early_stopping": False}


@pytest.fixture(scope="module")
def table():
    random = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "age": random.integers(18, 80, 300).astype(float),
            "work": random.choice(["farm", "shop", "mill", "?"], 300),
            "hours": random.normal(40, 8, 300),
        }
    )
    frame.loc[::17, "hours"] = np.nan
    y = ((frame["age"] > 45) & (frame["work"] != "farm")).to_numpy().astype(int)
    return frame, y


def test_every_form_of_one_table_is_the_same_matrix(table):
    frame, y = table
    model = fit_trees(frame, y, "binary", settings=SMALL)
    expected = model.predict(frame)
    assert np.mean((expected[:, 0] > 0.5) == y) > 0.95
    mapping = {name: frame[name].to_numpy() for name in frame}
    fixed = {name: v.astype(str) if v.dtype == object else v[:, None] for name, v in mapping.items()}
    structured = np.zeros(len(frame), dtype=[("age", "f8"), ("work", "U8"), ("hours", "f8")])
    for name in frame:
        structured[name] = frame[name]
    for form in (mapping, fixed, structured):
        assert model.predict(form).tobytes() == expected.tobytes()
    objects = fit_trees(frame.to_numpy(dtype=object), y, "binary", settings=SMALL)
    assert objects.predict(frame.to_numpy(dtype=object)).tobytes() == expected.tobytes()


def test_unknown_categories_are_missing_and_other_columns_are_refused(table):
    frame, y = table
    model = fit_trees(frame, y, "binary", settings=SMALL)
    strange = frame.assign(work="moon")
    assert np.all(np.isfinite(model.predict(strange)))
    with pytest.raises(EnsembleError, match="expected the columns"):
        model.predict(frame.drop(columns="work"))
    with pytest.raises(EnsembleError, match="was numeric"):
        model.predict(frame.assign(age="old"))
    with pytest.raises(EnsembleError, match="tables"):
        fit_trees(np.zeros((5, 4, 3)), np.zeros(5), "binary")
    with pytest.raises(EnsembleError, match="two classes"):
        fit_trees(np.zeros((5, 4)), np.zeros(5), "binary")
    with pytest.raises(EnsembleError, match="3 rows, but x has 5"):
        fit_trees(np.zeros((5, 4)), np.array([0, 1, 0]), "binary")


def test_columns_survive_json(table):
    columns = TableEncoding.learn(table[0])
    again = TableEncoding.from_json(columns.to_json())
    assert again.columns == columns.columns
    assert columns.categorical.tolist() == [True, False, False]
    assert TableEncoding.learn(table[0], categorical=["age"]).categorical.tolist() == [True, True, False]
    assert list(split([np.zeros((3, 2)), np.zeros(3)])) == ["0/0", "0/1", "1"]


@pytest.mark.parametrize("task", ["binary", "multiclass", "multilabel", "regression"])
def test_trees_of_every_task_are_stored_and_predict_the_same_bytes(task, tmp_path):
    x, wine = load_wine(return_X_y=True)
    y = {
        "binary": wine == 1,
        "multiclass": wine,
        "multilabel": np.stack([wine > 0, wine > 1], axis=1),
        "regression": x[:, :2] * 3,
    }[task]
    model = fit_trees(x[:, 2:], y, task, settings=SMALL, outputs=4 if task == "multiclass" else None)
    predictions = model.predict(x[:, 2:])
    assert predictions.dtype == np.float32
    assert predictions.shape == (178, {"binary": 1, "multiclass": 4}.get(task, 2))
    assert model.parameters > 100
    model.save(tmp_path / "m.trees")
    again = TreeModel.load(tmp_path / "m.trees")
    assert again.predict(x[:, 2:]).tobytes() == predictions.tobytes()
    assert again.parameters == model.parameters


def test_a_file_that_holds_no_trees_is_refused(tmp_path):
    model = fit_trees(np.arange(400.0).reshape(200, 2), np.arange(200) > 90, "binary", settings=SMALL)
    model.save(tmp_path / "m.trees")
    with np.load(tmp_path / "m.trees") as stored:
        arrays = dict(stored)

    def refused(match, **changes):
        np.savez(tmp_path / "other.npz", **{**arrays, **{name.replace("__", "/"): a for name, a in changes.items()}})
        with pytest.raises(EnsembleError, match=match):
            TreeModel.load(tmp_path / "other.npz")

    left, feature = arrays["0/0/left"], arrays["0/0/feature"]
    refused("no trees", **{"0__0__left": np.where(feature >= 0, 0, left)})  # a circle
    refused("no trees", **{"0__0__left": left + 10**6})
    refused("no trees", **{"0__0__feature": np.where(feature >= 0, 2, feature)})
    refused("no trees", **{"0__0__value": arrays["0/0/value"].astype("S8")})
    refused("no trees", **{"0__0__base": np.zeros(0)})
    refused("damaged", **{"0__0__left": np.array([{}], dtype=object)})
    refused("another format", about=np.frombuffer(b'{"format": "else"}', np.uint8))
    (tmp_path / "pickled.trees").write_bytes(pickle.dumps([1]))
    with pytest.raises(EnsembleError, match="damaged"):
        TreeModel.load(tmp_path / "pickled.trees")


def test_trees_and_nets_mix_in_one_file(tmp_path):
    import keras

    x, y = load_wine(return_X_y=True)
    train, kept = np.arange(178) % 3 > 0, np.arange(178) % 3 == 0
    recipes = [("boosting", SMALL), ("extra trees", {"n_estimators": 20})]
    candidates = tree_candidates(x[train], y[train], x[kept], y[kept], "multiclass", recipes=recipes)
    assert [c.number for c in candidates] == [-1, -2]
    assert all(c.kind == "trees" and c.scores["val_accuracy"] > 0.9 for c in candidates)
    keras.utils.set_random_seed(0)
    inputs = keras.Input((13,))
    normalize = keras.layers.Normalization()
    normalize.adapt(x[train])
    net = keras.Model(inputs, keras.layers.Dense(3, activation="softmax")(normalize(inputs)))
    net.compile(keras.optimizers.Adam(0.05), "sparse_categorical_crossentropy")
    net.fit(x[train], y[train], epochs=20, verbose=0)
    from evo.ensemble import LibraryModel

    mixed = [*candidates, LibraryModel(0, net.predict(x[kept], verbose=0), load=lambda: net)]
    ensemble = Ensemble.select(
        mixed, y[kept], "multiclass", 3, method="average", confidence=None, rng=np.random.default_rng(0)
    )
    assert sorted(m.kind for m in ensemble.members) == ["net", "trees", "trees"]
    ensemble.save(tmp_path / "mixed.ensemble")
    loaded = Ensemble.load(tmp_path / "mixed.ensemble")
    assert loaded.predict_proba(x).tobytes() == ensemble.predict_proba(x).tobytes()
    assert [m.title for m in loaded.members if m.kind == "trees"] == ["extra trees", "boosting"]
    as_keras = ensemble.as_keras().predict(x.astype(np.float32), verbose=0)
    np.testing.assert_allclose(as_keras, ensemble.predict_proba(x.astype(np.float32)), atol=1e-5)
    alone = Ensemble([m for m in ensemble.members if m.kind == "trees"], task="multiclass")
    with pytest.raises(EnsembleError, match="nothing says what inputs are like"):
        alone.as_keras()
    small = build(candidates, y[kept], "multiclass", 2, max_parameters=10**9, rng=np.random.default_rng(0))
    assert sum(c.parameters for c in small.candidates) <= 10**9


def test_no_more_models_than_time_allows():
    x, y = load_wine(return_X_y=True)
    assert len(tree_candidates(x, y, x, y, "multiclass", seconds=0)) == 1
    with pytest.raises(EnsembleError, match="kind: expected one of LightGBM"):
        fit_trees(x, y, "multiclass", kind="oak")


def test_columns_of_categories_are_stored_without_functions(table, tmp_path):
    frame, y = table
    frame = frame.assign(work=frame["work"].where(frame["age"] > 20))  # some missing, too
    model = fit_trees(frame, y, "binary", settings=SMALL)
    model.save(tmp_path / "m.trees")
    assert TreeModel.load(tmp_path / "m.trees").predict(frame).tobytes() == model.predict(frame).tobytes()
    numbered = frame.assign(age=frame["age"].round(-1), hours=1.5)
    coded = fit_trees(numbered, y, "binary", settings=SMALL, categorical=["age"])
    coded.save(tmp_path / "c.trees")
    assert TreeModel.load(tmp_path / "c.trees").predict(numbered).tobytes() == coded.predict(numbered).tobytes()
