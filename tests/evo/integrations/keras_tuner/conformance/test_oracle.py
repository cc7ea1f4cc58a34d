"""What KerasTuner's tests expect of an oracle; docs/keras-tuner-conformance.md lists them."""

from __future__ import annotations

import datetime
import json
import math
import threading
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("keras_tuner")

import keras_tuner
from keras_tuner.engine.trial import Trial

from evo.integrations.keras_tuner import EvolutionOracle
from tests.evo.integrations.keras_tuner.conformance.driving import THEIRS_AND_OURS, end, numbers, oracle_in, proposals

both = pytest.mark.parametrize("kind", THEIRS_AND_OURS)


# -- what is given -----------------------------------------------------------------------
@both
@pytest.mark.parametrize("setting", ["tune_new_entries", "allow_new_entries"])
def test_a_closed_space_needs_hyperparameters(tmp_path: Path, kind: Any, setting: str) -> None:
    with pytest.raises(ValueError, match=f"{setting}=False"):
        oracle_in(tmp_path, kind, **{setting: False})


@both
def test_a_new_name_in_a_closed_space_is_an_error(tmp_path: Path, kind: Any) -> None:
    oracle = oracle_in(tmp_path, kind, hyperparameters=numbers("a"), allow_new_entries=False)
    oracle.update_space(numbers("a"))
    with pytest.raises(RuntimeError, match="`allow_new_entries` is `False`"):
        oracle.update_space(numbers("b"))


@both
def test_new_names_stay_at_their_defaults_if_they_are_not_tuned(tmp_path: Path, kind: Any) -> None:
    oracle = oracle_in(tmp_path, kind, hyperparameters=numbers("a"), tune_new_entries=False)
    oracle.update_space(numbers("a", "b"))
    assert [hp.name for hp in oracle.get_space().space] == ["a"]
    trial = oracle.create_trial("tuner")
    assert set(trial.hyperparameters.values) == {"a"} and trial.hyperparameters.Int("b", 7, 9) == 7


@both
def test_known_hyperparameters_keep_their_ranges(tmp_path: Path, kind: Any) -> None:
    oracle = oracle_in(tmp_path, kind, hyperparameters=numbers("a"))
    again = keras_tuner.HyperParameters()
    again.Int("a", 0, 5)
    again.Int("b", 0, 5)
    oracle.update_space(again)
    assert {hp.name: hp.max_value for hp in oracle.get_space().space} == {"a": 99, "b": 5}


@both
def test_the_space_is_given_away_as_a_copy(tmp_path: Path, kind: Any) -> None:
    oracle = oracle_in(tmp_path, kind, hyperparameters=numbers("a"))
    oracle.get_space().Int("b", 0, 1)
    assert "b" not in oracle.get_space()


@both
def test_an_oracle_without_an_objective_minimises(tmp_path: Path, kind: Any) -> None:
    oracle = oracle_in(tmp_path, kind, objective=None)
    assert (oracle.objective.name, oracle.objective.direction) == ("default_objective", "min")


# -- reports -----------------------------------------------------------------------------
@both
def test_a_report_without_the_objective_is_an_error(tmp_path: Path, kind: Any) -> None:
    oracle = oracle_in(tmp_path, kind, hyperparameters=numbers("a"))
    trial = oracle.create_trial("tuner")
    with pytest.raises(ValueError, match="Objective value missing"):
        oracle.update_trial(trial.trial_id, {"unknown": 0.5})


@both
def test_several_objectives_are_one_sum_to_be_minimised(tmp_path: Path, kind: Any) -> None:
    oracle = oracle_in(tmp_path, kind, objective=["val_accuracy", "val_loss"], hyperparameters=numbers("a"))
    trial = oracle.create_trial("tuner")
    with pytest.raises(ValueError, match="Objective value missing"):
        oracle.update_trial(trial.trial_id, {"val_loss": 0.5})
    oracle.update_trial(trial.trial_id, {"val_accuracy": 0.9, "val_loss": 0.5, "multi_objective": -0.4})
    assert end(oracle, trial).score == pytest.approx(0.5 - 0.9)
    assert oracle.objective.direction == "min"


@both
@pytest.mark.parametrize(("direction", "best"), [("max", 5.0), ("min", 1.0)])
def test_the_best_report_is_the_score(tmp_path: Path, kind: Any, direction: str, best: float) -> None:
    oracle = oracle_in(
        tmp_path, kind, objective=keras_tuner.Objective("score", direction), hyperparameters=numbers("a")
    )
    trial = oracle.create_trial("tuner")
    for step, value in enumerate([3.0, 5.0, 1.0, 2.0]):
        oracle.update_trial(trial.trial_id, {"score": value}, step=step)
    ended = end(oracle, trial)
    assert ended.score == best and ended.best_step == {5.0: 1, 1.0: 2}[best]
    assert ended.metrics.get_direction("score") == direction


