"""Whole sessions of the program, on a small table: run, interrupt, kill, go on, show, report."""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from evo import cli

REPOSITORY = Path(__file__).parents[3]
CONFIG = """
[data]
sklearn = "iris"
test = 0.2
[space]
kind = "tabular"
units = 32
[campaign]
seed = 3
workers = 1
epochs = 2
[budget]
trials = 9
[ensemble]
size = 3
"""


def start(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "COLUMNS": "100"}
    return subprocess.Popen(
        [sys.executable, "-m", "evo", *arguments],
        cwd=folder,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def evo(folder: Path, *arguments: str) -> str:
    process = start(folder, *arguments)
    output, errors = process.communicate()
    assert process.returncode == 0, output + errors
    return output


def wait_for_trial(folder: Path, process: subprocess.Popen[str]) -> None:
    """Return once the first outcome is on disk."""
    while process.poll() is None and not list(folder.glob("runs/*/predictions/*")):
        time.sleep(0.05)
    assert process.poll() is None, process.communicate()


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("undisturbed")
    (folder / "iris.toml").write_text(CONFIG, encoding="utf-8")
    output = evo(folder, "run", "iris.toml")
    assert re.search(r"chosen ensemble +\d\.\d{4} +\d\.\d{4}", output)
    return folder


TABLE = """
[data]
file = "orders.csv"
target = "state"
drop = ["id"]
test = 0.2
[space]
kind = "tabular"
units = 16
[campaign]
workers = 1
epochs = 2
[budget]
trials = 2
[ensemble]
size = 2
trees = false
"""


def test_a_table_of_words_dates_and_gaps_is_predicted_in_its_own_labels(tmp_path: Path) -> None:
    rng = random.Random(0)
    lines = ["id;day;amount;town;state"]
    for number in range(80):
        amount = rng.uniform(-9, 9)
        shown = "" if number % 9 == 0 else f"{amount:.2f}".replace(".", ",")
        day = f"{1 + number % 28:02}.{1 + number % 12:02}.2024"
        lines.append(f"A{number};{day};{shown};{rng.choice(['Köln', 'Bonn'])};{'bezahlt' if amount > 0 else 'NA'}")
    (tmp_path / "orders.csv").write_bytes("\n".join(lines).encode("cp1252"))
    (tmp_path / "orders.toml").write_text(TABLE, encoding="utf-8")
    output = evo(tmp_path, "run", "orders.toml")
    assert "state: 2 classes, 'NA' and 'bezahlt'" in output and "dates: 'day'" in output
    assert "evo predict runs/orders new.csv --output predictions.csv" in output
    (tmp_path / "new.csv").write_text("day;amount;town\n01.02.2024;7,5;Köln\n05.06.2025;;Rom\n", encoding="utf-8")
    evo(tmp_path, "predict", "runs/orders", "new.csv", "--output", "out.csv")
    told = (tmp_path / "out.csv").read_text(encoding="utf-8").splitlines()
    assert told[0] == "day,amount,town,state"
    assert {line.rpartition(",")[2] for line in told[1:]} <= {"bezahlt", "NA"}
    evo(tmp_path, "export", "runs/orders", "--output", "m.keras")


def test_a_finished_campaign_is_shown_at_once(undisturbed: Path) -> None:
    before = (undisturbed / "runs" / "iris" / "results.json").stat().st_mtime_ns
    output = evo(undisturbed, "run", "iris.toml")
    assert "chosen ensemble" in output
    assert (undisturbed / "runs" / "iris" / "results.json").stat().st_mtime_ns == before


def test_show_and_report(
    undisturbed: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(undisturbed)
    monkeypatch.setenv("COLUMNS", "100")

    def shown(*arguments: str) -> str:
        assert cli.main(arguments) == 0
        return capsys.readouterr().out

    output = shown("show", "runs/iris")
    for word in ("seed", "progress", "best", "population, longest trained first", "disk", "predictions", "keras"):
        assert word in output
    assert len(shown("show", "runs/iris", "--trials").splitlines()) == 9
    assert "training:" in shown("show", "runs/iris", "--best")
    assert shown("report", "runs/iris", "--output", "my.html") == "my.html\n"
    text = (undisturbed / "my.html").read_text(encoding="utf-8")
    assert 'id="ensemble"' in text and 'id="population"' in text and "The budget is spent." in text


def test_interrupted_then_killed_then_resumed_ends_as_if_undisturbed(undisturbed: Path, tmp_path: Path) -> None:
    (tmp_path / "iris.toml").write_text(CONFIG, encoding="utf-8")
    process = start(tmp_path, "run", "iris.toml")
    wait_for_trial(tmp_path, process)
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate()
    assert process.returncode == 130, output + errors
    assert "To resume:\n  evo run iris.toml" in output and "Traceback" not in errors

    process = start(tmp_path, "resume", "runs/iris")
    wait_for_trial(tmp_path, process)
    process.kill()
    process.communicate()

    output = evo(tmp_path, "resume", "runs/iris")
    assert "resumed after" in output and "chosen ensemble" in output
    trials = evo(tmp_path, "show", "runs/iris", "--trials")
    assert trials == evo(undisturbed, "show", "runs/iris", "--trials")


@pytest.mark.slow
def test_a_larger_budget(undisturbed: Path) -> None:
    evo(undisturbed, "resume", "runs/iris", "--trials", "11", "--quiet")
    assert len(evo(undisturbed, "show", "runs/iris", "--trials").splitlines()) == 11


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (("seed = 3", "seed = 4"), r"seed"),
        (("units = 32", "units = 64"), r"space"),
        (("test = 0.2", "test = 0.3"), r"data"),
    ],
)
def test_another_campaign_in_the_directory_is_refused(
    undisturbed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], changes: tuple[str, str], message: str
) -> None:
    directory = undisturbed / "runs" / "iris"
    before = {path: path.stat().st_mtime_ns for path in directory.rglob("*")}
    (tmp_path / "other.toml").write_text(CONFIG.replace(*changes), encoding="utf-8")
    assert cli.main(["run", str(tmp_path / "other.toml"), "--directory", str(directory)]) == 2
    errors = capsys.readouterr().err
    assert errors.startswith("evo: ") and errors.count("\n") == 1
    assert re.search(message, errors)
    assert {path: path.stat().st_mtime_ns for path in directory.rglob("*")} == before
