"""Each rule of forming an ensemble: who is asked, which way wins, when the best single model stands in its place."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pytest

from evo.ensemble.arguments import as_targets
from evo.ensemble.library import EnsembleWarning, LibraryModel
from evo.ensemble.pooling import pool
from evo.ensemble.selection import selection
from evo.ensemble.selection.estimation import Estimate, PairedGain
from evo.ensemble.selection.selection import Selection, build
from evo.ensemble.selection.selection_problem import SelectionProblem, Way
from evo.ensemble.size_limits import SizeLimits
from evo.ensemble.stacking import Stacker
from evo.errors import EnsembleError
from tests.evo.ensemble.noisy_models import ROWS, noisy, numbers, rng


@pytest.fixture(autouse=True)
def warnings_are_errors() -> Iterator[None]:
    """A warning that no rule asks for is a mistake."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


# -- which way wins ----------------------------------------------------------------
class _Judge:
    """A selection problem of which only the paired bootstrap is asked, and answers as told."""

    def __init__(self, chances: Mapping[tuple[str, str], float]) -> None:
        self.chances = chances
        self.asked: list[tuple[str, str]] = []

    def gain(self, single: str, ensemble: str, rng: Any) -> PairedGain:
        assert rng == "the rng"
        self.asked.append((single, ensemble))
        return PairedGain(0.0, 0.0, 0.0, self.chances.get((single, ensemble), 0.0))


def clearly(**chances: float) -> tuple[Way, list[tuple[str, str]]]:
    ways: list[Way] = [("weighted", 8), ("weighted", 4), ("weighted", 2), ("greedy", 8)]
    judge = _Judge({(key[:2], key[2:]): chance for key, chance in chances.items()})
    named = dict(zip(ways, ["w8", "w4", "w2", "g8"], strict=True))
    return selection._clearly_best(ways, named, judge, "the rng"), judge.asked  # type: ignore[arg-type]


def test_auto_tries_many_members_half_a_quarter_and_greedy() -> None:
    assert selection._tried(8) == (("weighted", 8), ("weighted", 4), ("weighted", 2), ("greedy", 8))
    assert selection._tried(12) == (("weighted", 12), ("weighted", 6), ("weighted", 3), ("greedy", 12))
    assert selection._tried(19) == (("weighted", 19), ("weighted", 9), ("weighted", 4), ("greedy", 19))


def test_auto_tries_no_part_below_two_members() -> None:
    assert selection._tried(7) == (("weighted", 7), ("weighted", 3), ("greedy", 7))
    assert selection._tried(4) == (("weighted", 4), ("weighted", 2), ("greedy", 4))
    assert selection._tried(3) == (("weighted", 3), ("greedy", 3))
    assert selection._tried(1) == (("weighted", 1), ("greedy", 1))


def test_clearly_better_is_more_than_95_percent_of_the_bootstrap() -> None:
    assert selection._CLEARLY == 0.95
    assert clearly(w8w4=0.95)[0] == ("weighted", 8)
    assert clearly(w8w4=0.951)[0] == ("weighted", 4)
    assert clearly(w8g8=0.96)[0] == ("greedy", 8)


def test_each_way_is_measured_against_the_one_that_stands() -> None:
    assert clearly()[1] == [("w8", "w4"), ("w8", "w2"), ("w8", "g8")]
    assert clearly(w8w4=1.0, w4g8=1.0) == (("greedy", 8), [("w8", "w4"), ("w4", "w2"), ("w4", "g8")])
    assert clearly(w8w2=1.0, w8g8=1.0) == (("weighted", 2), [("w8", "w4"), ("w8", "w2"), ("w2", "g8")])