@both
def test_a_direction_that_no_metric_tells_must_be_given(tmp_path: Path, kind: Any) -> None:
    with pytest.raises(ValueError, match="Could not infer optimization direction"):
        oracle_in(tmp_path, kind, objective="my_own")
    assert oracle_in(tmp_path, kind, objective=keras_tuner.Objective("my_own", "max")).objective.direction == "max"


@both
def test_a_kind_of_objective_that_is_none_is_an_error(tmp_path: Path, kind: Any) -> None:
    with pytest.raises(TypeError, match="not understood, expected str"):
        oracle_in(tmp_path, kind, objective=[3, "val_accuracy"])


# -- names of before ---------------------------------------------------------------------
@both
def test_deprecated_names_still_work(tmp_path: Path, kind: Any) -> None:
    oracle = oracle_in(tmp_path, kind, hyperparameters=numbers("a"))
    with pytest.deprecated_call():
        assert set(oracle._populate_space("00")["values"]) == {"a"}
    trial = oracle.create_trial("tuner")
    oracle.update_trial(trial.trial_id, {"val_loss": 0.25})
    with pytest.deprecated_call():
        oracle._score_trial(trial)
    assert trial.score == 0.25


@both
def test_a_trial_may_be_ended_by_its_name(tmp_path: Path, kind: Any) -> None:
    oracle = oracle_in(tmp_path, kind, hyperparameters=numbers("a"))
    trial = oracle.create_trial("tuner")
    oracle.update_trial(trial.trial_id, {"val_loss": 1.0})
    oracle.end_trial(trial.trial_id, "COMPLETED")
    assert oracle.trials[trial.trial_id].score == 1.0 and not oracle.ongoing_trials


# -- candidates --------------------------------------------------------------------------
def test_no_candidate_is_proposed_twice_also_while_others_run(tmp_path: Path) -> None:
    hp = keras_tuner.HyperParameters()
    hp.Choice("a", list(range(12)))
    oracle = oracle_in(tmp_path, hyperparameters=hp, max_trials=12)
    trials = [oracle.create_trial(str(tuner)) for tuner in range(12)]
    assert sorted(trial.hyperparameters["a"] for trial in trials) == list(range(12))


@both
def test_a_hyperparameter_that_a_trial_found_tells_candidates_apart(tmp_path: Path, kind: Any) -> None:
    hp = keras_tuner.HyperParameters()
    hp.Boolean("a")
    oracle = oracle_in(tmp_path, kind, hyperparameters=hp)
    first = oracle.create_trial("tuner")
    first.hyperparameters.Boolean("b")
    end(oracle, first, 1.0)
    while (trial := oracle.create_trial("tuner")).status == "RUNNING":
        trial.hyperparameters.Boolean("b")
        end(oracle, trial, 1.0)
    tried = {(v["a"], v["b"]) for v in proposals(oracle)}
    assert tried == {(a, b) for a in (False, True) for b in (False, True)} and len(oracle.trials) == 4


@both
def test_new_hyperparameters_are_in_the_next_proposals(tmp_path: Path, kind: Any) -> None:
    hp = keras_tuner.HyperParameters()
    hp.Choice("a", [1, 2])
    oracle = oracle_in(tmp_path, kind, hyperparameters=hp)
    assert set(oracle.populate_space("1_0")["values"]) == {"a"}
    for name, ask in {
        "b": lambda: hp.Int("b", 3, 10),
        "c": lambda: hp.Float("c", 0, 1, 0.1),
        "d": lambda: hp.Fixed("d", 7),
        "e": lambda: hp.Choice("e", [9, 0]),
    }.items():
        ask()
        assert name in oracle.populate_space(f"1_{name}")["values"]


@both
def test_steps_are_kept(tmp_path: Path, kind: Any) -> None:
    hp = keras_tuner.HyperParameters()
    hp.Float("c", 0, 10, step=3)
    hp.Int("d", 2, 11, step=4)
    oracle = oracle_in(tmp_path, kind, hyperparameters=hp, max_trials=12)
    while (trial := oracle.create_trial("tuner")).status == "RUNNING":
        end(oracle, trial, trial.hyperparameters["c"])
    assert {v["c"] for v in proposals(oracle)} <= {0.0, 3.0, 6.0, 9.0}
    assert {v["d"] for v in proposals(oracle)} <= {2, 6, 10}


@both
def test_equal_scores_do_not_disturb_the_search(tmp_path: Path, kind: Any) -> None:
    oracle = oracle_in(tmp_path, kind, hyperparameters=numbers("a", "b"), max_trials=15)
    while (trial := oracle.create_trial("tuner")).status == "RUNNING":
        end(oracle, trial, 0.0)
    assert len(oracle.trials) == 15 and {t.score for t in oracle.trials.values()} == {0.0}


