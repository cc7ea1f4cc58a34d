"""Benchmark tasks: data with a fixed split into training, validation and test rows.

The test rows of a task are the same for every seed; a seed draws the
validation rows (and the part that ``train_size`` takes). Numbers to be
predicted are standardised by the training rows for every method alike;
errors are reported in the task's own units.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import task_sources
from benchmarks.task_sources import NAMED, Inputs, TaskError, rows, take

__all__ = ["NAMED", "Task", "TaskError", "load", "load_file"]

#: Share of the training rows that is kept for validation.
VALIDATION_SHARE = 0.2
#: Pictures of these tasks become others when mirrored; no method's space mirrors them.
UPRIGHT = ("digits", "mnist")


@dataclass(frozen=True)
class Task:
    """A data set, split.

    Attributes:
        name: as the user gave it; of a file, its name without folder.
        kind: ``image``, ``tabular``, ``text`` or ``timeseries``.
        target: ``binary``, ``multiclass`` or ``regression``.
        outputs: number of classes (2 for binary); 1 for regression.
        x_train: see :class:`benchmarks.task_sources.Source`.
        y_train: int64 classes, or float32 numbers standardised by the training rows; shape (rows,).
        x_validation, y_validation, x_test, y_test: likewise.
        scale: deviation of the training targets of a regression, in the task's units; else 1.
    """

    name: str
    kind: str
    target: str
    outputs: int
    x_train: Inputs
    y_train: np.ndarray
    x_validation: Inputs
    y_validation: np.ndarray
    x_test: Inputs
    y_test: np.ndarray
    scale: float = 1.0

    # -- what is measured ------------------------------------------------------------
    @property
    def objective(self) -> str:
        """What every method selects by: ``val_accuracy``, or ``val_rmse`` (to be minimised)."""
        return "val_rmse" if self.target == "regression" else "val_accuracy"

    @property
    def error_name(self) -> str:
        """Name of :meth:`error`."""
        return "RMSE" if self.target == "regression" else "error rate"

    def error(self, y: np.ndarray, predictions: np.ndarray) -> float:
        """Share of wrong classes, or root mean squared error in the task's units; less is better.

        Args:
            y: targets, shape (rows,).
            predictions: probabilities (rows, classes), or (rows,) or (rows, 1) of class 1 for
                binary tasks; numbers (rows,) or (rows, 1) for regression.
        """
        y, predictions = np.asarray(y).reshape(-1), np.asarray(predictions, dtype=np.float64)
        if len(y) != len(predictions):
            raise ValueError(f"predictions: expected {len(y)} rows, got {len(predictions)}")
        if not np.isfinite(predictions).all():
            return 1.0 if self.target != "regression" else float("inf")
        if self.target == "regression":
            return float(np.sqrt(np.mean((predictions.reshape(-1) - y) ** 2)) * self.scale)
        if predictions.ndim == 2 and predictions.shape[1] > 1:
            return float(np.mean(predictions.argmax(axis=1) != y))
        return float(np.mean((predictions.reshape(-1) > 0.5) != (y == 1)))

    def error_of_score(self, score: float) -> float:
        """The error that a value of :attr:`objective` stands for."""
        return float(score) * self.scale if self.target == "regression" else 1.0 - float(score)

    # -- forms ------------------------------------------------------------------------
    @property
    def rows(self) -> dict[str, int]:
        """Rows by role."""
        return {role: len(getattr(self, f"y_{role}")) for role in ("train", "validation", "test")}

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one sample of array inputs; () for strings, (columns,) for columns by name."""
        if isinstance(self.x_train, Mapping):
            return (len(self.x_train),)
        return tuple(self.x_train.shape[1:])

    def arrays(self) -> dict[str, np.ndarray]:
        """All arrays by name; columns as ``x_train/NAME``."""
        found: dict[str, np.ndarray] = {}
        for role in ("train", "validation", "test"):
            x = getattr(self, f"x_{role}")
            if isinstance(x, Mapping):
                found |= {f"x_{role}/{name}": column for name, column in x.items()}
            else:
                found[f"x_{role}"] = x
            found[f"y_{role}"] = getattr(self, f"y_{role}")
        return found

    @property
    def fingerprint(self) -> str:
        """Hash of all arrays: 16 hexadecimal digits. Equal fingerprints, equal tasks."""
        digest = hashlib.sha256()
        for name, array in sorted(self.arrays().items()):
            digest.update(f"{name}:{array.dtype.str}:{array.shape};".encode())
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()[:16]

    def save(self, path: str | Path) -> None:
        """Write to an ``.npz`` file (no pickle); :func:`load_file` reads it without any other library."""
        facts = {name: getattr(self, name) for name in ("name", "kind", "target", "outputs", "scale")}
        arrays: dict[str, Any] = {name.replace("/", "\\"): array for name, array in self.arrays().items()}
        aside = Path(path).with_suffix(".part.npz")
        np.savez(aside, facts=np.array(json.dumps(facts)), **arrays)
        aside.replace(path)

    # -- our own space --------------------------------------------------------------------
    def space(self, domains: Mapping[str, Any] | None = None) -> Any:
        """The premade space of genomes for this kind of data, with these domains of fields in place of its own."""
        from genomes import spaces

        classes = None if self.target == "regression" else self.outputs
        outputs = 1 if self.target == "regression" else None
        if self.kind == "image":
            return spaces.image(self.shape, classes, outputs=outputs, flip=self.name not in UPRIGHT, domains=domains)
        if self.kind == "text":
            return spaces.text(classes, outputs=outputs, domains=domains)
        if self.kind == "timeseries":
            return spaces.timeseries(self.shape, classes, outputs=outputs, domains=domains)
        return spaces.tabular(self.x_train, classes, outputs=outputs, domains=domains)


