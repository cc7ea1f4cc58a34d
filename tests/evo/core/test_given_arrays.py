"""What people have in place of arrays is made into one, or refused by a line that says what to give."""

from __future__ import annotations

import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse

import evo
from evo.core.given_arrays import as_given_array
from evo.errors import DataError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(30, 3)).astype(np.float32)
Y = RNG.integers(0, 2, 30)


class Frame:
    """A frame of another library, by the protocol for frames."""

    def __init__(self, frame: pd.DataFrame) -> None:
        self._frame = frame

    def __dataframe__(self, *args: Any, **keywords: Any) -> Any:
        return self._frame.__dataframe__(*args, **keywords)


TAKEN = {
    "sparse matrix": scipy.sparse.csr_matrix(X),
    "sparse array": scipy.sparse.coo_array(X),
    "masked, nothing missing": np.ma.masked_array(X, X > 99),
    "list of rows": list(X),
    "list of lists": X.tolist(),
}


@pytest.mark.parametrize("given", TAKEN.values(), ids=TAKEN)
def test_it_is_data_like_the_array(given: Any) -> None:
    wanted, found = evo.Data(X, Y), evo.Data(given, Y)
    np.testing.assert_array_equal(np.asarray(found.x_train, np.float32), wanted.x_train)
    np.testing.assert_array_equal(np.asarray(found.x_validation, np.float32), wanted.x_validation)


def test_a_list_of_pictures_is_one_array_and_a_list_of_inputs_stays_one() -> None:
    pictures = [RNG.integers(0, 255, (8, 9, 3)).astype(np.uint8) for _ in range(30)]
    assert evo.Data(pictures, Y).x_train.shape == (24, 8, 9, 3)
    assert sorted(evo.Data([X, X[:, :2]], Y).x_train) == ["input_0", "input_1"]


def test_what_is_masked_is_missing() -> None:
    made = as_given_array(np.ma.masked_array([1, 2, 3], [False, True, False]), "x")
    np.testing.assert_array_equal(made, [1.0, np.nan, 3.0])


def test_targets_may_be_sparse_too() -> None:
    assert evo.Data(X, scipy.sparse.csr_matrix(Y)).y_train.shape == (24,)


def test_frames_of_other_libraries_are_frames() -> None:
    frame = pd.DataFrame({"a": [1, 2], "b": ["x", "y"]})
    made = as_given_array(Frame(frame), "x")
    assert list(made.columns) == ["a", "b"] and made["b"].tolist() == ["x", "y"]


class _Tensor:
    """What a tensor of torch does here."""

    __module__ = "torch"

    def __init__(self, values: np.ndarray) -> None:
        self._values = values

    def detach(self) -> Any:
        return types.SimpleNamespace(cpu=lambda: types.SimpleNamespace(numpy=lambda: self._values))


class _Loader:
    __module__ = "torch.utils.data.dataloader"
    dataset = ()

    def __iter__(self) -> Iterator[Any]:
        for begin in range(0, 30, 8):
            yield [_Tensor(X[begin : begin + 8]), _Tensor(Y[begin : begin + 8])]


def test_a_loader_of_torch_is_gathered() -> None:
    data = evo.Data(_Loader())
    np.testing.assert_array_equal(data.x_train, evo.Data(X, Y).x_train)
    with pytest.raises(DataError, match="leave y and sample_weight out"):
        evo.Data(_Loader(), Y)


@pytest.mark.skipif("torch" not in sys.modules, reason="torch is not there")
def test_a_real_loader_is_gathered() -> None:
    import torch

    rows = torch.utils.data.TensorDataset(torch.tensor(X), torch.tensor(Y))
    np.testing.assert_array_equal(evo.Data(torch.utils.data.DataLoader(rows, 8)).x_train, evo.Data(X, Y).x_train)


REFUSED = {
    "generator": (lambda: (row for row in X), "a generator can be read once only"),
    "zip": (lambda: zip(X, Y, strict=True), "a zip can be read once only"),
    "function": (lambda: test_targets_may_be_sparse_too, "got the function test_targets_may_be_sparse_too"),
    "path": (lambda: "table.csv", "evo.fit reads files"),
    "Path": (lambda: Path("table.csv"), "evo.fit reads files"),
    "ragged": (lambda: [[1, 2], [3]] * 15, "rows of different lengths, 1 to 2; fill them up"),
    "pairs": (lambda: list(zip(X, Y, strict=True)), r"x, y = zip\(\*pairs\)"),
    "sizes": (lambda: [np.zeros((8 + n % 2, 8, 3)) for n in range(30)], "different shapes, .* to one, with keras"),
    "huge": (lambda: scipy.sparse.csr_matrix((10**6, 10**5)), "make it narrower first"),
}


@pytest.mark.parametrize(("make", "words"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_rows_is_refused_by_one_line(make: Any, words: str) -> None:
    with pytest.raises(DataError, match=words) as caught:
        evo.Data(make(), Y)
    assert "\n" not in str(caught.value)


def test_tensors_of_different_lengths_are_refused() -> None:
    import tensorflow as tf

    with pytest.raises(DataError, match="to_tensor"):
        evo.Data(tf.ragged.constant([[1, 2], [3]] * 15), Y)
    with pytest.raises(DataError, match="to_dense"):
        evo.Data(tf.sparse.from_dense(X), Y)


def test_masked_entries_are_missing_whatever_their_kind() -> None:
    mask = [False, True, False]
    assert np.isnan(as_given_array(np.ma.masked_array([1, 2, 3], mask), "x")[1])
    assert as_given_array(np.ma.masked_array(["a", "b", "c"], mask), "x").tolist() == ["a", None, "c"]
    assert as_given_array(np.ma.masked_array([True, False, True], mask), "x").tolist() == [True, None, True]


def test_records_are_a_table_and_one_record_a_row() -> None:
    records = [{"a": 1.5, "b": "x"}, {"b": "y", "a": 2.0}]
    pd.testing.assert_frame_equal(as_given_array(records, "data"), pd.DataFrame({"a": [1.5, 2.0], "b": ["x", "y"]}))
    pd.testing.assert_frame_equal(as_given_array(records[0], "data"), pd.DataFrame({"a": [1.5], "b": ["x"]}))


def test_categories_of_polars_keep_their_order() -> None:
    polars = pytest.importorskip("polars")
    sizes = polars.Series("size", ["L", "S", "M", None], dtype=polars.Enum(["S", "M", "L"]))
    found = as_given_array(polars.DataFrame({"size": sizes}), "data")["size"]
    assert found.dtype.ordered and found.cat.categories.tolist() == ["S", "M", "L"]
    assert found.tolist()[:3] == ["L", "S", "M"] and pd.isna(found[3])


def test_a_list_of_numpys_own_numbers_is_one_of_numbers() -> None:
    assert as_given_array(list(np.arange(3.0)), "x") == [0.0, 1.0, 2.0]
