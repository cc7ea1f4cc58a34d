"""Programs as KerasTuner's users write them that once ended in an error: each kind of fault once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("keras_tuner")

import keras
import keras_tuner
import numpy as np
from keras import layers

from evo.integrations.keras_tuner import EvolutionTuner
from evo.integrations.keras_tuner.training_inputs import build_as_stored
from genomes.spaces.hypermodel.inputs import specs_of

X = np.random.default_rng(0).normal(size=(40, 3, 2)).astype("float32")
Y = (X[:, 0, 0] > 0).astype("int64")

PROGRAM = """
import sys
import keras, numpy as np
from keras import layers
from evo.integrations.keras_tuner import EvolutionTuner

class Net(keras.Model):
    def __init__(self, units):
        super().__init__()
        self.flatten, self.hidden, self.drop, self.out = (
            layers.Flatten(), layers.Dense(units, activation="relu"), layers.Dropout(0.5), layers.Dense(2))

    def call(self, x, training=False):
        return self.out(self.drop(self.hidden(self.flatten(x)), training=training))

def build(hp):
    model = Net(hp.Int("units", 2, 8))
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    return model

x = np.random.default_rng(0).normal(size=(40, 3, 2)).astype("float32")
y = (x[:, 0, 0] > 0).astype("int64")
tuner = EvolutionTuner(build, "val_accuracy", max_trials=2, seed=1, directory="d", project_name="p")
if len(sys.argv) < 2:
    tuner.search(x, y, epochs=2, validation_data=(x, y), verbose=0)
best, trial = tuner.get_best_models()[0], tuner.oracle.get_best_trials()[0]
print(abs(best.evaluate(x, y, verbose=0)[1] - trial.score) < 1e-6, len(tuner.oracle.trials))
"""


@pytest.mark.slow
def test_subclassed_models_without_build_are_loaded_here_and_in_another_process(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(PROGRAM)
    for arguments in ([], ["again"]):
        done = subprocess.run(
            [sys.executable, "program.py", *arguments], cwd=tmp_path, capture_output=True, text=True, timeout=300
        )
        assert done.stdout.splitlines()[-1:] == ["True 2"], done.stderr[-2000:]


class Named(keras.Model):  # type: ignore[misc]
    """Takes a list or a dict of inputs."""

    def __init__(self) -> None:
        super().__init__()
        self.dense = layers.Dense(2)

    def call(self, x: Any) -> Any:
        return self.dense(layers.concatenate(list(x.values()) if isinstance(x, dict) else list(x)))


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("as_list", [True, False])
def test_models_of_several_inputs_are_built_as_stored(as_list: bool, known: bool) -> None:
    named = {"a": np.zeros((2, 3), "float32"), "b": np.zeros((2, 1), "float32")}
    model, again = Named(), Named()
    model(list(named.values()) if as_list else named)
    specs = specs_of({"input_0": named["a"], "input_1": named["b"]} if as_list else named)
    build_as_stored(again, model.get_build_config(), specs if known else None)
    assert again.built and [w.shape for w in again.weights] == [(4, 2), (2,)]


def forest(hp: Any) -> Any:
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(hp.Int("n_estimators", 2, 9))


def test_estimators_are_told_where_they_belong(tmp_path: Path) -> None:
    tuner = EvolutionTuner(forest, keras_tuner.Objective("score", "max"), max_trials=2, directory=tmp_path)
    with pytest.raises(keras_tuner.errors.FatalTypeError, match="build returned RandomForestClassifier.*SklearnTuner"):
        tuner.search(X.reshape(40, -1), Y, verbose=0)


@pytest.mark.slow
def test_models_without_input_are_loaded_under_a_strategy(tmp_path: Path) -> None:
    tensorflow = pytest.importorskip("tensorflow")

    def build(hp: Any) -> Any:
        model = keras.Sequential([layers.Flatten(), layers.Dense(hp.Int("units", 2, 8)), layers.Dense(2)])
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile("adam", loss, metrics=["accuracy"], jit_compile=False)
        return model

    strategy = tensorflow.distribute.MirroredStrategy(["/cpu:0"])
    tuner = EvolutionTuner(build, "val_accuracy", max_trials=1, distribution_strategy=strategy, directory=tmp_path)
    tuner.search(X, Y, epochs=1, validation_data=(X, Y), verbose=0)
    accuracy = tuner.get_best_models()[0].evaluate(X, Y, verbose=0)[1]
    assert accuracy == pytest.approx(tuner.oracle.get_best_trials()[0].score)


def test_hyperparameters_of_one_name_in_two_scopes_have_values(tmp_path: Path) -> None:
    """KerasTuner's own tuners lose the value of the one that it meets first."""

    class Rates(EvolutionTuner):
        def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> float:
            hp = trial.hyperparameters
            optimizer = hp.Choice("optimizer", ["sgd", "adam"])
            with hp.conditional_scope("optimizer", ["sgd"]):
                if optimizer == "sgd":
                    return float(hp.Float("rate", 0.01, 1.0, sampling="log"))
            with hp.conditional_scope("optimizer", ["adam"]):
                return float(hp.Float("rate", 1e-4, 1e-2, sampling="log"))

    tuner = Rates(max_trials=8, seed=0, directory=tmp_path)
    tuner.search(verbose=0)
    found = [trial.hyperparameters.values for trial in tuner.oracle.trials.values()]
    assert {values["optimizer"] for values in found} == {"sgd", "adam"}
    assert all((values["rate"] >= 0.01) == (values["optimizer"] == "sgd") for values in found)
    assert [trial.score for trial in tuner.oracle.trials.values()] == [values["rate"] for values in found]
