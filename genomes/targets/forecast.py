"""The next steps of one or several series: numbers, one per step and series."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from genomes.checks import whole_number
from genomes.errors import GenomeError
from genomes.targets.labels import plain_array
from genomes.targets.regression import Regression


@dataclasses.dataclass(frozen=True)
class Forecast(Regression):
    """Labels: the steps after a window, shape (rows, horizon), or (rows, horizon, series) for several series.

    Trained and judged as numbers are. A model's outputs are the steps in order, at each step every series; ``rmse`` and
    ``mae`` are means over all of them, in the series' units.

    Args:
        outputs: steps times series.
        series: number of series that are predicted.

    Raises:
        GenomeError: outputs that are no multiple of the number of series.
    """

    series: int = 1

    task = "forecast"
    is_stated = True
    combinable = False

    def __post_init__(self) -> None:
        super().__post_init__()
        number = whole_number(self.series, "series", 1)
        if self.outputs is not None and self.outputs % number:
            raise GenomeError(f"outputs: expected a multiple of {number} series, got {self.outputs}")

    @property
    def horizon(self) -> int:
        """Number of steps that are predicted."""
        return self.width // self.series

    def label_indices(self, y: Any, name: str = "y") -> Any:
        """Labels as (rows, outputs), of (rows, horizon, series) too."""
        array = plain_array(y)
        return array.reshape(len(array), -1) if array.ndim == 3 else array

    def decode(self, outputs: np.ndarray) -> np.ndarray:
        """(rows, horizon), or (rows, horizon, series) for several series."""
        return outputs if self.series == 1 else outputs.reshape(len(outputs), -1, self.series)

    def as_given(self, prepared: np.ndarray) -> np.ndarray:
        """Labels as users give them, of those that :meth:`prepare` gave."""
        return self.decode(prepared)