@pytest.mark.parametrize("direction", ["max", "min"])
def test_scores_lead_the_search(tmp_path: Path, direction: str) -> None:
    hp = keras_tuner.HyperParameters()
    hp.Float("a", -1, 1)
    hp.Float("b", -1, 1)
    objective = keras_tuner.Objective("score", direction)
    best = []
    for kind in THEIRS_AND_OURS:
        oracle = oracle_in(
            tmp_path / kind.__name__, kind, objective=objective, hyperparameters=hp.copy(), max_trials=40
        )
        while (trial := oracle.create_trial("tuner")).status == "RUNNING":
            value = (trial.hyperparameters["a"] - 0.5) ** 2 + (trial.hyperparameters["b"] + 0.5) ** 2
            end(oracle, trial, value if direction == "min" else -value)
        best.append(abs(oracle.get_best_trials()[0].score))
    random, ours = best
    assert ours < random and ours < 0.01


def test_several_tuners_at_once_are_led_too(tmp_path: Path) -> None:
    """Best at a = 4, b = 1, c = 0.001, where the value is -1; KerasTuner asks for -0.8 after 10 trials of 4 tuners."""
    hp = keras_tuner.HyperParameters()
    hp.Int("a", 0, 10)
    hp.Float("b", -1, 1, step=0.1)
    hp.Float("c", 1e-5, 1e-2, sampling="log")
    best = []
    for seed in (1, 2, 3):
        oracle = oracle_in(tmp_path / str(seed), hyperparameters=hp.copy(), max_trials=60, seed=seed)
        for _ in range(10):
            for trial in [oracle.create_trial(f"tuner_{number}") for number in range(4)]:
                v = trial.hyperparameters
                end(oracle, trial, abs(v["a"] - 4) - v["b"] + 0.1 * abs(3 + math.log10(v["c"])))
        best.append(oracle.get_best_trials()[0])
    found = [trial for trial in best if trial.score < -0.8]
    assert len(found) >= 2  # one is led astray
    assert all(t.hyperparameters["a"] == 4 and t.hyperparameters["b"] >= 0.9 for t in found)


@both
def test_tuners_may_end_in_any_order(tmp_path: Path, kind: Any) -> None:
    oracle = oracle_in(tmp_path, kind, hyperparameters=numbers("a"))
    first, second = oracle.create_trial("0"), oracle.create_trial("1")
    end(oracle, second, 0.5)
    third = oracle.create_trial("1")
    end(oracle, first, 0.4)
    fourth = oracle.create_trial("0")
    end(oracle, fourth, 0.3)
    end(oracle, third, 0.2)
    assert oracle.end_order == [t.trial_id for t in (second, first, fourth, third)]
    assert oracle.start_order == [t.trial_id for t in (first, second, third, fourth)]
    assert [t.score for t in oracle.get_best_trials(4)] == [0.2, 0.3, 0.4, 0.5]


@both
def test_the_number_of_trials_ends_the_search(tmp_path: Path, kind: Any) -> None:
    oracle = oracle_in(tmp_path, kind, hyperparameters=numbers("a"), max_trials=2)
    assert oracle.remaining_trials() == 2
    end(oracle, oracle.create_trial("tuner"), 1.0)
    end(oracle, oracle.create_trial("tuner"), 1.0)
    assert oracle.create_trial("tuner").status == "STOPPED" and oracle.remaining_trials() == 0
    assert not oracle.tuner_ids


@both
def test_an_empty_space_is_tried_once(tmp_path: Path, kind: Any) -> None:
    oracle = oracle_in(tmp_path, kind)
    end(oracle, oracle.create_trial("tuner"), 1.0)
    assert oracle.create_trial("tuner").status == "STOPPED"


@both
def test_a_tuner_that_asks_again_gets_its_trial(tmp_path: Path, kind: Any) -> None:
    oracle = oracle_in(tmp_path, kind, hyperparameters=numbers("a"))
    assert oracle.create_trial("a").trial_id == oracle.create_trial("a").trial_id
    assert oracle.create_trial("a").trial_id != oracle.create_trial("b").trial_id


# -- threads -----------------------------------------------------------------------------
@both
def test_threads_wait_for_each_other_at_one_oracle_only(tmp_path: Path, kind: Any) -> None:
    entered = threading.Barrier(2, timeout=20)

    class Slow(kind):  # type: ignore[misc, valid-type]
        def populate_space(self, trial_id: str) -> Any:
            if self.meeting:
                entered.wait()  # two oracles are inside at the same time
            inside.append(trial_id)
            response = super().populate_space(trial_id)
            assert inside.pop() == trial_id  # nobody else has entered this oracle
            return response

    def run(*threads: threading.Thread) -> None:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
            assert not thread.is_alive()

    inside: list[str] = []
    one = oracle_in(tmp_path / "one", Slow, hyperparameters=numbers("a"))
    one.meeting = False
    run(*(threading.Thread(target=one.create_trial, args=(str(n),)) for n in range(5)))
    assert len(one.trials) == len(one.ongoing_trials) == 5

    two = [oracle_in(tmp_path / name, Slow, hyperparameters=numbers("a")) for name in ("two", "three")]
    for oracle in two:
        oracle.meeting = True
    run(*(threading.Thread(target=oracle.create_trial, args=("t",)) for oracle in two))
    assert [len(oracle.trials) for oracle in two] == [1, 1]


