"""What a model predicts, and the head, loss, metrics and checks that follow from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from genomes.errors import GenomeError

TASKS = ("binary", "multiclass", "multilabel", "regression")


@dataclass(frozen=True)
class Target:
    """The task and the number of outputs.

    Labels: ``binary`` 0 or 1, shape (rows,) or (rows, 1); ``multiclass`` whole
    numbers 0 to outputs - 1, shape (rows,) or (rows, 1), or one-hot rows of shape
    (rows, outputs); ``multilabel`` 0 or 1, shape (rows, outputs); ``regression``
    numbers, shape (rows,) or (rows, outputs).

    Args:
        task: one of ``binary``, ``multiclass``, ``multilabel``, ``regression``.
        outputs: number of classes, labels or regression targets; 1 for ``binary``.

    Raises:
        GenomeError: an unknown task, or a number of outputs that does not fit it.
    """

    task: str
    outputs: int = 1

    def __post_init__(self) -> None:
        if self.task not in TASKS:
            raise GenomeError(f"task: expected one of {TASKS}, got {self.task!r}")
        least = 2 if self.task == "multiclass" else 1
        if (
            isinstance(self.outputs, bool)
            or not isinstance(self.outputs, (int, np.integer))
            or self.outputs < least
        ):
            raise GenomeError(f"classes: expected a whole number from {least}, got {self.outputs!r}")
        object.__setattr__(self, "outputs", 1 if self.task == "binary" else int(self.outputs))

    @classmethod
    def infer(
        cls,
        classes: int | None = None,
        outputs: int | None = None,
        labels: int | None = None,
        task: str | None = None,
    ) -> Target:
        """The target that a user means by ``classes=10``, ``classes=2``, ``labels=5`` or ``outputs=1``.

        Args:
            classes: number of exclusive classes; two become a binary task.
            outputs: number of regression targets.
            labels: number of labels that may hold together.
            task: states the task; one of :data:`TASKS`.

        Raises:
            GenomeError: none of the numbers, or more than one.
        """
        given = {
            k: v
            for k, v in {"classes": classes, "outputs": outputs, "labels": labels}.items()
            if v is not None
        }
        if task == "binary" and not given:
            return cls("binary")
        if len(given) != 1:
            raise GenomeError(
                "give exactly one of classes= (classification), labels= (multi-label) "
                "and outputs= (regression); "
                f"got {given or 'none'}"
            )
        name, number = next(iter(given.items()))
        if isinstance(number, bool) or not isinstance(number, (int, np.integer)):
            raise GenomeError(f"{name}: expected a whole number, got {number!r}")
        if name == "outputs":
            return cls(task or "regression", int(number))
        if name == "labels":
            return cls(task or "multilabel", int(number))
        if task is None:
            task = "binary" if number == 2 else "multiclass"
        return cls(task, int(number))

    # -- data ------------------------------------------------------------------------
    def check(self, y: Any, name: str = "y") -> None:
        """Check targets.

        Raises:
            GenomeError: a wrong shape, labels out of range, NaN; the message names ``name``.
        """
        array = np.asarray(y)
        if array.dtype.kind not in "biuf":
            raise GenomeError(f"{name}: expected numbers, got dtype {array.dtype}")
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise GenomeError(f"{name}: holds NaN or infinite values; expected finite numbers")
        rows = len(array) if array.ndim else 0
        shape = array.shape
        if self.task == "multiclass" and array.ndim == 2 and shape[1] == self.outputs:
            if not (np.isin(array, (0, 1)).all() and (array.sum(axis=1) == 1).all()):
                raise GenomeError(f"{name}: of shape {shape} must be one-hot: one 1 per row, else 0")
            return
        wide = (self.task in ("multilabel", "regression") and self.outputs > 1) or self.task == "multilabel"
        expected = ((rows, self.outputs),) if wide else ((rows,), (rows, 1))
        if shape not in expected:
            raise GenomeError(f"{name}: expected shape {' or '.join(map(str, expected))}, got {shape}")
        if self.task == "regression":
            return
        top = 1 if self.task in ("binary", "multilabel") else self.outputs - 1
        low, high = array.min(initial=0), array.max(initial=0)
        if low < 0 or high > top or (array.dtype.kind == "f" and (array != np.round(array)).any()):
            raise GenomeError(f"{name}: expected whole numbers 0 to {top}, got values from {low} to {high}")

    def prepare(self, y: Any) -> np.ndarray:
        """Checked targets in the one form that training uses.

        Returns:
            int32 (rows,) for ``multiclass``; else float32 (rows, outputs).
        """
        array = np.asarray(y)
        if self.task == "multiclass":
            if array.ndim == 2 and array.shape[1] == self.outputs:
                array = array.argmax(axis=1)
            return np.ascontiguousarray(array.reshape(-1).astype(np.int32))
        return np.ascontiguousarray(array.reshape(len(array), self.outputs).astype(np.float32))

    # -- model -----------------------------------------------------------------------
    @property
    def activation(self) -> str:
        """Activation of the head."""
        return {"multiclass": "softmax", "regression": "linear"}.get(self.task, "sigmoid")

    @property
    def objective(self) -> str:
        """The default objective: ``val_accuracy``, or ``-val_rmse`` for regression."""
        return "-val_rmse" if self.task == "regression" else "val_accuracy"

    def head(self, x: Any) -> Any:
        """The last layers: from a tensor (batch, features) to predictions (batch, outputs) in float32."""
        import keras

        x = keras.layers.Dense(self.outputs, dtype="float32", name="head")(x)
        if self.activation == "linear":
            return x
        return keras.layers.Activation(self.activation, dtype="float32", name="output")(x)

    def loss(self, label_smoothing: float = 0.0) -> Any:
        """The Keras loss on (:meth:`prepare`-d or one-hot targets, predictions), reduced to the mean.

        With label smoothing or soft targets a multi-class loss takes one-hot targets.
        """
        import keras

        if self.task == "regression":
            return keras.losses.MeanSquaredError()
        if self.task == "multiclass":
            if label_smoothing:
                return keras.losses.CategoricalCrossentropy(label_smoothing=label_smoothing)
            return keras.losses.SparseCategoricalCrossentropy()
        return keras.losses.BinaryCrossentropy(label_smoothing=label_smoothing)

    def metrics(self) -> list[Any]:
        """Fresh Keras metrics on prepared targets: ``accuracy``, or ``rmse`` and ``mae``."""
        import keras

        if self.task == "regression":
            return [
                keras.metrics.RootMeanSquaredError(name="rmse"),
                keras.metrics.MeanAbsoluteError(name="mae"),
            ]
        if self.task == "multiclass":
            return [keras.metrics.SparseCategoricalAccuracy(name="accuracy")]
        return [keras.metrics.BinaryAccuracy(name="accuracy")]

    def to_json(self) -> dict[str, Any]:
        """The target as a JSON object."""
        return {"task": self.task, "outputs": self.outputs}

    @classmethod
    def from_json(cls, json: Mapping[str, Any]) -> Target:
        """The target that :meth:`to_json` wrote."""
        return cls(str(json["task"]), json["outputs"])
