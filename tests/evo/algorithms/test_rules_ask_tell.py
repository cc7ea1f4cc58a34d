"""Rules of asking and telling: an outside program sees what a campaign would see."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from evo import History, Outcome, Proposal, Status
from evo.algorithms import Algorithm, AskTell, Problem, Step
from tests.evo.search_parts import Objectives, Purpose, SettingsError, generator
from tests.evo.small_histories import SPACE, genome

GOOD = Outcome(Status.COMPLETED, {"val_accuracy": 0.5}, epochs=1)


class Watching(Algorithm):
    """Proposes as soon as ``least`` outcomes are visible."""

    def __init__(self, least: int = 0) -> None:
        self.least = least
        self.seen: list[tuple[int, int]] = []
        self.drawn: list[float] = []
        self.problem: Problem | None = None

    def __setattr__(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)

    def bind(self, problem: Problem) -> Step:
        self.problem = problem

        def propose(history: History, rng: np.random.Generator) -> Proposal | None:
            visible = len(history) - len(history.pending())
            self.seen.append((len(history), visible))
            self.drawn.append(float(rng.random()))
            return Proposal(genome(0.5)) if visible >= self.least else None

        return propose


def test_without_more_concurrency_each_outcome_is_waited_for() -> None:
    search = AskTell(Watching(), SPACE)
    first = search.ask()
    assert first is not None and first.number == 0 and search.ask() is None
    search.tell(0, GOOD)
    second = search.ask()
    assert second is not None and second.number == 1 and len(search.history) == 2


@pytest.mark.parametrize("concurrency", [1, 2, 3])
def test_so_many_may_be_asked_for_before_the_oldest_is_told(concurrency: int) -> None:
    watching = Watching()
    search = AskTell(watching, SPACE, concurrency=concurrency)
    for _ in range(concurrency):
        assert search.ask() is not None
    assert search.ask() is None
    # The newest does not help.
    if concurrency > 1:
        search.tell(concurrency - 1, GOOD)
        assert search.ask() is None
    search.tell(0, GOOD)
    assert search.ask() is not None
    # It sees the oldest alone, whatever else was told.
    assert watching.seen[-1] == (concurrency, 1)


def test_an_algorithm_that_waits_is_shown_one_outcome_more_at_a_time() -> None:
    watching = Watching()
    search = AskTell(watching, SPACE, concurrency=3)
    for _ in range(3):
        search.ask()
    watching.least = 2
    watching.seen.clear()
    search.tell(0, GOOD)
    assert search.ask() is None
    assert watching.seen == [(3, 1)]
    search.tell(1, GOOD)
    watching.seen.clear()
    assert search.ask() is not None
    assert watching.seen == [(3, 1), (3, 2)]


def test_an_algorithm_that_answers_nothing_to_all_outcomes_gives_nothing() -> None:
    assert AskTell(Watching(least=1), SPACE).ask() is None


def test_trial_n_draws_from_the_generator_of_the_campaign() -> None:
    for seed in (0, 4):
        watching = Watching()
        search = AskTell(watching, SPACE, seed=seed) if seed else AskTell(watching, SPACE)
        search.ask()
        search.tell(0, GOOD)
        search.ask()
        assert watching.drawn == [float(generator(seed, Purpose.PROPOSAL, n).random()) for n in (0, 1)]


def test_the_problem_is_the_one_that_was_stated() -> None:
    watching = Watching()
    AskTell(watching, SPACE)
    assert watching.problem is not None and watching.problem.space is SPACE
    assert (watching.problem.epochs, watching.problem.objectives.names) == (1, ("val_accuracy",))
    search = AskTell(watching, SPACE, "-val_loss", epochs=9)
    assert (watching.problem.epochs, watching.problem.objectives.names) == (9, ("-val_loss",))
    assert search.history.objectives is watching.problem.objectives
    two = Objectives(("a", "b"))
    assert AskTell(watching, SPACE, two).history.objectives is two


@pytest.mark.parametrize("concurrency", [0, -1, 1.5, True, None])
def test_concurrency_is_a_whole_number_of_one_or_more(concurrency: Any) -> None:
    with pytest.raises(SettingsError, match="concurrency: expected a whole number of 1 or more, got"):
        AskTell(Watching(), SPACE, concurrency=concurrency)


def test_only_trials_that_were_asked_for_are_told_and_once() -> None:
    search = AskTell(Watching(), SPACE, concurrency=2)
    search.ask()
    for number in (-1, 1):
        with pytest.raises(ValueError, match=f"trial {number}: expected a trial that was asked for, 0 to 0"):
            search.tell(number, GOOD)
    search.tell(0, GOOD)
    with pytest.raises(ValueError, match="has an outcome already"):
        search.tell(0, GOOD)
