"""What nets, trees and linear models contribute to an ensemble: in its report, its repr and in HTML."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from evo.core.history import History
from evo.core.objectives import Objectives
from evo.ensemble import Ensemble, LibraryModel, build
from evo.ensemble.contributions import contributions
from evo.report.content import ReportContent
from evo.report.html_ensemble import ensemble_section
from genomes.targets import Binary
from tests.evo.ensemble.noisy_models import noisy, rng


class StandsForAModel:
    """What members are loaded as."""

    name = "named"

    def predict(self, x):
        return x


def mixed() -> tuple[list[LibraryModel], np.ndarray]:
    """Four nets, three linear models of another noise, one model of trees that guesses."""
    nets, y = noisy(count=4, rows=200)
    random = np.random.default_rng(9)
    linear = [
        LibraryModel(-101 - at, np.clip(y * 0.8 + 0.1 + random.normal(0, 0.5, y.shape), 0, 1).astype(np.float32))
        for at in range(3)
    ]
    trees = LibraryModel(-1, random.random(y.shape).astype(np.float32))
    kinds = [*(("net", one) for one in nets), *(("linear", one) for one in linear), ("trees", trees)]
    return [dataclasses.replace(one, kind=kind, load=StandsForAModel, parameters=1) for kind, one in kinds], y


@pytest.fixture(scope="module")
def chosen():
    candidates, y = mixed()
    ensemble = Ensemble.from_selection(build(candidates, y, "binary", 6, rng=rng()))
    return ensemble, candidates, y


def test_each_part_has_its_weight_and_what_it_would_be_alone(chosen):
    ensemble, candidates, y = chosen
    found = contributions(ensemble, candidates, y, Binary(), 6, rng(), {})
    assert {part["part"] for part in found} == {"nets", "trees", "linear models"}
    assert sum(part["weight"] for part in found) == pytest.approx(1)
    assert [part["weight"] for part in found] == sorted((part["weight"] for part in found), reverse=True)
    by_part = {part["part"]: part for part in found}
    assert by_part["trees"]["members"] == sum(member.kind == "trees" for member in ensemble.members)
    assert [by_part[part]["candidates"] for part in ("nets", "trees", "linear models")] == [4, 1, 3]
    assert by_part["trees"]["estimate"]["error"]["value"] > by_part["linear models"]["estimate"]["error"]["value"]
    linear = [one for one in candidates if one.kind == "linear"]
    alone = build(linear, y, "binary", 6, method="weighted", confidence=None, rng=np.random.default_rng(1))
    told = by_part["linear models"]["estimate"]["error"]["value"]
    assert told == pytest.approx(alone.estimate["error"].value, abs=0.03)


def test_one_kind_alone_has_no_parts(chosen):
    ensemble, candidates, y = chosen
    nets = [one for one in candidates if one.kind == "net"]
    assert contributions(ensemble, nets, y, Binary(), 6, rng(), {}) == []


def test_limits_that_a_part_cannot_keep_leave_it_without_an_estimate(chosen):
    ensemble, candidates, y = chosen
    large = [dataclasses.replace(one, parameters=99 if one.kind == "trees" else 1) for one in candidates]
    found = contributions(ensemble, large, y, Binary(), 6, rng(), {"max_parameters": 50})
    assert {part["part"]: bool(part["estimate"]) for part in found} == {
        "nets": True,
        "linear models": True,
        "trees": False,
    }


def test_repr_and_report_say_what_the_parts_are(chosen):
    ensemble, candidates, y = chosen
    shown = ensemble.weight_by_kind
    assert len(shown) > 1 and sum(shown.values()) == pytest.approx(1)
    assert all(f"{kind} {weight:.2f}" in repr(ensemble) for kind, weight in shown.items())
    nets = Ensemble([StandsForAModel()] * 2, task="binary")
    assert repr(nets) == "Ensemble(binary, arithmetic, {0: 0.50, 1: 0.50})"
    ensemble.report["parts"] = contributions(ensemble, candidates, y, Binary(), 6, rng(), {})
    ensemble.report["folds"] = {"folds": 5, "rows": 200}
    text = ensemble_section(ReportContent("c", History((), Objectives("val_accuracy")), ensemble=ensemble))
    assert "What each part contributed" in text and "<td>linear models</td>" in text and "alone: error" in text
    assert "the mean of 5 folds' models" in text and "for 200 rows" in text
