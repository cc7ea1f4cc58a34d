from __future__ import annotations

from pathlib import Path

import pytest

import evo
from evo.errors import EnsembleError, SettingsError, TrialError
from tests.evo.simulated_campaigns import campaign


def test_a_result_is_read_from_its_directory(tmp_path: Path) -> None:
    ran = campaign(tmp_path / "c", budget=evo.Budget(trials=12)).run()
    read = evo.load_result(tmp_path / "c")
    assert read.reason == ran.reason == "budget"
    assert [(t.proposal, t.outcome) for t in read.trials] == [(t.proposal, t.outcome) for t in ran.trials]
    assert [i.number for i in read.population] == [i.number for i in ran.population]
    assert read.best.number == ran.best.number
    assert read.best.predictions().shape == (4, 2)
    assert len(read.hypervolume) == len(read.trials)
    frame = read.to_dataframe()
    assert list(frame["number"]) == [t.number for t in read.trials]


def test_individuals_of_a_chain_know_the_parents_of_its_beginning(tmp_path: Path) -> None:
    result = campaign(tmp_path / "c").run()
    for trial in result.trials:
        if trial.completed and trial.proposal.continues is not None:
            first = trial
            while first.proposal.continues is not None:
                first = result.history[first.proposal.continues]
            assert result.individual(trial.number).parents == first.proposal.parents


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    result = campaign(tmp_path / "c", budget=evo.Budget(trials=4)).run()
    with pytest.raises(TrialError, match="trial 99"):
        result.individual(99)
    with pytest.raises(EnsembleError, match="predicts nothing"):
        result.ensemble()
    with pytest.raises(SettingsError, match="holds no campaign"):
        evo.load_result(tmp_path)


def test_several_objectives_give_a_front(tmp_path: Path) -> None:
    result = campaign(
        tmp_path / "c",
        objectives=["val_accuracy", "-val_loss"],
        algorithm=evo.algorithms.NSGA2(),
        budget=evo.Budget(trials=30),
        final_share=0.0,
    ).run()
    front = result.pareto
    assert front
    assert result.hypervolume == sorted(result.hypervolume)
