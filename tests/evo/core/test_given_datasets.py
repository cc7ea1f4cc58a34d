"""Datasets, gathered: the rows that NumPy has, whatever gives them."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from evo.core.given_datasets import gathered, is_dataset
from evo.errors import DataError

X = np.arange(30, dtype=np.float32).reshape(10, 3)
Y = np.arange(10) % 2
WORDS = np.array(["größe", "b"] * 5)


class Batches(keras.utils.PyDataset):
    """Two batches of five rows."""

    def __len__(self) -> int:
        return 2

    def __getitem__(self, index: int) -> Any:
        rows = slice(5 * index, 5 * index + 5)
        return X[rows], Y[rows]


def dataset(*parts: Any) -> Any:
    return tf.data.Dataset.from_tensor_slices(parts if len(parts) > 1 else parts[0])


def unknown_length() -> Any:
    spec = (tf.TensorSpec((3,), tf.float32), tf.TensorSpec((), tf.int64))
    return tf.data.Dataset.from_generator(lambda: zip(X, Y, strict=True), output_signature=spec)


@pytest.mark.parametrize(
    "given",
    [dataset(X, Y).batch(4), dataset(X, Y), unknown_length().batch(3), unknown_length(), Batches()],
    ids=["batches", "rows", "batches of a generator", "rows of a generator", "PyDataset"],
)
def test_rows_and_targets(given: Any) -> None:
    assert is_dataset(given) and not is_dataset(X) and not is_dataset({"a": X}) and not is_dataset([X])
    x, y, weight = gathered(given, "x")
    np.testing.assert_array_equal(x, X)
    np.testing.assert_array_equal(y, Y)
    assert weight is None


def test_inputs_by_name_words_and_weights() -> None:
    x, y, weight = gathered(dataset({"a": X, "w": WORDS}, WORDS, np.ones(10)).batch(4), "x")
    np.testing.assert_array_equal(x["a"], X)
    assert x["w"].tolist() == y.tolist() == WORDS.tolist() and weight.tolist() == [1.0] * 10


def test_inputs_alone_where_targets_are_not_needed() -> None:
    for given in (dataset(X).batch(4), dataset(X, Y).batch(4), Batches()):
        np.testing.assert_array_equal(gathered(given, "x", targets=False)[0], X)
    by_name = gathered(dataset({"a": X}).batch(4), "x", targets=False)[0]
    np.testing.assert_array_equal(by_name["a"], X)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (dataset(X, Y).batch(4).repeat(), "no end; use .take"),
        (dataset(X).batch(4), r"expected batches \(x, y\)"),
        (dataset({"image": X, "label": Y}).batch(4), r"row\['image'\], row\['label'\]"),
        (dataset(X, Y).batch(4).take(0), "is empty"),
        (dataset(X, X[:, :2]), "batch"),
        (unknown_length().map(lambda x, y: (x[: y + 1], y)).padded_batch(1), "different shapes"),
    ],
)
def test_what_cannot_be_gathered_is_said_in_one_line(given: Any, words: str) -> None:
    with pytest.raises(DataError, match=words) as error:
        gathered(given, "x")
    assert "\n" not in str(error.value)
