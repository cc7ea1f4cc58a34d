"""Models without ``Input``: KerasTuner's first program, and subclassed models."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import evo
from evo.training.backends.choice import engine_cache
from evo.workers import Serial
from genomes import GenomeError, Space, spaces

pytest.importorskip("keras_tuner")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(64, 5)).astype("float32")
Y = np.arange(64) % 3
DATA = evo.Data(X, Y, validation=0.25)


def sequential(hp: Any) -> Any:
    model = keras.Sequential()
    model.add(keras.layers.Dense(hp.Choice("units", [4, 8]), activation="relu"))
    model.add(keras.layers.Dense(3, activation="softmax"))
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


class Subclassed(keras.Model):
    """Not registered with Keras."""

    def __init__(self, units: int) -> None:
        super().__init__()
        self.units = units
        self.hidden, self.out = keras.layers.Dense(units), keras.layers.Dense(3, activation="softmax")

    def call(self, x: Any) -> Any:
        return self.out(self.hidden(x))

    def get_config(self) -> dict[str, Any]:
        return {"units": self.units}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Subclassed:
        return cls(config["units"])


def subclassed(hp: Any) -> Any:
    model = Subclassed(hp.Choice("units", [4, 8]))
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


@pytest.mark.parametrize("build", [sequential, subclassed])
def test_they_are_searched_loaded_and_pooled(build: Any, tmp_path: Path) -> None:
    def campaign(trials: int) -> evo.Campaign:
        return evo.Campaign(
            spaces.from_hypermodel(build, classes=3),
            DATA,
            tmp_path / "c",
            budget=evo.Budget(trials=trials),
            epochs=1,
            executor=Serial(),
            concurrency=1,
        )

    campaign(2).run()
    result = campaign(3).run()
    assert all(trial.outcome.status.value == "completed" for trial in result.trials)
    assert result.best.parameters in (5 * 4 + 4 + 15, 5 * 8 + 8 + 27)
    # By another program, which makes the space anew and has no data at hand.
    again = evo.load_result(tmp_path / "c", space=spaces.from_hypermodel(build, classes=3))
    model = again.best.model()
    loss = keras.losses.sparse_categorical_crossentropy(DATA.y_validation, model.predict(DATA.x_validation, verbose=0))
    assert float(np.mean(loss)) == pytest.approx(result.best.scores["val_loss"], rel=1e-5)
    members = result.ensemble(size=3, confidence=0)
    pooled = members.as_keras()
    np.testing.assert_allclose(pooled.predict(X, verbose=0), members.predict_proba(X), atol=1e-6)
    pooled.save(tmp_path / "pooled.keras")
    loaded = keras.saving.load_model(tmp_path / "pooled.keras", custom_objects={"Subclassed": Subclassed})
    np.testing.assert_allclose(loaded.predict(X, verbose=0), pooled.predict(X, verbose=0), atol=1e-6)


def test_the_inputs_are_part_of_the_space_where_they_are_needed() -> None:
    space = spaces.from_hypermodel(sequential, builds=1)
    assert "inputs" not in space.to_json()["arguments"] and not space.build(space.default()).built
    seen = space.with_inputs({"b": np.zeros((2, 3), np.int64), "a": np.zeros((2, 4, 1))})
    assert seen.to_json()["arguments"]["inputs"] == [["a", "float32", [4, 1]], ["b", "int64", [3]]]
    seen = space.with_inputs(X)
    again = Space.from_json(json.loads(json.dumps(seen.to_json())))
    assert again.to_json() == seen.to_json() and again.build(again.default(), seed=1).count_params() == 39
    assert not space.build(space.default()).built
    wrong = space.with_inputs({"a": X, "b": X})
    with pytest.raises(GenomeError, match="the model cannot take the data"):
        wrong.build(wrong.default())


def test_weights_are_those_that_fit_would_begin_with() -> None:
    space = spaces.from_hypermodel(subclassed, builds=1).with_inputs(X)
    ours = space.build(space.default(), seed=3).get_weights()
    keras.utils.set_random_seed(3)
    model = Subclassed(4)
    model.compile(keras.optimizers.SGD(0.0), "sparse_categorical_crossentropy")
    model.fit(X, Y, verbose=0)
    for a, b in zip(ours, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_another_structure_of_the_same_hyperparameters_fails_that_trial_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine_cache().clear()
    monkeypatch.setattr(engine_cache(), "kept", 1)
    made: list[int] = []

    def build(hp: Any) -> Any:
        made.append(hp.Int("units", 1, 100))
        layers = [keras.layers.Dense(4 + len(made)), keras.layers.Dense(3, activation="softmax")]
        model = keras.Sequential([keras.Input((5,)), *layers])
        model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        return model

    result = evo.Campaign(
        spaces.from_hypermodel(build, classes=3, builds=1),
        DATA,
        tmp_path / "c",
        budget=evo.Budget(trials=10),
        epochs=3,
        executor=Serial(),
        concurrency=1,
        algorithm=evo.algorithms.SuccessiveHalving(),
    ).run()
    failed = [trial.outcome.message for trial in result.trials if trial.outcome.status.value == "failed"]
    assert failed and all("build made another model than before" in message for message in failed), failed
