"""Keras callbacks and the best epoch in a trial: which weights, which scores, what a continuing trial begins with."""

from __future__ import annotations

import csv
import pickle

import keras
import numpy as np
import pytest

from evo.core.errors import SettingsError
from evo.training import TrainingSettings, load_model, train
from evo.training import trial as trial_module
from evo.training.best_epoch import best_of
from evo.training.shipped_callbacks import ShippedCallbacks
from evo.training.state import read_state
from tests.evo.training.training_space import digits_like

#: So fast that the validation loss goes up and down.
RESTLESS = {"units": 16, "training": {"learning_rate": 0.3, "optimizer": "sgd"}}
X = digits_like()["x_validation"]


class Told(keras.callbacks.Callback):
    """Writes what it hears into the names of curves."""

    def on_epoch_end(self, epoch, logs=None):
        logs["trial"] = float(self.params["trial"])
        logs["rate"] = float(self.model.optimizer.learning_rate)


def predictions(space, genome, report):
    return load_model(space, genome, None, report.state).predict(X, verbose=0)


def test_the_best_epoch_is_kept_and_the_last_one_is_continued(space, make_task):
    genome = space.genome(**RESTLESS)
    best = TrainingSettings(threads=1, best_epoch="-val_loss")
    plain, kept = train(make_task(genome, 0, 6)), train(make_task(genome, 0, 6, settings=best))
    curve = plain.outcome.curves["val_loss"]
    place = int(np.argmin(curve))
    assert place < 5, "this genome must get worse in the end"
    assert kept.outcome.curves == plain.outcome.curves and kept.outcome.epochs == 6
    assert kept.outcome.scores == {name: values[place] for name, values in plain.outcome.curves.items()}
    until_then = train(make_task(genome, 0, place + 1))
    np.testing.assert_array_equal(kept.predictions, until_then.predictions)
    np.testing.assert_allclose(predictions(space, genome, kept), kept.predictions, atol=1e-6)
    # What continues does so from the last epoch.
    states = [read_state(report.state) for report in (plain, kept)]
    assert all(np.array_equal(value, states[1].weights[name]) for name, value in states[0].weights.items())
    again = [train(make_task(genome, 6, 7, start=report.state)).outcome.curves for report in (plain, kept)]
    assert again[0] == again[1]


def test_a_killed_trial_knows_its_best_epoch(space, make_task, monkeypatch):
    genome = space.genome(**RESTLESS)
    settings = TrainingSettings(threads=1, best_epoch="-val_loss")
    whole = train(make_task(genome, 0, 6, settings=settings))
    monkeypatch.setattr(trial_module, "SAVE_EVERY", 0.0)
    order, task = trial_module.epoch_order, make_task(genome, 0, 6, settings=settings)

    def killed(seed, epoch, rows):
        if epoch == 5:
            raise KeyboardInterrupt
        return order(seed, epoch, rows)

    monkeypatch.setattr(trial_module, "epoch_order", killed)
    with pytest.raises(KeyboardInterrupt):
        train(task)
    monkeypatch.setattr(trial_module, "epoch_order", order)
    resumed = train(task)
    assert resumed.outcome.scores == whole.outcome.scores
    np.testing.assert_array_equal(resumed.predictions, whole.predictions)


def test_of_equal_epochs_the_first_is_best():
    assert best_of([0.5, 0.7, 0.7], "val_accuracy") == 1
    assert best_of([float("nan"), 2.0, 1.0, 1.0], "-val_loss") == 2
    assert best_of([float("nan")], "-val_loss") == 0


def test_a_stopped_trial_says_so_and_keeps_what_the_callback_restored(space, make_task):
    genome = space.genome(**RESTLESS)
    stopping = ShippedCallbacks([keras.callbacks.EarlyStopping("val_loss", patience=1, restore_best_weights=True)])
    report = train(make_task(genome, 0, 20, callbacks=stopping))
    curve = report.outcome.curves["val_loss"]
    assert report.outcome.message == f"stopped after epoch {len(curve)} of 20 by a Keras callback"
    assert report.outcome.epochs == len(curve) < 20 and read_state(report.state).epoch == len(curve)
    assert report.outcome.scores["val_loss"] == pytest.approx(min(curve), rel=1e-6)
    np.testing.assert_allclose(predictions(space, genome, report), report.predictions, atol=1e-6)


