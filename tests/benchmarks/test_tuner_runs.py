"""Metering, the numeric form of tasks, reports on synthetic runs, and one counted KerasTuner search."""

from __future__ import annotations

import argparse
import json
import math
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks import tasks, tidy
from benchmarks.tuners import add_arguments, command, methods, report
from benchmarks.tuners.metering import Allowance, BudgetSpent, Meter
from benchmarks.tuners.numeric import numeric
from benchmarks.tuners.products import best_and_average, loss
from benchmarks.tuners.runs import Delivery, write_results


def meter(**allowance: float) -> tuple[Meter, list[float]]:
    now = [0.0]
    return Meter(Allowance(**allowance), 100, lambda a, b: a > b, clock=lambda: now[0]), now  # type: ignore[arg-type]


# -- metering --------------------------------------------------------------------------------
@pytest.mark.parametrize("given", [{}, {"minutes": 1.0, "epochs": 5}, {"epochs": 0}, {"minutes": math.nan}])
def test_allowance_is_exactly_one(given: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="one of"):
        Allowance(**given)  # type: ignore[arg-type]


def test_meter_counts_epochs_and_samples() -> None:
    counted, _ = meter(epochs=3)
    counted.ask()
    counted.begin(0)
    counted.fitting(32)
    stops = []
    for _ in range(3):
        for _ in range(4):
            assert counted.batch() is False
        stops.append(counted.epoch(0.5))
    assert stops == [False, False, True]
    assert (counted.epochs, counted.samples) == (3, 300)
    counted.end("completed", 0.5)
    with pytest.raises(BudgetSpent):
        counted.ask()


def test_clock_stops_within_an_epoch_and_the_part_is_no_epoch() -> None:
    counted, now = meter(minutes=1.0)
    counted.ask()
    now[0] = 5.0
    assert counted.begin(0).proposing == 5.0
    counted.fitting(40)
    assert counted.batch() is False
    now[0] = 61.0
    assert counted.batch() is True
    assert counted.epoch(0.4) is True
    counted.end("completed", 0.4)
    assert (counted.epochs, counted.samples, counted.trials[0].epochs) == (0, 80, 0)
    assert counted.proposing == 5.0 and counted.training == 56.0


def test_time_can_run_out_while_proposing() -> None:
    counted, now = meter(minutes=1.0)
    counted.ask()
    now[0] = 70.0
    with pytest.raises(BudgetSpent):
        counted.begin(0)
    assert counted.trials == [] and counted.proposing == 70.0


# -- data and products -----------------------------------------------------------------------
def test_numeric_learns_from_training_rows_only() -> None:
    x = {"a": np.array([1.0, np.nan, 3.0], np.float32), "b": np.array(["u", "v", "u"])}
    other = {"a": np.array([2.0, np.nan], np.float32), "b": np.array(["w", "v"])}
    y = np.array([0, 1, 0])
    task = tasks.Task("t", "tabular", "binary", 2, x, y, other, y[:2], other, y[:2])
    data = numeric(task)
    assert data.x_train.tolist() == [[-1, 0, 1, 0], [0, 1, 0, 1], [1, 0, 1, 0]]
    assert data.x_test.tolist() == [[0, 0, 0, 0], [0, 1, 0, 1]]


def test_numeric_text_and_series() -> None:
    y = np.array([0, 1])
    text = np.array(["Hello hello world", "world !"])
    data = numeric(tasks.Task("t", "text", "binary", 2, text, y, text, y, np.array(["new world"] * 2), y))
    assert data.x_train.shape == (2, 3) and data.vocabulary == 5
    assert data.x_test[0].tolist()[0] == 1 and data.x_test[0, 1] == data.x_train[1, 0]
    series = np.array([[[1.0], [3.0]], [[2.0], [np.nan]]], np.float32)
    found = numeric(tasks.Task("t", "timeseries", "binary", 2, series, y, series, y, series, y)).x_train
    assert found[1].tolist() == [[0.0, 1.0], [0.0, 0.0]]


def test_average_and_loss() -> None:
    task = tasks.load("wine", seed=1)
    sure = [np.eye(3)[(y + 0) % 3] for y in (task.y_validation, task.y_test)]
    flat = [np.full_like(part, 1 / 3) for part in sure]
    best, average = best_and_average(task, [sure[0], flat[0]], [sure[1], flat[1]], [10, 20])
    assert best.test_error == average.test_error == 0 and (average.members, average.parameters) == (2, 30)
    assert best.test_loss == pytest.approx(0, abs=1e-6) and average.test_loss == pytest.approx(-math.log(2 / 3))
    assert loss(task, task.y_test, flat[1]) == pytest.approx(math.log(3))


