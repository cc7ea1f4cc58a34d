"""What the report says to run again makes the same campaign."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import evo
import genomes
from evo.commands.demo import demo_job
from evo.commands.job import Job
from evo.commands.reproduction import as_toml, job_again
from evo.commands.results import judged_before
from evo.report.reproduction import as_python, installation

NAMES = st.text(max_size=8)
PLAIN = st.booleans() | st.integers(-(2**40), 2**40) | st.floats(allow_nan=False) | st.text(max_size=20)
CONFIGS = st.dictionaries(
    NAMES, st.recursive(PLAIN, lambda x: st.lists(x, max_size=3) | st.dictionaries(NAMES, x, max_size=3))
)


@given(CONFIGS)
def test_toml_is_read_as_what_was_written(config: dict) -> None:
    def without_empty(value: object) -> object:
        return {k: without_empty(v) for k, v in value.items() if v != {}} if isinstance(value, dict) else value

    def kept(value: object) -> object:
        # Nested tables of nothing but empty tables leave nothing behind.
        previous = None
        while previous != value:
            previous, value = value, without_empty(value)
        return value

    assert kept(tomllib.loads(as_toml(config))) == kept(config)


def test_a_job_is_written_as_a_file_that_asks_for_the_same(tmp_path: Path) -> None:
    job = demo_job(3, 40)
    (title, text), (_, command) = job_again(job, tmp_path / "my runs")
    file = tmp_path / title.removeprefix("The file ")
    file.write_text(text, encoding="utf-8")
    assert Job.read(file).config == job.config
    assert command.startswith("evo run ") and "'my runs-again.toml'" in command


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"seed": 5, "epochs": 4, "population": 3, "concurrency": 1, "final_share": 0.0, "best_epoch": True},
        {"objectives": ["-val_loss", "-parameters"], "parameters": 10_000, "precision": "float32"},
        {"algorithm": evo.algorithms.NSGA2(), "objectives": ["val_accuracy", "-parameters"]},
        {"algorithm": evo.algorithms.ScreenedEvolution(pool=5)},
    ],
)
def test_python_makes_the_same_campaign(tmp_path: Path, asked: dict) -> None:
    rng = np.random.default_rng(0)
    data = evo.Data(rng.random((60, 4)).astype(np.float32), rng.integers(0, 2, 60), validation=0.5, seed=0)
    first = evo.Campaign(
        genomes.spaces.tabular(columns=4, classes=2),
        data,
        tmp_path / "c",
        budget=evo.Budget(trials=2),
        verbose=False,
        **{"epochs": 1, **asked},
    )
    text = as_python(tmp_path / "c", first.settings.to_json(), {"trials": 2, "epochs": None})
    text = text.replace("evo.load_result(", "stored(").replace("again.run()", "")
    known = {"data": data, "stored": lambda directory: first}
    exec(compile(text, "again", "exec"), known)
    again = known["again"]
    assert again.settings.to_json() == first.settings.to_json()
    assert again.budget == first.budget and again.directory == tmp_path / "c-again"


def test_versions_are_installed_as_they_were() -> None:
    found = {"keras": "3.15.1", "python": "3.11", "tensorflow": "2.20.0rc1", "numpy": "2.0; rm"}
    assert installation(found) == "pip install tensorflow==2.20.0rc1 keras==3.15.1"


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        '{"key": {"trials": 0, "epochs": 0}, "metric": "a", "rows": [{"name": "x"}]}',
        '{"key": {"trials": 0, "epochs": 0}, "metric": "a", "rows": [{"name": "x", "members": 3, "parameters": 1}]}',
        '{"key": {"trials": 0, "epochs": 0}, "metric": "a", "rows": [{"name": "x", "members": [], "parameters": "y"}]}',
        '{"key": {"trials": 1, "epochs": 0}, "metric": "a", "rows": []}',
        '{"key": 7}',
        "[" * 100_000,
    ],
)
def test_a_damaged_table_is_none(tmp_path: Path, content: str) -> None:
    class Nothing:
        history: tuple = ()

    (tmp_path / "results.json").write_text(content)
    assert judged_before(tmp_path, Nothing()) is None  # type: ignore[arg-type]
    row = {"name": "x", "members": ["a"], "parameters": None, "validation": 0.5}
    good = {"key": {"trials": 0, "epochs": 0}, "metric": "a", "rows": [row]}
    (tmp_path / "results.json").write_text(json.dumps(good))
    assert judged_before(tmp_path, Nothing()) == {"metric": "a", "rows": [row]}  # type: ignore[arg-type]
