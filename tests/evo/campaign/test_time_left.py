"""Budgets of minutes, on a virtual clock: what is trained, how long, and that it comes back in time."""

from __future__ import annotations

import heapq
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import evo
import genomes
from evo.algorithms import FinalTraining, Pace, Problem, ScreenedEvolution
from evo.campaign.planner import Planner, Wait
from evo.campaign.time_left import TimeLeft
from evo.core.budget import Budget
from evo.core.history import History
from evo.core.objectives import Objectives
from evo.core.trial import Outcome, Proposal, Status, Trial
from tests.evo import simulated_campaigns

SPACE = genomes.spaces.image(input_shape=(28, 28, 1), classes=10)
EPOCHS = 27


def seconds_of(proposal: Proposal, rate: float) -> dict[str, float]:
    """A machine that has an overhead per trial and per epoch, and a rate."""
    per_epoch = 0.1 + SPACE.cost(proposal.genome).flops / rate
    return {"build": 0.5, "train": per_epoch * proposal.epochs}


def outcome(proposal: Proposal, rate: float) -> Outcome:
    """Larger nets and longer trainings score higher: the search is drawn to what it cannot afford."""
    size = np.log10(SPACE.cost(proposal.genome).flops + 1) / 10
    score = float(size + 0.1 * np.log10(proposal.last_epoch))
    return Outcome(
        Status.COMPLETED, {"val_accuracy": score}, epochs=proposal.epochs, seconds=seconds_of(proposal, rate)
    )


def campaign(minutes: float, workers: int, rate: float, seed: int = 3) -> tuple[History, dict[int, float]]:
    """A simulated campaign, and the minute at which each trial came back."""
    objectives = Objectives("val_accuracy")
    problem = Problem(SPACE, EPOCHS, objectives, seconds=60 * minutes * workers)
    planner = Planner(
        search=ScreenedEvolution(offspring=10).bind(problem),
        finish=FinalTraining().bind(problem),
        budget=Budget(minutes=minutes),
        seed=seed,
        concurrency=2 * workers,
        final_share=0.25,
        time=TimeLeft(Pace(SPACE), minutes, workers, 0.25),
    )
    history, back, now = History((), objectives), {}, 0.0
    free = [0.0] * workers
    running: list[tuple[float, int]] = []
    while True:
        found = planner.next(history, now)
        if isinstance(found, Proposal):
            number = len(history)
            history.append(Trial(number, found))
            start = max(now, heapq.heappop(free))
            end = start + sum(seconds_of(found, rate).values()) / 60
            heapq.heappush(free, end)
            heapq.heappush(running, (end, number))
            continue
        if not running:
            assert found is Wait.BUDGET
            return history, back
        now, number = heapq.heappop(running)
        back[number] = now
        history.tell(number, outcome(history[number].proposal, rate))


@pytest.mark.parametrize(("minutes", "workers", "rate"), [(4, 2, 1e6), (3, 1, 3e6), (1, 4, 1e7)])
def test_slow_machines_train_several_models_long_and_all_come_back_in_time(
    minutes: float, workers: int, rate: float
) -> None:
    history, back = campaign(minutes, workers, rate)
    # Here nothing is stopped at the deadline, as training is: what is planned nearly fits by itself.
    assert max(back.values()) <= 1.05 * minutes
    finals = [t for t in history if t.proposal.final]
    assert len({t.genome.key for t in finals}) >= 4
    assert sorted(t.epochs for t in finals)[-2] >= 9
    total = 60 * minutes * workers
    spent = sum(sum(t.outcome.seconds.values()) for t in history if t.outcome)
    assert spent > 0.7 * total
    longest = max(sum(t.outcome.seconds.values()) for t in history if t.outcome)
    assert longest < 0.3 * total


