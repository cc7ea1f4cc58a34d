from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import genomes
from evo import Data
from evo.errors import DataError, EvoError
from evo.prepared_data import named


@given(rows=st.integers(20, 200), classes=st.integers(2, 5), share=st.floats(0.1, 0.6), seed=st.integers(0, 99))
def test_split_is_a_partition_stratified_and_repeatable(rows: int, classes: int, share: float, seed: int) -> None:
    y = np.random.default_rng(seed).integers(classes, size=rows)
    x = np.arange(rows, dtype=np.float32)[:, None]
    data = Data(x, y, validation=share, seed=seed)
    kept, trained = data.x_validation[:, 0].astype(int), data.x_train[:, 0].astype(int)
    assert sorted([*kept, *trained]) == list(range(rows))
    assert len(kept) == round(rows * share)
    assert np.array_equal(data.y_validation, y[kept])
    again = Data(x, y, validation=share, seed=seed)
    assert np.array_equal(again.x_validation, data.x_validation)
    if len(kept) >= classes and classes <= rows // 5:
        for label in range(classes):
            assert abs((y[kept] == label).sum() - share * (y == label).sum()) <= 1.5


def test_given_validation_rows_are_taken_as_they_are() -> None:
    x, y = np.zeros((6, 2)), np.arange(6) % 2
    data = Data(x, y, validation=(x[:2], y[:2], np.ones(2)))
    assert (data.rows, data.validation_rows) == (6, 2)
    assert data.weight_validation is not None


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"validation": 0.0}, "validation"),
        ({"validation": 1.5}, "validation"),
        ({"validation": 0.01}, "empty"),
        ({"validation": (np.zeros((0, 2)), np.zeros(0))}, "validation x: is empty"),
        ({"y": np.zeros(5)}, "same number of rows"),
        ({"y": None, "validation": (np.zeros((3, 2)), np.zeros(3))}, "y: targets of training rows are needed"),
        ({"validation": (np.zeros((3, 2)), None)}, "validation: targets are needed"),
        ({"y": None, "class_weight": {0: 1.0}}, "class_weight: needs targets"),
        ({"sample_weight": -np.ones(10)}, "sample_weight"),
        ({"class_weight": {0: 1.0}}, "class_weight"),
    ],
)
def test_bad_input_names_the_argument(arguments: dict, words: str) -> None:
    given = {"x": np.zeros((10, 2)), "y": np.arange(10) % 2, "validation": 0.2} | arguments
    with pytest.raises(DataError, match=words):
        Data(**given)


def test_a_space_that_predicts_something_refuses_rows_without_targets() -> None:
    with pytest.raises(DataError, match="y: targets are needed, got None"):
        Data(np.zeros((10, 8, 8, 1))).prepare(genomes.spaces.image((8, 8, 1), classes=10))


@pytest.mark.parametrize(
    ("x", "y", "words"),
    [
        (np.zeros((40, 9, 8, 1)), np.arange(40) % 10, r"x_train: expected shape.*\(.*9, 8, 1"),
        (np.full((40, 8, 8, 1), np.nan), np.arange(40) % 10, "NaN"),
        (np.zeros((40, 8, 8, 1)), np.arange(40) % 12, "0 to 9"),
    ],
)
def test_data_that_does_not_fit_the_space(x: np.ndarray, y: np.ndarray, words: str) -> None:
    space = genomes.spaces.image((8, 8, 1), classes=10)
    with pytest.raises(DataError, match=words):
        Data(x, y).prepare(space)


def test_class_weights_multiply_sample_weights() -> None:
    y = np.array([0, 1] * 5)
    data = Data(
        np.zeros((10, 1)),
        y,
        validation=(np.zeros((2, 1)), y[:2]),
        sample_weight=np.full(10, 2.0),
        class_weight={0: 1.0, 1: 3.0},
    )
    assert data.weight_train.tolist() == [2.0, 6.0] * 5