def test_a_reduced_rate_goes_on_in_the_trial_that_continues(space, make_task):
    genome = space.genome(units=4, training={"learning_rate": 0.1, "optimizer": "sgd"})
    steps = -(-len(digits_like()["x_train"]) // 32)
    planned = space.learning_rates(genome, 0, 5, False, steps).reshape(5, steps)[:, -1]
    # Nothing improves by more than ten: each epoch but the first reduces.
    plateau = keras.callbacks.ReduceLROnPlateau("val_loss", factor=0.5, patience=1, min_delta=10.0)
    callbacks = ShippedCallbacks([plateau, Told()])
    task = make_task(genome, 0, 3, callbacks=callbacks)
    first = train(task)
    assert first.outcome.curves["learning_rate"] == pytest.approx(planned[:3] * [1, 1, 0.5])
    assert first.outcome.curves["rate"] == pytest.approx(planned[:3] * [1, 0.5, 0.25])
    assert first.outcome.curves["trial"] == (task.number,) * 3
    assert read_state(first.state).rate_scale == pytest.approx(0.25)
    second = train(make_task(genome, 3, 5, start=first.state, callbacks=callbacks))
    assert second.outcome.curves["learning_rate"] == pytest.approx(planned[3:] * 0.25)
    assert plateau.best is None, "the user's own object is left alone"


def test_each_trial_writes_its_own_files(space, make_task, tmp_path):
    genome, names = space.genome(units=2), ("log.csv", "of {trial}.csv")
    callbacks = ShippedCallbacks([keras.callbacks.CSVLogger(str(tmp_path / "logs" / name)) for name in names])
    tasks = [make_task(genome, 0, 2, callbacks=callbacks) for _ in range(2)]
    reports = [train(task) for task in tasks]
    for task, report in zip(tasks, reports, strict=True):
        for name in (f"{task.number:06d}-log.csv", f"of {task.number:06d}.csv"):
            with open(tmp_path / "logs" / name) as file:
                rows = list(csv.DictReader(file))
            assert [int(row["epoch"]) for row in rows] == [0, 1]
            assert [float(row["val_loss"]) for row in rows] == pytest.approx(report.outcome.curves["val_loss"])


class AtTheEnd(keras.callbacks.Callback):
    """Adds to the logs, and writes down those of the end."""

    def __init__(self, path):
        super().__init__()
        self.path = path

    def on_epoch_end(self, epoch, logs=None):
        logs["more"] = 1.0

    def on_train_end(self, logs=None):
        self.path.write_text(" ".join(sorted(logs)))


def test_the_logs_at_the_end_are_those_of_the_last_epoch_as_fit_has_them(space, make_task, tmp_path):
    report = train(make_task(space.genome(units=2), callbacks=ShippedCallbacks([AtTheEnd(tmp_path / "logs")])))
    told = (tmp_path / "logs").read_text().split()
    assert told == sorted(name for name in report.outcome.curves if name != "more")


def test_the_model_that_a_callback_was_used_with_stays_behind():
    used, fresh = (keras.callbacks.EarlyStopping("loss") for _ in range(2))
    used.set_model(keras.Sequential([keras.Input((4,)), keras.layers.Dense(50_000)]))
    used.set_params({"epochs": 3})
    assert ShippedCallbacks([used]).fresh(0)[0].model is None
    assert len(pickle.dumps(ShippedCallbacks([used]))) < 5_000
    assert ShippedCallbacks([used]).to_json() == ShippedCallbacks([fresh]).to_json()
    assert used.model is not None, "the user's own object is left alone"


def test_what_makes_no_callback_is_told(space, make_task):
    with pytest.raises(SettingsError, match="must make a keras.callbacks.Callback, got int"):
        train(make_task(space.genome(), callbacks=ShippedCallbacks([lambda: 3])))
