"""Several labels that may hold together: one probability for each."""

from __future__ import annotations

import numpy as np

from genomes.targets.classifier import IndependentLabels


class Multilabel(IndependentLabels):
    """Labels 0 or 1, shape (rows, outputs)."""

    task = "multilabel"
    counted_by = "labels"

    @classmethod
    def is_meant_by(cls, argument: str, number: int) -> bool:
        """By ``labels=``."""
        return argument == cls.counted_by

    def check_values(self, array: np.ndarray, name: str) -> None:
        """0 or 1, (rows, outputs)."""
        rows = len(array) if array.ndim else 0
        self.check_whole(array, 1, ((rows, self.width),), name)