# -- methods and arguments -------------------------------------------------------------------
def test_methods_expand_groups_and_refuse_names() -> None:
    names = [method.name for method in methods.expand(["kt-random@own", "product", "same"])]
    assert names[0] == "kt-random@own" and len(names) == len(set(names)) == 9
    with pytest.raises(ValueError, match="got 'nothing'"):
        methods.expand(["nothing"])
    wine, digits = tasks.load("wine"), tasks.load("digits")
    assert not methods.METHODS["kt-random@resnet"].applies(wine)
    assert methods.METHODS["kt-random@resnet"].applies(digits)


def arguments(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return parser.parse_args(words)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--epochs", "3"], "--task"),
        (["--task", "wine"], "one of --minutes and --epochs"),
        (["--task", "wine", "--epochs", "3", "--seeds", "0"], "--seeds"),
        (["--task", "wine", "--epochs", "3", "--cores", "9999"], "--cores"),
        (["--task", "wine", "--epochs", "3", "--methods", "autokeras"], "--autokeras-python"),
        (["--task", "wine", "--epochs", "3", "--train-size", "many"], "--train-size"),
    ],
)
def test_wrong_calls_are_refused(
    words: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.run(arguments(*words, "--out", str(tmp_path / "out"))) == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.glob("out/runs/*"))


# -- reports ---------------------------------------------------------------------------------
ERRORS = {"evo@own": 0.05, "evo@same": 0.1, "kt-random@same": 0.2, "kt-hyperband@own": 0.15}


def synthetic_run(out: Path, task: tasks.Task, method: str, seed: int, error: float) -> None:
    counted, now = meter(epochs=10)
    counted.ask()
    counted.begin(0, "x=1")
    counted.fitting(100)
    for epoch in range(10):
        now[0] += 6
        counted.batch()
        counted.epoch(1 - error - 0.3 / (epoch + 1) ** (2 if method.startswith("evo") else 1))
    counted.end("completed", 1 - error)
    truth = np.eye(3)[task.y_test]
    rng = np.random.default_rng(seed)
    wrong = rng.choice(len(truth), max(1, round(error * len(truth))), replace=False)
    truth[wrong] = np.roll(truth[wrong], 1, axis=1)
    products = best_and_average(task, [np.eye(3)[task.y_validation]] * 2, [truth] * 2, [7, 7])
    if method == "evo@own":
        products[1].product = "ensemble"
    run = {"task": task.name, "method": method, "seed": seed, "budget": "10epochs"}
    folder = out / "runs" / task.name / "10epochs" / method / str(seed)
    write_results(folder, run, task, counted, Delivery(products))
    from benchmarks import machine

    record = {
        **run,
        "task_fingerprint": task.fingerprint,
        "kind": task.kind,
        "target": task.target,
        "trials": 1,
        **{f"rows_{role}": count for role, count in task.rows.items()},
        "failed": 0,
        "epochs": 10,
        "samples": 1000,
        "seconds": 60.0,
        "proposing": 1.0,
        "training": 59.0,
        "after_search": 0.5,
        "ended": "budget",
        "peak_memory_mib": 1,
        "trial_epochs": 10,
        "patience": 5,
        "top": 2,
        "ensemble": 8,
        "cores": 1,
        "precision": "float32",
        "machine": machine.describe(),
    }
    tidy.write_json(folder / "run.json", record)


def test_report_on_synthetic_runs(tmp_path: Path) -> None:
    task = tasks.load("wine", seed=1)
    for seed in (1, 2):
        for method, error in ERRORS.items():
            synthetic_run(tmp_path, task, method, seed, error)
    assert report.write(tmp_path) == 0
    text = (tmp_path / "report.md").read_text()
    assert "Same space, best single model" in text and "Whole product" in text
    assert "| wine | kt-random@same | 0.1111 | 0.1944 | 0.571 |" in text
    assert "| wine | kt-hyperband@own average | 0.0556 | 0.1389 | 0.400 |" in text or (
        "| wine | kt-hyperband@own best | 0.0556 | 0.1389 | 0.400 |" in text
    )
    for name in ("ranks", "epochs", "minutes"):
        assert (tmp_path / f"budget-10epochs-{name}.svg").stat().st_size > 1000
    assert len(tidy.read(tmp_path / "evaluations.csv")) == 2 * len(ERRORS) * 10
    before = (tmp_path / "report.md").read_bytes(), (tmp_path / "budget-10epochs-ranks.svg").read_bytes()
    report.write(tmp_path)
    assert before == ((tmp_path / "report.md").read_bytes(), (tmp_path / "budget-10epochs-ranks.svg").read_bytes())


