"""A space's proven default is trained to the full length at once, where the time can pay for it."""

from __future__ import annotations

import numpy as np
import pytest

from evo import Proposal
from evo.algorithms import Problem, ScreenedEvolution
from genomes import Space, spaces
from genomes.spaces.vector import VectorSpace
from tests.evo.small_histories import SPACE, done, history_of, x_of

#: 0.1 takes a second per epoch, so that the default, 0.5, takes five: 45 seconds of 9 epochs.
SMALLEST = done(x_of(SPACE.smallest()), 0.1)
TIMED = done(0.1, 0.5, 9, seconds={"train": 9.0})


def asked(seconds: float | None, workers: int = 1) -> Proposal:
    problem = Problem(SPACE, 9, seconds=seconds, workers=workers)
    found = ScreenedEvolution(design=5).bind(problem)(history_of(SMALLEST, TIMED), np.random.default_rng(0))
    assert found is not None
    return found


@pytest.fixture
def proven(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(VectorSpace, "proven", True)


@pytest.mark.usefixtures("proven")
@pytest.mark.parametrize(
    ("seconds", "workers", "last", "final"),
    [(361.0, 1, 9, True), (359.0, 1, 1, False), (361.0, 4, 9, True), (719.0, 8, 1, False), (721.0, 8, 9, True)],
)
def test_an_eighth_of_all_time_and_half_of_a_workers(seconds: float, workers: int, last: int, final: bool) -> None:
    found = asked(seconds, workers)
    assert found.genome == SPACE.default()
    assert (found.first_epoch, found.last_epoch, found.final) == (0, last, final)


def test_any_other_default_begins_at_the_lowest_rung() -> None:
    found = asked(10_000.0)
    assert found.genome == SPACE.default() and found.last_epoch == 1


@pytest.mark.usefixtures("proven")
def test_budgets_in_trials_and_epochs_are_as_ever() -> None:
    assert asked(None).last_epoch == 1


@pytest.mark.usefixtures("proven")
def test_only_the_default_is_proven() -> None:
    problem = Problem(SPACE, 9, seconds=10_000.0)
    rows = (SMALLEST, TIMED, done(0.5, 0.7, 9, seconds={"train": 45.0}))
    found = ScreenedEvolution(design=9).bind(problem)(history_of(*rows), np.random.default_rng(0))
    assert found is not None and found.genome != SPACE.default() and found.last_epoch == 1


def test_tables_have_a_proven_default_and_those_stored_before_have_not() -> None:
    space = spaces.tabular(3, outputs=1)
    json = space.to_json()
    assert space.proven and Space.from_json(json).proven
    del json["arguments"]["options"]["scaling"]
    assert not Space.from_json(json).proven
