"""Exclusive classes: one probability for each, summing to 1."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np

from genomes.errors import GenomeError
from genomes.targets.classifier import Classifier
from genomes.targets.pooled_loss import ClassLogLoss, ClassSquaredError, PooledLoss, SoftmaxLoss, WrongClass
from genomes.targets.probabilities import FLOOR, keras_log_probabilities, log_probabilities, softmax


class Multiclass(Classifier):
    """Labels: whole numbers 0 to outputs - 1, shape (rows,) or (rows, 1), or one-hot rows of shape (rows, outputs).

    With labels of the user's own, these in place of the whole numbers.
    """

    task = "multiclass"
    fewest = 2
    activation = "softmax"
    has_soft_form = True
    combinable = True
    distillation = ("categorical_crossentropy", "categorical_accuracy")
    metric_names: ClassVar[tuple[str, ...] | None] = ("accuracy",)

    @classmethod
    def is_meant_by(cls, argument: str, number: int) -> bool:
        """By ``classes=``, except for two."""
        return argument == cls.counted_by and number != 2

    @classmethod
    def is_meant_by_labels(cls, y: np.ndarray) -> bool:
        """By whole numbers."""
        return y.dtype.kind != "f"

    # -- training ----------------------------------------------------------------------
    def label_indices(self, y: Any, name: str = "y") -> Any:
        """As for any classifier; one-hot rows stay what they are."""
        if self.labels is not None and np.ndim(y) == 2 and np.shape(y)[1] == self.outputs:
            return np.asarray(y)
        return super().label_indices(y, name)

    def check_values(self, array: np.ndarray, name: str) -> None:
        """Whole numbers, or one-hot rows."""
        if array.ndim == 2 and array.shape[1] == self.outputs:
            if not (np.isin(array, (0, 1)).all() and (array.sum(axis=1) == 1).all()):
                raise GenomeError(f"{name}: of shape {array.shape} must be one-hot: one 1 per row, else 0")
            return
        rows = len(array) if array.ndim else 0
        self.check_whole(array, self.width - 1, ((rows,), (rows, 1)), name)

    def prepare(self, y: Any) -> np.ndarray:
        """Whole numbers, int32 (rows,)."""
        array = np.asarray(self.label_indices(y))
        if array.ndim == 2 and array.shape[1] == self.outputs:
            array = array.argmax(axis=1)
        return np.ascontiguousarray(array.reshape(-1).astype(np.int32))

    def soft_targets(self, y: Any) -> Any:
        """One-hot rows, float32 (rows, classes)."""
        import keras

        return keras.ops.one_hot(y, self.width, dtype="float32")

    def ambiguity(self, scores: Any) -> Any:
        """Jensen's gap of the logarithm of the sum of exponentials."""
        from keras import ops

        normalizer = ops.logsumexp(scores, axis=-1)
        gap = ops.mean(normalizer, axis=1) - ops.logsumexp(ops.mean(scores, axis=1), axis=-1)
        return ops.expand_dims(gap, -1)

    def loss(
        self, label_smoothing: float = 0.0, soft: bool = False, statistics: Mapping[str, np.ndarray] | None = None
    ) -> Any:
        """Cross-entropy: of one-hot rows if ``soft`` or smoothed, else of whole numbers."""
        import keras

        if soft or label_smoothing:
            return keras.losses.CategoricalCrossentropy(label_smoothing=label_smoothing)
        return keras.losses.SparseCategoricalCrossentropy()

    def loss_of_outputs(self, y_true: Any, y_pred: Any) -> Any:
        """Cross-entropy of one-hot rows."""
        import keras

        return keras.losses.categorical_crossentropy(y_true, y_pred)

    def metrics(self, soft: bool = False) -> list[Any]:
        """``accuracy``; that of the most probable class of soft labels."""
        import keras

        kind = keras.metrics.CategoricalAccuracy if soft else keras.metrics.SparseCategoricalAccuracy
        return [kind(name="accuracy")]

    # -- predictions -------------------------------------------------------------------
    def as_predictions(self, predictions: np.ndarray, name: str = "predictions") -> np.ndarray:
        """float32 (rows, classes)."""
        array = super().as_predictions(predictions, name)
        if array.shape[1] < 2:
            raise GenomeError(f"{name}: a multiclass classifier has two or more outputs, got {array.shape}")
        return array

    def encode(self, array: np.ndarray, outputs: int | None, name: str) -> np.ndarray:
        """Whole numbers, int64 (rows,)."""
        if array.ndim == 2 and array.shape[1] > 1:
            if outputs is not None and array.shape[1] != outputs:
                raise GenomeError(f"{name}: {array.shape[1]} one-hot columns, but the models have {outputs} outputs")
            array = array.argmax(axis=1)
        labels = array.reshape(-1).astype(np.int64)
        if len(labels) and (labels.min() < 0 or (outputs is not None and labels.max() >= outputs)):
            raise GenomeError(
                f"{name}: labels must lie in 0 .. {'classes' if outputs is None else outputs - 1}, "
                f"got {labels.min()} .. {labels.max()}"
            )
        return labels

    def count_outputs(self, targets: np.ndarray) -> int:
        """One more than the greatest label."""
        return int(targets.max()) + 1

    def as_outputs(self, targets: np.ndarray, outputs: int) -> np.ndarray:
        """One-hot rows, float32 (rows, classes)."""
        return np.eye(outputs, dtype=np.float32)[targets]

    def of_outputs(self, outputs: np.ndarray) -> np.ndarray:
        """Whole numbers, int64 (rows,)."""
        return np.asarray(outputs.argmax(axis=1), dtype=np.int64)

    def decode(self, outputs: np.ndarray) -> np.ndarray:
        """Class labels, int64 (rows,); the user's own where there are such."""
        return self.labels_at(np.asarray(outputs.argmax(axis=1)))

    def probabilities(self, outputs: np.ndarray) -> np.ndarray:
        """Of each class, (rows, classes)."""
        return outputs

    def decisions(self, predictions: np.ndarray) -> np.ndarray | None:
        """The most probable class of each row."""
        return np.asarray(predictions.argmax(axis=1))

    def true_decisions(self, targets: np.ndarray) -> np.ndarray | None:
        """The true class of each row."""
        return targets

    def strata(self, targets: np.ndarray) -> np.ndarray | None:
        """The classes."""
        return targets

    def separated(self, targets: np.ndarray) -> list[np.ndarray]:
        """One array of class labels."""
        return [targets]

    def separated_columns(self, outputs: int) -> list[list[int]]:
        """All of them."""
        return [list(range(outputs))]

    # -- judging -----------------------------------------------------------------------
    def row_losses(self, loss: str, predictions: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """Log loss, squared distance to the one-hot row (Brier), or 0 and 1 for right and wrong; float64 (rows,)."""
        p = predictions.astype(np.float64)
        rows = np.arange(len(p))
        if loss == "log_loss":
            return np.asarray(-np.log(np.clip(p[rows, targets], FLOOR, None)))
        if loss == "error":
            return (p.argmax(axis=1) != targets).astype(np.float64)
        # (p - onehot)^2 summed = sum p^2 - 2 p_true + 1
        return np.asarray((p**2).sum(axis=1) - 2 * p[rows, targets] + 1)

    def confidence(self, predictions: np.ndarray) -> np.ndarray:
        """Probability of the predicted class."""
        return np.asarray(predictions.max(axis=1))

    def evaluate(
        self, predictions: np.ndarray, targets: np.ndarray, weight: np.ndarray | None = None
    ) -> dict[str, float]:
        """``accuracy``, ``log_loss``, ``brier`` and ``calibration_error``."""
        wrong = self.row_losses("error", predictions, targets)
        scores = super().evaluate(predictions, targets, weight)
        return {**scores, "calibration_error": self.calibration_error(self.confidence(predictions), wrong, weight)}

    # -- pooling -----------------------------------------------------------------------
    def link(self, predictions: np.ndarray) -> np.ndarray:
        """Log-probabilities."""
        return log_probabilities(predictions)

    def inverse_link(self, scores: np.ndarray) -> np.ndarray:
        """Probabilities, of scores up to a constant per row."""
        return softmax(scores)

    def keras_link(self, predictions: Any) -> Any:
        """Log-probabilities."""
        return keras_log_probabilities(predictions)

    def keras_inverse_link(self, scores: Any) -> Any:
        """Probabilities, of scores up to a constant per row."""
        from keras import ops

        return ops.softmax(scores, axis=-1)

    def pooled_loss(self, loss: str, pooling: str) -> PooledLoss:
        """A loss as a function of the weighted sum of members.

        The Brier score of a geometric mean is no function of such a sum: log loss stands in for it.
        """
        geometric = pooling == "geometric"
        if loss == "error":
            return WrongClass(geometric)
        if geometric:
            return SoftmaxLoss()
        return ClassLogLoss() if loss == "log_loss" else ClassSquaredError()

    def tempered_loss(self, predictions: np.ndarray, targets: np.ndarray) -> Callable[[float], float]:
        """Log loss as a function of the inverse temperature."""
        scores = log_probabilities(predictions.astype(np.float64))
        seen = scores[np.arange(len(scores)), targets]

        def loss(inverse: float) -> float:
            top = scores.max(axis=1)
            normaliser = top * inverse + np.log(np.exp((scores - top[:, None]) * inverse).sum(axis=1))
            return float(np.mean(normaliser - seen * inverse))

        return loss

    def stacking_loss(self, scores: np.ndarray, targets: np.ndarray, share: np.ndarray) -> tuple[float, np.ndarray]:
        """Cross-entropy of the softmax of the scores, and its derivative by each score."""
        onehot = self.as_outputs(targets, scores.shape[1])
        top = scores.max(axis=1, keepdims=True)
        normaliser = top[:, 0] + np.log(np.exp(scores - top).sum(axis=1))
        value = float(share @ (normaliser - (scores * onehot).sum(axis=1)))
        return value, (softmax(scores) - onehot) * share[:, None]