def test_auto_returns_the_way_that_wins_by_cross_fitted_predictions() -> None:
    """Against the definition, with a few good models among many useless ones, and with all alike."""
    for task, spoilt in (("multiclass", True), ("multiclass", False), ("regression", True)):
        candidates, y = noisy(task, count=10, rows=120)
        if spoilt:
            candidates = [
                c if c.number < 2 else LibraryModel(c.number, np.roll(c.predictions, c.number, axis=0))
                for c in candidates
            ]
        chosen = build(candidates, y, task, 8, confidence=None, rng=rng())
        random = rng()
        loss = "rmse" if task == "regression" else "log_loss"
        problem = SelectionProblem(
            candidates, as_targets(y, task), task, loss, loss, "arithmetic", False, SizeLimits(8), None
        )
        tried: list[Way] = [("weighted", 8), ("weighted", 4), ("weighted", 2), ("greedy", 8)]
        predicted = problem.cross_fit([("best", 8), ("average", 8), *tried], 5, random)
        way = tried[0]
        for other in tried[1:]:
            if problem.gain(predicted[way], predicted[other], random).probability > 0.95:
                way = other
        gain = problem.gain(predicted["best", 8], predicted[way], random)
        expected = problem.fit(way, np.arange(120), random)
        assert numbers(chosen) == list(expected.members) and np.array_equal(chosen.weights, expected.weights)
        assert chosen.method == way[0] and chosen.gain == gain
        found = problem.estimates(predicted)
        assert chosen.estimates == {"best": found["best", 8], "average": found["average", 8], "ensemble": found[way]}
        assert (way == ("weighted", 8)) == (not spoilt)


def test_auto_takes_the_first_way_with_too_few_rows_to_cross_fit() -> None:
    candidates, y = noisy(rows=9)
    chosen = build(candidates, y, "binary", 4, rng=rng())
    assert chosen.method == "weighted" and len(chosen.candidates) == 4
    assert chosen.estimates == {} and chosen.gain is None and not chosen.fallback
    with pytest.warns(EnsembleWarning):
        assert len(build(candidates[:3], y, "binary", rng=rng()).candidates) == 3


# -- every argument arrives --------------------------------------------------------
OPTIONS: dict[str, dict[str, Any]] = {
    "loss": {"loss": "brier"},
    "calibrated": {"loss": "calibrated_log_loss"},
    "single loss": {"single_loss": "error"},
    "pooling": {"pooling": "geometric"},
    "temperature": {"temperature": True},
    "members": {"max_members": 2},
    "parameters": {"max_parameters": 60},
    "latency": {"max_latency": 0.6},
    "folds": {"fold_count": 3},
    "weights": {"sample_weight": np.linspace(0.0, 2.0, ROWS)},
}


@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.parametrize("method", ["average", "greedy", "stacking"])
def test_a_selection_is_the_named_way_on_all_rows_with_estimates_by_cross_fitting(method: str, option: str) -> None:
    if method == "stacking" and option == "pooling":
        pytest.skip("stacking pools by itself")
    options = OPTIONS[option]
    candidates, y = noisy("multiclass")
    chosen = build(candidates, y, "multiclass", 4, method, confidence=None, rng=rng(), **options)
    loss = options.get("loss", "log_loss")
    members = options.get("max_members", 4)
    limits = SizeLimits(members, options.get("max_parameters"), options.get("max_latency"))
    problem = SelectionProblem(
        candidates,
        y,
        "multiclass",
        loss,
        options.get("single_loss", loss),
        options.get("pooling", "arithmetic"),
        options.get("temperature", False),
        limits,
        options.get("sample_weight"),
    )
    random = rng()
    best, average, way = ("best", members), ("average", members), (method, members)
    predicted = problem.cross_fit([best, average, way], options.get("fold_count", 5), random)
    found = problem.estimates(predicted)
    assert chosen.estimates == {"best": found[best], "average": found[average], "ensemble": found[way]}
    assert chosen.gain == problem.gain(predicted[best], predicted[way], random)
    expected = problem.fit(way, np.arange(ROWS), random)
    assert numbers(chosen) == list(expected.members)
    assert np.array_equal(chosen.weights, expected.weights) and chosen.temperature == expected.temperature
    assert (chosen.method, chosen.loss, chosen.task, chosen.fallback) == (method, loss, "multiclass", False)
    assert chosen.estimate == found[way] and chosen.notes == ()
    stacked = method == "stacking" and len(expected.members) > 1
    assert chosen.pooling == ("stacked" if stacked else options.get("pooling", "arithmetic"))
    assert (chosen.stacker is not None) == stacked
    parts = [candidates[n].predictions for n in numbers(chosen)]
    if stacked:
        assert chosen.stacker is not None and expected.stacker is not None
        assert np.array_equal(chosen.stacker.coefficients, expected.stacker.coefficients)
        assert np.array_equal(chosen.predictions(), expected.stacker.predict(parts, "multiclass"))
    else:
        pooled = pool(parts, chosen.weights, chosen.pooling, "multiclass", chosen.temperature)
        assert np.array_equal(chosen.predictions(), pooled)


