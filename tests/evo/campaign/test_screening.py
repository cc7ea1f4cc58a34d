"""What is refused before a worker is asked."""

from __future__ import annotations

from collections.abc import Callable
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


class _Killed(BaseException):
    """Stands for a kill between a proposal and its refusal."""


def _killed_before_the_refusal_of(number: int, monkeypatch: pytest.MonkeyPatch, run: Callable[[], object]) -> None:
    asked = Screening.refusal

    def refusal(screening: Screening, trial: Trial) -> Outcome | None:
        if trial.number == number:
            raise _Killed
        return asked(screening, trial)

    with monkeypatch.context() as patch:
        patch.setattr(Screening, "refusal", refusal)
        with pytest.raises(_Killed):
            run()


@pytest.mark.parametrize("limits", [{"flops": 1}, {}])
def test_what_was_to_be_refused_when_a_session_was_killed_is_refused_by_the_next_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limits: dict[str, Any]
) -> None:
    """Over a limit, and a phenotype for the second time."""
    space = spaces.tabular(columns=2, classes=3)

    def always(history: History, rng: np.random.Generator) -> Proposal:
        return Proposal(space.default(), last_epoch=3)

    def campaign(name: str) -> evo.Campaign:
        return evo.Campaign(space, data(), tmp_path / name, **settings(algorithm=always), **limits)

    whole = campaign("whole").run()
    assert whole.trials[1].outcome is not None and whole.trials[1].outcome.status is Status.REJECTED
    _killed_before_the_refusal_of(1, monkeypatch, campaign("killed").run)
    resumed = campaign("killed").run()
    assert [t.outcome for t in resumed.trials] == [t.outcome for t in whole.trials]


def rejects(task: TrialTask) -> TrialReport:
    """As a worker does where only the build tells how large a model is."""
    return TrialReport(task.number, Outcome(Status.REJECTED, parameters=7, message="parameters: 7 needed"))


def test_a_phenotype_that_a_worker_rejected_counts_as_trained_after_a_resume_too(tmp_path: Path) -> None:
    box = box_of_two()

    def always(history: History, rng: np.random.Generator) -> Proposal:
        return Proposal(box.default(), last_epoch=3)

    given = settings(algorithm=always, evaluate=rejects)
    whole = evo.Campaign(box, None, tmp_path / "whole", **given).run()
    evo.Campaign(box, None, tmp_path / "parts", **(given | {"budget": evo.Budget(trials=1)})).run()
    resumed = evo.Campaign(box, None, tmp_path / "parts", **given).run()
    assert [t.outcome for t in resumed.trials] == [t.outcome for t in whole.trials]
    assert [t.outcome.message for t in whole.trials if t.outcome is not None][1:] == 3 * [
        "the same phenotype as trial 0"
    ]
