"""Which epoch and which trial count: by the objective, and between equals by the validation loss, as in campaigns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("keras_tuner")

import keras
import keras_tuner
import numpy as np

from evo.core.errors import TrialError
from evo.integrations.keras_tuner import EvolutionTuner
from evo.integrations.keras_tuner.best_epoch import SaveBestEpoch, metrics_and_step

ACCURACY = keras_tuner.Objective("val_accuracy", "max")


def history(**curves: list[float]) -> Any:
    found = keras.callbacks.History()
    found.history = curves
    return found


def test_of_equal_epochs_the_one_with_the_least_loss_counts() -> None:
    curves = {"val_accuracy": [0.5, 1.0, 1.0, 1.0], "val_loss": [0.1, 0.9, 0.4, 0.5]}
    assert metrics_and_step(history(**curves), ACCURACY) == ({"val_accuracy": 1.0, "val_loss": 0.4}, 2)
    loss = keras_tuner.Objective("val_loss", "min")
    assert metrics_and_step(history(**curves), loss)[1] == 0
    # Without a loss it is the first, as for KerasTuner.
    assert metrics_and_step(history(val_accuracy=[0.5, 1.0, 1.0]), ACCURACY) == ({"val_accuracy": 1.0}, 1)
    several = metrics_and_step([history(**curves), history(val_accuracy=[0.5], val_loss=[0.2])], ACCURACY)
    assert several == ({"val_accuracy": 0.75, "val_loss": pytest.approx(0.3)}, 1)
    assert metrics_and_step(0.5, ACCURACY) == ({"val_accuracy": 0.5}, 0)
    assert metrics_and_step({"val_accuracy": 0.25, "x": 1.0}, ACCURACY) == ({"val_accuracy": 0.25, "x": 1.0}, 0)


def test_its_weights_are_stored(tmp_path: Path) -> None:
    class Model:
        weights = 0

        def save_weights(self, path: str) -> None:
            stored.append(self.weights)

        distribute_strategy = None

    stored: list[int] = []
    callback, model = SaveBestEpoch(ACCURACY, str(tmp_path / "x.weights.h5")), Model()
    callback._model = model
    for epoch, (accuracy, loss) in enumerate([(0.5, 0.1), (1.0, 0.9), (1.0, 0.4), (1.0, 0.5), (0.9, 0.1)]):
        model.weights = epoch
        callback.on_epoch_end(epoch, {"val_accuracy": accuracy, "val_loss": loss})
    assert stored == [0, 1, 2]
    callback.on_epoch_end(5, {"loss": 1.0})
    assert stored[-1] == 4  # a log without the objective: always


class Told(EvolutionTuner):
    """Reports accuracy and loss by a hyperparameter."""

    TOLD = ((1.0, 0.9), (1.0, 0.4), (0.5, 0.1), (1.0, 0.4))

    def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> dict[str, float]:
        number = trial.hyperparameters.Int("n", 0, 3)
        return dict(zip(("val_accuracy", "val_loss"), self.TOLD[number], strict=True))


def test_of_equal_trials_the_one_with_the_least_loss_is_first_then_the_older(tmp_path: Path) -> None:
    tuner = Told(objective="val_accuracy", max_trials=4, seed=1, directory=tmp_path)
    tuner.search(verbose=0)
    ranked = [t.hyperparameters["n"] for t in tuner.oracle.get_best_trials(4)]
    assert sorted(ranked[:2]) == [1, 3] and ranked[2:] == [0, 2]
    assert tuner.result.space.values(tuner.result.best.genome)["n"] == ranked[0]


def build(hp: Any) -> Any:
    layers = keras.layers
    model = keras.Sequential([layers.Dense(hp.Choice("units", [2, 3])), layers.Dense(2, activation="softmax")])
    model.compile("adam", "categorical_crossentropy", metrics=["accuracy"], jit_compile=False)
    return model


def test_a_search_in_which_all_failed_says_why_there_is_no_model(tmp_path: Path) -> None:
    tuner = EvolutionTuner(build, "val_accuracy", max_trials=1, directory=tmp_path, project_name="p")
    assert tuner.get_best_models() == []
    x, y = np.zeros((8, 4), "float32"), np.zeros((8, 3), "float32")
    tuner.search(x, y, validation_data=(x, y), verbose=0)
    with pytest.raises(TrialError, match=r"no trial has completed; trial 0 ended as FAILED: ValueError: .*shape"):
        tuner.get_best_models()
    with pytest.raises(TrialError, match="trial 0: no weights are stored; trial 0 ended as FAILED"):
        tuner.load_model(tuner.oracle.get_trial("0"))


def test_only_models_of_trials_that_completed_are_given(tmp_path: Path) -> None:
    class Callbackless(keras_tuner.HyperModel):  # type: ignore[misc]
        def build(self, hp: Any) -> Any:
            return build(hp)

        def fit(self, hp: Any, model: Any, x: Any, y: Any, callbacks: Any = (), **kwargs: Any) -> Any:
            if hp["units"] == 3:
                raise ValueError("3 is no good")
            return model.fit(x, y, callbacks=callbacks if hp.Boolean("store", default=True) else [], **kwargs)

    x, y = np.zeros((8, 4), "float32"), np.zeros((8, 2), "float32")
    tuner = EvolutionTuner(Callbackless(), "val_accuracy", max_trials=6, directory=tmp_path, project_name="p")
    tuner.search(x, y, validation_data=(x, y), verbose=0)
    completed = [t for t in tuner.oracle.trials.values() if t.status == "COMPLETED"]
    assert {t.hyperparameters["store"] for t in completed} == {True, False}
    stored = next(t for t in completed if t.hyperparameters["store"])
    assert tuner.load_model(stored).layers[0].units == 2
    with pytest.raises(TrialError, match="did not hand its `callbacks` on to `model.fit`"):
        tuner.get_best_models(5)
