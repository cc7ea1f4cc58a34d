"""Small made data: 90 rows for training, so that the last batch of 32 is partial, and 30 for validation."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.fidelity.program import Rows

TRAINING, VALIDATION = 90, 30


def _split(x: np.ndarray, y: np.ndarray, rows: int, **more: Any) -> Rows:
    return Rows(x[:rows], y[:rows], (x[rows:], y[rows:]), **more)


def _vectors(rows: int, features: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Inputs, and two hidden numbers per row that targets are made of."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, features)).astype(np.float32)
    hidden = x @ rng.normal(size=(features, 2)).astype(np.float32) / np.sqrt(features)
    return x, np.tanh(hidden + 0.1 * rng.normal(size=hidden.shape)).astype(np.float32)


def numbers(outputs: int = 1, rows: int = TRAINING, scale: float = 1.0) -> Callable[[], Rows]:
    """Six numbers to ``outputs`` numbers (one or two)."""

    def make() -> Rows:
        x, hidden = _vectors(rows + VALIDATION, 6)
        return _split(x, hidden[:, :outputs] * np.float32(scale), rows)

    return make


def classes(labels: str = "integers", count: int = 3, rows: int = TRAINING) -> Callable[[], Rows]:
    """Six numbers to classes: ``integers`` (n,), ``column`` (n, 1), or ``one-hot`` (n, count)."""

    def make() -> Rows:
        x, hidden = _vectors(rows + VALIDATION, 6)
        found = np.digitize(hidden[:, 0], np.quantile(hidden[:, 0], np.arange(1, count) / count)).astype(np.int64)
        y = {"integers": found, "column": found[:, None], "one-hot": np.eye(count, dtype=np.float32)[found]}[labels]
        return _split(x, y, rows)

    return make


def two_classes(shape: str = "column", dtype: Any = np.float32, rows: int = TRAINING) -> Callable[[], Rows]:
    """Six numbers to 0 or 1: (n, 1) as ``column``, (n,) as ``flat``."""

    def make() -> Rows:
        x, hidden = _vectors(rows + VALIDATION, 6)
        found = (hidden[:, 0] > 0.1).astype(dtype)
        return _split(x, found[:, None] if shape == "column" else found, rows)

    return make


def labels() -> Rows:
    """Six numbers to two labels that may hold together, (n, 2)."""
    x, hidden = _vectors(TRAINING + VALIDATION, 6)
    return _split(x, (hidden > 0).astype(np.float32), TRAINING)


def images(dtype: Any = np.float32, channels: int = 1, rows: int = TRAINING, side: int = 8) -> Callable[[], Rows]:
    """Images to three classes; bytes where the dtype is of whole numbers."""

    def make() -> Rows:
        rng = np.random.default_rng(0)
        y = rng.integers(0, 3, rows + VALIDATION)
        x = rng.random((rows + VALIDATION, side, side, channels))
        for label in range(3):
            x[y == label, label : label + 3] *= 0.4
        if np.dtype(dtype).kind in "iu":
            x = np.round(x * 255)
        return _split(x.astype(dtype), y, rows)

    return make


def series(rows: int = TRAINING, padded: bool = False, outputs: str = "number") -> Callable[[], Rows]:
    """Series (6, 3) to a ``number`` each, or to a number at each ``step``; zeros behind the end if ``padded``."""

    def make() -> Rows:
        rng = np.random.default_rng(1)
        x = rng.normal(size=(rows + VALIDATION, 6, 3)).astype(np.float32)
        if padded:
            lengths = rng.integers(2, 7, rows + VALIDATION)
            x[np.arange(6)[None, :] >= lengths[:, None]] = 0
        steps = np.tanh(np.cumsum(x.sum(-1), 1) / 3).astype(np.float32)
        return _split(x, steps[:, :, None] if outputs == "step" else steps[:, -1:], rows)

    return make


def tokens(outputs: str = "class", rows: int = TRAINING) -> Callable[[], Rows]:
    """Sequences of 7 word numbers, 0 behind the end, to a ``class``, or to a class at each ``step``."""

    def make() -> Rows:
        rng = np.random.default_rng(2)
        x = rng.integers(1, 12, (rows + VALIDATION, 7))
        x[np.arange(7)[None, :] >= rng.integers(2, 8, rows + VALIDATION)[:, None]] = 0
        y = x % 3 if outputs == "step" else (x.sum(1) % 2)
        return _split(x.astype(np.int32), y.astype(np.int64), rows)

    return make


def weighted(make: Callable[[], Rows], validation: bool = True) -> Callable[[], Rows]:
    """The same rows with sample weights from 0 to 2."""

    def made() -> Rows:
        rows = make()
        rng = np.random.default_rng(3)
        weight = np.linspace(0, 2, _count(rows.y)).astype(np.float32)
        given = rows.validation[:2]
        if validation:
            given = (*given, rng.random(_count(given[1])).astype(np.float32))
        return dataclasses.replace(rows, weight=weight, validation=given)

    return made


def class_weighted(make: Callable[[], Rows], weights: dict[int, float]) -> Callable[[], Rows]:
    """The same rows with ``class_weight``."""
    return lambda: dataclasses.replace(make(), class_weight=weights)


def changed(make: Callable[[], Rows], x: Any = None, y: Any = None) -> Callable[[], Rows]:
    """The same rows with inputs or targets, of both parts, passed through functions."""

    def same(value: Any) -> Any:
        return value

    def made() -> Rows:
        rows = make()
        of_x, of_y = x or same, y or same
        validation = (of_x(rows.validation[0]), of_y(rows.validation[1]), *rows.validation[2:])
        return dataclasses.replace(rows, x=of_x(rows.x), y=of_y(rows.y), validation=validation)

    return made


def _count(arrays: Any) -> int:
    if isinstance(arrays, dict):
        return _count(next(iter(arrays.values())))
    return _count(arrays[0]) if isinstance(arrays, (list, tuple)) else len(arrays)
