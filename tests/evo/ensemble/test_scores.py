"""Scores by name against scikit-learn's own functions, on predictions of every kind of target."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn import metrics

from evo.ensemble.scores import is_scorer, near, score_named, score_of, score_of_scorer
from evo.errors import SettingsError
from genomes.targets import Binary, Multiclass, Multilabel, Regression

RNG = np.random.default_rng(0)
ROWS = 40
WEIGHT = RNG.uniform(0.1, 2, ROWS)
WORDS = ("ant", "bee", "cat")

BINARY = RNG.uniform(size=(ROWS, 1)).astype(np.float32)
BINARY_Y = (RNG.uniform(size=(ROWS, 1)) < BINARY).astype(np.float32)
MULTI = RNG.dirichlet(np.ones(3), ROWS).astype(np.float32)
MULTI_Y = np.array([RNG.choice(3, p=row / row.sum()) for row in MULTI.astype(float)])
LABELS = RNG.uniform(size=(ROWS, 4)).astype(np.float32)
LABELS_Y = (RNG.uniform(size=(ROWS, 4)) < LABELS).astype(np.float32)
NUMBERS = RNG.normal(size=(ROWS, 1)).astype(np.float32)
NUMBERS_Y = NUMBERS + RNG.normal(size=(ROWS, 1)).astype(np.float32)
SEVERAL = RNG.normal(size=(ROWS, 2)).astype(np.float32)
SEVERAL_Y = SEVERAL + RNG.normal(size=(ROWS, 2)).astype(np.float32)

p, b, b_told = BINARY[:, 0].astype(float), BINARY_Y[:, 0].astype(int), (BINARY[:, 0] > 0.5).astype(int)
q, c, c_told = MULTI.astype(float) / MULTI.astype(float).sum(1, keepdims=True), MULTI_Y, MULTI.argmax(1)
u, d, d_told = LABELS.astype(float), LABELS_Y.astype(int), (LABELS > 0.5).astype(int)
n, n_told = NUMBERS_Y[:, 0].astype(float), NUMBERS[:, 0].astype(float)
m, m_told = SEVERAL_Y.astype(float), SEVERAL.astype(float)


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["plain", "weighed"])
@pytest.mark.parametrize(
    ("name", "kind", "expected"),
    [
        ("auc", "binary", lambda w: metrics.roc_auc_score(b, p, sample_weight=w)),
        ("roc_auc", "binary", lambda w: metrics.roc_auc_score(b, p, sample_weight=w)),
        ("auc", "multiclass", lambda w: metrics.roc_auc_score(c, q, multi_class="ovr", sample_weight=w)),
        ("roc_auc_ovr_weighted", "multiclass", None),
        ("auc", "multilabel", lambda w: metrics.roc_auc_score(d, u, sample_weight=w)),
        ("average_precision", "binary", lambda w: metrics.average_precision_score(b, p, sample_weight=w)),
        ("average_precision", "multiclass", lambda w: metrics.average_precision_score(c, q, sample_weight=w)),
        ("average_precision", "multilabel", lambda w: metrics.average_precision_score(d, u, sample_weight=w)),
        ("f1", "binary", lambda w: metrics.f1_score(b, b_told, sample_weight=w)),
        ("f1_macro", "multiclass", lambda w: metrics.f1_score(c, c_told, average="macro", sample_weight=w)),
        ("f1_macro", "multilabel", lambda w: metrics.f1_score(d, d_told, average="macro", sample_weight=w)),
        (
            "recall_weighted",
            "multiclass",
            lambda w: metrics.recall_score(c, c_told, average="weighted", sample_weight=w),
        ),
        ("balanced_accuracy", "binary", lambda w: metrics.balanced_accuracy_score(b, b_told, sample_weight=w)),
        ("mcc", "multiclass", lambda w: metrics.matthews_corrcoef(c, c_told, sample_weight=w)),
        ("log_loss", "binary", lambda w: metrics.log_loss(b, p, sample_weight=w)),
        ("neg_log_loss", "multiclass", lambda w: metrics.log_loss(c, q, sample_weight=w)),
        ("accuracy", "multilabel", lambda w: metrics.accuracy_score(d, d_told, sample_weight=w)),
        ("jaccard", "binary", lambda w: metrics.jaccard_score(b, b_told, sample_weight=w)),
        ("neg_brier_score", "binary", lambda w: metrics.brier_score_loss(b, p, sample_weight=w)),
        ("rmse", "numbers", lambda w: metrics.root_mean_squared_error(n, n_told, sample_weight=w)),
        ("rmse", "several", lambda w: metrics.root_mean_squared_error(m, m_told, sample_weight=w)),
        ("mae", "several", lambda w: metrics.mean_absolute_error(m, m_told, sample_weight=w)),
        ("r2", "numbers", lambda w: metrics.r2_score(n, n_told, sample_weight=w)),
        ("mape", "numbers", lambda w: metrics.mean_absolute_percentage_error(n, n_told, sample_weight=w)),
        ("pinball_0.9", "numbers", lambda w: metrics.mean_pinball_loss(n, n_told, alpha=0.9, sample_weight=w)),
        ("quantile_loss_0.25", "numbers", lambda w: metrics.mean_pinball_loss(n, n_told, alpha=0.25, sample_weight=w)),
        ("explained_variance", "numbers", lambda w: metrics.explained_variance_score(n, n_told, sample_weight=w)),
        ("neg_median_absolute_error", "numbers", lambda w: metrics.median_absolute_error(n, n_told, sample_weight=w)),
    ],
)
def test_a_score_is_scikit_learns(name: str, kind: str, expected: Any, weight: np.ndarray | None) -> None:
    target, outputs, y = {
        "binary": (Binary(), BINARY, BINARY_Y),
        "multiclass": (Multiclass(3), MULTI, MULTI_Y),
        "multilabel": (Multilabel(4), LABELS, LABELS_Y),
        "numbers": (Regression(1), NUMBERS, NUMBERS_Y),
        "several": (Regression(2), SEVERAL, SEVERAL_Y),
    }[kind]
    score = score_of(name, target)
    if expected is None:
        expected = lambda w: metrics.roc_auc_score(c, q, multi_class="ovr", average="weighted", sample_weight=w)
    assert score(target, outputs, y, weight) == pytest.approx(expected(weight), rel=1e-9)
    assert score.greater is not ("neg" in name or name in ("log_loss", "rmse", "mae", "mape") or "0." in name)


def test_scorers_of_ones_own_see_the_users_words() -> None:
    target = Multiclass(3, labels=WORDS)
    true, told = np.asarray(WORDS)[c], np.asarray(WORDS)[c_told]
    scorer = metrics.make_scorer(metrics.fbeta_score, beta=2, average=None, labels=["cat"])
    assert is_scorer(scorer) and not is_scorer(metrics.f1_score)
    scorer = metrics.make_scorer(lambda y, z, scale: float(np.mean((y == "cat") == (z == "cat"))) * scale, scale=2)
    value = score_of_scorer(scorer)(target, MULTI, MULTI_Y)
    assert value == pytest.approx(2 * np.mean((true == "cat") == (told == "cat")))

    named = score_of_scorer(metrics.make_scorer(metrics.fbeta_score, beta=2, average="macro"))
    assert named.objective == "val_fbeta_score(average='macro', beta=2)"
    expected = metrics.fbeta_score(true, told, beta=2, average="macro", sample_weight=WEIGHT)
    assert named(target, MULTI, MULTI_Y, WEIGHT) == pytest.approx(expected)

    one = Binary(labels=("no", "yes"))
    told = metrics.make_scorer(metrics.f1_score, pos_label="no")
    assert score_of_scorer(told)(one, BINARY, BINARY_Y) == pytest.approx(metrics.f1_score(1 - b, 1 - b_told))
    proba = metrics.make_scorer(metrics.log_loss, response_method="predict_proba", greater_is_better=False)
    assert score_of_scorer(proba).objective == "-val_log_loss"
    assert score_of_scorer(proba)(target, MULTI, MULTI_Y) == pytest.approx(metrics.log_loss(c, q))
    many = metrics.get_scorer("roc_auc")
    assert score_of_scorer(many)(Multilabel(4), LABELS, LABELS_Y) == pytest.approx(metrics.roc_auc_score(d, u))


def test_what_is_not_defined_says_why() -> None:
    auc = score_named("auc")
    assert auc is not None
    with pytest.raises(ValueError, match="Only one class"):
        auc(Binary(), BINARY, np.zeros_like(BINARY_Y))
    with pytest.raises(ValueError, match="one class|not defined|undefined|Only one"):
        auc(Multiclass(3), MULTI, np.where(MULTI_Y == 2, 0, MULTI_Y))
    with pytest.raises(ValueError, match="NaN"):
        auc(Binary(), np.full_like(BINARY, np.nan), BINARY_Y)


@pytest.mark.parametrize(
    ("name", "target", "words"),
    [
        ("auk", Binary(), r"metrics: there is no metric 'auk'. Did you mean 'auc'"),
        ("f1", Multiclass(3), "'f1' is of two classes.*'f1_macro' is its mean over the classes"),
        ("rmse", Binary(), "'rmse' is of numbers"),
        ("auc", Regression(1), "there are rmse, mse, mae, mape"),
        (3, Binary(), "expected a metric's name or a scorer"),
    ],
)
def test_a_wrong_name_is_told(name: Any, target: Any, words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        score_of(name, target)
    assert near("root_mean_square_error").startswith(" Did you mean 'root_mean_squared_error'")
