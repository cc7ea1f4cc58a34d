"""Each rule of the frontier: the best ensemble by size, each better than every smaller one."""

from __future__ import annotations

import math
import sys
from typing import Any

import numpy as np
import pytest

from evo.ensemble.library import LibraryModel
from evo.ensemble.selection.estimation import Estimate
from evo.ensemble.selection.frontier import FrontierPoint, frontier
from evo.ensemble.selection.selection import Selection
from evo.errors import EnsembleError

#: The package's attribute of that name is the function.
module = sys.modules[frontier.__module__]
Y = np.zeros(4)


def candidates(*parameters: int | None) -> list[LibraryModel]:
    return [
        LibraryModel(n, np.zeros((4, 1), np.float32), parameters=cost, latency=None if cost is None else cost / 100)
        for n, cost in enumerate(parameters)
    ]


def chosen(members: list[LibraryModel], value: float | None, who: str = "ensemble") -> Selection:
    estimates = {} if value is None else {who: {"rmse": Estimate(value, 0.1)}}
    weights = np.full(len(members), 1 / len(members))
    return Selection(tuple(members), weights, "regression", "average", "rmse", estimates=estimates)


class Builder:
    """Stands in for :func:`build`: answers with the first members that fit, and with the losses told."""

    def __init__(self, losses: dict[int, float | None], who: str = "ensemble") -> None:
        self.losses, self.who = losses, who
        self.asked: list[dict[str, Any]] = []

    def __call__(self, given: list[LibraryModel], y: Any, task: str, size: int, **options: Any) -> Selection:
        self.asked.append({"given": [c.number for c in given], "y": y, "task": task, "size": size, **options})
        most = options.get("max_parameters", options.get("max_latency", math.inf))
        by = "latency" if "max_latency" in options else "parameters"
        members: list[LibraryModel] = []
        for one in given[:size]:
            if sum((getattr(c, by) or 0) for c in [*members, one]) <= most:
                members.append(one)
        return chosen(members, self.losses[len(members)], self.who)


def run(
    monkeypatch: pytest.MonkeyPatch, builder: Builder, given: list[LibraryModel], **options: Any
) -> list[tuple[int, float]]:
    monkeypatch.setattr(module, "build", builder)
    points = frontier(given, Y, "regression", rng="the rng", **options)  # type: ignore[arg-type]
    return [(p.members, p.estimate.value) for p in points]


def test_frontier_by_members_tries_every_size(monkeypatch: pytest.MonkeyPatch) -> None:
    builder = Builder({1: 4.0, 2: 3.0, 3: 2.0})
    assert run(monkeypatch, builder, candidates(1, 1, 1, 1), size=3) == [(1, 4), (2, 3), (3, 2)]
    assert [asked["size"] for asked in builder.asked] == [1, 2, 3]
    assert all(asked["rng"] == "the rng" and asked["task"] == "regression" for asked in builder.asked)
    assert all(asked["confidence"] is None and asked["y"] is Y for asked in builder.asked)


