"""Each rule of one selection as a problem: what is fitted on which rows, how it is cross-fitted, and what that says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from evo.ensemble.arguments import as_target, as_targets
from evo.ensemble.calibration import calibrated, fit_temperature
from evo.ensemble.library import LibraryModel
from evo.ensemble.metrics import mean_and_error, row_losses
from evo.ensemble.pooling import pool
from evo.ensemble.selection.estimation import folds, paired_gain
from evo.ensemble.selection.methods import (
    Greedy,
    LearnedWeights,
    average_best,
    best_single,
    forward_without_replacement,
)
from evo.ensemble.selection.pool_loss import PoolLoss
from evo.ensemble.selection.selection_problem import Chosen, SelectionProblem
from evo.ensemble.size_limits import Costs, SizeLimits
from evo.ensemble.stacking import Stacker, fit_stacker

TASKS = ["binary", "multiclass", "multilabel", "regression"]
ROWS = 24
SOME = np.array([0, 2, 3, 5, 7, 8, 11, 12, 13, 17, 18, 20, 22])
ALL = np.arange(ROWS)


def rng() -> np.random.Generator:
    return np.random.default_rng(11)


def noisy(task: str, count: int = 5, seed: int = 0) -> tuple[list[np.ndarray], np.ndarray]:
    """Noisy models of one truth, the later the noisier, and the targets."""
    random = np.random.default_rng(seed)
    outputs = {"binary": 1, "multiclass": 3, "multilabel": 2, "regression": 2}[task]
    truth = random.normal(size=(ROWS, outputs))
    predictions = []
    for number in range(count):
        own = truth + random.normal(size=truth.shape) * (0.6 + 0.2 * number)
        if task == "multiclass":
            own = np.exp(2 * own) / np.exp(2 * own).sum(axis=1, keepdims=True)
        elif task != "regression":
            own = 1 / (1 + np.exp(-2 * own))
        predictions.append(own.astype(np.float32))
    y = {"multiclass": truth.argmax(axis=1), "regression": truth}.get(task, (truth > 0).astype(int))
    return predictions, as_targets(y, task)


def problem_of(
    task: str,
    loss: str | None = None,
    single_loss: str | None = None,
    pooling: str = "arithmetic",
    temperature: bool = False,
    limits: SizeLimits | None = None,
    weight: np.ndarray | None = None,
) -> SelectionProblem:
    predictions, targets = noisy(task)
    candidates = [LibraryModel(n, p, parameters=n + 1) for n, p in enumerate(predictions)]
    loss = loss or as_target(task).losses[0]
    return SelectionProblem(
        candidates, targets, task, loss, single_loss or loss, pooling, temperature, limits or SizeLimits(), weight
    )


def full(chosen: Chosen, count: int = 5) -> np.ndarray:
    weights = np.zeros(count)
    weights[chosen.members] = chosen.weights
    return weights


# -- pooling what was chosen -------------------------------------------------------
def test_combine_pools_without_a_temperature_unless_told() -> None:
    parts = [np.array([[0.2], [0.9]], np.float32), np.array([[0.6], [0.5]], np.float32)]
    weights = np.array([0.75, 0.25])
    assert pool(parts, weights, "arithmetic", "binary") == pytest.approx(np.array([[0.3], [0.8]]))
    softer = pool(parts, weights, "arithmetic", "binary", 2.0)
    assert np.array_equal(softer, pool(parts, weights, "arithmetic", "binary", 2.0)) and softer[0, 0] > 0.35
    geometric = pool(parts, weights, "geometric", "binary")
    assert np.array_equal(geometric, pool(parts, weights, "geometric", "binary")) and geometric[0, 0] < 0.299
    three = [np.array([[0.2, 0.5, 0.3]], np.float32), np.array([[0.6, 0.1, 0.3]], np.float32)]
    assert np.array_equal(
        pool(three, weights, "geometric", "multiclass"), pool(three, weights, "geometric", "multiclass")
    )


def test_combine_asks_the_stacker_where_there_is_one() -> None:
    parts = [np.array([[0.2], [0.9]], np.float32), np.array([[0.6], [0.5]], np.float32)]
    stacker = Stacker(np.array([[1.0], [-0.5]]), np.array([0.25]))
    for task in ("binary", "regression"):
        found = pool(parts, np.array([0.5, 0.5]), "arithmetic", task, 1.0, stacker)
        assert np.array_equal(found, stacker.predict(parts, task))


def test_chosen_has_no_temperature_and_no_stacker_unless_given() -> None:
    chosen = Chosen(np.array([0]), np.array([1.0]))
    assert chosen.temperature == 1.0 and chosen.stacker is None


# -- which method, on which rows ---------------------------------------------------
@pytest.mark.parametrize("rows", [ALL, SOME], ids=["all rows", "some rows"])
@pytest.mark.parametrize("task", TASKS)
def test_fit_chooses_by_the_named_method_on_the_given_rows(task: str, rows: np.ndarray) -> None:
    limits = SizeLimits(members=3, parameters=11)
    problem = problem_of(task, limits=limits)
    score = PoolLoss([c.predictions[rows] for c in problem.candidates], problem.targets[rows], task, loss=problem.loss)
    costs = Costs(problem.candidates, limits)
    expected = {
        "best": best_single(score, costs),
        "average": average_best(score, costs, 2),
        "weighted": LearnedWeights(2)(score, costs),
        "greedy": Greedy()(score, costs, rng()),
        "bagged": Greedy(bags=20, steps=25)(score, costs, rng()),
        "nes": forward_without_replacement(score, costs, 2),
    }
    for method, weights in expected.items():
        found = problem.fit((method, 2), rows, rng())
        assert full(found) == pytest.approx(weights, abs=1e-6), method
        assert list(found.weights) == sorted(found.weights, reverse=True)
        assert found.temperature == 1.0 and found.stacker is None
    # all but the greedy ones keep to the size of the way
    assert [np.count_nonzero(expected[m]) for m in ("best", "average", "weighted", "nes")] == [1, 2, 2, 2]


def test_fit_puts_the_heaviest_first_and_of_equals_the_earlier() -> None:
    problem = problem_of("regression")
    found = problem.fit(("average", 4), ALL, rng())
    assert list(found.members) == sorted(found.members) and len(found.members) == 4
    predictions, targets = noisy("regression", count=40)
    candidates = [LibraryModel(n, p) for n, p in enumerate(predictions)]
    many = SelectionProblem(candidates, targets, "regression", "rmse", "rmse", "arithmetic", False, SizeLimits(), None)
    assert list(many.fit(("average", 40), ALL, rng()).members) == list(range(40))
    found = problem.fit(("greedy", 4), ALL, rng())
    assert len(set(found.weights)) > 1
    order = sorted(range(len(found.members)), key=lambda i: (-found.weights[i], found.members[i]))
    assert order == list(range(len(found.members)))


@pytest.mark.parametrize("task", ["binary", "multiclass"])
def test_learned_weights_follow_the_log_loss_where_the_error_rate_is_minimised(task: str) -> None:
    by_error, by_loss = problem_of(task, "error"), problem_of(task, "log_loss")
    for rows in (ALL, SOME):
        found, expected = (p.fit(("weighted", 5), rows, rng()) for p in (by_error, by_loss))
        assert np.array_equal(full(found), full(expected))
    assert by_error.smooth is not by_error.pool and by_loss.smooth is by_loss.pool
    geometric = problem_of(task, "error", pooling="geometric")
    expected = problem_of(task, "log_loss", pooling="geometric").fit(("weighted", 5), ALL, rng())
    assert np.array_equal(full(geometric.fit(("weighted", 5), ALL, rng())), full(expected))


def test_the_smooth_stand_in_of_the_error_rate_weighs_rows_too() -> None:
    weight = np.linspace(0.0, 3.0, ROWS)
    found = problem_of("binary", "error", weight=weight).fit(("weighted", 5), ALL, rng())
    expected = problem_of("binary", "log_loss", weight=weight).fit(("weighted", 5), ALL, rng())
    assert np.array_equal(full(found), full(expected))


@pytest.mark.parametrize("task", ["binary", "multiclass", "multilabel"])
def test_calibrated_log_loss_weighs_members_as_if_each_had_its_best_temperature(task: str) -> None:
    problem = problem_of(task, "calibrated_log_loss")
    as_if = [calibrated(c.predictions, problem.targets, task) for c in problem.candidates]
    score = PoolLoss(as_if, problem.targets, task, "arithmetic", "log_loss")
    costs = Costs(problem.candidates, SizeLimits())
    for rows in (ALL, SOME):
        found = problem.fit(("greedy", 5), rows, rng())
        assert np.array_equal(full(found), Greedy()(score.subset(rows), costs, rng()))
    # ... and pools them as they are
    parts = [problem.candidates[i].predictions for i in found.members]
    assert np.array_equal(problem.predict(found, ALL), pool(parts, found.weights, "arithmetic", task))


@pytest.mark.parametrize("loss", ["brier", "error", "log_loss"])
def test_fit_minimises_the_loss_asked_for_with_the_pooling_asked_for(loss: str) -> None:
    for pooling in ("arithmetic", "geometric"):
        problem = problem_of("multiclass", loss, pooling=pooling)
        predictions = [c.predictions for c in problem.candidates]
        score = PoolLoss(predictions, problem.targets, "multiclass", pooling, loss)
        expected = Greedy()(score, Costs(problem.candidates, SizeLimits()), rng())
        assert np.array_equal(full(problem.fit(("greedy", 5), ALL, rng())), expected)


def test_row_weights_count_in_what_is_minimised() -> None:
    weight = np.where(ALL < 12, 0.0, 1.0)
    problem = problem_of("regression", weight=weight)
    late = problem.fit(("greedy", 5), np.arange(12, 24), rng())
    assert full(problem.fit(("greedy", 5), ALL, rng())) == pytest.approx(full(late))
    assert not np.allclose(full(problem_of("regression").fit(("greedy", 5), ALL, rng())), full(late))
    whole = problem_of("regression", weight=np.ones(ROWS, dtype=np.int32))
    assert whole.weight is not None and whole.weight.dtype == np.float64


# -- the best single model ---------------------------------------------------------
def test_the_best_single_model_is_best_in_a_loss_of_its_own() -> None:
    y = np.array([1, 1, 1, 1, 0, 0, 0, 0])
    timid = np.where(y == 1, 0.6, 0.4)
    bold = np.where(y == 1, 0.99, 0.01)
    bold[[0, 7]] = 0.45, 0.55
    candidates = [LibraryModel(n, p.astype(np.float32)[:, None]) for n, p in enumerate([bold, timid])]
    targets = as_targets(y, "binary")

    def best(single_loss: str, rows: np.ndarray, weight: np.ndarray | None = None) -> int:
        problem = SelectionProblem(
            candidates, targets, "binary", "log_loss", single_loss, "arithmetic", False, SizeLimits(), weight
        )
        if single_loss != "log_loss":
            assert problem.single_losses is not None and problem.single_losses.dtype == np.float32
        return int(problem.fit(("best", 1), rows, rng()).members[0])

    every = np.arange(8)
    assert best("log_loss", every) == 0
    assert best("error", every) == 1
    assert best("error", np.arange(1, 7)) == 0  # both are right there: told apart by the log loss
    weight = np.array([0.0, 1, 1, 1, 1, 1, 1, 0])
    assert best("error", every, weight) == 0  # what is wrong weighs nothing
    assert best("error", np.arange(7), weight) == 0
    assert best("error", np.arange(7)) == 1


# -- temperature -------------------------------------------------------------------
@pytest.mark.parametrize("task", TASKS)
def test_temperature_is_fitted_after_pooling_on_the_rows_chosen_on_and_never_for_regression(task: str) -> None:
    pooling = "arithmetic" if task == "regression" else "geometric"
    problem = problem_of(task, pooling=pooling, temperature=True)
    assert problem.fit(("average", 3), SOME, rng()).temperature == pytest.approx(
        1.0 if task == "regression" else _temperature(problem, task, pooling)
    )
    assert problem_of(task, pooling=pooling).fit(("average", 3), SOME, rng()).temperature == 1.0


def _temperature(problem: SelectionProblem, task: str, pooling: str) -> float:
    chosen = problem_of(task, pooling=pooling).fit(("average", 3), SOME, rng())
    pooled = pool([problem.candidates[i].predictions[SOME] for i in chosen.members], chosen.weights, pooling, task)
    found = fit_temperature(pooled, problem.targets[SOME], task)
    assert found != 1.0
    return found


def test_predictions_of_other_rows_are_pooled_at_the_temperature_chosen() -> None:
    problem = problem_of("multiclass", pooling="geometric", temperature=True)
    chosen = problem.fit(("average", 3), SOME, rng())
    others = np.setdiff1d(ALL, SOME)
    parts = [problem.candidates[i].predictions[others] for i in chosen.members]
    expected = pool(parts, chosen.weights, "geometric", "multiclass", chosen.temperature)
    assert np.array_equal(problem.predict(chosen, others), expected)
    assert not np.array_equal(expected, pool(parts, chosen.weights, "geometric", "multiclass"))


# -- stacking ----------------------------------------------------------------------
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("task", TASKS)
def test_stacking_is_a_linear_model_on_the_greedily_chosen(task: str, weighted: bool) -> None:
    weight = np.linspace(0.5, 2.0, ROWS) if weighted else None
    problem = problem_of(task, temperature=True, weight=weight)
    greedy, found = (problem.fit((method, 5), SOME, rng()) for method in ("greedy", "stacking"))
    assert list(found.members) == list(greedy.members) and len(found.members) > 1
    parts = [problem.candidates[i].predictions[SOME] for i in found.members]
    expected = fit_stacker(parts, problem.targets[SOME], task, row_weight=None if weight is None else weight[SOME])
    assert found.stacker is not None
    assert np.array_equal(found.stacker.coefficients, expected.coefficients)
    assert np.array_equal(found.stacker.intercept, expected.intercept)
    assert np.array_equal(found.weights, expected.member_weights(len(parts)))
    assert found.temperature == 1.0
    every = [problem.candidates[i].predictions for i in found.members]
    assert np.array_equal(problem.predict(found, ALL), expected.predict(every, task))


def test_stacking_two_models_is_stacking_and_one_alone_is_not() -> None:
    two = problem_of("regression", limits=SizeLimits(members=2)).fit(("stacking", 2), ALL, rng())
    assert len(two.members) == 2 and two.stacker is not None
    one = problem_of("binary", temperature=True, limits=SizeLimits(members=1)).fit(("stacking", 1), ALL, rng())
    assert list(one.weights) == [1.0] and one.stacker is None and one.temperature != 1.0


# -- cross-fitting -----------------------------------------------------------------
@pytest.mark.parametrize("task", TASKS)
def test_cross_fitting_judges_each_row_by_what_was_chosen_without_it(task: str) -> None:
    problem = problem_of(task)
    ways = [("best", 2), ("average", 2), ("weighted", 2), *([("bagged", 2)] if task == "binary" else [])]
    found = problem.cross_fit(ways, 3, rng())
    random = rng()
    fold = folds(ROWS, 3, problem.targets if task == "multiclass" else None, random)
    expected = {way: np.zeros_like(problem.candidates[0].predictions) for way in ways}
    for number in range(3):
        for way in ways:
            chosen = problem.fit(way, np.flatnonzero(fold != number), random)
            held_out = np.flatnonzero(fold == number)
            expected[way][held_out] = problem.predict(chosen, held_out)
    assert list(found) == ways
    for way in ways:
        assert found[way].dtype == np.float32 and np.array_equal(found[way], expected[way])


def test_cross_fitting_needs_two_rows_per_fold() -> None:
    problem = problem_of("regression")
    assert problem.cross_fit([("best", 1)], 13, rng()) == {}
    assert len(problem.cross_fit([("best", 1)], 12, rng())) == 1


def test_cross_fitting_stratifies_by_class() -> None:
    """Each class of a multiclass task is spread over the folds as evenly as it can be."""
    y = np.repeat([0, 1], [18, 6])
    candidates = [LibraryModel(n, np.full((24, 2), 0.5, np.float32)) for n in range(2)]
    seen: list[np.ndarray] = []

    class Watched(SelectionProblem):
        def fit(self, way: tuple[str, int], rows: np.ndarray, rng: np.random.Generator) -> Chosen:
            seen.append(np.bincount(y[rows], minlength=2))
            return super().fit(way, rows, rng)

    for task in ("multiclass", "binary"):
        seen.clear()
        if task == "binary":
            candidates = [LibraryModel(c.number, c.predictions[:, :1]) for c in candidates]
        problem = Watched(
            candidates, as_targets(y, task), task, "log_loss", "log_loss", "arithmetic", False, SizeLimits(), None
        )
        problem.cross_fit([("best", 1)], 6, rng())
        even = all(list(counts) == [15, 5] for counts in seen)
        assert even == (task == "multiclass")


# -- estimates ---------------------------------------------------------------------
REPORTED = {
    ("binary", "log_loss"): ["log_loss", "error"],
    ("binary", "error"): ["error", "log_loss"],
    ("multiclass", "brier"): ["brier", "error", "log_loss"],
    ("multilabel", "calibrated_log_loss"): ["calibrated_log_loss", "error", "log_loss"],
    ("regression", "rmse"): ["rmse", "mae"],
    ("regression", "mae"): ["mae", "rmse"],
}


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("task", "loss"), REPORTED)
def test_estimates_are_the_loss_minimised_and_the_metrics_of_the_task(task: str, loss: str, weighted: bool) -> None:
    weight = np.linspace(0.5, 2.0, ROWS) if weighted else None
    problem = problem_of(task, loss, weight=weight)
    outputs = problem.candidates[1].predictions
    found = problem.estimates({("best", 3): outputs})[("best", 3)]
    assert list(found) == REPORTED[task, loss]
    for metric, estimate in found.items():
        value, error = mean_and_error(metric, task, row_losses(metric, task, outputs, problem.targets), weight)
        assert (estimate.value, estimate.error) == (value, error)


def _gain(problem: SelectionProblem, loss: str, weight: np.ndarray | None) -> Any:
    single, ensemble = (
        row_losses(loss, problem.target, problem.candidates[i].predictions, problem.targets) for i in (3, 1)
    )
    return paired_gain(single, ensemble, rng(), weight)


@pytest.mark.parametrize("weight", [None, np.linspace(0.2, 2.0, ROWS)], ids=["even", "weighted"])
def test_gain_is_the_paired_bootstrap_in_the_loss_minimised_unless_another_is_named(weight: np.ndarray | None) -> None:
    problem = problem_of("binary", "brier", weight=weight)
    single, ensemble = problem.candidates[3].predictions, problem.candidates[1].predictions
    assert problem.gain(single, ensemble, rng()) == _gain(problem, "brier", weight)
    assert problem.gain(single, ensemble, rng(), "error") == _gain(problem, "error", weight)
    assert problem.gain(single, ensemble, rng()).value > 0 > problem.gain(ensemble, single, rng()).value