# -- what is kept ------------------------------------------------------------------------
@both
def test_what_was_running_is_run_again_after_a_reload(tmp_path: Path, kind: Any) -> None:
    oracle = oracle_in(tmp_path, kind, hyperparameters=numbers("a"))
    for score in range(3):
        end(oracle, oracle.create_trial("a"), float(score))
    running = {oracle.create_trial(tuner).trial_id for tuner in "ab"}
    again = oracle_in(tmp_path, kind, hyperparameters=numbers("a"))
    again.reload()
    assert {again.create_trial(tuner).trial_id for tuner in "ab"} == running
    for tuner in "ab":
        assert end(again, again.create_trial(tuner), 0.5).status == "COMPLETED"
    assert [t.score for t in again.get_best_trials(5)] == [0.0, 0.5, 0.5, 1.0, 2.0]


def test_a_search_goes_on_after_a_reload(tmp_path: Path) -> None:
    """KerasTuner writes its state while the last trial still counts as running, and runs that one twice."""
    tried = []
    for kind in THEIRS_AND_OURS:
        oracle = oracle_in(tmp_path / kind.__name__, kind, hyperparameters=numbers("a"))
        for _ in range(3):
            end(oracle, oracle.create_trial("tuner"), 1.0)
        again = oracle_in(tmp_path / kind.__name__, kind, hyperparameters=numbers("a"))
        again.reload()
        for _ in range(3):
            end(again, again.create_trial("tuner"), 1.0)
        tried.append(len({v["a"] for v in proposals(again)}))
    assert tried == [5, 6]


@both
def test_an_oracle_may_be_saved_before_there_is_a_result(tmp_path: Path, kind: Any) -> None:
    oracle = oracle_in(tmp_path, kind, hyperparameters=numbers("a"))
    oracle.populate_space("1")
    oracle.save()
    assert json.loads((tmp_path / "project" / "oracle.json").read_text())["start_order"] == []


def test_another_oracles_project_is_taken_over_where_theirs_refuse(tmp_path: Path) -> None:
    theirs = oracle_in(tmp_path, keras_tuner.oracles.RandomSearchOracle, hyperparameters=numbers("a"))
    for score in range(3):
        end(theirs, theirs.create_trial("tuner"), float(score))
    with pytest.raises(RuntimeError, match="pass `overwrite=True`"):
        oracle_in(tmp_path, keras_tuner.oracles.BayesianOptimizationOracle, hyperparameters=numbers("a")).reload()
    ours = oracle_in(tmp_path, hyperparameters=numbers("a"))
    ours.reload()
    assert proposals(ours) == proposals(theirs)
    assert ours.create_trial("tuner").trial_id == "03"


@both
def test_get_best_trials_orders_the_completed_and_fills_up_with_others(tmp_path: Path, kind: Any) -> None:
    oracle = oracle_in(tmp_path, kind, hyperparameters=numbers("a"))
    assert oracle.get_best_trials() == []
    for score in (0.5, -0.1, 0.7, math.nan):
        end(oracle, oracle.create_trial("tuner"), score)
    assert [t.score for t in oracle.get_best_trials(3)] == [-0.1, 0.5, 0.7]
    assert [t.status for t in oracle.get_best_trials(10)] == ["COMPLETED"] * 3 + ["FAILED"]


@both
def test_trials_are_json_that_comes_back(tmp_path: Path, kind: Any) -> None:
    oracle = oracle_in(tmp_path, kind, hyperparameters=numbers("a"))
    ended = end(oracle, oracle.create_trial("tuner"), 0.5)
    back = Trial.load(str(tmp_path / "project" / f"trial_{ended.trial_id}" / "trial.json"))
    assert back.get_state() == ended.get_state()
    assert (back.score, back.status, back.hyperparameters.values) == (0.5, "COMPLETED", ended.hyperparameters.values)


def test_durations_are_shown_in_days() -> None:
    oracle = EvolutionOracle(objective="val_loss")
    oracle.verbose = "auto"
    assert oracle.verbose == 1
    week = datetime.datetime(2020, 5, 17) - datetime.datetime(2020, 5, 10)
    assert oracle._display.format_duration(week) == "7d 00h 00m 00s"