def test_published_results_are_added_to(tmp_path: Path) -> None:
    """Without the folders of its runs a report stays as it is, byte for byte, and takes new runs in."""
    task = tasks.load("wine", seed=1)
    for method, error in ERRORS.items():
        synthetic_run(tmp_path, task, method, 1, error)
    report.write(tmp_path)
    files = {path: path.read_bytes() for path in tmp_path.glob("*.*")}
    shutil.rmtree(tmp_path / "runs")
    assert set(report.finished_runs(tmp_path)) == {("wine", method, 1, "10epochs") for method in ERRORS}
    report.write(tmp_path)
    assert files == {path: path.read_bytes() for path in tmp_path.glob("*.*")}
    synthetic_run(tmp_path, task, "evo@own", 2, 0.05)
    synthetic_run(tmp_path, task, "evo@own", 1, 0.5)  # done again: counts instead of the published one
    report.write(tmp_path)
    assert len(tidy.read(tmp_path / "runs.csv")) == len(ERRORS) + 1
    ours = tidy.read(tmp_path / "products.csv").query("method == 'evo@own' and seed == 1")
    assert len(ours) == 2 and (ours["test_error"] > 0.4).all()


def test_a_run_without_a_model_loses_its_block() -> None:
    runs = pd.DataFrame(
        [{"task": "p", "method": m, "seed": 1, "budget": "b", "target": "multiclass"} for m in ("good", "none")]
    )
    products = runs.iloc[:1].assign(product="best", error="error rate", test_error=0.2, validation_error=0.2)
    found = report.missing_as_worst(products, runs)
    assert found.set_index("method").loc["none", "test_error"] == 1.0


def test_no_error_at_all_counts_as_half_a_wrong_row_in_ratios() -> None:
    runs = pd.DataFrame(
        [
            {"task": "p", "method": method, "seed": seed, "budget": "b", "rows_test": 50}
            for method in ("evo@own", "kt-random@own")
            for seed in (1, 2)
        ]
    )
    errors = [0.0, 0.0, 0.02, 0.0]
    products = runs.assign(product=["ensemble"] * 2 + ["best"] * 2, error="error rate", test_error=errors)
    text = report.product_summary(report.with_least(products, runs))
    assert "| p | kt-random@own best | 0.0000 | 0.0100 | 0.500 |" in text  # 0.5 / 100 over 0.01
    regression = report.with_least(products.assign(error="RMSE", test_error=2.0), runs)
    assert (regression["least"] == 0).all()


