from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evo.algorithms.hypervolume import hypervolume, hypervolume_over_time
from evo.core.history import History
from evo.core.objectives import Objectives
from evo.core.trial import Outcome, Proposal, Status, Trial
from evo.errors import SettingsError
from genomes import Float, spaces

GENOME = spaces.vector({"x": Float(0.0, 1.0)}).default()


def history(points: list[tuple[float, float]]) -> History:
    return History(
        [
            Trial(n, Proposal(GENOME), Outcome(Status.COMPLETED, {"val_accuracy": a, "latency": b}))
            for n, (a, b) in enumerate(points)
        ],
        Objectives(["val_accuracy", "-latency"]),
    )


def test_known_volumes() -> None:
    # Fitness (1, -1), (2, -2) and the dominated (1, -2), above (0, -3): 2 + 2 - 1.
    assert hypervolume(history([(1, 1), (2, 2), (1, 2)]), reference=(0, -3)) == pytest.approx(3.0)
    assert hypervolume(history([])) == 0.0
    assert hypervolume(history([(1, 2), (1, 1), (2, 2), (3, 2)]), reference=(0, -3)) == pytest.approx(4.0)
    with pytest.raises(SettingsError, match=r"^reference: expected 2 values, got \(0,\)"):
        hypervolume(history([(1, 1)]), reference=(0,))


def test_it_is_measured_from_the_worst_of_each_objective() -> None:
    """The worst are 0.2 and 3 seconds: (1, -1) dominates 0.8 by 2 of it, (0.5, -0.5) 0.3 by half a second more."""
    points = [(0.2, 3.0), (1.0, 1.0), (float("nan"), 9.0), (0.5, 0.5)]
    assert hypervolume_over_time(history(points)) == pytest.approx([0.0, 1.6, 1.6, 1.75])
    assert hypervolume(history(points)) == pytest.approx(1.75)


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=12))
def test_it_never_falls_and_equals_counted_cells(points: list[tuple[float, float]]) -> None:
    grid = [(round(a * 8) / 8, round(b * 8) / 8) for a, b in points]
    volumes = hypervolume_over_time(history(grid), reference=(0.0, -1.0))
    assert all(b >= a for a, b in itertools.pairwise(volumes))
    cells = np.zeros((8, 8), bool)
    for a, b in grid:
        cells[: round(a * 8), : round((1 - b) * 8)] = True
    assert volumes[-1] == pytest.approx(cells.sum() / 64)


def test_trials_without_a_number_count_nothing() -> None:
    nan, inf = float("nan"), float("inf")
    assert hypervolume_over_time(history([(nan, 1.0)])) == [0.0]
    assert hypervolume_over_time(history([(inf, 1), (1, 1), (2, -inf), (nan, 0)]), (0, -3)) == [0.0, 2.0, 2.0, 2.0]
