"""Survivors and the front of non-dominated trials."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evo.algorithms import hypervolume_over_time, pareto, survivors
from evo.algorithms.phenotypes import Keys, phenotypes
from evo.core.history import History
from evo.core.objectives import Objectives
from evo.core.trial import Outcome, Proposal, Status, Trial
from genomes.domains import Choice
from genomes.spaces.vector import vector
from tests.evo.algorithms.scored_histories import history_of, line


def test_survivors_are_distinct_best_and_longest_trained_first() -> None:
    space = line()
    history = history_of([(0.2,), (0.9,), (0.5,)], epochs=1)
    history.append(Trial(3, Proposal(history[2].genome, 1, 3, continues=2, rung=1)))
    history.tell(3, Outcome(Status.COMPLETED, {"val_accuracy": 0.4}, epochs=2))
    assert survivors(history, 10, space) == [3, 1, 0]
    assert survivors(history, 2, space) == [3, 1]
    assert pareto(history, space) == [3]


def test_spellings_of_one_phenotype_survive_once() -> None:
    space = vector({"a": Choice(["x", "y"]), "b": Choice([1, 2])}, key=lambda values: str(values["b"]))
    history = History((), Objectives("val_accuracy"))
    for number, (a, b) in enumerate([("x", 1), ("y", 1), ("x", 2)]):
        history.append(Trial(number, Proposal(space.genome(a=a, b=b))))
        history.tell(number, Outcome(Status.COMPLETED, {"val_accuracy": number / 10}, epochs=1))
    assert survivors(history, 10, space) == [2, 0]


@given(st.lists(st.tuples(st.integers(0, 8), st.integers(1, 8)), min_size=1, max_size=14, unique=True))
def test_pareto_is_the_set_of_non_dominated_trials(points: list[tuple[int, int]]) -> None:
    scores = [(float(a), float(p)) for a, p in points]
    history = history_of(scores, ("val_accuracy", "-parameters"))

    def dominated(n: int) -> bool:
        a, p = points[n]
        return any((b >= a and q <= p) and (b > a or q < p) for b, q in points)

    expected = {n for n in range(len(points)) if not dominated(n)}
    assert set(pareto(history)) == expected
    assert set(survivors(history, len(expected))) == expected
    volumes = hypervolume_over_time(history, (-1.0, -9.0))
    assert (np.diff(volumes) >= 0).all()
    cells = {(i, j) for a, p in points for i in range(-1, a) for j in range(p, 9)}
    assert volumes[-1] == pytest.approx(len(cells))


def test_known_phenotypes_change_nothing() -> None:
    history = history_of([(n % 7 / 7,) for n in range(20)])
    keys = Keys(line())
    assert survivors(history, 5, keys=keys, found=phenotypes(history, keys).values()) == survivors(history, 5, line())