def test_defaults_are_eight_members_by_auto_five_folds_and_no_temperature() -> None:
    candidates, y = noisy("multiclass", count=12, rows=120)
    chosen = build(candidates, y, "multiclass", confidence=None, rng=rng())
    same = build(candidates, y, "multiclass", 8, "auto", confidence=None, fold_count=5, temperature=False, rng=rng())
    assert len(chosen.candidates) == 8 and chosen.method == "weighted" and chosen.temperature == 1.0
    assert len(build(candidates, y, "multiclass", method="average", confidence=None, rng=rng()).candidates) == 8
    assert chosen.estimates == same.estimates and np.array_equal(chosen.weights, same.weights)
    assert chosen.loss == "log_loss" and chosen.pooling == "arithmetic"
    four = build(candidates, y, "multiclass", confidence=None, fold_count=4, rng=rng())
    assert four.estimates != same.estimates


def test_a_selection_is_plain_unless_told() -> None:
    plain = Selection((), np.array([]), "binary", "best", "log_loss")
    assert (plain.pooling, plain.temperature, plain.stacker, plain.gain) == ("arithmetic", 1.0, None, None)
    assert (plain.estimates, plain.fallback, plain.notes) == ({}, False, ())


# -- fallback ----------------------------------------------------------------------
def test_fallback_where_the_ensemble_is_better_in_too_few_samples_of_the_bootstrap() -> None:
    candidates, y = noisy(seed=2)
    free = build(candidates, y, "binary", 4, "average", confidence=None, rng=rng())
    assert free.gain is not None
    share = free.gain.probability
    assert 0.05 < share < 1
    kept = build(candidates, y, "binary", 4, "average", confidence=share, rng=rng())
    assert not kept.fallback and kept.method == "average" and numbers(kept) == numbers(free)
    lost = build(candidates, y, "binary", 4, "average", confidence=share + 1e-3, rng=rng())
    assert lost.fallback and lost.method == "best" and list(lost.weights) == [1.0]
    best = build(candidates, y, "binary", 4, "best", rng=rng())
    assert numbers(lost) == numbers(best)
    assert len(lost.notes) == 1 and kept.notes == ()
    # what was tried is still told; what was returned is the best single model
    assert lost.estimates == free.estimates and lost.gain == free.gain
    assert lost.estimate == free.estimates["best"] != free.estimates["ensemble"]


def test_fallback_is_at_one_half_by_default() -> None:
    taken = set()
    for seed in range(30):
        candidates, y = noisy(count=3, rows=12, seed=seed)
        chosen = build(candidates, y, "binary", 3, "average", rng=rng())
        assert chosen.gain is not None
        assert chosen.fallback == (chosen.gain.probability < 0.5)
        if 0.2 < chosen.gain.probability < 0.8:
            taken.add(chosen.fallback)
    assert taken == {True, False}


