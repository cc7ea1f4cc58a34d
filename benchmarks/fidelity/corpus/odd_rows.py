"""Numbers of rows that no batch size and no number of replicas divides: one row, few rows, a last batch of one."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import keras

from benchmarks.fidelity.corpus.small_models import compiled
from benchmarks.fidelity.made_rows import images, numbers, series, weighted
from benchmarks.fidelity.program import Rows, Subject

SUBJECT = Subject("odd-rows")

L, ops = keras.layers, keras.ops


def _few(make: Callable[[], Rows], training: int, validation: int) -> Callable[[], Rows]:
    """The first rows of each part."""

    def made() -> Rows:
        rows = make()
        return dataclasses.replace(
            rows,
            x=rows.x[:training],
            y=rows.y[:training],
            weight=None if rows.weight is None else rows.weight[:training],
            validation=tuple(part[:validation] for part in rows.validation),
        )

    return made


def _normalized(hp: Any) -> keras.Model:
    inputs = keras.Input((6,))
    x = L.BatchNormalization()(L.Dense(5)(inputs))
    return compiled(keras.Model(inputs, L.Dense(1)(x)), metrics=["mae"], weighted_metrics=["mse"])


#: Rows for training and for validation, in batches of 32.
_COUNTS = {"one-row": (1, 1), "three-rows": (3, 3), "last-batch-of-one": (33, 33), "last-batch-of-three": (67, 5)}
for _name, (_training, _validation) in _COUNTS.items():
    _rows = _few(weighted(numbers()), _training, _validation)
    SUBJECT.add(_name, lambda hp: _normalized(hp), _rows, quick=_name == "last-batch-of-three")


@SUBJECT.program(_few(images(), 35, 1))
def convolution(hp: Any) -> keras.Model:
    inputs = keras.Input((8, 8, 1))
    x = L.BatchNormalization()(L.Conv2D(4, 3, activity_regularizer="l2")(inputs))
    x = L.Dense(3, "softmax")(L.Flatten()(ops.relu(x)))
    return compiled(keras.Model(inputs, x), "sparse_categorical_crossentropy", metrics=["accuracy"])


@SUBJECT.program(_few(series(padded=True), 35, 1))
def masked(hp: Any) -> keras.Model:
    inputs = keras.Input((6, 3))
    x = L.BatchNormalization()(L.Masking()(inputs))
    return compiled(keras.Model(inputs, L.Dense(1)(L.GRU(3)(x))), metrics=["mae"])


@SUBJECT.program(_few(numbers(), 35, 1))
def mixed_by_a_lambda(hp: Any) -> keras.Model:
    inputs = keras.Input((6,))
    x = L.Lambda(lambda t: t - ops.mean(t, axis=0, keepdims=True))(inputs)
    return compiled(keras.Model(inputs, L.Dense(1)(x)), metrics=["mae"])


class OwnStep(keras.Model):  # type: ignore[misc]
    """Weighs its loss."""

    def train_step(self, *data: Any) -> Any:
        x, y, weight = keras.utils.unpack_x_y_sample_weight(data[-1])
        return super().train_step(*data[:-1], keras.utils.pack_x_y_sample_weight(x, 2.0 * y, weight))


def _own_step(hp: Any) -> keras.Model:
    inputs = keras.Input((6,))
    return compiled(OwnStep(inputs, L.Dense(1)(inputs)), metrics=["mae"])


SUBJECT.add("own-step-for-one-row", _own_step, _few(numbers(), 1, 1))
SUBJECT.add("own-step-and-a-last-batch-of-one", _own_step, _few(numbers(), 33, 3))
SUBJECT.add("own-step-and-one-validation-row", _own_step, _few(numbers(), 36, 1))