def test_a_run_without_error_keeps_the_scale_of_paired_tests(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    runs = pd.DataFrame(
        [
            {"task": task, "method": method, "seed": seed, "budget": "b", "rows_test": 50}
            for method in ("evo@own", "kt-random@own")
            for task in ("p", "q")
            for seed in (1, 2)
        ]
    )
    products = runs.assign(product=["ensemble"] * 4 + ["best"] * 4, error="error rate")
    products["test_error"] = [0.0, 0.02, 0.04, 0.04, 0.04, 0.04, 0.04, 0.04]
    text = report.ranks_and_tests(report.with_least(products, runs), tmp_path, "own")
    # 0 of 50 rows counts as 0.5: the geometric mean of 1/4, 1/2, 1 and 1.
    assert "| kt-random@own best | 2 | 0 | 0.595 |" in text
    assert "fewer runs" not in text


def test_a_method_with_fewer_runs_takes_nothing_from_the_others(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    rows = [
        {"task": task, "method": method, "seed": 1, "budget": "b", "rows_test": 50}
        for method in ("evo@own", "kt-random@own")
        for task in ("p", "q")
    ]
    rows.append({"task": "q", "method": "kt-hyperband@resnet", "seed": 1, "budget": "b", "rows_test": 50})
    runs = pd.DataFrame(rows)
    products = runs.assign(product=["ensemble"] * 2 + ["best"] * 3, error="error rate", test_error=0.1)
    products.loc[products["method"] == "evo@own", "test_error"] = 0.05
    text = report.ranks_and_tests(report.with_least(products, runs), tmp_path, "own")
    assert "over 2 tasks" in text and "| kt-random@own best | 2 | 0 | 0.500 |" in text
    assert "fewer runs: kt-hyperband@resnet best." in text


def test_report_of_nothing(tmp_path: Path) -> None:
    assert report.write(tmp_path) == 1


# -- one real search -------------------------------------------------------------------------
@pytest.mark.timeout(120)
def test_keras_tuner_is_counted_exactly_and_goes_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("keras_tuner")
    words = ["--task", "wine", "--methods", "kt-random@same", "--epochs", "3", "--trial-epochs", "2"]
    call = arguments(*words, "--cores", "1", "--out", str(tmp_path))
    assert command.run(call) == 0
    trials = tidy.read(tmp_path / "trials.csv")
    assert trials["epochs"].tolist() == [2, 1]  # the second is cut by the budget, not by its own end
    assert trials["samples"].tolist() == [226, 113]
    assert trials["total_samples"].iloc[-1] == 339
    run = json.loads(next(tmp_path.glob("runs/*/*/*/*/run.json")).read_text())
    assert (run["epochs"], run["samples"], run["failed"], run["ended"]) == (3, 339, 0, "budget")
    products = tidy.read(tmp_path / "products.csv")
    assert products["product"].tolist() == ["best", "average"] and products["test_error"].between(0, 1).all()
    assert products["members"].tolist() == [1, 2]
    assert not list(tmp_path.glob("runs/*/*/*/*/keras_tuner/*"))  # checkpoints are gone

    capsys.readouterr()
    shutil.rmtree(tmp_path / "runs")  # what the tables hold is done, too
    assert command.run(call) == 0
    assert "1 finished already" in capsys.readouterr().out
    other = arguments(*words, "--cores", "1", "--out", str(tmp_path), "--patience", "9")
    assert command.run(other) == 2
    assert "--patience" in capsys.readouterr().err


# -- ours and Optuna's, without training -----------------------------------------------------
def test_timed_algorithm_proposes_the_same_and_tells_its_time() -> None:
    import evo
    from benchmarks.tuners.evo_methods import timed
    from evo.algorithms import Problem, RandomSearch
    from genomes import Float
    from genomes.spaces import vector

    problem = Problem(vector({"x": Float(0, 1)}))
    spent: list[float] = []
    watched = timed(RandomSearch(), spent.append)
    assert watched.to_json() == RandomSearch().to_json()
    one, other = (
        algorithm.bind(problem)(evo.History(), np.random.default_rng(1)) for algorithm in (watched, RandomSearch())
    )
    assert one == other and len(spent) == 1 and spent[0] >= 0


def test_watch_fills_the_meter() -> None:
    import evo
    from benchmarks.tuners.evo_methods import Watch
    from genomes import Float
    from genomes.spaces import vector

    counted, now = meter(epochs=10)
    watch = Watch(counted, "val_accuracy")
    genome = vector({"x": Float(0, 1)}).default()
    outcomes = [
        evo.Outcome(evo.Status.COMPLETED, {"val_accuracy": 0.5}, epochs=2, seconds={"train": 3.0}),
        evo.Outcome(evo.Status.FAILED, {}, epochs=1, message="why"),
    ]
    for number, outcome in enumerate(outcomes):
        watch.propose(0.25)
        trial = evo.Trial(number, evo.Proposal(genome, last_epoch=2), outcome)
        watch.on_submit(trial, evo.History())
        now[0] += 5
        watch.on_outcome(trial, evo.History())
    assert (counted.epochs, counted.samples, counted.failed, counted.proposing) == (3, 300, 1, 0.5)
    first, second = counted.trials
    assert (first.status, first.started, first.finished, first.proposing) == ("completed", 0.0, 5.0, 0.25)
    assert second.message == "why" and math.isnan(second.validation_score)
    assert [row["total_epochs"] for row in counted.evaluations] == [2, 3]


def test_optuna_answers_as_keras_tuner_does() -> None:
    optuna = pytest.importorskip("optuna")
    from benchmarks.tuners.optuna_method import SuggestedParameters

    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
    hp = SuggestedParameters(study.ask())
    assert hp.Int("units", 32, 64, step=32) in (32, 64)
    assert 1e-4 <= hp.Float("rate", 1e-4, 1e-2, sampling="log") <= 1e-2
    assert hp.Choice("kind", ["a", "b"]) == hp.Choice("kind", ["a", "b"]) == hp.values["kind"]
    assert isinstance(hp.Boolean("flag"), bool) and hp.Fixed("seven", 7) == 7
    with hp.conditional_scope("kind", ["a"]):
        assert hp.Int("units", 32, 64, step=32) == hp.values["units"]