def test_no_confidence_never_falls_back() -> None:
    candidates, y = noisy()
    good = np.where(y == 1, 0.9, 0.1).astype(np.float32)
    useless = [LibraryModel(0, good), *(LibraryModel(c.number, 1 - c.predictions) for c in candidates[1:])]
    kept = build(useless, y, "binary", 5, "average", confidence=None, rng=rng())
    assert kept.gain is not None and kept.gain.probability == 0
    assert not kept.fallback and len(kept.candidates) == 5
    assert build(useless, y, "binary", 5, "average", confidence=0.001, rng=rng()).fallback


def _timid_and_bold(wrong: int) -> tuple[list[LibraryModel], np.ndarray]:
    """One that is always right and never sure, and two that are sure and wrong in some rows each."""
    y = np.arange(100) % 2
    sure = np.where(y == 1, 0.98, 0.02)
    bold = [np.where((np.arange(100) - shift) % 100 < wrong, 1 - sure, sure) for shift in (0, 50)]
    timid = np.where(y == 1, 0.53, 0.47)
    return [LibraryModel(n, p.astype(np.float32)[:, None]) for n, p in enumerate([timid, *bold])], y


def test_fallback_where_better_in_the_loss_but_clearly_worse_in_that_of_the_single_model() -> None:
    candidates, y = _timid_and_bold(wrong=8)
    better = build(candidates, y, "binary", 3, "greedy", rng=rng())
    assert better.gain is not None and better.gain.probability == 1 and not better.fallback
    worse = build(candidates, y, "binary", 3, "greedy", single_loss="error", rng=rng())
    assert worse.gain is not None and worse.gain.probability == 1
    assert worse.fallback and numbers(worse) == [0] and worse.method == "best" and len(worse.notes) == 1
    assert worse.estimates["ensemble"]["error"].value > worse.estimates["best"]["error"].value == 0
    kept = build(candidates, y, "binary", 3, "greedy", single_loss="error", confidence=None, rng=rng())
    assert not kept.fallback and 0 not in numbers(kept)


def test_as_good_in_the_loss_of_the_single_model_is_no_reason_to_fall_back() -> None:
    y = np.arange(100) % 2
    first = np.where(np.arange(100) < 50, 0.98, 0.55)  # each is right everywhere, and sure of one half
    halves = [np.where(y == 1, p, 1 - p).astype(np.float32) for p in (first, first[::-1])]
    candidates = [LibraryModel(n, p) for n, p in enumerate(halves)]
    chosen = build(candidates, y, "binary", 2, "average", single_loss="error", rng=rng())
    assert chosen.gain is not None and chosen.gain.probability > 0.5
    assert chosen.estimates["ensemble"]["error"] == chosen.estimates["best"]["error"]
    assert not chosen.fallback


def test_no_gain_is_said_once_even_where_the_single_loss_is_worse_too() -> None:
    candidates, y = noisy(seed=2)
    useless = [candidates[0], *(LibraryModel(c.number, 1 - c.predictions) for c in candidates[1:])]
    chosen = build(useless, y, "binary", 5, "average", single_loss="error", rng=rng())
    assert chosen.fallback and len(chosen.notes) == 1 and "no gain" in chosen.notes[0]


# -- the best single model, and one candidate --------------------------------------
def test_best_is_one_model_with_its_nested_estimates() -> None:
    candidates, y = noisy()
    chosen = build(candidates, y, "binary", 4, "best", rng=rng())
    problem = SelectionProblem(
        candidates, as_targets(y, "binary"), "binary", "log_loss", "log_loss", "arithmetic", False, SizeLimits(4), None
    )
    found = problem.estimates(problem.cross_fit([("best", 4)], 5, rng()))
    assert chosen.estimates == {"best": found["best", 4]} and chosen.estimate == found["best", 4]
    assert list(chosen.weights) == [1.0]
    assert numbers(chosen) == list(problem.fit(("best", 4), np.arange(40), rng()).members)
    assert (chosen.method, chosen.gain, chosen.fallback, chosen.notes) == ("best", None, False, ())
    folds = build(candidates, y, "binary", 4, "best", fold_count=20, rng=rng())
    assert folds.estimates == {"best": problem.estimates(problem.cross_fit([("best", 4)], 20, rng()))["best", 4]}
    assert build(candidates, y, "binary", 4, "best", fold_count=21, rng=rng()).estimates == {}


