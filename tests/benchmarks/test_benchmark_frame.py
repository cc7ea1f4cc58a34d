"""The listing of commands, tidy tables, the machine's record, tasks and their splits."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks import __main__ as program
from benchmarks import machine, task_sources, tasks, tidy


# -- commands ------------------------------------------------------------------------------
def test_listing_names_commands_and_imports_nothing_heavy() -> None:
    code = (
        "import sys; from benchmarks import __main__ as m; found = m.commands(); "
        "assert found['tuners'], found; heavy = {'tensorflow', 'keras', 'pandas', 'evo'} & set(sys.modules); "
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(program.__file__).parents[1])


def test_command_with_missing_package_is_listed_and_explained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "needy.py").write_text(
        '"""Help line.\n\nMore."""\nimport no_such_package\ndef add_arguments(p): ...\ndef run(a): return 0\n'
    )
    (tmp_path / "helper.py").write_text('"""No command."""\n')
    assert program.commands(tmp_path) == {"needy": "Help line."}
    monkeypatch.setattr(program, "commands", lambda: {"needy": "Help line."})

    def fail(name: str) -> None:
        raise ModuleNotFoundError("no", name="no_such_package")

    monkeypatch.setattr(program.importlib, "import_module", fail)
    assert program.main(["needy"]) == 2
    assert "no_such_package" in capsys.readouterr().err


def test_unknown_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert program.main(["nothing"]) == 2
    assert "unknown command 'nothing'" in capsys.readouterr().err
    assert program.main([]) == 0
    assert "tuners" in capsys.readouterr().out


# -- tables --------------------------------------------------------------------------------
def test_table_survives_a_cut_line(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    table = tidy.Table(path, ["task", "seed", "note"], ["task", "seed"])
    assert table.read().empty
    table.append([{"task": "p", "seed": 1, "note": 'a, "b"\nc'}, {"task": "p", "seed": 2}])
    with path.open("ab") as file:
        file.write(b"q,3,half of a li")
    assert len(tidy.Table(path, ["task", "seed", "note"], ["task", "seed"]).read()) == 2
    table.append([{"task": "p", "seed": 1, "note": "NA"}])
    found = table.read()
    assert found[found["task"] == "p"]["note"].tolist()[-1] == "NA"
    assert table.done(task="p", seed=2) and not table.done(task="p", seed=9)
    with pytest.raises(ValueError, match="columns"):
        tidy.Table(path, ["other"])
    with pytest.raises(ValueError, match="no columns"):
        table.append([{"unknown": 1}])


def test_write_is_whole_and_reads_back(tmp_path: Path) -> None:
    tidy.write(tmp_path / "t.csv", [{"x": 1.5, "name": "NA"}, {"x": None, "name": ""}], ["name", "x"])
    frame = tidy.read(tmp_path / "t.csv")
    assert list(frame.columns) == ["name", "x"] and frame["name"][0] == "NA" and np.isnan(frame["x"][1])
    assert [path.name for path in tmp_path.iterdir()] == ["t.csv"]


def test_machine_names_no_host_and_no_folder() -> None:
    import platform

    text = json.dumps(machine.describe())
    assert platform.node() not in text and str(Path.home()) not in text
    assert machine.describe()["cores"] >= 1 and "Python" in machine.line()


# -- tasks ---------------------------------------------------------------------------------
def test_test_rows_do_not_depend_on_the_seed_and_splits_do() -> None:
    first, again, other = tasks.load("wine", seed=1), tasks.load("wine", seed=1), tasks.load("wine", seed=2)
    assert first.fingerprint == again.fingerprint != other.fingerprint
    assert np.array_equal(first.x_test, other.x_test)
    assert not np.array_equal(first.x_validation, other.x_validation)
    rows = np.concatenate([first.x_train, first.x_validation, first.x_test])
    assert len(np.unique(rows, axis=0)) == len(rows) == 178


def test_train_size_is_stratified_and_counts_validation() -> None:
    task = tasks.load("digits", train_size=500, seed=3)
    assert task.rows == {"train": 400, "validation": 100, "test": 360}
    assert np.ptp(np.bincount(task.y_train)) <= 6
    with pytest.raises(tasks.TaskError, match="train-size"):
        tasks.load("digits", train_size=3)


def test_regression_is_standardised_and_reported_in_its_units() -> None:
    task = tasks.load("diabetes", seed=1)
    assert abs(task.y_train.mean()) < 1e-5 and task.y_train.std() == pytest.approx(1, abs=1e-4)
    assert task.error(task.y_test, task.y_test) == 0
    assert task.error(task.y_test, task.y_test[:, None] + 1) == pytest.approx(task.scale, rel=1e-5)
    assert task.error_of_score(0.5) == pytest.approx(task.scale / 2)


def test_errors_of_classifiers() -> None:
    task = tasks.load("breast-cancer", seed=1)
    truth = task.y_test.astype(float)
    assert task.error(task.y_test, truth) == task.error(task.y_test, truth[:, None]) == 0
    assert task.error(task.y_test, np.stack([truth, 1 - truth], axis=1)) == 1
    assert task.error(task.y_test, np.full(len(truth), np.nan)) == 1
    with pytest.raises(ValueError, match="rows"):
        task.error(task.y_test, truth[:-1])


def test_npz_and_csv_files(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 255, (60, 6, 6), dtype=np.uint8), np.arange(60) % 3 + 4
    np.savez(tmp_path / "pictures.npz", x_train=x[:40], y_train=y[:40], x_test=x[40:], y_test=y[40:])
    task = tasks.load(str(tmp_path / "pictures.npz"))
    assert (task.name, task.kind, task.outputs, task.shape) == ("pictures", "image", 3, (6, 6, 1))
    assert task.x_train.max() <= 1 and set(np.unique(task.y_train)) == {0, 1, 2}

    frame = pd.DataFrame({"a": rng.normal(size=50), "b": ["x", "", "y", "?", "z"] * 10, "z": rng.normal(size=50)})
    frame.to_csv(tmp_path / "table.csv", index=False)
    task = tasks.load(str(tmp_path / "table.csv"), target="z", seed=1)
    assert task.target == "regression" and isinstance(task.x_train, dict)
    assert set(np.unique(task.x_train["b"])) == {"", "x", "y", "z"}
    task.save(tmp_path / "saved.npz")
    assert tasks.load_file(tmp_path / "saved.npz").fingerprint == task.fingerprint

    with pytest.raises(tasks.TaskError, match="--target must name a column"):
        tasks.load(str(tmp_path / "table.csv"), target="nothing")
    np.savez(tmp_path / "poor.npz", x_train=x)
    with pytest.raises(tasks.TaskError, match="y_train"):
        tasks.load(str(tmp_path / "poor.npz"))


def test_what_is_missing_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(task_sources.DATA_VARIABLE, raising=False)
    with pytest.raises(tasks.TaskError, match="--data DIR"):
        tasks.load("letter")
    with pytest.raises(tasks.TaskError, match=r"letter_recognition\.csv"):
        tasks.load("letter", data_dir=tmp_path)
    with pytest.raises(tasks.TaskError, match="expected a folder"):
        tasks.load("letter", data_dir=tmp_path / "nowhere")
    with pytest.raises(tasks.TaskError, match="expected one of digits"):
        tasks.load("imaginary")
