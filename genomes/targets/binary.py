"""Two exclusive classes: one probability, of class 1."""

from __future__ import annotations

import numpy as np

from genomes.errors import GenomeError
from genomes.targets.classifier import IndependentLabels


class Binary(IndependentLabels):
    """Labels 0 or 1, or two of the user's own; shape (rows,) or (rows, 1); one output whatever number is given."""

    task = "binary"
    only = 1

    @property
    def class_count(self) -> int:
        """Two."""
        return 2

    @classmethod
    def is_meant_by(cls, argument: str, number: int) -> bool:
        """By ``classes=2``."""
        return argument == cls.counted_by and number == 2

    @classmethod
    def is_trained_by(cls, loss: str) -> bool:
        """Keras' binary cross-entropy and its like."""
        return cls.task in loss.lower()

    def check_values(self, array: np.ndarray, name: str) -> None:
        """0 or 1, (rows,) or (rows, 1)."""
        rows = len(array) if array.ndim else 0
        self.check_whole(array, 1, ((rows,), (rows, 1)), name)

    def as_predictions(self, predictions: np.ndarray, name: str = "predictions") -> np.ndarray:
        """float32 (rows, 1); of two columns the second."""
        array = super().as_predictions(predictions, name)
        if array.shape[1] == 2:
            array = array[:, 1:]
        if array.shape[1] != 1:
            raise GenomeError(f"{name}: a binary classifier has one output, got shape {array.shape}")
        return array

    def encode(self, array: np.ndarray, outputs: int | None, name: str) -> np.ndarray:
        """0 or 1, float32 (rows, 1); of two columns the second."""
        if array.ndim > 1:
            array = array.reshape(len(array), -1)
            array = array[:, 1:] if array.shape[1] == 2 else array
        return super().encode(array, outputs, name)

    def decode(self, outputs: np.ndarray) -> np.ndarray:
        """Class labels, int64 (rows,); the user's own where there are such."""
        return self.labels_at(super().decode(outputs)[:, 0])

    def probabilities(self, outputs: np.ndarray) -> np.ndarray:
        """Of class 0 and class 1, (rows, 2)."""
        return np.concatenate([1 - outputs, outputs], axis=1)

    def confidence(self, predictions: np.ndarray) -> np.ndarray:
        """Probability of the predicted class."""
        return np.asarray(np.abs(predictions[:, 0] - 0.5) + 0.5)

    def evaluate(
        self, predictions: np.ndarray, targets: np.ndarray, weight: np.ndarray | None = None
    ) -> dict[str, float]:
        """``accuracy``, ``log_loss``, ``brier`` and ``calibration_error``."""
        sure = self.confidence(predictions)
        wrong = self.row_losses("error", predictions, targets)
        scores = super().evaluate(predictions, targets, weight)
        return {**scores, "calibration_error": self.calibration_error(sure, wrong, weight)}
