"""What is refused before a worker is asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import evo
from evo.campaign.screening import Screening
from evo.core.history import History
from evo.core.trial import Outcome, Proposal, Status, Trial
from evo.training.task import TrainingSettings, TrialReport, TrialTask
from genomes import spaces
from tests.evo.simulated_campaigns import guess
from tests.evo.simulated_campaigns import space as box_of_two


def data() -> evo.Data:
    y = np.arange(60) % 3
    return evo.Data(np.random.default_rng(0).normal(size=(60, 2)).astype("float32"), y, validation=0.2, seed=0)


def unasked(task: TrialTask) -> TrialReport:
    raise AssertionError("a worker was asked")


def settings(**changes: Any) -> dict[str, Any]:
    given: dict[str, Any] = {
        "budget": evo.Budget(trials=4),
        "epochs": 3,
        "evaluate": guess,
        "executor": evo.workers.Serial(),
        "final_share": 0.0,
        "concurrency": 1,
        "algorithm": evo.algorithms.RandomSearch(),
    }
    return given | changes


@pytest.mark.parametrize("limit", ["parameters", "flops"])
def test_what_is_over_a_limit_is_rejected_before_a_worker_is_asked(tmp_path: Path, limit: str) -> None:
    space = spaces.tabular(columns=2, classes=3)
    result = evo.Campaign(space, data(), tmp_path / "c", **settings(evaluate=unasked), **{limit: 1}).run()  # type: ignore[arg-type]
    assert len(result.trials) == 4
    for trial in result.trials:
        cost = space.cost(trial.genome)
        assert trial.outcome is not None and trial.outcome.status is Status.REJECTED
        assert trial.outcome.message == f"{limit}: {getattr(cost, limit):,} needed, the limit is 1"
        assert (trial.outcome.parameters, trial.outcome.flops) == (cost.parameters, cost.flops)
        assert trial.outcome.epochs == 0


def test_what_is_within_the_limits_is_trained(tmp_path: Path) -> None:
    space = spaces.tabular(columns=2, classes=3)
    limits = evo.TrialLimits(parameters=10**9, flops=10**9)
    result = evo.Campaign(space, data(), tmp_path / "c", limits=limits, **settings()).run()
    assert all(trial.completed for trial in result.trials)


def test_a_rejected_phenotype_is_rejected_for_the_same_reason_again_and_after_a_resume(tmp_path: Path) -> None:
    space = spaces.tabular(columns=2, classes=3)

    def always(history: History, rng: np.random.Generator) -> Proposal:
        return Proposal(space.default(), last_epoch=3)

    whole = evo.Campaign(space, data(), tmp_path / "whole", parameters=1, **settings(algorithm=always)).run()
    parts = settings(algorithm=always, budget=evo.Budget(trials=2))
    evo.Campaign(space, data(), tmp_path / "parts", parameters=1, **parts).run()
    resumed = evo.Campaign(space, data(), tmp_path / "parts", parameters=1, **settings(algorithm=always)).run()
    assert [t.outcome for t in resumed.trials] == [t.outcome for t in whole.trials]
    assert len({t.outcome.message for t in whole.trials if t.outcome is not None}) == 1


def test_continuations_of_what_did_not_end_there_are_refused() -> None:
    box = box_of_two()
    history = History([Trial(0, Proposal(box.default(), 0, 2), Outcome(Status.COMPLETED, epochs=2))])
    screening = Screening(box, TrainingSettings(), history)
    assert screening.refusal(Trial(1, Proposal(box.default(), 2, 4, continues=0))) is None
    for proposal, words in (
        (Proposal(box.default(), 1, 4, continues=0), "continues trial 0, which did not end at epoch 1"),
        (Proposal(box.default(), 2, 4, continues=7), "continues trial 7, which did not end at epoch 2"),
        (Proposal(box.default(), 2, 2), "asks for 0 epochs"),
        (Proposal(box.default(), 0, 2), "the same phenotype as trial 0"),
    ):
        refused = screening.refusal(Trial(1, proposal))
        assert refused is not None and refused.message == words
    assert screening.refusal(Trial(1, Proposal(box.default(), 0, 2, replicate=1))) is None
