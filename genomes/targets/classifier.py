"""What all targets have in common whose predictions are probabilities."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from genomes.errors import GenomeError
from genomes.targets.labels import Label, checked_labels, in_words, indices_of, plain_array
from genomes.targets.pooled_loss import LogisticLoss, LogLoss, PooledLoss, SquaredError, WrongSign
from genomes.targets.probabilities import FLOOR, keras_logit, logit, sigmoid
from genomes.targets.target import Target


@dataclasses.dataclass(frozen=True)
class Classifier(Target):
    """A target whose predictions are probabilities of classes or labels.

    Args:
        outputs: number of classes or labels.
        labels: what they are called, in the order of their indices: texts, booleans or numbers, of one kind. Then
            labels are given and told by these names; None for class indices from 0.

    Raises:
        GenomeError: labels that do not fit the number of outputs, of several kinds, or given twice.

    Its losses: ``log_loss`` (natural logarithm), ``calibrated_log_loss`` (at the best temperature), ``brier`` (0 to 2)
    and ``error`` (share of wrong rows and labels).
    """

    labels: tuple[Label, ...] | None = dataclasses.field(default=None, kw_only=True)  # type: ignore[misc]

    counted_by = "classes"
    activation = "sigmoid"
    objective = "val_accuracy"
    label_smoothings = (0.0, 0.02, 0.05, 0.1)
    losses = ("log_loss", "calibrated_log_loss", "brier", "error")
    calibrated_losses = {"calibrated_log_loss": "log_loss"}
    # the log loss of candidates as if calibrated comes closest to choosing by error (docs/decisions/ensemble.md)
    losses_by_objective = {"val_accuracy": ("calibrated_log_loss", "error")}
    screening_losses = {"error": "log_loss", "calibrated_log_loss": "error"}
    poolings = ("arithmetic", "geometric")
    pooling_synonyms = {}
    gives_probabilities = True
    least_squares = False
    headline = "accuracy"
    reported = ("error", "log_loss")

    def __post_init__(self) -> None:
        if self.labels is not None:
            labels = checked_labels(self.labels)
            object.__setattr__(self, "labels", labels)
            if self.outputs is None:
                object.__setattr__(self, "outputs", len(labels))
        super().__post_init__()
        if self.labels is not None and len(self.labels) != self.class_count:
            raise GenomeError(f"labels: expected {self.class_count}, one for each class, got {in_words(self.labels)}")

    @property
    def class_count(self) -> int:
        """Number of classes, or of labels that may hold together."""
        return self.width

    # -- labels ------------------------------------------------------------------------
    def label_indices(self, y: Any, name: str = "y") -> Any:
        """Class indices, int64, in the shape of ``y``; ``y`` itself where labels are the indices.

        Raises:
            GenomeError: an unknown or missing label, which it names.
        """
        if self.labels is None:
            return y
        return indices_of(plain_array(y), self.labels, name)

    def labels_at(self, indices: np.ndarray) -> np.ndarray:
        """The labels of class indices; the indices where these are the labels."""
        return indices if self.labels is None else np.asarray(self.labels)[np.asarray(indices).astype(np.int64)]

    def as_given(self, prepared: np.ndarray) -> np.ndarray:
        """Labels as users give them, (rows,), of those that :meth:`prepare` gave."""
        return prepared if self.labels is None else self.labels_at(np.asarray(prepared).reshape(-1))

    @classmethod
    def count(cls, y: np.ndarray, y_validation: np.ndarray) -> dict[str, int]:
        """Whole numbers are classes, several columns one-hot rows."""
        if y.dtype.kind == "f":
            return super().count(y, y_validation)
        if y.ndim == 2 and y.shape[1] > 1:
            return {cls.counted_by: int(y.shape[1])}
        return {"classes": int(max(y.max(), y_validation.max())) + 1}

    def check_whole(self, array: np.ndarray, top: int, expected: tuple[tuple[int, ...], ...], name: str) -> None:
        """Check that labels have one of the shapes and are whole numbers from 0 to ``top``.

        Raises:
            GenomeError: they have not or are not; names ``name``.
        """
        if array.shape not in expected:
            raise GenomeError(f"{name}: expected shape {' or '.join(map(str, expected))}, got {array.shape}")
        low, high = array.min(initial=0), array.max(initial=0)
        if low < 0 or high > top or (array.dtype.kind == "f" and (array != np.round(array)).any()):
            raise GenomeError(f"{name}: expected whole numbers 0 to {top}, got values from {low} to {high}")

    def evaluate(
        self, predictions: np.ndarray, targets: np.ndarray, weight: np.ndarray | None = None
    ) -> dict[str, float]:
        """``accuracy``, ``log_loss`` and ``brier``."""

        def average(loss: str) -> float:
            return float(np.average(self.row_losses(loss, predictions, targets), weights=weight))

        return {"accuracy": 1 - average("error"), "log_loss": average("log_loss"), "brier": average("brier")}

    def calibration_error(self, sure: np.ndarray, wrong: np.ndarray, weight: np.ndarray | None) -> float:
        """Expected calibration error of the predicted class, in 15 bins of equal width.

        Args:
            sure: probability of the predicted class of each row.
            wrong: 1 where it is not the true one, else 0.
            weight: of each row, or None.
        """
        bins = np.minimum((sure * 15).astype(int), 14)
        w = np.ones(len(wrong)) if weight is None else np.asarray(weight, dtype=np.float64)
        gap = np.bincount(bins, w * (1 - wrong - sure), 15)
        return float(np.abs(gap).sum() / w.sum())


class IndependentLabels(Classifier):
    """A classifier whose every output is a probability by itself: 0 or 1 each, whatever the others are."""

    distillation = ("binary_crossentropy", "binary_accuracy")
    metric_names = ("accuracy",)
    combinable = True

    # -- training ----------------------------------------------------------------------
    def loss(
        self, label_smoothing: float = 0.0, soft: bool = False, statistics: Mapping[str, np.ndarray] | None = None
    ) -> Any:
        """Binary cross-entropy."""
        import keras

        return keras.losses.BinaryCrossentropy(label_smoothing=label_smoothing)

    def loss_of_outputs(self, y_true: Any, y_pred: Any) -> Any:
        """Binary cross-entropy, averaged over the labels."""
        import keras

        return keras.losses.binary_crossentropy(y_true, y_pred)

    def ambiguity(self, scores: Any) -> Any:
        """Jensen's gap of the softplus function."""
        from keras import ops

        gap = ops.mean(ops.softplus(scores), axis=1) - ops.softplus(ops.mean(scores, axis=1))
        return ops.mean(gap, axis=-1, keepdims=True)

    def metrics(self, soft: bool = False) -> list[Any]:
        """``accuracy``."""
        import keras

        return [keras.metrics.BinaryAccuracy(name="accuracy")]

    # -- predictions -------------------------------------------------------------------
    def encode(self, array: np.ndarray, outputs: int | None, name: str) -> np.ndarray:
        """0 or 1, float32 (rows, outputs)."""
        array = super().encode(array, outputs, name)
        if len(array) and not np.all((array == 0) | (array == 1)):
            raise GenomeError(f"{name}: a {self.task} task has targets 0 and 1, got {np.unique(array)[:5].tolist()}")
        return array

    def decode(self, outputs: np.ndarray) -> np.ndarray:
        """0 or 1 per label, int64 (rows, labels)."""
        return (outputs > 0.5).astype(np.int64)

    def probabilities(self, outputs: np.ndarray) -> np.ndarray:
        """Of each label, (rows, labels)."""
        return outputs

    def decisions(self, predictions: np.ndarray) -> np.ndarray | None:
        """Whether each label is predicted, bool (rows * labels,)."""
        return np.asarray((predictions > 0.5).ravel())

    def true_decisions(self, targets: np.ndarray) -> np.ndarray | None:
        """Whether each label holds, bool (rows * labels,)."""
        return np.asarray((targets > 0.5).ravel())

    def separated(self, targets: np.ndarray) -> list[np.ndarray]:
        """0 or 1 per label, int64."""
        return [column.astype(np.int64) for column in super().separated(targets)]

    # -- judging -----------------------------------------------------------------------
    def row_losses(self, loss: str, predictions: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """Mean over the labels of each row."""
        p = predictions.astype(np.float64)
        if loss == "log_loss":
            seen = np.where(targets > 0.5, p, 1 - p)
            return np.asarray(-np.log(np.clip(seen, FLOOR, None)).mean(axis=1))
        if loss == "error":
            return np.asarray(((p > 0.5) != (targets > 0.5)).mean(axis=1))
        return np.asarray(2 * ((p - targets) ** 2).mean(axis=1))

    # -- pooling -----------------------------------------------------------------------
    def link(self, predictions: np.ndarray) -> np.ndarray:
        """Log-odds."""
        return logit(predictions)

    def inverse_link(self, scores: np.ndarray) -> np.ndarray:
        """Probabilities, of log-odds."""
        return sigmoid(scores)

    def keras_link(self, predictions: Any) -> Any:
        """Log-odds."""
        return keras_logit(predictions)

    def keras_inverse_link(self, scores: Any) -> Any:
        """Probabilities, of log-odds."""
        from keras import ops

        return ops.sigmoid(scores)

    def pooled_loss(self, loss: str, pooling: str) -> PooledLoss:
        """A loss as a function of the weighted sum of members.

        The Brier score of a geometric mean is no function of such a sum: log loss stands in for it.
        """
        geometric = pooling == "geometric"
        if loss == "error":
            return WrongSign(geometric)
        if geometric:
            return LogisticLoss()
        return LogLoss() if loss == "log_loss" else SquaredError()

    def tempered_loss(self, predictions: np.ndarray, targets: np.ndarray) -> Callable[[float], float]:
        """Log loss as a function of the inverse temperature."""
        scores = logit(predictions.astype(np.float64)) * np.where(targets > 0.5, 1.0, -1.0)
        return lambda inverse: float(np.mean(np.logaddexp(0, -scores * inverse)))

    def stacking_loss(self, scores: np.ndarray, targets: np.ndarray, share: np.ndarray) -> tuple[float, np.ndarray]:
        """Logistic loss, averaged over labels, and its derivative by each score."""
        sign = 2 * targets - 1
        value = float(share @ np.logaddexp(0, -sign * scores).mean(axis=1))
        return value, (sigmoid(scores) - targets) * share[:, None] / scores.shape[1]
