"""Columns that are the target in other words are named; what is merely a good column is not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from evo.fitting.giveaways import giveaways

RNG = np.random.default_rng(0)
SIZE = RNG.normal(size=60)
SICK = np.where(SIZE > 0, "yes", "no")


@pytest.mark.parametrize(
    ("columns", "target", "named"),
    [
        ({"code": np.where(SIZE > 0, "J", "N"), "size": SIZE}, SICK, ["code"]),
        ({"code": (SIZE > 0).astype(int)}, SICK, ["code"]),
        ({"code": SIZE > 0, "same": SICK}, (SIZE > 0).astype(int), ["code", "same"]),
        ({"fahrenheit": 1.8 * SIZE + 32, "near": SIZE + 1e-3 * RNG.normal(size=60)}, SIZE, ["fahrenheit"]),
        ({"code": np.where(SIZE > 0.1, "J", "N")}, SICK, []),
        ({"kind": np.where(SIZE > 0, "J", np.where(SIZE > -1, "N", "O"))}, SICK, []),
        ({"gap": np.where(SIZE > 1, np.nan, SIZE), "day": pd.date_range("2024", periods=60)}, SIZE, []),
        ({"key": [f"k{n}" for n in range(60)]}, [f"c{n}" for n in range(60)], []),
        ({"list": [[1]] * 60, "word": [None, "a"] * 30}, SICK, []),
    ],
)
def test_what_tells_the_target(columns: dict[str, Any], target: Any, named: list[str]) -> None:
    lines = giveaways(pd.DataFrame(columns), target, "y")
    told = ", ".join(map(repr, named))
    assert lines == ([f"{told}: tells y in every row; where that is not known beforehand, leave it out"] * bool(named))


def test_few_rows_and_other_targets_say_nothing() -> None:
    assert giveaways(pd.DataFrame({"a": SICK[:9]}), SICK[:9], "y") == []
    assert giveaways(pd.DataFrame({"a": SICK}), pd.DataFrame({"p": SICK, "q": SIZE}), "y") == []
    assert giveaways(np.zeros((60, 2)), SICK, "y") == []