def test_datasets_are_gathered() -> None:
    class Batches:
        """What a PyDataset looks like."""

        num_batches = 3

        def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
            return np.full((4, 2), index, np.float32), np.arange(4) % 2

    data = Data(Batches(), validation=0.25)
    assert data.rows + data.validation_rows == 12
    with pytest.raises(DataError, match="leave y"):
        Data(Batches(), np.zeros(12))


def test_tfrecords_come_by_tf_data(tmp_path: Path) -> None:
    tf = pytest.importorskip("tensorflow")
    x = np.random.default_rng(0).random((20, 3)).astype("float32")
    y = np.arange(20) % 2
    with tf.io.TFRecordWriter(str(tmp_path / "rows.tfrecord")) as writer:
        for row, label in zip(x, y, strict=True):
            features = {
                "x": tf.train.Feature(float_list=tf.train.FloatList(value=row)),
                "y": tf.train.Feature(int64_list=tf.train.Int64List(value=[label])),
            }
            writer.write(tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString())
    layout = {"x": tf.io.FixedLenFeature([3], tf.float32), "y": tf.io.FixedLenFeature([], tf.int64)}

    def parsed(batch):
        row = tf.io.parse_example(batch, layout)
        return row["x"], row["y"]

    records = tf.data.TFRecordDataset(str(tmp_path / "rows.tfrecord")).batch(8).map(parsed)
    found, expected = Data(records, validation=0.2, seed=0), Data(x, y, validation=0.2, seed=0)
    assert np.array_equal(found.x_train, expected.x_train)
    assert np.array_equal(found.y_validation, expected.y_validation)


def test_fingerprint_tells_data_apart_and_prepared_arrays_have_keras_dtypes() -> None:
    space = genomes.spaces.image((8, 8, 1), classes=10)
    x, y = np.random.default_rng(0).random((40, 8, 8, 1)), np.arange(40) % 10
    first, second = Data(x, y).prepare(space), Data(x, y).prepare(space)
    assert first.fingerprint == second.fingerprint
    assert first.arrays["x_train"].dtype == np.float32
    changed = x.copy()
    changed[0, 0, 0, 0] += 1
    assert Data(changed, y).prepare(space).fingerprint != first.fingerprint
    assert Data(x, y, seed=1).prepare(space).fingerprint != first.fingerprint


def test_rows_in_a_row_of_a_mapped_array_are_not_copied(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.arange(40.0).reshape(20, 2))
    x = np.load(tmp_path / "x.npy", mmap_mode="r")
    data = Data(x, np.arange(20) % 2, time=np.arange(20))
    assert np.shares_memory(data.x_train, x) and np.shares_memory(data.x_validation, x)
    assert (data.x_train == x[:16]).all() and (data.x_validation == x[16:]).all()


def test_texts_are_texts_whatever_holds_them() -> None:
    texts = ["a cat", "a longer dog"]
    stored = [named("x", np.array(texts, dtype=kind))["x"] for kind in (object, str)]
    assert stored[0].dtype == stored[1].dtype and np.array_equal(*stored)
    with pytest.raises(DataError, match="Python objects"):
        named("x", np.array(["a cat", None], dtype=object))


def test_all_errors_are_evo_errors() -> None:
    with pytest.raises(EvoError):
        Data([1, 2], None)


def test_targets_within_targets_are_named_by_their_places() -> None:
    x, y = np.zeros((6, 2)), np.arange(6.0)
    data = Data({"a": {"b": x}, "c": [x]}, [y, {"d": y, "e": [y]}], validation=0.5, sample_weight={"f": {"g": y}})
    assert list(data.x_train) == ["a/b", "c/0"]
    assert list(data.y_train) == list(data.y_validation) == ["0", "1/d", "1/e/0"]
    assert list(data.weight_train) == ["f/g"] and data.rows == data.validation_rows == 3
    with pytest.raises(DataError, match=re.escape("x has 6, y['a'] has 6, y['b/c'] has 5")):
        Data(x, {"a": y, "b": {"c": y[:5]}})
