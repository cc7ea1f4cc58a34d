"""EvoClassifier and EvoRegressor go where scikit-learn's own estimators go."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn import config_context
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import make_blobs
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import estimator_checks_generator, parametrize_with_checks

import evo

#: One network, a few epochs, in this process: some two thirds of a second.
CHEAP: dict[str, Any] = {"trials": 1, "epochs": 9, "members": 1, "workers": 0, "random_state": 0}
CLASSIFIER, REGRESSOR = evo.EvoClassifier(**CHEAP), evo.EvoRegressor(**CHEAP)

_WEIGHTS = (
    "a weight of two is no row twice: rows are split for validation and shuffled into batches, as by scikit-learn's "
    "SGDClassifier and MLP with early stopping, which it exempts, too"
)
#: Checks of scikit-learn that are not met, and why.
EXPECTED_FAILURES = {
    "check_sample_weight_equivalence_on_dense_data": _WEIGHTS,
    "check_sample_weight_equivalence_on_sparse_data": _WEIGHTS,
}
#: Checks of the quick suite: those that do not train, and one for each kind of input, output and state.
QUICK = {
    "check_classifiers_classes",
    "check_classifiers_one_label",
    "check_classifiers_regression_target",
    "check_dict_unchanged",
    "check_fit1d",
    "check_fit2d_1sample",
    "check_fit2d_predict1d",
    "check_n_features_in_after_fitting",
    "check_requires_y_none",
    "check_supervised_y_no_nan",
    "check_estimator_tags_renamed",
    "check_do_not_raise_errors_in_init_or_set_params",
    "check_all_zero_sample_weights_error",
    "check_estimators_empty_data_messages",
    "check_parameters_default_constructible",
}


def expected_failures(estimator: Any) -> dict[str, str]:
    return EXPECTED_FAILURES


@pytest.mark.slow
@parametrize_with_checks([CLASSIFIER, REGRESSOR], expected_failed_checks=expected_failures)
def test_all_checks_of_scikit_learn(estimator: Any, check: Any) -> None:
    check(estimator)


def test_some_checks_of_scikit_learn() -> None:
    done = set()
    for estimator, check in estimator_checks_generator(clone(CLASSIFIER).set_params(epochs=1)):
        if check.func.__name__ in QUICK:
            check(estimator)
            done.add(check.func.__name__)
    assert done == QUICK


FRAME = pd.DataFrame({"size": np.linspace(-1, 1, 90), "kind": np.tile(["x", "y", None], 30)})
WORDS = np.where(FRAME["size"] + 0.2 * (FRAME["kind"] == "x") > 0, "yes", "no")


def test_a_frame_of_words_and_gaps_goes_through_a_pipeline_and_a_pickle() -> None:
    search = GridSearchCV(make_pipeline(clone(CLASSIFIER)), {"evoclassifier__epochs": [1, 3]}, cv=2)
    search.fit(FRAME, WORDS)
    model = search.best_estimator_[-1]
    assert model.feature_names_in_.tolist() == ["size", "kind"] and model.classes_.tolist() == ["no", "yes"]
    told = search.predict(FRAME)
    assert set(told) <= {"no", "yes"}
    again = pickle.loads(pickle.dumps(search))
    assert again.predict(FRAME).tolist() == told.tolist()
    with pytest.raises(ValueError, match="feature names"):
        model.predict(FRAME.rename(columns={"kind": "sort"}))


def test_frames_of_other_libraries_give_what_pandas_gives() -> None:
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame({name: [None if pd.isna(v) else v for v in FRAME[name]] for name in FRAME})
    model = clone(CLASSIFIER).fit(FRAME, WORDS)
    assert model.predict(frame).tolist() == model.predict(FRAME).tolist()


def test_weights_are_routed_and_rows_of_weight_zero_are_as_if_absent() -> None:
    x, y = make_blobs(60, centers=2, random_state=1)
    weights = np.ones(60)
    weights[::3] = 0
    with config_context(enable_metadata_routing=True):
        scaler = StandardScaler().set_fit_request(sample_weight=False)
        routed = make_pipeline(scaler, clone(CLASSIFIER).set_fit_request(sample_weight=True))
        assert routed.fit(x, y, sample_weight=weights).score(x, y) > 0.8
    some = weights > 0
    one, other = clone(CLASSIFIER).fit(x, y, weights), clone(CLASSIFIER).fit(x[some], y[some], weights[some])
    np.testing.assert_array_equal(one.predict_proba(x), other.predict_proba(x))


def test_a_regressor_is_scored_and_its_target_may_be_transformed() -> None:
    x = np.random.default_rng(0).normal(size=(200, 3))
    y = np.exp(x[:, 0])
    model = TransformedTargetRegressor(clone(REGRESSOR), func=np.log, inverse_func=np.exp)
    assert np.isfinite(cross_val_score(model, x, y, cv=2)).all()
    by_hand = np.exp(clone(REGRESSOR).fit(x, np.log(y)).predict(x))
    np.testing.assert_allclose(model.fit(x, y).predict(x), by_hand)
    several = clone(REGRESSOR).set_params(epochs=1).fit(x, np.c_[y, -y])
    assert several.predict(x).shape == (200, 2) and several.predict(x).dtype == np.float64


def test_labels_that_may_hold_together_and_pictures() -> None:
    pictures = np.random.default_rng(0).random((40, 8, 8))
    labels = np.stack([pictures.mean(axis=(1, 2)) > 0.5, np.ones(40), np.arange(40) % 2], axis=1).astype(int)
    model = clone(CLASSIFIER).set_params(epochs=1).fit(pictures, labels)
    assert model.predict(pictures).shape == model.predict_proba(pictures).shape == (40, 3)


def test_with_a_directory_the_campaign_is_kept(tmp_path: Path) -> None:
    x, y = make_blobs(40, centers=2, random_state=1)
    model = clone(CLASSIFIER).set_params(epochs=1, directory=tmp_path / "c").fit(x, y)
    assert len(model.model_.result.trials) == 1 and model.model_.report().is_file()
    assert evo.load_fitted(tmp_path / "c").predict(x).tolist() == model.predict(x).tolist()
    assert not any(name.startswith("runs") for name in map(str, Path.cwd().glob("runs/fit-*")))


@pytest.mark.parametrize(
    ("labels", "kind"),
    [
        (pd.array([True, False] * 5, dtype="boolean"), "b"),
        (pd.Series([3, 5] * 5, dtype="Int64"), "i"),
        (pd.Series(["a", "b"] * 5, dtype="string"), "OU"),
        (pd.Series(["a", "b"] * 5, dtype="category").cat.add_categories(["c"]), "OU"),
        (pd.DataFrame({"y": ["a", "b"] * 5}), "OU"),
    ],
)
def test_classes_are_of_the_users_type(labels: Any, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evo.EvoClassifier, "_fitted", lambda self, x, y, *rest, **further: self)
    columns = {"a": np.arange(10.0), "b": np.arange(10.0)}
    model = evo.EvoClassifier(**CHEAP).fit(columns, labels)
    assert model.classes_.dtype.kind in kind and model.feature_names_in_.tolist() == ["a", "b"]
    assert model.classes_.tolist() == sorted(set(np.ravel(labels).tolist()))
    with pytest.raises(ValueError, match="holds dates or times"):
        evo.EvoRegressor(**CHEAP).fit(columns, pd.date_range("2024", periods=10))
    with pytest.raises(ValueError, match="1 of 10 rows have no value"):
        model.fit(columns, [None, *["a"] * 9])
