"""Ensembles of a tuner's models: classes, one-hot rows and logits are read off losses and targets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("keras_tuner")

import keras
from keras import layers
from keras_tuner.src import utils

from evo.core.errors import EnsembleError
from evo.integrations.keras_tuner import EvolutionTuner
from genomes.targets import Binary, Multiclass, Multilabel, Regression, Target

X = np.random.default_rng(0).normal(size=(40, 4)).astype("float32")
CLASSES = np.arange(40) % 3


class Untrained(EvolutionTuner):
    """Models as they are initialised: what a loss means does not depend on training."""

    def run_trial(self, trial: Any, x: Any, *args: Any, **kwargs: Any) -> float:
        model = self._try_build(trial.hyperparameters)
        model(x)
        model.save_weights(self._get_checkpoint_fname(trial.trial_id))
        utils.save_json(self._get_build_config_fname(trial.trial_id), model.get_build_config())
        return float(trial.hyperparameters["units"])


def sequential(outputs: int, activation: str | None, loss: Any) -> Any:
    def build(hp: Any) -> Any:
        units = hp.Int("units", 4, 8, 4)
        model = keras.Sequential([layers.Dense(units, activation="relu"), layers.Dense(outputs, activation=activation)])
        model.compile("adam", loss)
        return model

    return build


@keras.saving.register_keras_serializable(package="tuner_ensemble")
class Subclassed(keras.Model):
    def __init__(self, units: int) -> None:
        super().__init__()
        self.hidden, self.head = layers.Dense(units, activation="relu"), layers.Dense(3)

    def get_config(self) -> dict[str, Any]:
        return {"units": self.hidden.units}

    def build(self, input_shape: Any) -> None:
        self.hidden.build(input_shape)
        self.head.build((None, self.hidden.units))

    def call(self, inputs: Any) -> Any:
        return self.head(self.hidden(inputs))


def subclassed(hp: Any) -> Any:
    model = Subclassed(hp.Int("units", 4, 8, 4))
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model


def softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def sigmoid(logits: np.ndarray) -> np.ndarray:
    return np.asarray(1 / (1 + np.exp(-logits)))


CCE = keras.losses.CategoricalCrossentropy(from_logits=True)
BCE = keras.losses.BinaryCrossentropy(from_logits=True)


@pytest.mark.parametrize(
    ("build", "y", "target", "activation"),
    [
        (sequential(3, None, CCE), np.eye(3)[CLASSES], Multiclass, softmax),
        (sequential(3, "softmax", "sparse_categorical_crossentropy"), CLASSES[:, None], Multiclass, np.asarray),
        (subclassed, CLASSES, Multiclass, softmax),
        (sequential(1, None, BCE), CLASSES == 1, Binary, sigmoid),
        (sequential(2, None, BCE), np.eye(3)[CLASSES][:, :2], Multilabel, sigmoid),
        (sequential(1, None, "mse"), X.sum(axis=1), Regression, np.asarray),
    ],
)
def test_an_ensemble_is_of_what_the_loss_says(
    tmp_path: Path, build: Any, y: np.ndarray, target: type[Target], activation: Any
) -> None:
    tuner = Untrained(build, objective="val_loss", max_trials=2, seed=1, directory=tmp_path)
    tuner.search(X, verbose=0)
    ensemble = tuner.ensemble(x=X, y=y, size=2, confidence=None)
    assert type(ensemble.target) is target

    # One Keras model predicts what the tuner's own models do.
    trials = tuner.oracle.get_best_trials(2)
    expected = sum(
        weight * activation(tuner.load_model(trials[member.number])(X).numpy())
        for member, weight in zip(ensemble.members, ensemble.weights, strict=True)
    )
    assert np.allclose(ensemble.as_keras()(X), expected, atol=1e-5)


def test_what_the_loss_does_not_say_is_asked_for(tmp_path: Path) -> None:
    def own(y_true: Any, y_pred: Any) -> Any:
        return keras.ops.mean(keras.ops.abs(keras.ops.cast(y_true, "float32") - y_pred), axis=-1)

    tuner = Untrained(sequential(1, None, own), objective="val_loss", max_trials=1, directory=tmp_path)
    tuner.search(X, verbose=0)
    with pytest.raises(EnsembleError, match="give task="):
        tuner.ensemble(x=X, y=X[:, 0])
    assert tuner.ensemble(x=X, y=X[:, 0], task=Target.infer(outputs=1), size=1).members
    with pytest.raises(EnsembleError, match="give the validation data"):
        tuner.ensemble()


def _several(named: bool) -> Any:
    def build(hp: Any) -> Any:
        inputs = keras.Input((4,))
        hidden = layers.Dense(hp.Int("units", 4, 8, 4))(inputs)
        total, kind = layers.Dense(1, name="total")(hidden), layers.Dense(3, name="kind")(hidden)
        outputs = {"total": total, "kind": kind} if named else [total, kind]
        losses = {"total": "mse", "kind": keras.losses.SparseCategoricalCrossentropy(from_logits=True)}
        model = keras.Model(inputs, outputs)
        model.compile("adam", losses if named else list(losses.values()))
        return model

    return build


@pytest.mark.parametrize("named", [True, False])
def test_of_several_outputs_one_is_named(tmp_path: Path, named: bool) -> None:
    tuner = Untrained(_several(named), objective="val_loss", max_trials=2, seed=1, directory=tmp_path)
    tuner.search(X, verbose=0)
    y = {"total": X.sum(axis=1), "kind": CLASSES} if named else [X.sum(axis=1), CLASSES]
    with pytest.raises(EnsembleError, match="several outputs; say which one, output= one of .*total.*kind"):
        tuner.ensemble(x=X, y=y)
    with pytest.raises(EnsembleError, match="output: expected one of .*, got 'other'"):
        tuner.ensemble(x=X, y=y, output="other")
    trials = tuner.oracle.get_best_trials(2)
    for number, (name, target, activation) in enumerate(
        (("total", Regression, np.asarray), ("kind", Multiclass, softmax))
    ):
        ensemble = tuner.ensemble(x=X, y=y, size=2, output=name if named else number, confidence=None)
        assert type(ensemble.target) is target
        expected = sum(
            weight * activation(np.asarray(tuner.load_model(trials[member.number])(X)[name if named else number]))
            for member, weight in zip(ensemble.members, ensemble.weights, strict=True)
        )
        assert np.allclose(ensemble.as_keras()(X), expected, atol=1e-5)


def test_a_model_of_one_output_has_none_to_name(tmp_path: Path) -> None:
    tuner = Untrained(sequential(1, None, "mse"), objective="val_loss", max_trials=1, directory=tmp_path)
    tuner.search(X, verbose=0)
    with pytest.raises(EnsembleError, match="output: the models have one output; leave 'total' out"):
        tuner.ensemble(x=X, y=X[:, 0], output="total")
