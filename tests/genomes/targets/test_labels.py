"""Labels of a user's own go in and come out as they were given."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

from genomes.errors import GenomeError
from genomes.targets import Binary, Multiclass, Multilabel, Regression, Target
from genomes.targets.labels import ordered_categories, plain_array

WORDS = Multiclass(3, labels=("a", "b", "c"))
SIGNS = Binary(labels=(-1, 1))


@pytest.mark.parametrize(
    ("target", "y"),
    [
        (WORDS, np.array(["c", "a", "b", "c"])),
        (WORDS, np.array(["c", "a", "b", "c"], dtype=object)),
        (WORDS, pd.Series(["c", "a", "b", "c"], dtype="category")),
        (Multiclass(3, labels=(5, 7, 9)), np.array([9, 5, 7, 9])),
        (Multiclass(3, labels=("b", "c", "a")), np.array(["c", "a", "b", "c"])),  # any order
        (SIGNS, np.array([1, -1, -1])),
        (Binary(labels=(False, True)), np.array([True, False])),
        (Binary(labels=(0.0, 1.0)), np.array([1.0, 0.0])),
        (Binary(labels=(1, 2)), np.array([2, 1, 2])[:, None]),
    ],
)
def test_what_goes_in_comes_out(target: Target, y: Any) -> None:
    flat = np.asarray(y).reshape(-1)
    target.check(y)
    prepared = target.prepare(y)
    assert prepared.dtype == (np.int32 if target.task == "multiclass" else np.float32)
    judged = target.as_targets(y, target.outputs)
    told = target.decode(target.as_outputs(judged, target.width))
    assert told.tolist() == flat.tolist() and type(told.tolist()[0]) is type(target.labels[0])  # type: ignore[index]
    assert target.as_given(prepared).tolist() == flat.tolist()
    np.testing.assert_array_equal(target.labels_at(target.label_indices(flat)), flat)
    np.testing.assert_array_equal(target.unlabelled.prepare(target.label_indices(y)), prepared)


def test_stored_with_labels_and_without_as_before() -> None:
    for target in (WORDS, SIGNS, Binary(labels=(False, True)), Multilabel(2, labels=("red", "green"))):
        stored = json.loads(json.dumps(target.to_json()))
        again = Target.from_json(stored)
        assert again == target and repr(again) == repr(target) and not target.is_named_fully
        assert "labels" not in target.unlabelled.to_json() and target.unlabelled.is_named_fully
    assert Binary().to_json() == {"task": "binary", "outputs": 1}
    assert Regression(2).unlabelled == Regression(2)


def test_labels_are_what_classes_may_be_given_by() -> None:
    assert Target.infer(classes=["no", "yes"]) == Binary(labels=("no", "yes"))
    assert Target.infer(classes=np.array([5, 7, 9])) == Multiclass(3, labels=(5, 7, 9))
    assert Target.infer(classes=["no", "yes"], task="multiclass") == Multiclass(2, labels=("no", "yes"))
    assert Target.infer(labels=["red", "green"]) == Multilabel(2, labels=("red", "green"))


def test_one_hot_rows_need_no_names() -> None:
    rows = np.eye(3)[[2, 0]]
    WORDS.check(rows)
    assert WORDS.as_given(WORDS.prepare(rows)).tolist() == ["c", "a"]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Multiclass(3, labels=("a", "b")), "labels: expected 3, one for each class, got 'a', 'b'"),
        (lambda: Binary(labels=("a", "b", "c")), "labels: expected 2"),
        (lambda: Multiclass(2, labels=("a", "a")), "given once, got 'a' twice"),
        (lambda: Multiclass(2, labels=("a", 1)), "of one kind"),
        (lambda: Multiclass(2, labels="ab"), "expected a sequence of labels"),
        (lambda: Multiclass(2, labels=("a", None)), "none of them missing"),
        (lambda: Target.infer(classes=["a"]), "classes: expected a whole number of 2 or more, got 1"),
        (lambda: Target.from_json({"task": "regression", "outputs": 1, "labels": ["a"]}), "does not fit Regression"),
        (lambda: WORDS.check(["a", "d", "e"], "y_train"), "y_train: unknown labels 'd', 'e'; known are 'a', 'b', 'c'"),
        (lambda: WORDS.check([0, 1, 2], "y_train"), "y_train: expected the labels 'a', 'b', 'c', got 0"),
        (lambda: WORDS.check(["a", None]), "1 of 2 rows have no value, row 1 first"),
        (lambda: SIGNS.check([-1, 0]), "unknown label 0; known are -1, 1"),
        (lambda: SIGNS.check([-1, np.nan]), "no value"),
        (lambda: SIGNS.as_targets(["a"]), "expected the labels -1, 1, got 'a'"),
    ],
)
def test_wrong_labels_are_named(make: Any, words: str) -> None:
    with pytest.raises(GenomeError) as error:
        make()
    assert words in str(error.value)


def test_intervals_are_labels_by_how_they_are_written() -> None:
    cut = pd.cut(pd.Series([1.0, 5.0, 9.0]), [0, 3, 6, 10])
    assert ordered_categories(cut) == ("(0, 3]", "(3, 6]", "(6, 10]")
    assert plain_array(cut).tolist() == ["(0, 3]", "(3, 6]", "(6, 10]"]
