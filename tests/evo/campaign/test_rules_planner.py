"""Rules of the look-ahead: what is proposed when, on histories of a few trials."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from evo import History, Outcome, Proposal, Status
from tests.evo.search_parts import Budget, Planner, SpaceExhaustedError, Wait, leading_outcomes
from tests.evo.small_histories import done, genome, history_of, waiting

NEXT = Proposal(genome(0.7), last_epoch=3)


class Says:
    """An algorithm that always gives one answer, and remembers what it was shown."""

    def __init__(self, answer: Proposal | None = NEXT, least: int = 0) -> None:
        self.answer, self.least = answer, least
        self.seen: list[tuple[int, int]] = []
        self.drawn: list[float] = []

    def __call__(self, history: History, rng: np.random.Generator) -> Proposal | None:
        visible = len(history) - len(history.pending())
        self.seen.append((len(history), visible))
        self.drawn.append(float(rng.random()))
        return self.answer if visible >= self.least else None


def used_up(history: History, rng: np.random.Generator) -> Proposal | None:
    raise SpaceExhaustedError("used up")


class Clock:
    """Time left whose answers are given."""

    def __init__(self, searching: bool = True, fits: bool = True, ready: bool = True, epochs: int = 2) -> None:
        self.answers = {"searching": searching, "fits": fits, "ready": ready, "epochs": epochs}
        self.pace, self.timed = self, True
        self.asked: list[tuple[Any, ...]] = []

    def _answer(self, name: str, *asked: Any) -> int:
        self.asked.append((name, *(len(one) if isinstance(one, History) else one for one in asked)))
        return self.answers[name]

    def fit(self, history: History) -> bool:
        self.asked.append(("fit", len(history)))
        return self.timed

    def searching(self, spent: float) -> bool:
        return bool(self._answer("searching", spent))

    def fits(self, history: History, proposal: Proposal, spent: float) -> bool:
        return bool(self._answer("fits", history, proposal, spent))

    def ready(self, history: History) -> bool:
        return bool(self._answer("ready", history))

    def epochs(self, history: History, proposal: Proposal, spent: float) -> int:
        return self._answer("epochs", history, proposal, spent)


def plan(search: Any = None, finish: Any = None, **changes: Any) -> Planner:
    settings: dict[str, Any] = {"budget": Budget(trials=10), "seed": 3, "concurrency": 2, "final_share": 0.0}
    return Planner(search=search or Says(), finish=finish or Says(None), **(settings | changes))


def final(first: int = 1, last: int = 9, continues: int | None = 0) -> Proposal:
    return Proposal(genome(0.1), first, last, continues, origin="final", final=True)


# -- ordered look-ahead ---------------------------------------------------------------------
@pytest.mark.parametrize(("concurrency", "visible"), [(1, 3), (2, 2), (3, 1), (4, 0), (9, 0)])
def test_trial_n_sees_the_outcomes_below_n_minus_c_plus_1(concurrency: int, visible: int) -> None:
    search = Says()
    history = history_of(done(0.1, 0.1), done(0.2, 0.2), done(0.3, 0.3))
    assert plan(search, concurrency=concurrency).next(history) == NEXT
    assert search.seen == [(3, visible)]


def test_it_waits_for_an_outcome_that_it_must_see() -> None:
    history = history_of(done(0.1, 0.1), waiting(0.2), done(0.3, 0.3))
    assert plan(concurrency=2).next(history) is Wait.OUTCOMES
    assert plan(concurrency=3).next(history) == NEXT


def test_an_algorithm_that_waits_is_shown_one_outcome_more_at_a_time() -> None:
    search = Says(least=2)
    history = history_of(done(0.1, 0.1), done(0.2, 0.2), done(0.3, 0.3))
    assert plan(search, concurrency=4).next(history) == NEXT
    assert search.seen == [(3, 0), (3, 1), (3, 2)]
    history = history_of(done(0.1, 0.1), waiting(0.2), done(0.3, 0.3))
    assert plan(Says(least=2), concurrency=4).next(history) is Wait.OUTCOMES


def test_an_algorithm_that_answers_nothing_to_all_outcomes_ends_the_campaign() -> None:
    assert plan(Says(None)).next(history_of(done(0.1, 0.1))) is Wait.BUDGET
    assert plan(Says(None)).next(history_of()) is Wait.BUDGET


def test_a_used_up_space_says_so() -> None:
    assert plan(used_up).next(history_of(done(0.1, 0.1))) is Wait.EXHAUSTED
    assert plan(used_up, concurrency=2).next(history_of(done(0.1, 0.1), waiting(0.2))) is Wait.OUTCOMES


def test_trial_n_draws_from_its_own_generator_and_the_finish_from_another() -> None:
    from tests.evo.search_parts import Purpose, generator

    search, finish = Says(None), Says(None)
    history = history_of(done(0.1, 0.1), done(0.2, 0.2))
    plan(search, finish, final_share=0.5, seed=8, concurrency=1).next(history)
    assert search.drawn == [float(generator(8, Purpose.PROPOSAL, 2).random())]
    assert finish.drawn == [float(generator(8, Purpose.FINISH, 2).random())]


def test_leading_outcomes_end_at_the_first_pending_trial() -> None:
    assert leading_outcomes(history_of()) == 0
    assert leading_outcomes(history_of(done(0.1, 0.1), done(0.2, 0.2))) == 2
    assert leading_outcomes(history_of(done(0.1, 0.1), waiting(0.2), done(0.3, 0.1))) == 1


# -- free running ---------------------------------------------------------------------------
def test_free_running_sees_what_has_arrived_and_no_more_run_than_may() -> None:
    search = Says()
    history = history_of(waiting(0.1), done(0.2, 0.2), done(0.3, 0.3))
    assert plan(search, deterministic=False).next(history) == NEXT
    assert search.seen == [(3, 2)]
    history = history_of(waiting(0.1), done(0.2, 0.2), waiting(0.3))
    assert plan(deterministic=False).next(history) is Wait.OUTCOMES
    assert plan(deterministic=False, concurrency=3).next(history) == NEXT


def test_free_running_ends_only_when_nothing_is_pending() -> None:
    assert plan(used_up, deterministic=False).next(history_of(waiting(0.1))) is Wait.OUTCOMES
    assert plan(used_up, deterministic=False).next(history_of(done(0.1, 0.1))) is Wait.EXHAUSTED


# -- the budget -----------------------------------------------------------------------------
def test_the_campaign_ends_where_the_budget_is_spent() -> None:
    two = history_of(done(0.1, 0.1), done(0.2, 0.2))
    assert plan(budget=Budget(trials=3)).next(two) == NEXT
    assert plan(budget=Budget(trials=2)).next(two) is Wait.BUDGET
    # Nor is anything finished then.
    assert plan(finish=Says(final()), budget=Budget(trials=2), final_share=0.5).next(two) is Wait.BUDGET


def test_the_search_ends_where_the_final_share_begins() -> None:
    search, finish = Says(), Says(final())
    half = plan(search, finish, budget=Budget(trials=4), final_share=0.5, concurrency=1)
    assert half.next(history_of(done(0.1, 0.1))) == NEXT
    assert half.next(history_of(done(0.1, 0.1), done(0.2, 0.2))) == final()


def test_a_trial_of_the_search_must_fit_the_epochs_left_whole() -> None:
    history = history_of(done(0.1, 0.1, 4))
    assert plan(budget=Budget(epochs=7), concurrency=1).next(history) == NEXT
    assert plan(budget=Budget(epochs=6), concurrency=1).next(history) is Wait.BUDGET


def test_a_final_training_is_cut_to_the_epochs_left() -> None:
    history = history_of(done(0.1, 0.1, 4), done(0.2, 0.2, 4))
    cut = plan(finish=Says(final()), budget=Budget(epochs=13), final_share=0.5, concurrency=1).next(history)
    assert cut == Proposal(genome(0.1), 1, 6, 0, origin="final", final=True)
    one = plan(finish=Says(final()), budget=Budget(epochs=9), final_share=0.5, concurrency=1).next(history)
    assert isinstance(one, Proposal) and one.epochs == 1


def test_epochs_that_trials_under_way_ask_for_are_spent() -> None:
    history = history_of(done(0.1, 0.1, 2), waiting(0.2, 3))
    assert plan(budget=Budget(epochs=8)).next(history) == NEXT
    assert plan(budget=Budget(epochs=7)).next(history) is Wait.OUTCOMES


def test_a_continued_training_is_cut_to_nine_tenths_of_the_minutes_left() -> None:
    """A second per epoch: in the 5 minutes left 270 epochs are planned."""
    start = done(0.1, 0.1, 2, seconds={"train": 1.25, "evaluate": 0.75})
    planner = plan(finish=Says(final(2, 900)), budget=Budget(minutes=10.0), final_share=0.5)
    found = planner.next(history_of(start), minutes=5.0)
    assert isinstance(found, Proposal) and (found.first_epoch, found.last_epoch) == (2, 272)


def test_minutes_cut_nothing_that_has_no_measured_start() -> None:
    history = history_of(done(0.1, 0.1, 2), done(0.2, 0.1, 2, seconds={"train": 60.0}))
    for proposal in (final(0, 90, None), final(2, 90, 0)):
        planner = plan(finish=Says(proposal), budget=Budget(minutes=10.0), final_share=0.5)
        assert planner.next(history, minutes=5.0) == proposal
    # One that failed before its first epoch has no pace; neither has one whose seconds are not known.
    for outcome in (Outcome(Status.FAILED), Outcome(Status.FAILED, seconds={"build": 60.0})):
        planner = plan(finish=Says(final(0, 90, 0)), budget=Budget(minutes=10.0), final_share=0.5)
        assert planner.next(history_of((Proposal(genome(0.1)), outcome)), minutes=5.0) == final(0, 90, 0)


def test_trials_of_the_search_are_not_begun_if_the_minutes_left_do_not_pay_for_them() -> None:
    slow = done(0.1, 0.1, 1, seconds={"train": 60.0})
    climb = Proposal(genome(0.1), 1, 4, 0)
    planner = plan(Says(climb), budget=Budget(minutes=10.0), concurrency=1)
    assert planner.next(history_of(slow), minutes=6.0) == climb
    assert planner.next(history_of(slow), minutes=7.0) is Wait.BUDGET


def test_a_training_that_took_no_time_is_not_cut() -> None:
    start = done(0.1, 0.1, 2, seconds={"train": 1e-12})
    planner = plan(finish=Says(final(2, 900)), budget=Budget(minutes=10.0), final_share=0.5)
    assert planner.next(history_of(start), minutes=5.0) == final(2, 900)


# -- the final trainings ---------------------------------------------------------------------
def test_final_trainings_wait_for_every_outcome_of_the_search() -> None:
    history = history_of(done(0.1, 0.1), waiting(0.2), waiting(0.3))
    ends = {"finish": Says(final()), "budget": Budget(trials=4), "final_share": 0.5, "concurrency": 3}
    assert plan(**ends).next(history) is Wait.OUTCOMES
    history.tell(1, Outcome(Status.FAILED))
    history.tell(2, Outcome(Status.FAILED))
    assert plan(**ends).next(history) == final()


@pytest.mark.parametrize("kind", [{"final": True}, {"replicate": 1}])
def test_final_trainings_do_not_wait_for_each_other(kind: dict[str, Any]) -> None:
    history = history_of(done(0.1, 0.1), done(0.2, 0.2), waiting(0.3, **kind))
    assert plan(finish=Says(final()), budget=Budget(trials=4), final_share=0.5).next(history) == final()


def test_without_a_final_share_nothing_is_finished() -> None:
    finish = Says(final())
    assert plan(Says(None), finish).next(history_of(done(0.1, 0.1))) is Wait.BUDGET
    assert finish.seen == []


def test_what_nothing_is_left_to_finish_with_is_searched_with() -> None:
    ends: dict[str, Any] = {"budget": Budget(trials=4), "final_share": 0.5}
    two = history_of(done(0.1, 0.1), done(0.2, 0.2))
    assert plan(**ends).next(two) == NEXT
    # The choice of what to finish needs every outcome.
    assert plan(**ends).next(history_of(done(0.1, 0.1), waiting(0.2))) is Wait.OUTCOMES
    assert plan(Says(None), **ends).next(two) is Wait.BUDGET
    assert plan(used_up, **ends).next(two) is Wait.EXHAUSTED


def test_of_what_final_trainings_leave_they_get_their_share_again() -> None:
    """Of 12 trials 6 are searched with; two final ones leave 4, of which 2 are searched with at once."""
    asked: list[int] = []

    def finish(view: History, rng: np.random.Generator) -> Proposal | None:
        asked.append(len(view))
        return final() if sum(trial.proposal.origin == "final" for trial in view) < 2 else None

    planner = plan(finish=finish, budget=Budget(trials=12), final_share=0.5, concurrency=1)
    known = [done(n / 20, 0.1) for n in range(6)]
    for wanted in (final(), final(), NEXT, NEXT, NEXT, NEXT):
        assert planner.next(history_of(*known)) == wanted
        known.append((wanted, done(0.1, 0.1)[1]))
    assert planner.next(history_of(*known)) is Wait.BUDGET
    # The second of those four did not wait to hear whether there is something to finish.
    assert asked == [6, 7, 8, 10, 11]


def test_a_used_up_space_ends_the_campaign() -> None:
    assert plan(used_up, final_share=0.25).next(history_of(done(0.1, 0.1))) is Wait.EXHAUSTED


def test_a_used_up_space_is_finished_at_once() -> None:
    assert plan(used_up, Says(final()), final_share=0.25).next(history_of(done(0.1, 0.1))) == final()


def test_what_the_search_cannot_pay_for_is_given_to_the_finish() -> None:
    history = history_of(done(0.1, 0.1, 4))
    cut = plan(Says(final(0, 20)), Says(final()), budget=Budget(epochs=10), final_share=0.5).next(history)
    assert isinstance(cut, Proposal) and (cut.first_epoch, cut.last_epoch) == (1, 7)


# -- with a clock ---------------------------------------------------------------------------
def timed(clock: Clock, search: Any = None, finish: Any = None, **changes: Any) -> Planner:
    settings: dict[str, Any] = {"budget": Budget(minutes=10.0), "final_share": 0.25, "time": clock}
    return plan(search, finish or Says(final()), **(settings | changes))


def test_with_a_clock_a_trial_of_the_search_must_be_back_in_time() -> None:
    history, clock = history_of(done(0.1, 0.1), waiting(0.2)), Clock()
    assert timed(clock).next(history, 2.0) == NEXT
    assert clock.asked == [("fit", 2), ("searching", 2.0), ("fits", 2, NEXT, 2.0)]
    late = Clock(fits=False)
    assert timed(late).next(history, 2.0) == Proposal(genome(0.1), 1, 3, 0, origin="final", final=True)
    assert late.asked[3:] == [("ready", 2), ("epochs", 2, final(), 2.0)]


def test_free_running_looks_at_the_clock_too() -> None:
    history, clock = history_of(done(0.1, 0.1), waiting(0.2)), Clock()
    assert timed(clock, deterministic=False).next(history, 2.0) == NEXT
    assert clock.asked[-1] == ("fits", 2, NEXT, 2.0)
    spent = plan(deterministic=False, budget=Budget(minutes=2.0))
    assert spent.next(history_of(done(0.1, 0.1)), 2.0) is Wait.BUDGET


def test_with_a_clock_a_used_up_space_says_so() -> None:
    history = history_of(done(0.1, 0.1))
    assert timed(Clock(), used_up, Says(None)).next(history, 2.0) is Wait.EXHAUSTED
    assert timed(Clock(), used_up).next(history, 2.0) != Wait.EXHAUSTED


def test_a_campaign_that_has_not_run_yet_has_spent_no_minutes() -> None:
    assert plan(budget=Budget(minutes=1.0)).next(history_of()) == NEXT


def test_reasons_are_named() -> None:
    assert [reason.value for reason in Wait] == ["waiting for outcomes", "budget", "exhausted"]


def test_with_a_clock_the_search_ends_with_its_share_whatever_is_pending() -> None:
    search = Says()
    found = timed(Clock(searching=False), search).next(history_of(done(0.1, 0.1), waiting(0.2), waiting(0.3)), 9.0)
    assert isinstance(found, Proposal) and found.final and search.seen == []


def test_a_clock_that_has_measured_nothing_is_not_looked_at() -> None:
    clock = Clock(searching=False, fits=False)
    clock.timed = False
    assert timed(clock).next(history_of(done(0.1, 0.1)), 2.0) == NEXT


def test_with_a_clock_a_final_training_waits_until_a_worker_wants_one() -> None:
    history = history_of(done(0.1, 0.1), waiting(0.2))
    assert timed(Clock(searching=False, ready=False)).next(history, 9.0) is Wait.OUTCOMES


def test_with_a_clock_a_final_training_gets_the_epochs_that_the_time_allows() -> None:
    history = history_of(done(0.1, 0.1))
    for epochs in (1, 5):
        found = timed(Clock(searching=False, epochs=epochs)).next(history, 9.0)
        assert isinstance(found, Proposal) and (found.first_epoch, found.last_epoch) == (1, 1 + epochs)
    assert timed(Clock(searching=False, epochs=0)).next(history, 9.0) is Wait.BUDGET
    assert timed(Clock(searching=False, epochs=0)).next(history_of(waiting(0.1)), 9.0) is Wait.OUTCOMES


def test_with_a_clock_nothing_is_finished_without_a_share_or_after_the_end() -> None:
    history = history_of(done(0.1, 0.1))
    assert timed(Clock(searching=False), final_share=0.0).next(history, 9.0) is Wait.BUDGET
    assert timed(Clock(searching=False)).next(history, 10.0) is Wait.BUDGET
    assert isinstance(timed(Clock(searching=False)).next(history, 9.9), Proposal)


def test_with_a_clock_nothing_is_finished_that_another_limit_does_not_pay_for() -> None:
    history = history_of(done(0.1, 0.1), waiting(0.2, final=True))
    for trials, finished in ((2, False), (3, True)):
        found = timed(Clock(searching=False), budget=Budget(minutes=10.0, trials=trials)).next(history, 9.0)
        assert isinstance(found, Proposal) == finished


def test_with_a_clock_final_trainings_see_all_that_has_arrived() -> None:
    finish = Says(final())
    timed(Clock(searching=False), None, finish).next(history_of(waiting(0.1), done(0.2, 0.2)), 9.0)
    assert finish.seen == [(2, 1)]
