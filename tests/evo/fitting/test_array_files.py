"""Files of arrays: which are the inputs, and which the targets."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from evo.errors import DataError
from evo.fitting.array_files import inputs_and_target_in, read_array_file, rows_in

X, Y = np.arange(12.0).reshape(6, 2), np.array(["a", "b"] * 3)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    np.save(tmp_path / "x.npy", X)
    np.save(tmp_path / "y.npy", Y)
    np.savez(tmp_path / "xy.npz", x=X, y=Y)
    np.savez_compressed(tmp_path / "keras.npz", x_train=X, y_train=Y, x_test=X[:2], y_test=Y[:2])
    np.savez(tmp_path / "named.npz", size=X[:, 0], age=X[:, 1], ill=Y)
    with h5py.File(tmp_path / "xy.h5", "w") as file:
        file["x"], file["y"] = X, Y.astype("S")
    return tmp_path


@pytest.mark.parametrize(
    ("name", "target"),
    [("x.npy", "y.npy"), ("xy.npz", None), ("xy.npz", "y"), ("keras.npz", None), ("xy.h5", None)],
)
def test_inputs_and_targets(name: str, target: str | None, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    x, y = inputs_and_target_in(folder / name, target)
    np.testing.assert_array_equal(x, X)
    np.testing.assert_array_equal(y, Y)


def test_columns_by_name(folder: Path) -> None:
    x, y = inputs_and_target_in(folder / "named.npz", "ill")
    assert list(x) == ["size", "age"] and y.name == "ill" and y.tolist() == Y.tolist()
    assert list(rows_in(read_array_file(folder / "named.npz"), ("ill",))) == ["size", "age"]


@pytest.mark.parametrize(
    ("name", "target", "words"),
    [
        ("named.npz", None, "name the array to predict; named.npz has 'size', 'age', 'ill'"),
        ("named.npz", "sick", "holds no array 'sick'"),
        ("gone.npz", None, "there is no file"),
        ("bad.h5", None, "cannot be read"),
    ],
)
def test_what_is_missing_is_said(name: str, target: str | None, words: str, folder: Path) -> None:
    (folder / "bad.h5").write_bytes(b"no array")
    with pytest.raises(DataError, match=words):
        inputs_and_target_in(folder / name, target)
