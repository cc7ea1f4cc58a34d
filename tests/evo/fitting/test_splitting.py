"""Splits by the names of columns."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import evo
from evo.errors import DataError
from evo.fitting.splitting import Splitting, with_columns

FRAME = pd.DataFrame(
    {
        "size": np.arange(12.0),
        "patient": list("aabbccddeeff"),
        "day": pd.date_range("2024-01-01", periods=12),
        "held_out": [False] * 9 + [True] * 3,
        "fold": [0, 1, 2] * 4,
        "word": ["x"] * 12,
    }
)


def test_columns_that_only_split_are_no_inputs() -> None:
    x, found = with_columns(FRAME, Splitting("held_out", "patient"))
    assert list(x.columns) == ["size", "day", "fold", "word"]
    assert found.groups.tolist() == FRAME["patient"].tolist() and found.validation.tolist() == [False] * 9 + [True] * 3
    x, found = with_columns({name: FRAME[name].to_numpy() for name in FRAME}, Splitting(0.2, None, "day"))
    assert "day" in x and (found.time == FRAME["day"].to_numpy()).all()
    _, found = with_columns(FRAME, Splitting("fold"))
    assert found.validation.get_n_splits() == 3


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"groups": "person"}, "groups: there is no column 'person'; there are 'size', "),
        ({"validation": "word"}, "must be true"),
        ({"validation": "size", "groups": np.arange(3)}, "groups: expected one value for each of 12 rows"),
    ],
)
def test_a_wrong_column_is_told_before_anything_is_made(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(DataError, match=words):
        evo.fit(FRAME.assign(y=[0, 1] * 6), "y", **arguments)
