"""What KerasTuner's tests expect where models are trained; docs/keras-tuner-conformance.md lists them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("keras_tuner")

import keras
import keras_tuner
from keras_tuner import errors

from evo.integrations.keras_tuner import EvolutionTuner

X, Y = np.linspace(-1, 1, 16, dtype="float32").reshape(8, 2), np.arange(8) % 3
DATA: dict[str, Any] = {"x": X, "y": Y, "validation_data": (X, Y), "epochs": 2, "verbose": 0}
tuners = pytest.mark.parametrize("kind", [keras_tuner.RandomSearch, EvolutionTuner])


def build(hp: Any) -> Any:
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(hp.Int("units", 2, 9), activation="relu")])
    model.add(keras.layers.Dense(3, activation="softmax"))
    model.compile(
        keras.optimizers.SGD(hp.Choice("rate", [0.1, 0.01])), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    return model


def build_without_input(hp: Any) -> Any:
    model = keras.Sequential([keras.layers.Dense(hp.Choice("units", [2, 500])), keras.layers.Dense(3)])
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model


def made(kind: Any, directory: Path, hypermodel: Any = build, **settings: Any) -> Any:
    defaults = {"objective": "val_accuracy", "max_trials": 2, "seed": 1, "directory": directory}
    return kind(hypermodel, **defaults | settings)


@pytest.fixture(scope="module", params=[keras_tuner.RandomSearch, EvolutionTuner])
def searched(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Any, Callable[..., Any]]:
    """A tuner that has searched, and what makes another one of the same project."""
    directory = tmp_path_factory.mktemp("searched")

    def again(**settings: Any) -> Any:
        return made(request.param, directory, **settings)

    tuner = again(executions_per_trial=2)
    tuner.search(**DATA)
    return tuner, again


def test_a_tuner_has_what_it_was_given(searched: Any) -> None:
    tuner, _ = searched
    assert (tuner.oracle.objective.name, tuner.oracle.max_trials, tuner.executions_per_trial) == ("val_accuracy", 2, 2)
    assert tuner.project_name == "untitled_project" and Path(tuner.project_dir).is_dir()
    assert len(tuner.oracle.trials) == 2 and tuner.remaining_trials == 0


def test_the_best_models_are_loaded_from_their_best_epochs(searched: Any) -> None:
    tuner, _ = searched
    models = tuner.get_best_models(2)
    assert all(isinstance(model, keras.Model) for model in models)
    for model, trial in zip(models, tuner.oracle.get_best_trials(2), strict=True):
        assert model.layers[0].units == trial.hyperparameters["units"]
        # A score is the mean of two executions, the weights are the better one's.
        assert model.evaluate(X, Y, verbose=0)[1] >= trial.score - 1e-6


def test_summaries_show_space_and_results(searched: Any, capsys: pytest.CaptureFixture[str]) -> None:
    tuner, _ = searched
    tuner.search_space_summary()
    tuner.results_summary(1)
    shown = capsys.readouterr().out
    assert "Search space summary" in shown and "units (Int)" in shown and "rate (Choice)" in shown
    best = tuner.oracle.get_best_trials()[0]
    assert "Showing 1 best trials" in shown and f"Score: {best.score}" in shown and shown.count("Score:") == 1


def test_the_best_hyperparameters_are_the_best_trials(searched: Any) -> None:
    tuner, _ = searched
    best = [trial.hyperparameters.values for trial in tuner.oracle.get_best_trials(2)]
    assert [hp.values for hp in tuner.get_best_hyperparameters(2)] == best
    assert build(tuner.get_best_hyperparameters()[0]).layers[0].units == best[0]["units"]


def test_a_project_is_reloaded_and_searches_on(searched: Any, capsys: pytest.CaptureFixture[str]) -> None:
    tuner, again = searched
    scores = {name: trial.score for name, trial in tuner.oracle.trials.items()}
    reloaded = again()
    assert {name: trial.score for name, trial in reloaded.oracle.trials.items()} == scores
    reloaded.search(**DATA)  # nothing is left to do
    assert len(reloaded.oracle.trials) == 2
    more = again(max_trials=3)
    more.search(**DATA | {"verbose": 1})
    assert len(more.oracle.trials) == 3 and "Search: Running Trial #3" in capsys.readouterr().out
    assert {name: more.oracle.trials[name].score for name in scores} == scores


def test_nothing_is_shown_if_verbose_is_0(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for kind in (keras_tuner.RandomSearch, EvolutionTuner):
        tuner = made(kind, tmp_path / kind.__name__, max_trials=1)
        capsys.readouterr()
        tuner.search(**DATA)
        assert capsys.readouterr().out.strip() == ""


@tuners
def test_overwrite_begins_anew(tmp_path: Path, kind: Any) -> None:
    class Quick(kind):  # type: ignore[misc, valid-type]
        def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> dict[str, float]:
            return {"val_accuracy": float(trial.hyperparameters["units"])}

    made(Quick, tmp_path).search(verbose=0)
    assert len(made(Quick, tmp_path).oracle.trials) == 2
    anew = made(Quick, tmp_path, overwrite=True)
    assert anew.oracle.trials == {} and not list(tmp_path.rglob("trial.json"))


class Started(keras.callbacks.Callback):  # type: ignore[misc]
    """Counts trainings over all of its copies."""

    trainings: list[int] = []

    def on_train_begin(self, logs: Any = None) -> None:
        self.trainings.append(id(self))


@tuners
def test_callbacks_are_copied_for_each_execution(tmp_path: Path, kind: Any) -> None:
    Started.trainings.clear()
    given = Started()
    tuner = made(kind, tmp_path, executions_per_trial=2, max_trials=1)
    tuner.search(**DATA | {"epochs": 1}, callbacks=[given, keras.callbacks.EarlyStopping()])
    assert len(Started.trainings) == 2 and id(given) not in Started.trainings


@tuners
def test_callbacks_that_cannot_be_copied_end_the_search(tmp_path: Path, kind: Any) -> None:
    with pytest.raises(errors.FatalValueError, match="should be deep-copyable"):
        made(kind, tmp_path).search(**DATA, callbacks=[keras_tuner])


@tuners
def test_optimizer_loss_and_metrics_from_outside(tmp_path: Path, kind: Any) -> None:
    tuner = made(
        kind, tmp_path, objective="val_mse", optimizer=keras.optimizers.Adam(0.02), loss="mse", metrics=["mse"]
    )
    tuner.search(X, np.eye(3)[Y], validation_data=(X, np.eye(3)[Y]), verbose=0)
    assert [t.status for t in tuner.oracle.trials.values()] == ["COMPLETED"] * 2
    model = tuner.get_best_models()[0]
    assert model.loss == "mse" and float(model.optimizer.learning_rate) == pytest.approx(0.02)
    assert set(model.evaluate(X, np.eye(3)[Y], verbose=0, return_dict=True)) == {"loss", "mse"}


@tuners
def test_models_that_are_too_large_fail_and_are_not_trained(tmp_path: Path, kind: Any) -> None:
    Started.trainings.clear()
    tuner = made(kind, tmp_path, max_model_size=4)
    tuner.search(**DATA, callbacks=[Started()])
    assert {t.status for t in tuner.oracle.trials.values()} == {"FAILED"} and not Started.trainings
    assert all("Oversized model" in t.message for t in tuner.oracle.trials.values())


def test_models_without_input_can_be_too_large_as_well(tmp_path: Path) -> None:
    statuses = []
    for kind in (keras_tuner.RandomSearch, EvolutionTuner):
        tuner = made(
            kind, tmp_path / kind.__name__, build_without_input, objective="val_loss", max_trials=9, max_model_size=100
        )
        tuner.search(**DATA | {"epochs": 1})
        statuses.append({t.hyperparameters["units"]: t.status for t in tuner.oracle.trials.values()})
    theirs, ours = statuses
    assert theirs == {2: "COMPLETED", 500: "COMPLETED"} and ours == {2: "COMPLETED", 500: "FAILED"}


@tuners
def test_what_is_no_model_ends_the_search(tmp_path: Path, kind: Any) -> None:
    with pytest.raises(errors.FatalTypeError, match="Expected the model-building function"):
        made(kind, tmp_path, lambda hp: None).search(**DATA)


@tuners
def test_wrong_arguments_are_errors(tmp_path: Path, kind: Any) -> None:
    with pytest.raises(ValueError, match="`hypermodel` argument should be either"):
        made(kind, tmp_path, "build")
    with pytest.raises(ValueError, match="Received `hypermodel=None`"):
        made(kind, tmp_path, None)
    with pytest.raises(ValueError, match="Unrecognized arguments"):
        made(kind, tmp_path, unrecognized=3)
    with pytest.raises(ValueError, match="Could not infer optimization direction"):
        made(kind, tmp_path, objective="custom_metric")
    with pytest.deprecated_call(match="logger"):
        made(kind, tmp_path, logger=1)


@tuners
def test_run_trial_builds_and_fits_on_its_own(tmp_path: Path, kind: Any) -> None:
    """AutoKeras overrides ``_build_and_fit_model``."""
    called = []

    class Own(kind):  # type: ignore[misc, valid-type]
        def _build_and_fit_model(self, trial: Any, *args: Any, **kwargs: Any) -> Any:
            called.append(trial.trial_id)
            return super()._build_and_fit_model(trial, *args, **kwargs)

    tuner = made(Own, tmp_path)
    tuner.oracle.verbose = 0
    results = tuner.run_trial(tuner.oracle.create_trial("tuner0"), **DATA | {"epochs": 1})
    assert called == ["0"] and len(results) == 1 and "val_accuracy" in results[0].history


@tuners
def test_subclassed_models_give_what_was_reported(tmp_path: Path, kind: Any) -> None:
    class Own(keras.Model):  # type: ignore[misc]
        def __init__(self, bias: float) -> None:
            super().__init__()
            self.bias, self.dense = bias, keras.layers.Dense(3, activation="softmax")

        def build(self, shape: Any) -> None:
            self.dense.build(shape)
            super().build(shape)

        def call(self, x: Any) -> Any:
            return self.dense(x + self.bias)

    def build_own(hp: Any) -> Any:
        model = Own(hp.Float("bias", 0, 10))
        model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        return model

    tuner = made(kind, tmp_path, build_own)
    tuner.search(**DATA)
    model, trial = tuner.get_best_models()[0], tuner.oracle.get_best_trials()[0]
    assert model.evaluate(X, Y, verbose=0)[1] == pytest.approx(trial.score)
    assert model.bias == trial.hyperparameters["bias"]


def test_promoted_trials_go_on_from_the_weights_of_their_rung(tmp_path: Path) -> None:
    tuner = made(EvolutionTuner, tmp_path, max_trials=None, max_epochs=4, factor=2, objective="val_loss")
    tuner.search(**{name: value for name, value in DATA.items() if name != "epochs"})
    trials = tuner.oracle.trials
    promoted = [t.hyperparameters.values for t in trials.values() if "tuner/trial_id" in t.hyperparameters.values]
    assert promoted
    for values in promoted:
        earlier = trials[values["tuner/trial_id"]].hyperparameters.values
        assert earlier["units"] == values["units"] and values["tuner/initial_epoch"] == earlier["tuner/epochs"]
        assert values["tuner/epochs"] > earlier["tuner/epochs"]
    spent = sum(
        t.hyperparameters.values["tuner/epochs"] - t.hyperparameters.values["tuner/initial_epoch"]
        for t in trials.values()
    )
    assert 16 <= spent <= 20  # as Hyperband announces: 4 * log2(4) ** 2
    best = tuner.oracle.get_best_trials()[0]
    assert tuner.get_best_models()[0].evaluate(X, Y, verbose=0)[0] == pytest.approx(best.score, rel=1e-5)
