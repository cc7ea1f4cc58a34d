"""What is predicted is what a person would say: on data sets that people know, and on what breaks simple rules."""

from __future__ import annotations

import datetime
import decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn import datasets

from genomes.errors import GenomeError
from genomes.targets import Binary, Multiclass, Multilabel, Regression, Target, infer_target

RNG = np.random.default_rng(0)
WHO = ["ann", "bob"] * 20


def many(values: Any, rows: int = 400) -> np.ndarray:
    return np.asarray(values)[np.random.default_rng(1).integers(len(values), size=rows)]


@pytest.mark.parametrize(
    ("y", "expected"),
    [
        (datasets.load_iris().target, Multiclass(3)),
        (datasets.load_wine().target, Multiclass(3)),
        (datasets.load_digits().target, Multiclass(10)),
        (datasets.load_breast_cancer().target, Binary()),
        (datasets.load_diabetes().target, Regression(1)),
        (datasets.load_linnerud().target, Regression(3)),
        (np.repeat(np.arange(100), 5), Multiclass(100)),  # codes, as CIFAR-100 has them
        (RNG.permutation(np.concatenate([np.arange(869), RNG.poisson(150, 16510)])), Regression(1)),  # hired bicycles
        (RNG.integers(300, 2500, 900), Regression(1)),  # rents
        (np.arange(400, 2300, 100).repeat(3), Regression(1)),  # a few round rents
        (RNG.integers(17, 91, 40_000), Regression(1)),  # ages
        (RNG.integers(2008, 2021, 5000), Regression(1)),  # years
        (RNG.poisson(3.0, 5000) * 25, Regression(1)),  # few counts, far apart
        (RNG.poisson(30.0, 5000), Regression(1)),  # many counts
        (np.arange(12), Regression(1)),  # as many as rows
        (many([1, 2, 3, 4, 5]), Multiclass(5, labels=(1, 2, 3, 4, 5))),  # stars
        (many([0, 1]), Binary()),
        (many([-1, 1]), Binary(labels=(-1, 1))),
        (many([1, 2]), Binary(labels=(1, 2))),
        (many([5, 7, 9]), Multiclass(3, labels=(5, 7, 9))),
        (many([1.0, 0.0]), Binary(labels=(0.0, 1.0))),
        (many([1.0, 2.0, 3.0]), Multiclass(3, labels=(1.0, 2.0, 3.0))),
        (many([0.5, 1.5]), Regression(1)),
        (RNG.normal(size=50), Regression(1)),
        (np.round(RNG.normal(50, 20, 500)), Regression(1)),  # whole numbers that a CSV made floats
        (many([True, False]), Binary(labels=(False, True))),
        (many(["yes", "no"]), Binary(labels=("no", "yes"))),
        (many([b"yes", b"no"]), Binary(labels=("no", "yes"))),
        (many(["None", "NA", ""]), Multiclass(3, labels=("", "NA", "None"))),
        (["b", "a", "c"] * 3, Multiclass(3, labels=("a", "b", "c"))),
        (np.array(WHO, dtype=object)[:, None], Binary(labels=("ann", "bob"))),
        (pd.Series(WHO, dtype="category"), Binary(labels=("ann", "bob"))),
        (pd.Categorical(WHO), Binary(labels=("ann", "bob"))),
        (pd.Series(WHO, dtype="string"), Binary(labels=("ann", "bob"))),
        (pd.Series([1, 2] * 20, dtype="Int64"), Binary(labels=(1, 2))),
        (pd.Series([True, False] * 20, dtype="boolean"), Binary(labels=(False, True))),
        ([decimal.Decimal("1.5") * n for n in range(40)], Regression(1)),
        (many(np.eye(3)), Multiclass(3)),
        (many([[0, 0, 1], [1, 1, 0], [0, 0, 0]]), Multilabel(3)),
        (many([[True, True], [False, True]]), Multilabel(2)),
        (pd.DataFrame(many([[1, 1], [0, 1]]), columns=["red", "green"]), Multilabel(2, labels=("red", "green"))),
        (pd.DataFrame(many([[1, 0], [0, 1]]), columns=["dog", "cat"]), Multiclass(2, labels=("dog", "cat"))),
        (RNG.normal(size=(50, 2)), Regression(2)),
        (RNG.integers(0, 9, (50, 2)), Regression(2)),
    ],
)
def test_what_is_predicted(y: Any, expected: Target) -> None:
    target, line = infer_target(y)
    assert target == expected and repr(target) == repr(expected)  # 1, 1.0 and True are equal, and not the same
    assert line.startswith("y: ") and "\n" not in line
    target.check(y)
    target.prepare(y)