def test_frontier_tries_no_more_sizes_than_there_are_candidates_and_eight_by_default(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    losses = {n: 1.0 / n for n in range(1, 12)}
    builder = Builder(losses)  # type: ignore[arg-type]
    run(monkeypatch, builder, candidates(1, 1))
    assert [asked["size"] for asked in builder.asked] == [1, 2]
    builder = Builder(losses)  # type: ignore[arg-type]
    run(monkeypatch, builder, candidates(*[1] * 11))
    assert [asked["size"] for asked in builder.asked] == list(range(1, 9))


def test_frontier_keeps_only_what_is_better_than_all_that_is_smaller(monkeypatch: pytest.MonkeyPatch) -> None:
    builder = Builder({1: 4.0, 2: 3.0, 3: 3.5, 4: 3.0, 5: 2.0})
    assert run(monkeypatch, builder, candidates(*[1] * 5)) == [(1, 4), (2, 3), (5, 2)]


def test_frontier_takes_the_options_of_build(monkeypatch: pytest.MonkeyPatch) -> None:
    builder = Builder({1: 4.0, 2: 3.0})
    run(monkeypatch, builder, candidates(1, 1), method="nes", confidence=0.5, loss="mae")
    assert {(a["method"], a["confidence"], a["loss"]) for a in builder.asked} == {("nes", 0.5, "mae")}


@pytest.mark.parametrize(("by", "unit"), [("parameters", 1.0), ("latency", 0.01)])
def test_frontier_by_cost_tries_bounds_from_the_cheapest_to_the_whole(
    monkeypatch: pytest.MonkeyPatch, by: str, unit: float
) -> None:
    builder = Builder({1: 4.0, 2: 3.0, 3: 2.0})
    found = run(monkeypatch, builder, candidates(1, 7, 8), by=by, steps=5)
    assert found == [(1, 4), (2, 3), (3, 2)]
    whole, *bounded = builder.asked
    assert f"max_{by}" not in whole and whole["size"] == 8 and whole["confidence"] is None
    bounds = [asked[f"max_{by}"] for asked in bounded]
    assert bounds == pytest.approx([unit * 1, unit * 2, unit * 4, unit * 8])  # evenly on a logarithm; 16 is the whole
    assert all(bound > exact for bound, exact in zip(bounds, [unit * 1, unit * 2, unit * 4, unit * 8], strict=True))
    assert all(asked["confidence"] is None and asked["rng"] == "the rng" for asked in bounded)


def test_frontier_by_cost_tries_eight_bounds_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    builder = Builder({1: 4.0, 2: 3.0})
    run(monkeypatch, builder, candidates(1, 7), by="parameters")
    assert len(builder.asked) == 8


def test_frontier_by_cost_leaves_out_who_does_not_know_it(monkeypatch: pytest.MonkeyPatch) -> None:
    builder = Builder({1: 4.0, 2: 3.0})
    run(monkeypatch, builder, candidates(1, None, 3), by="parameters", steps=3)
    assert all(asked["given"] == [0, 2] for asked in builder.asked)
    with pytest.raises(EnsembleError, match="no candidate knows its latency"):
        frontier(candidates(None), Y, "regression", "latency", rng=np.random.default_rng(0))


def test_frontier_by_something_else_is_refused() -> None:
    with pytest.raises(EnsembleError, match="by: expected"):
        frontier(candidates(1), Y, "regression", "weight", rng=np.random.default_rng(0))  # type: ignore[arg-type]


def test_a_point_sums_the_costs_of_its_members_where_all_are_known() -> None:
    point = module._point(chosen(candidates(2, 3), 1.5))
    assert (point.members, point.parameters, point.latency) == (2, 5, pytest.approx(0.05))
    assert point.estimate == Estimate(1.5, 0.1)
    unknown = module._point(chosen(candidates(2, None), 1.5))
    assert unknown.parameters is None and unknown.latency is None
    assert module._cost(unknown, "parameters") == math.inf and module._cost(point, "parameters") == 5


def test_a_point_of_the_best_single_model_has_its_estimate_and_one_without_rows_none() -> None:
    assert module._point(chosen(candidates(2), 1.5, "best")).estimate.value == 1.5
    nothing = module._point(chosen(candidates(2), None)).estimate
    assert math.isnan(nothing.value) and math.isnan(nothing.error)


def test_of_equal_cost_the_better_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([3.0, 2.0, 5.0])
    monkeypatch.setattr(module, "build", lambda given, *_, **__: chosen(given[:1], next(answers)))
    points = frontier(candidates(1, 1, 1), Y, "regression", rng=np.random.default_rng(0))
    assert [p.estimate.value for p in points] == [2.0]


def test_a_point_as_json() -> None:
    point = module._point(chosen(candidates(2, 3), 1.5))
    assert isinstance(point, FrontierPoint) and point.to_json() == {
        "members": 2,
        "parameters": 5,
        "latency": pytest.approx(0.05),
        "estimate": {"value": 1.5, "error": 0.1},
        "trials": [0, 1],
        "weights": [0.5, 0.5],
    }
