"""A campaign of words: trained, stored, resumed, pooled, saved; what comes back are the words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import evo
import genomes
from evo.campaign.labels import labelled
from evo.errors import DataError, EnsembleError
from genomes.targets import Binary, Multiclass

X = np.random.default_rng(0).normal(size=(90, 3)).astype(np.float32)
WORDS = np.array(["low", "mid", "top"], dtype=object)[np.digitize(X[:, 0], [-0.5, 0.5])]


def space(**target: Any) -> Any:
    return genomes.spaces.tabular(X, **target)


def test_words_go_in_and_come_out_of_a_campaign_and_its_ensemble(tmp_path: Path) -> None:
    data = evo.Data(X, WORDS, validation=0.3, seed=0)

    def campaign(trials: int) -> evo.Campaign:
        return evo.Campaign(
            space(classes=3),
            data,
            tmp_path / "c",
            budget=evo.Budget(trials=trials),
            epochs=2,
            executor=evo.workers.Serial(),
            concurrency=1,
        )

    campaign(2).run()
    result = campaign(3).run()  # the same script resumes
    assert result.space.target == Multiclass(3, labels=("low", "mid", "top"))
    assert "labels: 'low', 'mid', 'top'" in result.space.describe()
    ensemble = result.ensemble(size=2)
    told = ensemble.predict(X)
    assert set(told) <= set(WORDS) and told.shape == (90,)
    probabilities = ensemble.predict_proba(X)
    assert [("low", "mid", "top")[n] for n in probabilities.argmax(axis=1)] == told.tolist()
    assert ensemble.evaluate(X, WORDS)["accuracy"] == pytest.approx((told == WORDS).mean())
    with pytest.raises(EnsembleError, match="unknown label 'huge'; known are 'low', 'mid', 'top'"):
        ensemble.evaluate(X, np.where(WORDS == "low", "huge", WORDS))
    ensemble.save(tmp_path / "words.ensemble")
    again = evo.Ensemble.load(tmp_path / "words.ensemble")
    assert again.target == ensemble.target and again.predict(X).tolist() == told.tolist()
    read = evo.load_result(tmp_path / "c", data)
    assert read.ensemble(size=2).predict(X).tolist() == told.tolist()
    assert evo.resume(tmp_path / "c", data).space.target == result.space.target
    trees = result.ensemble(size=3, trees=True)
    assert set(trees.predict(X)) <= set(WORDS)


@pytest.mark.parametrize(
    ("target", "y", "expected"),
    [
        ({"classes": 3}, np.arange(90) % 3, Multiclass(3)),
        ({"classes": 3}, np.eye(3)[np.arange(90) % 3], Multiclass(3)),
        ({"classes": 3}, np.array([5, 7, 9] * 30), Multiclass(3, labels=(5, 7, 9))),
        ({"classes": 2}, np.arange(90) % 2 == 0, Binary()),  # as before: 0 and 1
        ({"classes": 2}, np.arange(90) % 2 + 1, Binary(labels=(1, 2))),
        ({"classes": ["no", "yes"]}, np.array(["no", "yes"] * 45), Binary(labels=("no", "yes"))),
        ({"classes": 3}, np.arange(90) % 4, Multiclass(3)),  # one too many: refused by the check of the data
    ],
)
def test_a_space_learns_its_labels_only_where_they_are_no_indices(target: dict, y: Any, expected: Any) -> None:
    found = labelled(space(**target), evo.Data(X, y, validation=0.3)).target
    assert found == expected and repr(found) == repr(expected)


def test_more_words_than_classes_are_counted() -> None:
    with pytest.raises(
        DataError, match=r"3 different labels \('low', 'mid', 'top'\), but the space has another number"
    ):
        labelled(space(classes=5), evo.Data(X, WORDS))
    with pytest.raises(DataError, match="y_train: unknown label"):
        evo.Data(X, WORDS).prepare(space(classes=["low", "mid", "high"]))