def test_one_candidate_is_an_ensemble_of_one() -> None:
    candidates, y = noisy()
    with pytest.warns(EnsembleWarning) as seen:
        chosen = build(candidates[:1], y, "binary", 2, "greedy", rng=rng())
    assert [str(w.message) for w in seen] == ["2 members asked for, but there is only one candidate"]
    assert chosen.notes == ("2 members asked for, but there is only one candidate",)
    assert chosen.method == "best" and list(chosen.weights) == [1.0] and chosen.gain is None and not chosen.fallback
    assert list(chosen.estimates) == ["best"]
    quiet = build(candidates[:1], y, "binary", 1, "greedy", rng=rng())
    assert quiet.notes == ()
    assert build(candidates[:1], y, "binary", 8, "best", rng=rng()).notes == ()


def test_fewer_candidates_than_members_asked_for_are_told() -> None:
    candidates, y = noisy()
    with pytest.warns(EnsembleWarning):
        chosen = build(candidates[:2], y, "binary", 3, "average", confidence=None, rng=rng())
    assert chosen.notes == ("3 members asked for, but there are only 2 candidates",)
    assert numbers(chosen) == [0, 1] or numbers(chosen) == [1, 0]
    assert build(candidates[:3], y, "binary", 3, "average", confidence=None, rng=rng()).notes == ()


def test_one_left_of_several_is_told() -> None:
    candidates, y = noisy()
    with pytest.warns(EnsembleWarning):
        chosen = build(candidates, y, "binary", 4, "average", max_parameters=19, rng=rng())
    assert numbers(chosen) == [0] and chosen.method == "best" and len(chosen.notes) == 1
    assert "one candidate is left" in chosen.notes[0]
    with pytest.warns(EnsembleWarning):
        of_two = build(candidates[:2], y, "binary", 2, "average", max_parameters=19, rng=rng())
    assert numbers(of_two) == [0] and of_two.notes == chosen.notes


# -- arguments ---------------------------------------------------------------------
WRONG: dict[str, dict[str, Any]] = {
    "no member": {"size": 0},
    "size true": {"size": True},
    "half a member": {"size": 1.5},
    "size as text": {"size": "2"},
    "one fold": {"fold_count": 1},
    "confidence below 0": {"confidence": -0.01},
    "confidence above 1": {"confidence": 1.01},
    "method": {"method": "magic"},
    "too few weights": {"sample_weight": np.ones(39)},
    "a column of weights": {"sample_weight": np.ones((40, 1))},
    "a negative weight": {"sample_weight": np.r_[np.ones(39), -0.1]},
    "loss": {"loss": "rmse"},
    "single loss": {"single_loss": "rmse"},
    "pooling": {"pooling": "median"},
    "stacking with a pooling": {"method": "stacking", "pooling": "arithmetic"},
    "task": {"task": "clustering"},
    "most members": {"max_members": 0},
}
RIGHT: dict[str, dict[str, Any]] = {
    "one member": {"size": 1},
    "size of numpy": {"size": np.int64(2)},
    "two folds": {"fold_count": 2},
    "confidence 0": {"confidence": 0},
    "confidence 1": {"confidence": 1},
    "weights of 0": {"sample_weight": np.r_[np.full(39, 0.5), 0.0]},
    "stacking": {"method": "stacking"},
    "pooling": {"pooling": "arithmetic"},
}


