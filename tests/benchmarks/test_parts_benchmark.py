"""The simple methods that parts of the product are compared with."""

from __future__ import annotations

import numpy as np

from benchmarks import parts
from benchmarks.tasks import Task


def task(kind: str, x: np.ndarray, y: np.ndarray) -> Task:
    """Rows in order: half to train on, a quarter each to validate and to test."""
    half, rest = len(x) // 2, 3 * len(x) // 4
    cut = [slice(0, half), slice(half, rest), slice(rest, None)]
    rows = [part for which in cut for part in (x[which], y[which])]
    return Task("made", kind, "binary" if kind == "text" else "multiclass", 2, *rows)


def test_tfidf_and_logistic_regression_read_words() -> None:
    y = np.arange(80) % 2
    x = np.array([f"{'good' if label else 'bad'} thing {row % 7}" for row, label in enumerate(y)])
    made = task("text", x, y)
    assert made.error(made.y_test, parts._tfidf_logistic_regression(made)) == 0


def test_convolutions_and_ridge_tell_frequencies_apart() -> None:
    y = np.arange(80) % 2
    phase = np.random.default_rng(0).uniform(0, 6, 80)
    x = np.sin(np.arange(30)[None] * np.where(y, 0.9, 0.5)[:, None] + phase[:, None])[..., None].astype(np.float32)
    made = task("timeseries", x, y)
    assert made.error(made.y_test, parts._rocket_ridge(made)) < 0.1


def test_all_rows_are_those_of_training_and_validation() -> None:
    made = task("tabular", np.arange(40.0).reshape(20, 2), np.arange(20))
    x, y = parts._all_rows(made)
    assert (y == np.arange(15)).all() and (x == np.arange(30.0).reshape(15, 2)).all()
