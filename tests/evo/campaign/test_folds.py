"""Cross-validated candidates: what a campaign keeps of them is what separate trainings give."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pytest
from sklearn.metrics import accuracy_score, root_mean_squared_error
from sklearn.model_selection import KFold, TimeSeriesSplit
from sklearn.utils.class_weight import compute_sample_weight

import evo
from evo.core.trial import Outcome, Status
from evo.errors import DataError
from evo.splits import folds_of
from evo.training.cross_validation import train_folds
from evo.training.state import TrainingState, read_state, read_weights, write_state
from evo.training.task import DataReference, FoldReference, TrialReport, TrialTask
from genomes import spaces
from tests.evo.simulated_campaigns import StopAfter, files_of, history_of

RNG = np.random.default_rng(0)
ROWS = 45
FRAME = pandas.DataFrame({"size": RNG.normal(3, 5, ROWS), "kind": RNG.choice(list("xyz"), ROWS)})
LABELS = np.where(FRAME["size"] + 3 * (FRAME["kind"] == "x") > 4, "yes", "no")
NUMBERS = FRAME["size"].to_numpy() * 2 + RNG.normal(size=ROWS)


def campaign(directory: Path, data: evo.Data, space: Any, trials: int = 1, **arguments: Any) -> evo.Campaign:
    given = {"executor": evo.workers.Serial(), "concurrency": 2, "population": 4, "epochs": 2, **arguments}
    return evo.Campaign(space, data, directory, budget=evo.Budget(trials=trials), **given)


@pytest.mark.parametrize(
    "labels",
    [
        pytest.param(LABELS, id="classes"),
        pytest.param(NUMBERS, id="numbers", marks=pytest.mark.slow),
    ],
)
def test_predictions_are_out_of_fold_and_the_member_is_the_mean_of_the_folds_models(
    tmp_path: Path, labels: np.ndarray
) -> None:
    words = labels.dtype.kind == "U"
    space = spaces.tabular(FRAME, classes=2) if words else spaces.tabular(FRAME, outputs=1)
    data = evo.Data(FRAME, labels, folds=2, seed=4)
    assert (data.folds, data.rows, data.validation_rows) == (2, ROWS, ROWS)
    result = campaign(tmp_path / "c", data, space).run()
    best = result.best
    told = best.predictions()
    models = result._models(best.number)
    scores, place, expected = [], 0, []
    for split, model in zip(folds_of(2, labels, ROWS, seed=4), models, strict=True):
        x = result.space.prepare(FRAME.iloc[split.validation])
        own = model.predict(_tensors(x), verbose=0)
        kept = told[place : place + len(split.validation)]
        np.testing.assert_allclose(kept, own, atol=1e-4, rtol=1e-4)
        place += len(own)
        if words:
            scores.append(accuracy_score(labels[split.validation] == "yes", kept[:, 0] > 0.5))
        else:
            scores.append(root_mean_squared_error(labels[split.validation], kept[:, 0]))
        expected.append(model.predict(_tensors(result.space.prepare(FRAME)), verbose=0))
    name = "val_accuracy" if words else "val_rmse"
    assert best.scores[name] == pytest.approx(np.mean(scores), rel=1e-4)
    assert best.scores[f"{name}_std"] == pytest.approx(np.std(scores), rel=1e-3, abs=1e-6)
    mean = best.model().predict(_tensors(result.space.prepare(FRAME)), verbose=0)
    np.testing.assert_allclose(mean, np.mean(expected, axis=0), atol=1e-4, rtol=1e-4)

    ensemble = result.ensemble(size=2, trees=False)
    told = ensemble.outputs(FRAME)
    ensemble.save(tmp_path / "one.ensemble")
    np.testing.assert_allclose(evo.Ensemble.load(tmp_path / "one.ensemble").outputs(FRAME), told, atol=1e-5)
    again = evo.load_result(tmp_path / "c", data)
    np.testing.assert_allclose(again.ensemble(size=2, trees=False).outputs(FRAME), told, atol=1e-5)
    assert ensemble.parameters == 2 * sum(result.history[m.number].outcome.parameters for m in ensemble.members)
    (forest, *_) = [c for c in result._beside({"trees": True}) if c.load().name == "random forest"]
    assert len(forest.predictions) == ROWS and len(forest.load().models) == 2
    own = forest.load().models[0][0].predict(forest.load().encoding.encode(result.space.prepare(FRAME)))
    first = folds_of(2, labels, ROWS, seed=4)[0].validation
    np.testing.assert_allclose(own[first, -1], forest.predictions[: len(first), 0], atol=1e-6)


def _tensors(x: Any) -> Any:
    from evo.ensemble.keras_input import keras_input

    return keras_input(x)


@pytest.mark.slow
def test_stopped_resumed_and_elsewhere_are_the_same(tmp_path: Path) -> None:
    data = evo.Data(FRAME, LABELS, validation=KFold(2, shuffle=True), seed=1)
    space = spaces.tabular(FRAME, classes=2)
    whole = campaign(tmp_path / "whole", data, space, trials=4, epochs=4).run()
    watch = StopAfter(2)
    watch.campaign = campaign(tmp_path / "stopped", data, space, trials=4, epochs=4, callbacks=[watch])
    assert watch.campaign.run().reason == "stopped"
    with evo.workers.LocalProcesses(2) as executor:
        resumed = campaign(tmp_path / "stopped", data, space, trials=4, epochs=4, executor=executor).run()
    assert history_of(resumed) == history_of(whole)
    assert files_of(tmp_path / "stopped") == files_of(tmp_path / "whole")


def test_weights_of_classes_are_those_of_the_folds_training_rows() -> None:
    weight = np.linspace(0.5, 1.5, ROWS)
    data = evo.Data(FRAME, LABELS, folds=3, seed=2, sample_weight=weight, class_weight="balanced")
    prepared = data.prepare(spaces.tabular(FRAME, classes=["no", "yes"]))
    for number, split in enumerate(data.splits):
        fold = prepared.fold(number)
        expected = compute_sample_weight("balanced", LABELS[split.train]) * weight[split.train]
        np.testing.assert_allclose(fold.get("weight_train"), expected, rtol=1e-5)
        np.testing.assert_allclose(fold.get("weight_validation"), weight[split.validation], rtol=1e-6)
        assert np.array_equal(fold.get("y_validation")[:, 0], LABELS[split.validation] == "yes")
    other = evo.Data(FRAME, LABELS, folds=3, seed=3, sample_weight=weight, class_weight="balanced")
    assert other.prepare(spaces.tabular(FRAME, classes=["no", "yes"])).fingerprint != prepared.fingerprint


def test_folds_by_time_leave_the_first_rows_unjudged() -> None:
    data = evo.Data(FRAME, LABELS, validation=TimeSeriesSplit(4))
    assert data.folds == 4 and data.validation_rows == 36
    assert np.array_equal(data.y_validation, LABELS[9:])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"folds": 1}, "folds: expected a whole number of 2 or more, got 1"),
        ({"folds": True}, "folds: expected a whole number"),
        ({"folds": 46}, "46 folds need as many rows, there are 45"),
        ({"folds": 5, "groups": np.arange(ROWS) % 3}, "5 folds need as many groups, there are 3"),
        ({"folds": 5, "validation": 0.3}, "give folds or validation, not both"),
    ],
)
def test_folds_that_cannot_be(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(DataError, match=words):
        evo.Data(FRAME, LABELS, **arguments)


# -- one trial, its trainings played ----------------------------------------------------
def _task(directory: Path, **arguments: Any) -> TrialTask:
    fold = FoldReference(DataReference("x", None, {}))
    return TrialTask(7, {}, {}, 2, 6, 11, str(directory), DataReference("x", None, {}), folds=(fold,) * 3, **arguments)


def test_a_trial_is_the_trainings_of_its_folds(tmp_path: Path) -> None:
    done: list[TrialTask] = []

    def train(task: TrialTask) -> TrialReport:
        done.append(task)
        assert task.fold is not None
        Path(task.directory).mkdir(parents=True)
        state = TrainingState(4, 2, task.seed, "g", {"w": np.full(2, task.fold, np.float32)})
        write_state(f"{task.directory}/state.h5", state)
        value = float(task.fold)
        outcome = Outcome(
            Status.COMPLETED,
            scores={"loss": value, "val_loss": value},
            curves={"val_loss": (1.0, value)},
            epochs=2,
            parameters=5 + task.fold,
            seconds={"train": 1.0},
        )
        return TrialReport(7, outcome, np.full((2, 1), value, np.float32), f"{task.directory}/state.h5")

    report = train_folds(_task(tmp_path, deadline=0.0), train)
    assert report.outcome.scores == {"loss": 1.0, "val_loss": 1.0, "val_loss_std": pytest.approx(np.std([0, 1, 2]))}
    assert report.outcome.curves == {"val_loss": (1.0, 1.0)} and report.outcome.epochs == 2
    assert (report.outcome.parameters, report.outcome.seconds) == (7, {"train": 3.0})
    assert report.predictions is not None and report.predictions[:, 0].tolist() == [0, 0, 1, 1, 2, 2]
    # The first stopped at epoch 4, for a lack of time: the others stop there too, whatever the time.
    assert [task.stop for task in done] == [None, 4, 4]
    assert done[0].deadline is not None and [task.deadline for task in done[1:]] == [None, None]
    assert len({task.seed for task in done}) == 3
    assert report.state is not None and read_state(report.state, 2).epoch == 4
    assert read_weights(report.state, 1)["w"].tolist() == [1, 1]
    before = Path(report.state).read_bytes()
    assert before == Path(str(train_folds(_task(tmp_path / "again", deadline=0.0), train).state)).read_bytes()


def test_a_fold_that_fails_ends_the_trial(tmp_path: Path) -> None:
    def train(task: TrialTask) -> TrialReport:
        return TrialReport(7, Outcome(Status.DIVERGED, message="the loss is not finite", seconds={"train": 1.0}))

    report = train_folds(_task(tmp_path), train)
    assert report.outcome.status is Status.DIVERGED and report.state is None
    assert report.outcome.message == "fold 1 of 3: the loss is not finite"


def _constant(hp: Any) -> Any:
    import keras

    ones = {"kernel_initializer": "ones", "bias_initializer": "zeros"}
    model = keras.Sequential([keras.layers.Input((2,)), keras.layers.Dense(3, activation="softmax", **ones)])
    model.compile(keras.optimizers.SGD(0.1), "sparse_categorical_crossentropy")
    return model


@pytest.mark.slow
def test_balanced_classes_are_trained_as_keras_trains_with_class_weight(tmp_path: Path) -> None:
    x = RNG.normal(size=(30, 2)).astype(np.float32)  # one batch: the order of rows does not matter
    y = np.repeat([0, 1, 2], [18, 9, 3])
    data = evo.Data(x, y, validation=(x, y), class_weight="balanced")
    space = spaces.from_hypermodel(_constant, objective="-val_loss")
    result = campaign(tmp_path / "c", data, space).run()
    from sklearn.utils.class_weight import compute_class_weight

    model = _constant(None)
    weights = dict(enumerate(compute_class_weight("balanced", classes=[0, 1, 2], y=y)))
    told = model.fit(x, y, epochs=2, class_weight=weights, verbose=0, validation_data=(x, y))
    np.testing.assert_allclose(result.best.model().get_weights()[0], model.get_weights()[0], rtol=1e-5)
    assert result.best.scores["val_loss"] == pytest.approx(told.history["val_loss"][-1], rel=1e-5)


def test_keras_callbacks_are_refused_with_folds(tmp_path: Path) -> None:
    import keras

    data = evo.Data(RNG.normal(size=(30, 2)), np.arange(30) % 2, folds=3)
    with pytest.raises(evo.errors.SettingsError, match="callbacks: with folds no Keras callbacks"):
        evo.Campaign(
            spaces.tabular(2, classes=2),
            data,
            tmp_path / "c",
            budget=evo.Budget(trials=2),
            callbacks=[keras.callbacks.EarlyStopping(patience=1)],
        )