def load_file(path: str | Path) -> Task:
    """The task that :meth:`Task.save` wrote."""
    with np.load(path, allow_pickle=False) as data:
        facts = json.loads(str(data["facts"]))
        arrays = {name.replace("\\", "/"): data[name] for name in data.files if name != "facts"}
    parts: dict[str, Any] = {name: array for name, array in arrays.items() if "/" not in name}
    for role in ("x_train", "x_validation", "x_test"):
        prefix = role + "/"
        columns = {name[len(prefix) :]: array for name, array in arrays.items() if name.startswith(prefix)}
        if columns:
            parts[role] = columns
    return Task(**facts, **parts)


def load(
    name: str,
    data_dir: str | Path | None = None,
    train_size: int | None = None,
    seed: int = 0,
    target: str | None = None,
) -> Task:
    """Load a task.

    Args:
        name: a key of :data:`NAMED`, or ``PATH.npz`` with x_train, y_train, x_test, y_test, or ``PATH.csv``.
        data_dir: the data folder; None for the environment variable ``EVO_DATA``, or none.
        train_size: training and validation rows together: a stratified part. None for all.
        seed: draws that part and the validation rows; never the test rows.
        target: the target column of a CSV file.

    Raises:
        TaskError: an unknown name, missing data, a size that does not fit.

    Example:
        >>> load("wine", seed=1).rows
        {'train': 113, 'validation': 29, 'test': 36}
    """
    source = task_sources.read(name, data_dir, target)
    classes = source.target != "regression"
    x, y = source.x, source.y
    if train_size is not None:
        least = 5 * (source.outputs if classes else 1)
        if not least <= train_size:
            raise TaskError(f"--train-size: expected at least {least} rows for {name}, got {train_size}")
        if train_size < rows(x):
            _, part = task_sources.split_rows(y, train_size, seed, classes)
            x, y = take(x, part), y[part]
    train, validation = task_sources.split_rows(y, VALIDATION_SHARE, seed, classes)
    scale = 1.0
    y_test = source.y_test
    if not classes:
        mean, scale = float(y[train].mean()), float(y[train].std()) or 1.0
        y, y_test = (((numbers - mean) / scale).astype(np.float32) for numbers in (y, y_test))
    return Task(
        name=Path(name).stem if name not in NAMED else name,
        kind=source.kind,
        target=source.target,
        outputs=source.outputs,
        x_train=take(x, train),
        y_train=y[train],
        x_validation=take(x, validation),
        y_validation=y[validation],
        x_test=source.x_test,
        y_test=y_test,
        scale=scale,
    )