def test_a_fast_machine_begins_small_and_comes_to_the_default() -> None:
    history, _ = campaign(1, 1, 1e12)
    keys = [SPACE.key(t.genome) for t in history]
    assert keys[0] == SPACE.key(SPACE.smallest())
    assert SPACE.key(SPACE.default()) in keys[:20]


def test_other_limits_leave_the_search_without_a_clock() -> None:
    assert Budget(minutes=3).only_minutes
    assert not Budget(minutes=3, epochs=10).only_minutes and not Budget(trials=3).only_minutes


@pytest.mark.parametrize(("limits", "stopped"), [({"minutes": 5.0, "trials": 3}, False), ({"minutes": 0.01}, True)])
def test_trials_are_stopped_in_time_only_where_minutes_alone_limit(
    limits: dict[str, Any], stopped: bool, tmp_path: Path
) -> None:
    seen = []

    def evaluate(task: Any) -> Any:
        seen.append(task.deadline)
        return simulated_campaigns.evaluate(task)

    evo.Campaign(
        simulated_campaigns.space(),
        None,
        tmp_path / "c",
        budget=Budget(**limits),
        seed=1,
        evaluate=evaluate,
        executor=evo.workers.Serial(),
    ).run()
    assert seen and all((deadline is not None) == stopped for deadline in seen)


def test_a_space_that_is_used_up_says_so_also_with_a_clock() -> None:
    def nothing_left(history: History, rng: np.random.Generator) -> None:
        raise evo.errors.SpaceExhaustedError("used up")

    history, _ = timed([(0.1, 1e6), (0.2, 1e6)])
    planner = Planner(
        search=nothing_left,
        finish=lambda history, rng: None,
        budget=Budget(minutes=9),
        seed=1,
        concurrency=2,
        final_share=0.25,
        time=TimeLeft(Pace(SPACE), 9, 1, 0.25),
    )
    assert planner.next(history, 1.0) is Wait.EXHAUSTED


def test_scikit_learn_is_not_imported_before_a_campaign_searches() -> None:
    code = "import sys, evo, evo.algorithms, evo.campaign; print('sklearn' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.strip() == "False"


def timed(pairs: list[tuple[float, float]]) -> tuple[History, list]:
    """A history of genomes with given FLOPs quantiles and seconds per epoch proportional to FLOPs."""
    rng = np.random.default_rng(0)
    drawn = sorted((SPACE.sample(rng) for _ in range(60)), key=lambda g: SPACE.cost(g).flops)
    history = History((), Objectives("val_accuracy"))
    for number, (quantile, rate) in enumerate(pairs):
        genome = drawn[int(quantile * 59)]
        history.append(Trial(number, Proposal(genome)))
        seconds = {"build": 2.0, "train": SPACE.cost(genome).flops / rate}
        history.tell(number, Outcome(Status.COMPLETED, {"val_accuracy": 0.5}, epochs=1, seconds=seconds))
    return history, drawn


def test_pace_never_takes_the_unknown_to_be_quicker_than_the_best_rate_seen() -> None:
    history, drawn = timed([(q, 1e6) for q in (0.0, 0.1, 0.2, 0.3)])
    pace = Pace(SPACE)
    assert pace.fit(history)
    flops = np.array([SPACE.cost(genome).flops for genome in drawn])
    assert (pace.per_epoch(drawn) >= flops / 1e6 * 0.999).all()
    known = history[2].genome
    assert pace.per_epoch([known])[0] == pytest.approx(SPACE.cost(known).flops / 1e6)
    assert pace.epochs(known, 2.0 + 5.5 * pace.per_epoch([known])[0]) == 5
    assert pace.epochs(known, 1.0) == 0


def test_pace_learns_nothing_from_trials_without_seconds() -> None:
    history = History((), Objectives("val_accuracy"))
    history.append(Trial(0, Proposal(SPACE.default())))
    assert not Pace(SPACE).fit(history)
    history.tell(0, Outcome(Status.FAILED, message="x"))
    assert not Pace(SPACE).fit(history)
