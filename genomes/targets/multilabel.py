"""Several labels that may hold together: one probability for each."""

from __future__ import annotations

from typing import Any

import numpy as np

from genomes.targets.classifier import IndependentLabels


class Multilabel(IndependentLabels):
    """Labels 0 or 1, shape (rows, outputs); ``labels`` are the names of the columns."""

    task = "multilabel"
    counted_by = "labels"

    @classmethod
    def is_meant_by(cls, argument: str, number: int) -> bool:
        """By ``labels=``."""
        return argument == cls.counted_by

    def label_indices(self, y: Any, name: str = "y") -> Any:
        """``y`` itself: 0 or 1 per label."""
        return y

    def labels_at(self, indices: np.ndarray) -> np.ndarray:
        """``indices`` itself: 0 or 1 per label."""
        return indices

    def as_given(self, prepared: np.ndarray) -> np.ndarray:
        """``prepared`` itself: 0 or 1 per label."""
        return prepared

    def check_values(self, array: np.ndarray, name: str) -> None:
        """0 or 1, (rows, outputs)."""
        rows = len(array) if array.ndim else 0
        self.check_whole(array, 1, ((rows, self.width),), name)
