"""A falling rate and corrected moving averages in KerasTuner's loop: what a campaign's trainings do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("keras_tuner")

import keras
import numpy as np

from evo.integrations.keras_tuner import EvolutionTuner
from evo.integrations.keras_tuner.adjustments import CorrectedStatistics, FallingRate
from genomes.spaces.hypermodel.moving_statistics import unbias

X = np.random.default_rng(0).normal(2.0, 3.0, (40, 4)).astype("float32")
Y = (X.sum(1) > 8).astype("int64")


class Rates(keras.callbacks.Callback):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__()
        self.rates: list[float] = []

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.rates.append(float(self.model.optimizer.learning_rate))


def net(rate: Any = 0.1) -> Any:
    keras.utils.set_random_seed(1)
    layers = keras.layers
    model = keras.Sequential([keras.Input((4,)), layers.BatchNormalization(), layers.Dense(2, activation="softmax")])
    model.compile(keras.optimizers.SGD(rate), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def test_a_constant_rate_falls_to_zero_step_by_step() -> None:
    seen = Rates()
    net().fit(X, Y, batch_size=10, initial_epoch=1, epochs=3, callbacks=[FallingRate(1, 3), seen], verbose=0)
    assert seen.rates == pytest.approx([0.1 * (1 - (step + 0.5) / 8) for step in range(8)], rel=1e-5)
    schedule = keras.optimizers.schedules.ExponentialDecay(0.1, 4, 0.5)
    own, alone = Rates(), Rates()
    net(schedule).fit(X, Y, batch_size=10, epochs=2, callbacks=[FallingRate(0, 2), own], verbose=0)
    net(schedule).fit(X, Y, batch_size=10, epochs=2, callbacks=[alone], verbose=0)
    assert own.rates == alone.rates


def test_moving_averages_are_corrected_once_before_the_first_epoch_is_judged() -> None:
    plain, corrected = net(), net()
    plain.fit(X, Y, batch_size=10, epochs=1, shuffle=False, verbose=0)
    history = corrected.fit(
        X,
        Y,
        batch_size=10,
        epochs=1,
        shuffle=False,
        validation_data=(X, Y),
        callbacks=[CorrectedStatistics()],
        verbose=0,
    ).history
    assert unbias(plain, 4) == 1
    for mine, theirs in zip(corrected.weights, plain.weights, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-5, atol=1e-6)
    assert history["val_loss"][0] == pytest.approx(plain.evaluate(X, Y, verbose=0)[0], rel=1e-4)


def build(hp: Any) -> Any:
    return net(hp.Float("rate", 0.01, 0.1, sampling="log"))


@pytest.mark.slow
def test_a_promoted_trial_has_the_weights_and_the_optimizer_of_its_rung(tmp_path: Path) -> None:
    begun: list[tuple[int, int]] = []

    class Begins(keras.callbacks.Callback):  # type: ignore[misc]
        def on_train_begin(self, logs: Any = None) -> None:
            begun.append((int(self.model.optimizer.iterations), self.params["epochs"]))

    tuner = EvolutionTuner(
        build,
        "val_accuracy",
        max_epochs=4,
        factor=2,
        seed=1,
        falling_rate=True,
        corrected_statistics=True,
        directory=tmp_path,
    )
    tuner.search(X, Y, batch_size=10, validation_data=(X, Y), callbacks=[Begins()], verbose=0)
    values = [t.hyperparameters.values for t in tuner.oracle.trials.values()]
    assert len(values) == len(begun) and any("tuner/trial_id" in v for v in values)
    for value, (steps, epochs) in zip(values, begun, strict=True):
        assert epochs == value["tuner/epochs"]
        # Of the epoch that counts, which is at most the last one of the trial that is continued.
        assert 4 <= steps <= 4 * value["tuner/initial_epoch"] if "tuner/trial_id" in value else steps == 0
    model, trial = tuner.get_best_models()[0], tuner.oracle.get_best_trials()[0]
    assert model.evaluate(X, Y, verbose=0)[1] == pytest.approx(trial.score)
