"""``HyperModel.fit``, overridden: KerasTuner's official way to tune batch sizes, data and training loops."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import evo
from evo.training.task import DataReference, TrialTask
from evo.training.trial import train
from evo.workers import Serial
from genomes import spaces

keras_tuner = pytest.importorskip("keras_tuner")

X = np.random.default_rng(0).normal(size=(48, 3)).astype("float32")
Y = X.sum(axis=1, keepdims=True)
DATA = evo.Data(X, Y, validation=(X[:16], Y[:16]))
CALLS: list[dict[str, Any]] = []


class Model(keras_tuner.HyperModel):
    def build(self, hp: Any) -> Any:
        model = keras.Sequential(
            [keras.Input((3,)), keras.layers.Dense(hp.Choice("units", [2, 3])), keras.layers.Dense(1)]
        )
        model.compile(keras.optimizers.SGD(0.01), "mse", metrics=["mae"])
        return model


class BatchSize(Model):
    """Out of KerasTuner's guide, but for the names."""

    def fit(self, hp: Any, model: Any, x: Any, y: Any, **kwargs: Any) -> Any:
        if hp.Boolean("scaled"):
            x = x / 2
        size = hp.Choice("batch_size", [8, 16])
        CALLS.append({"size": size, "rows": len(x), "first": model.get_weights()[0].tolist(), **kwargs})
        return model.fit(x, y, batch_size=size, **kwargs)


class Returns(Model):
    def __init__(self, returned: Any) -> None:
        super().__init__()
        self.returned = returned

    def fit(self, hp: Any, model: Any, x: Any, y: Any, validation_data: Any) -> Any:
        model.fit(x, y, epochs=2, verbose=0)
        return self.returned


class OwnEpochs(Model):
    def fit(self, hp: Any, model: Any, *args: Any, **kwargs: Any) -> Any:
        return model.fit(*args, epochs=hp.Int("epochs", 2, 3), **kwargs)


class Loop(Model):
    """A training loop without ``fit`` and ``compile``."""

    def build(self, hp: Any) -> Any:
        return keras.Sequential([keras.Input((3,)), keras.layers.Dense(1, kernel_initializer="zeros")])

    def fit(self, hp: Any, model: Any, x: Any, y: Any, validation_data: Any, **kwargs: Any) -> Any:
        import tensorflow as tf

        rate = hp.Float("rate", 1e-2, 1e-1, sampling="log")
        for _ in range(kwargs["initial_epoch"], kwargs["epochs"]):
            with tf.GradientTape() as tape:
                loss = keras.ops.mean(keras.ops.square(model(x) - y))
            for variable, gradient in zip(
                model.trainable_weights, tape.gradient(loss, [v.value for v in model.trainable_weights]), strict=True
            ):
                variable.assign_sub(rate * gradient)
        return float(keras.ops.mean(keras.ops.square(model(validation_data[0]) - validation_data[1])))


def run(hypermodel: Any, folder: Path, objective: str = "-val_loss", trials: int = 3, **settings: Any) -> Any:
    space = spaces.from_hypermodel(hypermodel, objective=objective)
    settings = {"epochs": 3, "executor": Serial(), "concurrency": 1, "final_share": 0.0} | settings
    return evo.Campaign(space, DATA, folder / "c", budget=evo.Budget(trials=trials), **settings).run()


def test_it_is_called_with_what_search_would_give_it_and_its_values_are_the_scores(tmp_path: Path) -> None:
    CALLS.clear()
    result = run(BatchSize(), tmp_path, trials=6)
    assert {p.name for p in result.space.parameters} == {"units", "scaled", "batch_size"}
    calls = [call for call in CALLS if call["rows"] == 48]
    assert len(calls) == len(result.trials) == 6
    for trial, call in zip(result.trials, calls, strict=True):
        proposal, outcome = trial.proposal, trial.outcome
        assert outcome.status.value == "completed" and not outcome.message
        assert (call["initial_epoch"], call["epochs"]) == (proposal.first_epoch, proposal.last_epoch)
        assert call["size"] == result.space.values(trial.genome)["batch_size"]
        assert len(outcome.curves["val_mae"]) == outcome.epochs == proposal.epochs
    # What is kept is what was trained.
    best = result.best
    mse = np.mean((best.model().predict(X[:16], verbose=0) - Y[:16]) ** 2)
    assert mse == pytest.approx(best.scores["val_loss"], rel=1e-4)


def test_a_continued_trial_begins_with_the_weights_of_the_one_before(tmp_path: Path) -> None:
    CALLS.clear()
    result = run(BatchSize(), tmp_path, trials=10, algorithm=evo.algorithms.SuccessiveHalving())
    calls = [call for call in CALLS if call["rows"] == 48]
    continued = [trial for trial in result.trials if trial.proposal.continues is not None]
    assert continued
    for trial in continued:
        before = result.model(trial.proposal.continues)
        np.testing.assert_array_equal(calls[trial.number]["first"], before.get_weights()[0])


@pytest.mark.parametrize(
    ("returned", "expected"),
    [(0.25, 0.25), ({"val_loss": 0.5}, 0.5), ([{"val_loss": 0.5}, 1.0], 0.75), (np.float32(2), 2.0)],
)
def test_numbers_dicts_and_lists_are_scores(returned: Any, expected: float, tmp_path: Path) -> None:
    (trial,) = run(Returns(returned), tmp_path, trials=1).trials
    assert trial.outcome.scores["val_loss"] == expected
    assert trial.outcome.message == (
        f"fit decides on its epochs itself: 0 to {trial.proposal.last_epoch} were asked for"
    )


def test_what_is_no_score_says_so_before_anything_is_charged(tmp_path: Path) -> None:
    with pytest.raises(evo.errors.InfrastructureError, match="fit must return a History, a number, a dict .* NoneType"):
        run(Returns(None), tmp_path)


def test_epochs_that_fit_sets_itself_are_told(tmp_path: Path) -> None:
    result = run(OwnEpochs(), tmp_path, trials=2, algorithm=evo.algorithms.RandomSearch())
    assert "epochs" in {p.name for p in result.space.parameters}
    for trial in result.trials:
        assert trial.outcome.message.startswith("fit decides on its epochs itself")
        assert len(trial.outcome.curves["val_loss"]) == result.space.values(trial.genome)["epochs"]


def test_a_training_loop_of_ones_own(tmp_path: Path) -> None:
    result = run(Loop(), tmp_path, trials=3)
    assert {p.name for p in result.space.parameters} == {"rate"}
    assert all(trial.outcome.status.value == "completed" for trial in result.trials)
    mse = np.mean((result.best.model().predict(X[:16], verbose=0) - Y[:16]) ** 2)
    assert mse == pytest.approx(result.best.scores["val_loss"], rel=1e-4)


def test_what_a_killed_worker_had_ended_is_not_trained_again(tmp_path: Path) -> None:
    space = spaces.from_hypermodel(BatchSize(), objective="-val_loss")
    arrays = {"x_train": X, "y_train": Y, "x_validation": X[:16], "y_validation": Y[:16]}
    task = TrialTask(
        number=0,
        space=space.to_json(),
        genome=space.default().to_json(),
        first_epoch=0,
        last_epoch=2,
        seed=3,
        directory=str(tmp_path),
        data=DataReference("own fit", None, arrays),
    )
    first = train(task)
    CALLS.clear()
    second = train(task)
    assert not CALLS
    assert second.outcome.curves == first.outcome.curves and second.state == first.state
    np.testing.assert_array_equal(second.predictions, first.predictions)
