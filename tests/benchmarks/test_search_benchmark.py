"""The search benchmark: equal costs for all, runs that go on, readable reports."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks.search.analysis import at_costs, report, with_regret
from benchmarks.search.evaluator import BudgetSpent, Evaluator
from benchmarks.search.methods import METHODS, resolve, versions
from benchmarks.search.runs import run, run_all
from benchmarks.tables import Table, TableError, data_directory, nasbench201
from genomes.domains import Choice, Float, Int
from genomes.spaces.vector import vector

_PACKAGE = {"optuna gp": "torch", "optuna": "optuna", "smac": "smac", "dehb": "dehb", "keras-tuner": "keras_tuner"}


def table(rungs: tuple[int, ...] | None = None, epochs: int = 9) -> Table:
    """A made-up table with one bump; longer trainings give more."""

    def score(values: dict[str, float], length: int) -> float:
        return -abs(values["x"] - 0.3) - 0.1 * abs(values["n"] - 4) + 0.2 * (values["kind"] == "b") - 1 / length

    return Table(
        name="made-up",
        space=vector({"x": Float(0.0, 1.0), "n": Int(1, 9), "kind": Choice(["a", "b"])}),
        epochs=epochs,
        rungs=rungs,
        observe=lambda values, length, rng: score(values, length),  # type: ignore[arg-type]
        truth=lambda values: score(values, epochs),  # type: ignore[arg-type]
        best=0.2 - 1 / epochs,
    )


def test_what_a_training_costs() -> None:
    """Continuing costs the difference, repeating costs again, and nothing goes beyond the budget."""
    evaluator = Evaluator(table(), 2, seed=0)
    values = {"x": 0.5, "n": 4, "kind": "a"}
    for length, spent in ((3, 3), (9, 9), (3, 12), (9, 21)):
        if spent > 18:
            with pytest.raises(BudgetSpent):
                evaluator.train(values, length)
        else:
            evaluator.train(values, length)
            assert evaluator.spent == pytest.approx(spent / 9)
    assert len(evaluator.rows) == 3


def test_only_full_trainings_are_recommended_once_there_is_one() -> None:
    evaluator = Evaluator(table(), 5, seed=0)
    evaluator.train({"x": 0.9, "n": 1, "kind": "a"}, 9)
    evaluator.train({"x": 0.3, "n": 4, "kind": "b"}, 3)
    assert evaluator.rows[1]["recommended"] == evaluator.rows[0]["recommended"]


@pytest.mark.parametrize("method", [m for m in METHODS if not m.startswith("evo ")])
def test_every_method_spends_its_budget_and_no_more(method: str) -> None:
    package = next((name for prefix, name in _PACKAGE.items() if method.startswith(prefix)), None)
    if package is not None and importlib.util.find_spec(package) is None:
        pytest.skip(f"{package} is not installed")
    found = run(table(), method, seed=1, budget=6)
    assert 4.9 < found["cost"].max() <= 6
    assert (found["cost"].diff().dropna() > 0).all()


def test_versions_are_those_of_the_packages_that_were_asked() -> None:
    assert versions(["evo", "random"]) == {}
    found = versions(["optuna tpe", "optuna gp", "keras-tuner random"])
    assert set(found) <= {"optuna", "keras-tuner"} and all(version[0].isdigit() for version in found.values())


@pytest.mark.parametrize("method", ["evo", "random", "aging 20/10", "local search"])
def test_equal_seeds_equal_runs(method: str) -> None:
    first, second = (run(table((3, 9)), method, 2, 5).drop(columns="seconds") for _ in range(2))
    pd.testing.assert_frame_equal(first, second)


def test_regret_at_a_cost_is_that_of_the_recommendation_then() -> None:
    rows = {"table": "t", "method": "m", "seed": 0, "best": 10.0}
    frame = pd.DataFrame([{**rows, "cost": c, "recommended": r} for c, r in ((1.0, 5.0), (2.0, 8.0), (3.0, 7.0))])
    found = at_costs(with_regret(frame), (0.5, 1.0, 2.5, 3.0)).set_index("cost")["regret"]
    assert found.to_dict() == {1.0: 5.0, 2.5: 2.0, 3.0: 3.0}


def test_an_interrupted_comparison_goes_on(tmp_path: Path) -> None:
    said: list[str] = []
    whole = run_all([table()], ["random", "evo"], 2, 4, tmp_path, said.append)
    assert len(said) == 4
    (tmp_path / "runs" / "made-up-evo-1-at-4.csv").unlink()
    again = run_all([table()], ["random", "evo"], 2, 4, tmp_path, said.append)
    assert len(said) == 5
    columns = [c for c in whole.columns if c != "seconds"]
    pd.testing.assert_frame_equal(whole[columns], again[columns])
    text = report(again, (2, 4), tmp_path, "a title")
    assert "| evo |" in text and "Mean ranks at cost 4" in text
    for name in ("report.md", "summary.csv", "results.csv", "regret.png", "ranks-at-4.svg"):
        assert (tmp_path / name).is_file()


def test_groups_and_wrong_names() -> None:
    assert "evo" in resolve(["all"]) and "keras-tuner bayesian" not in resolve(["all"])
    with pytest.raises(ValueError, match="methods: expected some of .*, got 'nonsense'"):
        resolve(["nonsense"])


def test_missing_data_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EVO_DATA", raising=False)
    with pytest.raises(TableError, match="--data DIR or the environment variable EVO_DATA"):
        data_directory(None)
    with pytest.raises(TableError, match=r"nb201\.csv\.gz"):
        nasbench201(tmp_path)


def test_the_screened_search_is_better_than_random_on_the_made_up_table() -> None:
    def regret(method: str) -> float:
        ends = [run(table(), method, seed, 8)["recommended"].iloc[-1] for seed in range(3)]
        return float(table().best - np.mean(ends))

    assert regret("evo") < regret("random")
