"""Splits by the names of columns."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import evo
from evo.errors import DataError
from evo.fitting.searching import Search
from evo.fitting.splitting import Splitting, with_columns
from genomes import spaces

FRAME = pd.DataFrame(
    {
        "size": np.arange(12.0),
        "patient": list("aabbccddeeff"),
        "day": pd.date_range("2024-01-01", periods=12),
        "held_out": [False] * 9 + [True] * 3,
        "fold": [0, 1, 2] * 4,
        "word": ["x"] * 12,
    }
)


def test_columns_that_only_split_are_no_inputs() -> None:
    x, found = with_columns(FRAME, Splitting("held_out", "patient"))
    assert list(x.columns) == ["size", "day", "fold", "word"]
    assert found.groups.tolist() == FRAME["patient"].tolist() and found.validation.tolist() == [False] * 9 + [True] * 3
    x, found = with_columns({name: FRAME[name].to_numpy() for name in FRAME}, Splitting(0.2, None, "day"))
    assert "day" in x and (found.time == FRAME["day"].to_numpy()).all()
    _, found = with_columns(FRAME, Splitting("fold"))
    assert found.validation.get_n_splits() == 3


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"groups": "person"}, "groups: there is no column 'person'; there are 'size', "),
        ({"validation": "word"}, "must be true"),
        ({"validation": "size", "groups": np.arange(3)}, "groups: expected one value for each of 12 rows"),
    ],
)
def test_a_wrong_column_is_told_before_anything_is_made(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(DataError, match=words):
        evo.fit(FRAME.assign(y=[0, 1] * 6), "y", **arguments)


PROGRAM = """
import numpy as np, pandas as pd, evo
from sklearn.metrics import roc_auc_score
if __name__ == "__main__":
    rng = np.random.default_rng(0)
    kinds = rng.choice(["x", "y"], 80)
    frame = pd.DataFrame({"size": rng.normal(size=80), "kind": kinds, "clinic": np.arange(80) // 8})
    frame["ill"] = np.where(frame["size"] + rng.normal(size=80) > 1, "yes", "no")
    model = evo.fit(frame, "ill", directory="c", trials=2, epochs=2, members=2, folds=2, groups="clinic",
                    objective=["auc", "log_loss"], class_weight="balanced", workers=2, verbose=False)
    assert "clinic" not in [column.name for column in model.space.columns]
    told = model.evaluate(frame, metrics=["auc", "mcc"])
    assert abs(told["auc"] - roc_auc_score(frame["ill"] == "yes", model.predict_proba(frame)[:, 1])) < 1e-6
    data = model.result.data
    kept = np.concatenate([data.arrays[f"fold/{n}/validation"] for n in range(2)])
    outputs = model.result.best.predictions()[:, 0]
    truth = (frame["ill"] == "yes").to_numpy()[kept]
    sizes = [len(data.arrays[f"fold/{n}/validation"]) for n in range(2)]
    parts = np.split(np.arange(80), np.cumsum(sizes)[:-1])
    expected = np.mean([roc_auc_score(truth[part], outputs[part]) for part in parts])
    assert abs(model.result.best.scores["val_auc"] - expected) < 1e-9
    assert set(evo.load_fitted("c").predict(frame)) <= {"no", "yes"}
    print(model.notes)
"""


@pytest.mark.slow
def test_folds_groups_and_metrics_in_a_process_of_its_own_and_from_a_shell(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(PROGRAM)
    done = subprocess.run([sys.executable, "program.py"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "every candidate is cross-validated: trained 2 times, judged by 80 rows" in done.stdout
    frame = pd.DataFrame({"size": np.arange(60.0), "day": pd.date_range("2024-01-01", periods=60)})
    frame["price"] = frame["size"] * 3 + np.random.default_rng(0).normal(size=60)
    frame.to_csv(tmp_path / "t.csv", index=False)
    words = "evo fit t.csv --target price --directory d --trials 1 --quiet --time day --validation 0.3 --objective mape"
    command = [sys.executable, "-m", *words.split()]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Best single model on the validation rows: val_mape" in done.stdout
    done = subprocess.run([*command, "--objective", "auc"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "'auc' is of binary, multiclass or multilabel targets" in done.stderr


def _decided(rows: int = 40, in_time: bool = True, **said: Any) -> Splitting | None:
    x = np.random.default_rng(0).normal(size=(rows, 3))
    data = evo.Data(x, np.arange(rows) % 2, validation=0.2)
    return Splitting(folds="auto", **said).decided(spaces.tabular(x, 2), data, in_time)


def test_small_tables_are_cross_validated_unless_something_else_is_said() -> None:
    assert _decided() == Splitting(folds=5)
    assert _decided(1000) == Splitting(folds=5)
    assert _decided(1001) is None and _decided(9) is None
    assert _decided(in_time=False) is None
    assert _decided(validation=0.3) is None and _decided(time=np.arange(40)) is None
    groups = np.arange(40) % 10
    found = _decided(groups=groups)
    assert found is not None and found.folds == 5 and found.groups is groups
    assert _decided(groups=np.arange(40) % 9) is None
    data = evo.Data(np.zeros((40, 4, 4, 1), np.float32), np.arange(40) % 2)
    assert Splitting(folds="auto").decided(spaces.image((4, 4, 1), 2), data, True) is None
    table = evo.Data(np.zeros((40, 3)), np.arange(40) % 2)
    assert Splitting().decided(spaces.tabular(np.zeros((40, 3)), 2), table, True) is None
    with pytest.raises(DataError, match="folds: expected a whole number, None or 'auto', got 'five'"):
        _ = Splitting(folds="five").number_of_folds
    assert (Splitting(folds=3).number_of_folds, Splitting(folds="auto").number_of_folds) == (3, None)
    assert not Splitting(folds="auto").is_said and Splitting(folds=3).is_said


def test_a_fit_of_few_rows_in_minutes_is_one_of_folds_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    x, y = np.random.default_rng(0).normal(size=(60, 3)), np.arange(60) % 2
    x[:, 0] += y
    arguments: dict[str, Any] = {"trials": 1, "epochs": 1, "workers": 0, "verbose": False, "trees": False}
    counted = evo.fit(x, y, directory=tmp_path / "counted", **arguments)
    assert counted.result.data is not None and counted.result.data.folds == 0
    assert Search(minutes=3).in_time and Search().in_time and not Search(minutes=3, trials=9).in_time
    monkeypatch.setattr(Search, "in_time", True)  # whatever the clock says
    model = evo.fit(x, y, directory=tmp_path / "folds", **arguments)
    assert model.result.data is not None and model.result.data.folds == 5
    assert any("trained 5 times, judged by 60 rows" in note for note in model.notes)
    assert model.ensemble.report["folds"] == {"folds": 5, "rows": 60}
    plain = evo.fit(x, y, directory=tmp_path / "plain", folds=None, **arguments)
    assert plain.result.data is not None and plain.result.data.folds == 0


def test_validation_rows_in_a_table_of_their_own(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.normal(size=60), "w": 1.0})
    frame["y"] = np.where(frame["a"] > 0, "yes", "no")
    kept = frame[40:]
    kept.to_csv(tmp_path / "kept.csv", index=False)
    settings: dict[str, Any] = {"trials": 1, "epochs": 1, "workers": 0, "verbose": False, "trees": False}
    found = []
    for number, validation in enumerate((kept, str(tmp_path / "kept.csv"), tmp_path / "kept.csv")):
        model = evo.fit(frame[:40], "y", validation=validation, directory=tmp_path / str(number), **settings)
        found.append(model.result.data.get("y_validation").size)
    assert found == [20, 20, 20]
    with pytest.raises(DataError, match="validation: target: there is no column 'y'"):
        evo.fit(frame[:40], "y", validation=kept[["a"]], directory=tmp_path / "n", **settings)


def test_weights_in_a_column(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.normal(size=60), "w": rng.random(60)})
    frame["y"] = np.where(frame["a"] > 0, "yes", "no")
    settings: dict[str, Any] = {"trials": 1, "epochs": 1, "workers": 0, "verbose": False, "trees": False}
    model = evo.fit(frame, "y", sample_weight="w", directory=tmp_path / "d", **settings)
    assert [column.name for column in model.space.columns] == ["a"]
    weights = np.concatenate([model.result.data.get(f"weight_{role}") for role in ("train", "validation")])
    np.testing.assert_allclose(np.sort(weights), np.sort(frame["w"].to_numpy(np.float32)))
    with pytest.raises(DataError, match="sample_weight: there is no column 'v'; there are 'a', 'w'"):
        evo.fit(frame, "y", sample_weight="v", directory=tmp_path / "e", **settings)
