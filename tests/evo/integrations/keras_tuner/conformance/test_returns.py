"""What KerasTuner's tests expect of values that are returned; docs/keras-tuner-conformance.md lists them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("keras_tuner")

import keras
import keras_tuner
from keras_tuner import errors

from evo.integrations.keras_tuner import EvolutionTuner

tuners = pytest.mark.parametrize("kind", [keras_tuner.RandomSearch, EvolutionTuner])
CURVES = {0: [9.0, 6.0, 3.0], 1: [13.0, 12.0, 11.0]}


def history(values: list[float]) -> keras.callbacks.History:
    made = keras.callbacks.History()
    made.history = {"loss": values, "other": [1.0] * len(values)}
    return made


class Curves(keras_tuner.HyperModel):  # type: ignore[misc]
    """A model that is never trained: ``fit`` tells curves."""

    def __init__(self, told: Any) -> None:
        super().__init__()
        self.told = told

    def build(self, hp: Any) -> Any:
        hp.Choice("mode", [0, 1])
        return keras.Sequential()

    def fit(self, hp: Any, model: Any, *args: Any, **kwargs: Any) -> Any:
        return self.told(CURVES[hp["mode"]])


def searched(kind: Any, directory: Path, told: Any, in_run_trial: bool, **settings: Any) -> Any:
    if in_run_trial:

        class Own(kind):  # type: ignore[misc, valid-type]
            def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> Any:
                return told(CURVES[trial.hyperparameters.Choice("mode", [0, 1])])

        hypermodel, kind = None, Own
    else:
        hypermodel = Curves(told)
    tuner = kind(hypermodel, **{"objective": "loss", "max_trials": 3, "seed": 1, "directory": directory} | settings)
    tuner.search(verbose=0)
    return tuner


TOLD: dict[str, Any] = {
    "a_history": history,
    "a_dict": lambda curve: {"loss": min(curve), "other": 1.0},
    "a_float": min,
    "an_int": lambda curve: int(min(curve)),
}


@tuners
@pytest.mark.parametrize("in_run_trial", [False, True])
@pytest.mark.parametrize("told", TOLD.values(), ids=TOLD)
def test_the_best_of_what_is_returned_is_the_score(tmp_path: Path, kind: Any, told: Any, in_run_trial: bool) -> None:
    tuner = searched(kind, tmp_path, told, in_run_trial)
    assert [t.score for t in tuner.oracle.get_best_trials(2)] == [3.0, 11.0]
    assert tuner.get_best_hyperparameters()[0]["mode"] == 0 and len(tuner.oracle.trials) == 2


@tuners
@pytest.mark.parametrize("told", TOLD.values(), ids=TOLD)
def test_of_several_executions_the_mean_counts(tmp_path: Path, kind: Any, told: Any) -> None:
    tuner = searched(kind, tmp_path, lambda curve: [told(curve), told([v + 2 for v in curve])], True)
    assert [t.score for t in tuner.oracle.get_best_trials(2)] == [4.0, 12.0]


@tuners
def test_the_step_of_a_history_is_its_best_epoch(tmp_path: Path, kind: Any) -> None:
    tuner = searched(kind, tmp_path, lambda curve: history([*curve, 20.0]), False)
    assert [t.best_step for t in tuner.oracle.get_best_trials(2)] == [2, 2]


@tuners
def test_executions_call_fit_as_often_as_said(tmp_path: Path, kind: Any) -> None:
    calls: list[float] = []

    def told(curve: list[float]) -> float:
        calls.append(min(curve))
        return min(curve) + len(calls)

    tuner = searched(kind, tmp_path, told, False, executions_per_trial=3)
    assert len(calls) == 6 and len(tuner.oracle.trials) == 2
    scores = [t.score for t in tuner.oracle.trials.values()]
    assert scores == pytest.approx([calls[0] + 2, calls[3] + 5])


@tuners
@pytest.mark.parametrize(("in_run_trial", "place"), [(False, r"HyperModel\.fit\(\)"), (True, r"Tuner\.run_trial\(\)")])
def test_what_is_no_result_ends_the_search_with_an_error(
    tmp_path: Path, kind: Any, in_run_trial: bool, place: str
) -> None:
    with pytest.raises(errors.FatalTypeError, match=f"{place} to be one of"):
        searched(kind, tmp_path / "text", lambda curve: "good", in_run_trial)
    with pytest.raises(errors.FatalTypeError, match="Did you forget to return the metrics"):
        searched(kind, tmp_path / "nothing", lambda curve: None, in_run_trial)
    with pytest.raises(errors.FatalTypeError, match=f"{place} to be a single float"):
        searched(kind, tmp_path / "dict", lambda curve: {"loss": 1.0}, in_run_trial, objective=None)
    with pytest.raises(errors.FatalValueError, match="the specified objective, loss"):
        searched(kind, tmp_path / "other", lambda curve: {"other": 1.0}, in_run_trial)


@tuners
def test_reporting_in_run_trial_still_works_and_warns(tmp_path: Path, kind: Any) -> None:
    class Reporting(kind):  # type: ignore[misc, valid-type]
        def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> None:
            self.oracle.update_trial(trial.trial_id, {"loss": float(trial.hyperparameters.Choice("mode", [0, 1]))})

    tuner = Reporting(objective="loss", max_trials=3, directory=tmp_path)
    with pytest.deprecated_call(match="Please remove the call"):
        tuner.search(verbose=0)
    assert [t.score for t in tuner.oracle.get_best_trials(2)] == [0.0, 1.0]


@tuners
def test_several_objectives_lead_by_their_sum(tmp_path: Path, kind: Any) -> None:
    class Two(kind):  # type: ignore[misc, valid-type]
        def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> Any:
            x = trial.hyperparameters.Int("x", 0, 4)
            told = history([])
            told.history = {"loss": [float(x)], "accuracy": [3.0 * (x == 2)]}
            return told

    objective = [keras_tuner.Objective("loss", "min"), keras_tuner.Objective("accuracy", "max")]
    tuner = Two(objective=objective, max_trials=5, seed=1, directory=tmp_path)
    tuner.search(verbose=0)
    assert len(tuner.oracle.trials) == 5
    best = tuner.oracle.get_best_trials()[0]
    assert best.hyperparameters["x"] == 2 and best.score == -1.0


def test_a_history_without_the_objective_ends_the_search(tmp_path: Path) -> None:
    with pytest.raises(errors.FatalValueError, match=r"no epoch gives auc: there are loss, other"):
        searched(EvolutionTuner, tmp_path / "name", history, False, objective=keras_tuner.Objective("auc", "max"))
    with pytest.raises(errors.FatalValueError, match="gives val_loss: give search.. validation_data"):
        searched(EvolutionTuner, tmp_path / "val", history, True, objective="val_loss")
