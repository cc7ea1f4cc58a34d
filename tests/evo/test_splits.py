"""``validation=`` in all its forms, compared with scikit-learn's own splitters."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import model_selection

import genomes
from evo import Data
from evo.errors import DataError
from evo.splits import folds_of, splits_of

ROWS = 60
X = np.arange(2 * ROWS, dtype=np.float32).reshape(ROWS, 2)
Y = np.arange(ROWS) % 3
GROUPS = np.repeat(np.arange(12), 5)


def kept_rows(data: Data) -> list[int]:
    return [int(row) for row in data.x_validation[:, 0] / 2]


def trained_rows(data: Data) -> list[int]:
    return [int(row) for row in data.x_train[:, 0] / 2]


@pytest.mark.parametrize(
    "validation",
    [
        [3, 1, 30],
        (3, 1, 30),
        np.array([3, 1, 30]),
        pandas.Series([3, 1, 30], index=[7, 8, 9]),
        np.isin(np.arange(ROWS), [1, 3, 30]),
        np.isin(np.arange(ROWS), [1, 3, 30]).tolist(),
        pandas.Series(np.isin(np.arange(ROWS), [1, 3, 30])),
        pandas.Series(np.isin(np.arange(ROWS), [1, 3, 30]), dtype="boolean"),
        (np.setdiff1d(np.arange(ROWS), [1, 3, 30]), [1, 3, 30]),
        [(np.setdiff1d(np.arange(ROWS), [1, 3, 30]), np.array([1, 3, 30]))],
        model_selection.PredefinedSplit(np.where(np.isin(np.arange(ROWS), [1, 3, 30]), 0, -1)),
    ],
)
def test_rows_that_are_named_are_judged_by_and_all_others_trained_on(validation: Any) -> None:
    data = Data(X, Y, validation=validation)
    assert kept_rows(data) == [1, 3, 30]
    assert trained_rows(data) == [row for row in range(ROWS) if row not in (1, 3, 30)]
    assert np.array_equal(data.y_validation, Y[[1, 3, 30]])


def test_a_range_and_a_frame() -> None:
    frame = pandas.DataFrame(X, index=np.arange(ROWS)[::-1])
    data = Data(frame, pandas.Series(Y), validation=range(50, 60))
    assert data.x_validation[0].tolist() == X[50:, 0].tolist()


@pytest.mark.filterwarnings("ignore:The groups parameter is ignored")
@pytest.mark.parametrize(
    "splitter",
    [
        model_selection.ShuffleSplit(1, test_size=0.3, random_state=5),
        model_selection.StratifiedShuffleSplit(1, test_size=0.3, random_state=5),
        model_selection.GroupShuffleSplit(1, test_size=0.3, random_state=5),
        model_selection.TimeSeriesSplit(4),
        model_selection.KFold(4),
        model_selection.KFold(4, shuffle=True, random_state=3),
        model_selection.StratifiedKFold(4, shuffle=True, random_state=3),
        model_selection.GroupKFold(4),
        model_selection.StratifiedGroupKFold(4),
        model_selection.LeaveOneGroupOut(),
        model_selection.RepeatedKFold(n_splits=3, n_repeats=2, random_state=0),
    ],
)
def test_splits_are_those_of_the_splitter(splitter: Any) -> None:
    takes_groups = "Group" in type(splitter).__name__
    expected = list(splitter.split(X, Y, GROUPS))
    found = splits_of(splitter, X, Y, ROWS, groups=GROUPS if takes_groups else None)
    assert found is not None and len(found) == len(expected)
    for split, (train, kept) in zip(found, expected, strict=True):
        assert np.array_equal(split.train, np.sort(train))
        assert np.array_equal(split.validation, np.sort(kept))
    again = splits_of(splitter.split(X, Y, GROUPS), X, Y, ROWS)
    assert again is not None and all(np.array_equal(a.train, b.train) for a, b in zip(again, found, strict=True))


def test_a_splitter_without_a_seed_of_its_own_takes_the_datas() -> None:
    splitter = model_selection.ShuffleSplit(1, test_size=0.3)
    first, second, other = (kept_rows(Data(X, Y, validation=splitter, seed=seed)) for seed in (1, 1, 2))
    assert first == second != other
    assert splitter.random_state is None


@given(rows=st.integers(20, 80), number=st.integers(2, 12), share=st.floats(0.1, 0.6), seed=st.integers(0, 9))
def test_no_group_is_in_both_parts(rows: int, number: int, share: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    groups = np.array([f"patient {n}" for n in rng.integers(number, size=rows)])
    y = rng.integers(2, size=rows)
    if len(set(groups)) < 2:
        return
    split = splits_of(share, None, y, rows, seed=seed, groups=groups)
    assert split is not None
    assert not set(groups[split[0].train]) & set(groups[split[0].validation])
    assert sorted([*split[0].train, *split[0].validation]) == list(range(rows))


def test_groups_keep_the_shares_of_classes_where_they_can() -> None:
    y = np.repeat([0, 0, 0, 0, 0, 1, 1, 1, 1, 1], 10)  # groups of one class each
    groups = np.repeat(np.arange(10), 10)
    for seed in range(5):
        split = splits_of(0.2, None, y, 100, seed=seed, groups=groups)
        assert split is not None and np.bincount(y[split[0].validation]).tolist() == [10, 10]


@pytest.mark.parametrize(
    "time",
    [
        np.arange(ROWS)[::-1],
        np.linspace(0, 1, ROWS)[::-1],
        pandas.Series(pandas.date_range("2024-01-01", periods=ROWS)[::-1]),
        pandas.Series(pandas.date_range("2024-01-01", periods=ROWS, tz="Europe/Berlin")[::-1]),
        [f"{day:%d.%m.%Y}" for day in pandas.date_range("2024-01-01", periods=ROWS)[::-1]],
        [f"{day:%Y-%m-%d}" for day in pandas.date_range("2024-01-01", periods=ROWS)[::-1]],
        [day.date() for day in pandas.date_range("2024-01-01", periods=ROWS)[::-1]],
    ],
)
def test_the_latest_rows_are_judged_by(time: Any) -> None:
    assert kept_rows(Data(X, Y, validation=0.25, time=time)) == list(range(15))


def test_rows_of_one_time_are_not_parted() -> None:
    time = np.repeat(np.arange(6), 10)
    data = Data(X, Y, validation=0.2, time=np.random.default_rng(0).permutation(time))
    assert data.validation_rows == 10
    for folds in folds_of(3, Y, ROWS, time=time):
        assert time[folds.train].max() < time[folds.validation].min()


@pytest.mark.parametrize("rows", [31, 60])
@pytest.mark.parametrize("folds", [2, 5])
def test_folds_judge_every_row_once_and_repeat(rows: int, folds: int) -> None:
    y = np.arange(rows) % 2
    splits = folds_of(folds, y, rows, seed=3)
    assert sorted(np.concatenate([split.validation for split in splits])) == list(range(rows))
    for split in splits:
        assert sorted([*split.train, *split.validation]) == list(range(rows))
        assert abs(y[split.validation].mean() - y.mean()) < 1 / len(split.validation)
    expected = model_selection.StratifiedKFold(folds, shuffle=True, random_state=3).split(np.zeros(rows), y)
    for split, (train, _) in zip(splits, expected, strict=True):
        assert np.array_equal(split.train, train)
    numbers = folds_of(folds, np.linspace(0, 1, rows), rows, seed=3)
    expected = model_selection.KFold(folds, shuffle=True, random_state=3).split(np.zeros(rows))
    assert all(np.array_equal(split.train, train) for split, (train, _) in zip(numbers, expected, strict=True))


def test_folds_of_groups() -> None:
    for y in (Y, np.linspace(0, 1, ROWS)):
        for split in folds_of(4, y, ROWS, groups=GROUPS):
            assert not set(GROUPS[split.train]) & set(GROUPS[split.validation])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"validation": [1, 2, 60]}, "there is no row 60; the 60 rows have the numbers 0 to 59"),
        ({"validation": [-1]}, "there is no row -1"),
        ({"validation": [1, 2, 2]}, "row 2 is given twice"),
        ({"validation": range(60)}, "the training part is empty"),
        ({"validation": np.zeros(60, bool)}, "the validation part is empty"),
        ({"validation": []}, "the validation part is empty"),
        ({"validation": np.ones(59, bool)}, "a truth value for each row is expected, got 59 for 60 rows"),
        ({"validation": np.arange(60) % 2}, "give truth values"),
        ({"validation": (np.arange(40), np.arange(39, 60))}, "row 39 is in both parts"),
        ({"validation": 5}, "folds=5 cross-validates"),
        ({"validation": True}, "a share in"),
        ({"validation": 0.2, "folds": 3}, "give folds or validation, not both"),
        ({"validation": model_selection.KFold}, "got the class"),
        ({"validation": model_selection.GroupShuffleSplit(1)}, "give groups="),
        (
            {"validation": model_selection.StratifiedShuffleSplit(1), "y": np.linspace(0, 1, 60)},
            "StratifiedShuffleSplit",
        ),
        ({"validation": model_selection.ShuffleSplit(1), "groups": GROUPS}, "puts rows of group 0 into both parts"),
        ({"groups": GROUPS[:9]}, "groups: expected one value for each of 60 rows"),
        ({"groups": np.zeros(60)}, "all rows belong to the same group"),
        ({"groups": [None, *GROUPS[1:]]}, "groups: 1 rows have no value"),
        ({"time": np.zeros(60)}, "all rows have the same time"),
        ({"time": ["Monday"] * 60}, "expected numbers or dates, got 'Monday' first"),
        ({"time": np.full(60, np.nan)}, "time: 60 rows have no value"),
        ({"time": np.arange(60), "groups": GROUPS}, "not both"),
        ({"validation": (X, Y), "groups": GROUPS}, "leave"),
        ({"validation": [3], "time": np.arange(60)}, "give one of the two"),
    ],
)
def test_a_mistake_is_told_in_the_users_own_terms(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(DataError, match=words):
        Data(**({"x": X, "y": Y} | arguments))


def test_a_class_that_stands_in_chosen_validation_rows_alone() -> None:
    y = np.array(["a", "b"] * 29 + ["c", "c"])
    space = genomes.spaces.tabular(X, classes=["a", "b", "c"])
    with pytest.raises(DataError, match="validation: no training row of class 'c'"):
        Data(X, y, validation=[58, 59]).prepare(space)
    Data(X, y, validation=[1, 59]).prepare(space)
    Data(X, y, time=np.arange(60)).prepare(space)  # it is new, and nobody's mistake


def test_several_inputs_beside_targets_are_no_row_numbers() -> None:
    inputs = [np.zeros((8, 3)), np.zeros((8, 2))]
    for x in (inputs, tuple(inputs)):
        data = Data(inputs, Y[:8], validation=(x, Y[:8]))
        assert len(data.y_validation) == 8
