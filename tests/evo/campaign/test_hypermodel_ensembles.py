"""Ensembles of hypermodels: what is predicted is read off the loss; logits and one-hot labels are what they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import evo
from evo.core.errors import EnsembleError
from evo.workers import Serial
from genomes import spaces
from genomes.spaces.hypermodel.outputs import activated

pytest.importorskip("keras_tuner")

X = np.random.default_rng(0).normal(size=(60, 4)).astype("float32")
CLASSES = np.argmax(X[:, :3], axis=1)
ONE_HOT = np.eye(3, dtype="float32")[CLASSES]


def hypermodel(outputs: int, activation: str | None, loss: Any) -> Any:
    def build(hp: Any) -> Any:
        hidden = keras.layers.Dense(hp.Choice("units", [4, 8]), activation="relu")
        model = keras.Sequential([keras.Input((4,)), hidden, keras.layers.Dense(outputs, activation=activation)])
        model.compile(keras.optimizers.Adam(0.05), loss, metrics=["accuracy"])
        return model

    return build


SPARSE, BINARY = keras.losses.SparseCategoricalCrossentropy(True), keras.losses.BinaryCrossentropy(True)


@pytest.mark.parametrize(
    ("build", "y", "known", "task"),
    [
        (hypermodel(3, "softmax", "sparse_categorical_crossentropy"), CLASSES, {}, "multiclass"),
        (hypermodel(3, None, SPARSE), CLASSES, {}, "multiclass"),
        (hypermodel(3, None, SPARSE), CLASSES, {"classes": ["a", "b", "c"]}, "multiclass"),
        (hypermodel(3, "softmax", "categorical_crossentropy"), ONE_HOT, {}, "multiclass"),
        (hypermodel(3, "softmax", "categorical_crossentropy"), CLASSES, {"classes": 3}, "multiclass"),
        (hypermodel(1, None, BINARY), CLASSES % 2, {}, "binary"),
        (hypermodel(1, "sigmoid", "binary_crossentropy"), CLASSES[:, None] % 2, {}, "binary"),
        (hypermodel(1, None, "mse"), X.sum(axis=1), {}, "regression"),
    ],
)
def test_what_is_predicted_is_read_off_the_loss(build: Any, y: Any, known: Any, task: str, tmp_path: Path) -> None:
    words = known.get("classes")
    given = np.asarray(words)[y] if isinstance(words, list) else y
    result = evo.Campaign(
        spaces.from_hypermodel(build, objective="-val_loss", **known),
        evo.Data(X, given, validation=0.5),
        tmp_path / "c",
        budget=evo.Budget(trials=3),
        epochs=2,
        executor=Serial(),
        concurrency=1,
    ).run()
    ensemble = result.ensemble(size=2, confidence=0)
    assert ensemble.task == task
    outputs = ensemble.outputs(X)
    member = ensemble.members[0]
    raw = result.model(member.number).predict(X, verbose=0)
    if raw.shape[1] == 3 and raw.min() < 0:
        raw = np.asarray(keras.ops.softmax(raw))
    elif task == "binary" and (raw.min() < 0 or raw.max() > 1):
        raw = np.asarray(keras.ops.sigmoid(raw))
    np.testing.assert_allclose(member.predict(X, ensemble.target), raw, atol=1e-6)
    np.testing.assert_allclose(ensemble.as_keras().predict(X, verbose=0), outputs, atol=1e-5)
    ensemble.save(tmp_path / "e.evo")
    np.testing.assert_allclose(evo.Ensemble.load(tmp_path / "e.evo").outputs(X), outputs, atol=1e-5)
    if task != "regression":
        assert set(np.unique(ensemble.predict(X))) <= set(np.unique(CLASSES if y is ONE_HOT else given))


def test_a_loss_that_says_nothing_is_asked_about(tmp_path: Path) -> None:
    def loss(y_true: Any, y_pred: Any) -> Any:
        return keras.ops.mean(keras.ops.square(y_true - y_pred), axis=-1)

    loss.__name__ = "ours"
    data = evo.Data(X, X.sum(axis=1, keepdims=True), validation=0.5)
    settings: dict[str, Any] = {"budget": evo.Budget(trials=1), "epochs": 1, "executor": Serial(), "concurrency": 1}
    space = spaces.from_hypermodel(hypermodel(1, None, loss), objective="-val_loss", builds=1)
    result = evo.Campaign(space, data, tmp_path / "c", **settings).run()
    with pytest.raises(EnsembleError, match="its loss does not say what it predicts; of a hypermodel, classes="):
        result.ensemble()


def test_activations_are_those_of_keras() -> None:
    logits = np.array([[-900.0, 0.0, 3.0], [1.0, 2.0, 900.0]], np.float32)
    np.testing.assert_allclose(activated(logits, "softmax"), keras.ops.softmax(logits), atol=1e-7)
    np.testing.assert_allclose(activated(logits, "sigmoid"), keras.ops.sigmoid(logits), atol=1e-7)
    assert activated(logits, None) is logits
