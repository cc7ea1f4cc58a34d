"""What a proposal may see, whatever came back when."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from evo.campaign.planner import Planner, Wait, leading_outcomes
from evo.core.budget import Budget
from evo.core.history import History
from evo.core.trial import Outcome, Proposal, Status, Trial
from genomes.genome import Genome
from tests.evo.simulated_campaigns import space

SPACE = space()


def genome(score: float) -> Genome:
    default = SPACE.default()
    return default.replace(genes=(default.genes[0].replace(x=round(score, 6)),))


def sees_everything(history: History, rng: np.random.Generator) -> Proposal:
    """A genome that depends on every visible outcome and on the generator."""
    seen = sum(t.outcome.scores["val_accuracy"] * (t.number + 1) for t in history.completed())
    return Proposal(genome((seen * 0.37 + float(rng.random())) % 1), last_epoch=1)


def nothing(history: History, rng: np.random.Generator) -> None:
    return None


def planner(concurrency: int, search: Any = sees_everything, **changes: Any) -> Planner:
    settings: dict[str, Any] = {"finish": nothing, "budget": Budget(trials=30), "seed": 3, "final_share": 0.0}
    return Planner(search=search, concurrency=concurrency, **(settings | changes))


def outcome(trial: Trial) -> Outcome:
    score = trial.genome.genes[0].values["x"]
    return Outcome(Status.COMPLETED, {"val_accuracy": float(score)}, epochs=trial.proposal.epochs)


def run(plan: Planner, choose: Any) -> History:
    """A campaign in which ``choose`` says which running trial ends next."""
    history, running = History(), []
    while True:
        found = plan.next(history)
        if isinstance(found, Proposal):
            history.append(Trial(len(history), found))
            running.append(len(history) - 1)
            continue
        if not running:
            return history
        number = running.pop(choose(len(running)))
        history.tell(number, outcome(history[number]))


@given(concurrency=st.integers(1, 8), data=st.data())
def test_the_order_of_arrival_changes_nothing(concurrency: int, data: st.DataObject) -> None:
    plan = planner(concurrency)
    first = run(plan, lambda n: 0)
    other = run(plan, lambda n: data.draw(st.integers(0, n - 1)))
    assert [t.genome for t in first] == [t.genome for t in other]


def test_a_trial_sees_exactly_the_outcomes_below_n_minus_c_plus_1() -> None:
    visible: list[tuple[int, int]] = []

    def watch(history: History, rng: np.random.Generator) -> Proposal:
        visible.append((len(history), leading_outcomes(history)))
        assert len(history.completed()) == leading_outcomes(history)
        return sees_everything(history, rng)

    run(planner(4, watch), lambda n: n - 1)
    assert visible == [(n, max(0, n - 3)) for n in range(30)]


def test_an_algorithm_that_waits_is_asked_again_with_one_more_outcome() -> None:
    def generations(history: History, rng: np.random.Generator) -> Proposal | None:
        if len(history.pending()) > len(history) % 5:
            return None
        return sees_everything(history, rng)

    plan = planner(3, generations)
    assert [t.genome for t in run(plan, lambda n: 0)] == [t.genome for t in run(plan, lambda n: n - 1)]


def test_final_trainings_wait_for_the_search_and_fit_the_budget() -> None:
    def finish(history: History, rng: np.random.Generator) -> Proposal:
        assert all(t.proposal.final or not t.pending for t in history)
        return Proposal(genome(0.5), last_epoch=9, final=True, replicate=len(history))

    history = run(planner(3, finish=finish, budget=Budget(epochs=40), final_share=0.25), lambda n: 0)
    finals = [t for t in history if t.proposal.final]
    assert len(history) - len(finals) == 30
    assert [t.proposal.epochs for t in finals] == [9, 1]
    assert history.epochs_spent == 40


def test_free_running_sees_what_has_arrived() -> None:
    plan = planner(2, deterministic=False)
    history = History()
    for number in range(2):
        found = plan.next(history)
        assert isinstance(found, Proposal)
        history.append(Trial(number, found))
    assert plan.next(history) is Wait.OUTCOMES
    history.tell(1, outcome(history[1]))
    assert isinstance(plan.next(history), Proposal)


def test_minutes_end_a_campaign() -> None:
    plan = planner(2, budget=Budget(minutes=1.0))
    assert isinstance(plan.next(History(), minutes=0.5), Proposal)
    assert plan.next(History(), minutes=1.0) is Wait.BUDGET