@pytest.mark.parametrize("wrong", WRONG)
def test_wrong_arguments_are_refused(wrong: str) -> None:
    candidates, y = noisy()
    with pytest.raises(EnsembleError):
        build(candidates, y, **{"task": "binary", "size": 2, "rng": rng(), **WRONG[wrong]})


@pytest.mark.parametrize("right", RIGHT)
def test_arguments_at_the_edge_are_taken(right: str) -> None:
    candidates, y = noisy()
    assert build(candidates, y, **{"task": "binary", "size": 2, "rng": rng(), **RIGHT[right]}).task == "binary"


def test_no_rows_and_targets_that_do_not_belong_are_refused_by_name() -> None:
    candidates, y = noisy()
    with pytest.raises(EnsembleError, match="y_validation: at least one row"):
        build(candidates, y[:0], "binary", rng=rng())
    with pytest.raises(EnsembleError, match="^y_validation: "):
        build(candidates, y + 1, "binary", 2, rng=rng())
    several, _ = noisy("multiclass")
    with pytest.raises(EnsembleError, match=r"^y_validation: .* 0 \.\. 2"):
        build(several, np.full(ROWS, 3), "multiclass", 2, rng=rng())
    one = [LibraryModel(c.number, c.predictions[:1]) for c in candidates]
    assert len(build(one, y[:1], "binary", 2, "average", rng=rng()).candidates) == 2


# -- the record --------------------------------------------------------------------
def test_predictions_are_those_of_the_members_pooled_at_the_temperature() -> None:
    parts = [np.array([[0.2, 0.5, 0.3]], np.float32), np.array([[0.6, 0.1, 0.3]], np.float32)]
    weights = np.array([0.75, 0.25])
    members = tuple(LibraryModel(n, p) for n, p in enumerate(parts))
    record = Selection(members, weights, "multiclass", "average", "log_loss", "geometric", 2.0)
    assert np.array_equal(record.predictions(), pool(parts, weights, "geometric", "multiclass", 2.0))
    stacker = Stacker(np.arange(18.0).reshape(6, 3) / 10, np.zeros(3))
    record = Selection(members, weights, "multiclass", "stacking", "log_loss", "stacked", 1.0, stacker)
    assert np.array_equal(record.predictions(), stacker.predict(parts, "multiclass"))


def test_the_estimate_is_that_of_what_was_returned() -> None:
    estimates = {"best": {"rmse": Estimate(2.0, 0.2)}, "ensemble": {"rmse": Estimate(1.0, 0.1)}}
    for method, value in (("best", 2.0), ("greedy", 1.0)):
        record = Selection((), np.array([]), "regression", method, "rmse", estimates=estimates)
        assert record.estimate["rmse"].value == value
    assert Selection((), np.array([]), "regression", "greedy", "rmse").estimate == {}


def test_the_report_is_what_is_known_as_json() -> None:
    estimates = {"best": {"rmse": Estimate(2.0, 0.2)}, "ensemble": {"rmse": Estimate(1.0, 0.1)}}
    gain = PairedGain(0.5, 0.1, 0.9, 0.99)
    record = Selection(
        (), np.array([]), "regression", "greedy", "rmse", estimates=estimates, gain=gain, notes=("so", "it is")
    )
    assert record.report() == {
        "method": "greedy",
        "loss": "rmse",
        "fallback": False,
        "estimate": {"rmse": {"value": 1.0, "error": 0.1}},
        "estimates": {
            "best": {"rmse": {"value": 2.0, "error": 0.2}},
            "ensemble": {"rmse": {"value": 1.0, "error": 0.1}},
        },
        "gain": {"value": 0.5, "low": 0.1, "high": 0.9, "probability": 0.99},
        "calibration": [],
        "notes": ["so", "it is"],
    }
    assert Selection((), np.array([]), "regression", "greedy", "rmse").report()["gain"] is None