@pytest.mark.parametrize(
    ("y", "words"),
    [
        ([], "rent: is empty"),
        (3, "one value per row"),
        ([1, None, 2], "1 of 3 rows have no value, row 1 first"),
        ([0.5, np.nan], "1 of 2 rows have no value, row 1 first"),
        (pd.Series([1, None, 2], dtype="Int64"), "1 of 3 rows"),
        ([0.5, np.inf], "infinite"),
        (np.array(["2020-01-01"], "datetime64[D]"), "dates or times"),
        ([datetime.date(2020, 1, 1)] * 4, "dates or times"),
        ([1 + 2j], "complex"),
        ([["a"], ["a", "b"]], "MultiLabelBinarizer"),
        (np.array([{"a"}, {"b"}], dtype=object), "MultiLabelBinarizer"),
        (np.array([1, "a"], dtype=object), "int and str"),
        (np.array([["a", "b"]] * 3), "2 columns of words"),
        ([f"row {n}" for n in range(200)], "a name or a key is no target"),
        ([str(n / 7) for n in range(200)], "numbers as texts"),
        (["one"] * 9, "one class only"),
        ([4] * 9, "one class only"),
        (np.zeros((3, 2, 2)), "shape (3, 2, 2)"),
    ],
)
def test_what_is_no_target_is_refused_by_one_line(y: Any, words: str) -> None:
    if isinstance(y, list) and y and isinstance(y[0], list):
        y = np.array([*y, None], dtype=object)[:-1]
    with pytest.raises(GenomeError) as error:
        infer_target(y, "rent")
    assert words in str(error.value) and str(error.value).startswith("rent: ") and "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("y", "task", "expected"),
    [
        (many([1, 2, 3]), "regression", Regression(1)),
        (np.arange(30), "classification", Multiclass(30)),
        (many([0.5, 1.5]), "classification", Binary(labels=(0.5, 1.5))),
        (many([5, 7]), "multiclass", Multiclass(2, labels=(5, 7))),
        (many([5, 7]), "binary", Binary(labels=(5, 7))),
        ([str(n) for n in range(99)], "classification", Multiclass(99, labels=tuple(sorted(map(str, range(99)))))),
        (many(np.eye(3)), "multilabel", Multilabel(3)),
        (many(np.eye(3)), "regression", Regression(3)),
        (many([5, 7]), Binary(labels=(5, 7)), Binary(labels=(5, 7))),
    ],
)
def test_a_stated_task_is_kept(y: Any, task: Any, expected: Target) -> None:
    assert infer_target(y, task=task)[0] == expected


@pytest.mark.parametrize(
    ("y", "task", "words"),
    [
        (many([1, 2, 3]), "binary", "a binary task has two classes, got 3: 1, 2, 3"),
        (many(["a", "b"]), "regression", "y: a regression needs numbers, got words"),
        (many([1, 2]), "clasification", "task: expected one of ('classification', "),
        (many([1, 2]), "multilabel", "does not fit one value per row"),
        (RNG.normal(size=(9, 2)), "classification", "does not fit 2 columns"),
        (many([5, 6]), Binary(labels=(5, 7)), "y: unknown label 6; known are 5, 7"),
    ],
)
def test_a_task_that_does_not_fit_is_refused(y: Any, task: Any, words: str) -> None:
    with pytest.raises(GenomeError) as error:
        infer_target(y, task=task)
    assert words in str(error.value)


def test_the_line_says_what_was_chosen_and_how_to_have_it_otherwise() -> None:
    assert infer_target(["no", "yes", "yes"], "churn")[1] == "churn: 2 classes, 'no' and 'yes'"
    assert infer_target(many([5, 7, 9]), "size")[1] == (
        'size: 3 classes, 5, 7, 9; should they be numbers, say task="regression"'
    )
    assert infer_target(np.arange(30), "rent")[1] == (
        'rent: numbers from 0 to 29, 30 different ones; should they be classes, say task="classification"'
    )
    assert "'rare' in one row only" in infer_target(["a", "b"] * 9 + ["rare"])[1]
