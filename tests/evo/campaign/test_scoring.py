"""Objectives by name: what a campaign searches for is what scikit-learn says of its stored predictions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn import metrics

import evo
from evo.campaign.scoring import Scoring, resolved
from evo.core.trial import Outcome, Status
from evo.errors import SettingsError
from evo.prepared_data import PreparedData
from evo.training.task import TrialReport
from genomes import spaces
from genomes.targets import Binary, Multiclass, Regression

RNG = np.random.default_rng(1)
X = RNG.normal(size=(60, 3)).astype(np.float32)
RARE = np.where(X[:, 0] + 0.5 * RNG.normal(size=60) > 1, "ill", "well")
WEIGHT = RNG.uniform(0.5, 2, 60)


@pytest.mark.parametrize(
    ("given", "target", "weighed", "expected"),
    [
        ("auc", Binary(), False, "val_auc"),
        ("val_auc", Binary(), False, "val_auc"),
        ("accuracy", Binary(), False, "val_accuracy"),
        ("accuracy", Binary(), True, "val_weighted_accuracy"),
        ("rmse", Regression(1), False, "-val_rmse"),
        ("-rmse", Regression(1), True, "-val_weighted_rmse"),
        ("mape", Regression(1), False, "-val_mape"),
        ("neg_log_loss", Multiclass(3), False, "-val_log_loss"),
        ("-val_log_loss", Multiclass(3), False, "-val_log_loss"),
        (["-val_loss", "f1_macro", "latency", "-parameters"], Multiclass(3), False, None),
        (lambda outcome: 1.0, Binary(), False, None),
    ],
)
def test_which_way_is_better_is_known(given: Any, target: Any, weighed: bool, expected: Any) -> None:
    logged = ("rmse", "mae") if isinstance(target, Regression) else ("accuracy",)
    found, scores = resolved(given, target, logged, weighed)
    if expected is None:
        expected = ["-val_loss", "val_f1_macro", "latency", "-parameters"] if isinstance(given, list) else given
    assert found == expected
    for name in scores:
        again, same = resolved(f"-{name}" if f"-{name}" == found else name, target, logged, weighed)
        if isinstance(given, str):
            assert (again, list(same)) == (found, list(scores))


@pytest.mark.parametrize(
    ("given", "target", "expected"),
    [
        ("auc >= 0.8", Binary(), "val_auc >= 0.8"),
        ("accuracy >= 0.9", Binary(), "val_accuracy >= 0.9"),
        ("rmse <= 3", Regression(1), "val_rmse <= 3"),
        ("mape <= 0.1", Regression(1), "val_mape <= 0.1"),
        ("val_loss <= 1", Binary(), "val_loss <= 1"),
        ("latency <= 0.005", Binary(), "latency <= 0.005"),
    ],
)
def test_constraints_are_on_metrics_by_name(given: str, target: Any, expected: str) -> None:
    logged = ("rmse", "mae") if isinstance(target, Regression) else ("accuracy",)
    found, scores = resolved(["-val_loss", given], target, logged, False)
    assert (found[0], str(found[1])) == ("-val_loss", expected)
    # What trials do not log is computed.
    assert list(scores) == [name for name in ("val_auc", "val_mape") if expected.startswith(name)]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("auk", "no metric 'auk'. Did you mean 'auc'"),
        (["-val_loss", "auk >= 0.9"], "no metric 'auk'. Did you mean 'auc'"),
        ("-auc", "of 'auc' more is better"),
        ("val_log_loss", "'val_log_loss' would be maximised; write '-val_log_loss'"),
        ("rmse", "'rmse' is of numbers"),
        ("val_acurracy", "no trial gives 'val_acurracy'. Did you mean 'val_accuracy'"),
    ],
)
def test_a_wrong_objective_is_told_before_anything_is_made(given: str, words: str, tmp_path: Path) -> None:
    space = spaces.tabular(X, classes=["ill", "well"])
    with pytest.raises(SettingsError, match=words):
        evo.Campaign(space, evo.Data(X, RARE), tmp_path / "c", budget=evo.Budget(trials=1), objectives=given)
    assert not (tmp_path / "c").exists()


def test_one_class_in_the_validation_rows_is_told_beforehand(tmp_path: Path) -> None:
    space = spaces.tabular(X, classes=["ill", "well"])
    data = evo.Data(X, RARE, validation=np.flatnonzero(RARE == "well")[:9])
    with pytest.raises(SettingsError, match="'val_auc' is not defined on the validation rows: Only one class"):
        evo.Campaign(space, data, tmp_path / "c", budget=evo.Budget(trials=1), objectives="auc")


def test_a_campaign_for_auc_and_a_scorer_of_ones_own(tmp_path: Path) -> None:
    scorer = metrics.make_scorer(metrics.fbeta_score, beta=2, pos_label="ill")
    data = evo.Data(X, RARE, validation=0.4, sample_weight=WEIGHT)
    budget, given = evo.Budget(trials=1), ["auc", scorer, "accuracy"]
    arguments: dict[str, Any] = {"epochs": 2, "objectives": given, "executor": evo.workers.Serial()}
    space = spaces.tabular(X, classes=2)
    result = evo.Campaign(space, data, tmp_path / "c", budget=budget, **arguments).run()
    weight = data.weight_validation
    for trial in result.history.completed():
        told = result.predictions(trial.number)[:, 0].astype(float)
        words = np.where(told > 0.5, "well", "ill")
        assert trial.outcome is not None
        scores = trial.outcome.scores
        expected = metrics.roc_auc_score(data.y_validation == "well", told, sample_weight=weight)
        assert scores["val_auc"] == pytest.approx(expected)
        expected = metrics.fbeta_score(data.y_validation, words, beta=2, pos_label="ill", sample_weight=weight)
        assert scores["val_fbeta_score(beta=2, pos_label='ill')"] == pytest.approx(expected)
        expected = metrics.accuracy_score(data.y_validation, words, sample_weight=weight)
        assert scores["val_weighted_accuracy"] == pytest.approx(expected)
        assert result.history.fitness(trial.number)[0] == scores["val_auc"]
    assert evo.load_result(tmp_path / "c").best.number == result.best.number
    further = evo.resume(tmp_path / "c", data, evo.Budget(trials=2), objectives=given, executor=evo.workers.Serial())
    assert len(further.run().trials) == 2
    with pytest.raises(SettingsError, match="is a scorer; give it again"):
        evo.resume(tmp_path / "c", data, evo.Budget(trials=4))


def test_a_score_that_is_not_defined_in_one_fold_is_the_mean_of_the_others() -> None:
    score = resolved("auc", Binary(), ("accuracy",), False)[1]
    arrays = {f"fold/{n}/{role}": np.arange(3) for n in range(2) for role in ("train", "validation")}
    y = np.array([[0], [1], [0], [1], [1], [1]], np.float32)
    scoring = Scoring(spaces.tabular(X, classes=2), PreparedData(arrays | {"y_validation": y}, "f"), score)
    told = np.array([[0.2], [0.6], [0.7], [0.1], [0.9], [0.5]], np.float32)
    report = scoring(TrialReport(0, Outcome(Status.COMPLETED, scores={"val_loss": 1.0}), told))
    assert report.outcome.scores["val_auc"] == metrics.roc_auc_score([0, 1, 0], told[:3, 0])
    assert "val_auc: not defined: Only one class" in report.outcome.message
    broken = scoring(TrialReport(0, Outcome(Status.COMPLETED, scores={}), np.full((6, 1), np.nan, np.float32)))
    assert "val_auc" not in broken.outcome.scores and "NaN" in broken.outcome.message
