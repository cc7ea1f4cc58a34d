"""What an ensemble of a space refuses: no rows, and rows of another shape."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from evo.ensemble import Ensemble
from evo.errors import EnsembleError
from genomes import spaces


class Guess:
    """A model that takes anything."""

    def predict(self, x: Any, **_: Any) -> np.ndarray:
        rows = len(next(iter(x.values())) if isinstance(x, dict) else x)
        return np.full((rows, 3), 1 / 3, np.float32)


def ensemble_of(space: Any) -> Ensemble:
    return Ensemble([Guess()], task=space.target, space=space)


IMAGES = ensemble_of(spaces.image((32, 28, 3), classes=3))
GREY = ensemble_of(spaces.image((32, 28, 1), classes=3))
TABLE = ensemble_of(spaces.tabular({"a": "numeric"}, classes=3))


@pytest.mark.parametrize(
    ("ensemble", "x", "words"),
    [
        (IMAGES, np.zeros((32, 28, 3)), r"expected shape \(rows, 32, 28, 3\), got \(32, 28, 3\); a single one"),
        (IMAGES, np.zeros((4, 3, 32, 28)), r"expected shape \(rows, 32, 28, 3\), got \(4, 3, 32, 28\)$"),
        (GREY, np.zeros((32, 28)), "a single one needs an axis of rows"),
        (GREY, np.zeros((32, 28, 1)), "a single one needs an axis of rows"),
        (IMAGES, np.zeros((0, 32, 28, 3)), "x: is empty"),
        (TABLE, {"a": np.zeros(0)}, "x: is empty"),
    ],
)
def test_other_shapes_and_no_rows_are_refused(ensemble: Ensemble, x: Any, words: str) -> None:
    for use in (ensemble.predict, ensemble.predict_proba, lambda x: ensemble.evaluate(x, np.zeros(len(x), int))):
        with pytest.raises(EnsembleError, match=words):
            use(x)


def test_what_fits_is_predicted() -> None:
    assert IMAGES.predict(np.zeros((2, 32, 28, 3), np.uint8)).shape == (2,)
    assert GREY.predict(np.zeros((2, 32, 28))).shape == GREY.predict(np.zeros((2, 32, 28, 1))).shape == (2,)
    free = ensemble_of(spaces.image((None, None, 3), classes=3))
    assert free.predict(np.zeros((2, 9, 7, 3))).shape == (2,)
    series = ensemble_of(spaces.timeseries((10, 2), classes=3))
    assert series.predict(np.zeros((2, 7, 2))).shape == (2,)
