"""Hypermodels in a campaign: too large, failing now and then, another model each time."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import evo
from evo.core.errors import EvoError, SettingsError
from evo.workers import Serial
from genomes import spaces
from genomes.errors import GenomeError

pytest.importorskip("keras_tuner")

X = np.random.default_rng(0).normal(size=(16, 4)).astype("float32")
Y = (X[:, 0] > 0).astype(int)


def searched(build: Any, directory: Path, trials: int = 4, **settings: Any) -> list[evo.Trial]:
    campaign = evo.Campaign(
        spaces.from_hypermodel(build, objective="-val_loss"),
        evo.Data(X, Y, validation=0.5),
        directory,
        budget=evo.Budget(trials=trials),
        executor=Serial(),
        seed=1,
        **{"epochs": 1} | settings,
    )
    return list(campaign.run().trials)


def net(units: int, outputs: int = 1, with_input: bool = True) -> Any:
    before = [keras.Input((4,))] if with_input else []
    model = keras.Sequential([*before, keras.layers.Dense(units), keras.layers.Dense(outputs, activation="sigmoid")])
    model.compile("sgd", "binary_crossentropy")
    return model


@pytest.mark.parametrize("with_input", [True, False])
def test_a_limit_on_parameters_acts_before_training(tmp_path: Path, with_input: bool) -> None:
    trials = searched(
        lambda hp: net(hp.Choice("units", [2, 500]), with_input=with_input), tmp_path / "c", 2, parameters=99
    )
    outcomes = {trial.genome.genes[0].named["units"]: trial.outcome for trial in trials}
    small, large = outcomes[2], outcomes[500]
    assert small is not None and small.completed and small.parameters == 4 * 2 + 2 + 2 + 1
    assert large is not None and large.status is evo.Status.REJECTED and large.epochs == 0
    assert large.message == "parameters: 3,001 needed, the limit is 99"


@pytest.mark.parametrize("with_input", [True, False])
def test_a_limit_on_flops_acts_before_training(tmp_path: Path, with_input: bool) -> None:
    trials = searched(lambda hp: net(hp.Choice("units", [2, 500]), with_input=with_input), tmp_path / "c", 2, flops=99)
    outcomes = {trial.genome.genes[0].named["units"]: trial.outcome for trial in trials}
    small, large = outcomes[2], outcomes[500]
    flops = 2 * 4 * 2 + 2 + 2 * 2 + 1 + 1  # two products, two biases, a sigmoid
    assert small is not None and small.completed and (small.parameters, small.flops) == (13, flops)
    assert large is not None and large.status is evo.Status.REJECTED and large.epochs == 0
    assert large.message == "flops: 5,502 needed, the limit is 99" and large.parameters == 3001


def test_a_limit_that_could_not_act_is_refused(tmp_path: Path) -> None:
    class Uncounted(keras.Model):  # type: ignore[misc]
        def call(self, x: Any) -> Any:
            return keras.ops.mean(x, axis=1, keepdims=True)

    def build(hp: Any) -> Any:
        hp.Int("units", 1, 9)
        model = Uncounted()
        model.compile("sgd", "mse")
        return model

    with pytest.raises(SettingsError, match="flops: .* give parameters="):
        searched(build, tmp_path / "c", flops=10)
    assert not (tmp_path / "c").exists()


def test_size_is_an_objective(tmp_path: Path) -> None:
    campaign = evo.Campaign(
        spaces.from_hypermodel(lambda hp: net(hp.Choice("units", [1, 8, 64])), objective="-val_loss"),
        evo.Data(X, Y, validation=0.5),
        tmp_path / "c",
        objectives=["-val_loss", "-flops"],
        budget=evo.Budget(trials=3),
        executor=Serial(),
        epochs=1,
        seed=1,
    )
    result = campaign.run()
    costs = {t.genome.genes[0].named["units"]: (t.outcome.parameters, t.outcome.flops) for t in result.trials}
    assert costs == {units: (6 * units + 1, 11 * units + 2) for units in (1, 8, 64)}
    smallest = min(result.pareto, key=lambda one: one.parameters)
    assert smallest.genome.genes[0].named["units"] == 1


def test_what_raises_now_and_then_is_recorded_with_its_cause(tmp_path: Path) -> None:
    calls = itertools.count()

    def build(hp: Any) -> Any:
        units = hp.Int("units", 1, 99)
        if next(calls) > 5 and units % 2 == 0:
            raise OSError("the disk is full")
        return net(units)

    def always(hp: Any) -> Any:
        if hp.Int("units", 1, 40) % 2 == 0:
            raise OSError("the disk is full")
        return net(hp.get("units"))

    for number, hypermodel in enumerate((build, always)):
        outcomes = [trial.outcome for trial in searched(hypermodel, tmp_path / str(number), 8)]
        failed = [outcome for outcome in outcomes if outcome is not None and not outcome.completed]
        assert 0 < len(failed) < 8 and all("OSError: the disk is full" in outcome.message for outcome in failed)


def test_another_output_than_the_targets_ends_the_campaign_with_the_cause(tmp_path: Path) -> None:
    with pytest.raises(EvoError, match="shape"):
        searched(lambda hp: net(hp.Int("units", 1, 9), outputs=3), tmp_path / "c")


def test_another_structure_for_the_same_hyperparameters_fails_its_promotion(tmp_path: Path) -> None:
    calls = itertools.count()

    def build(hp: Any) -> Any:
        hp.Int("a", 0, 9)
        return net(2 + next(calls))

    trials = searched(build, tmp_path / "c", 24, epochs=9)
    promoted = [trial.outcome for trial in trials if trial.proposal.continues is not None]
    told = "build made another model than before of the same hyperparameters"
    # A promotion that follows at once finds the very model in memory.
    assert all(outcome is not None and (outcome.completed or told in outcome.message) for outcome in promoted)
    assert any(outcome is not None and not outcome.completed for outcome in promoted)


def test_no_model_is_refused_before_there_is_a_campaign() -> None:
    with pytest.raises(GenomeError, match=r"must return a keras\.Model"):
        spaces.from_hypermodel(lambda hp: hp.Int("units", 1, 9))


def test_an_uncompiled_model_is_refused_before_a_trial_is_recorded(tmp_path: Path) -> None:
    def build(hp: Any) -> Any:
        return keras.Sequential([keras.Input((4,)), keras.layers.Dense(hp.Int("units", 1, 9))])

    with pytest.raises(EvoError, match="must return a compiled model"):
        searched(build, tmp_path / "c")
    assert not list((tmp_path / "c").rglob("outcome.json"))
