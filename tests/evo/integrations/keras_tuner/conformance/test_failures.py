"""What KerasTuner's tests expect where trials fail; docs/keras-tuner-conformance.md lists them."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("keras_tuner")

import keras_tuner
from keras_tuner import errors

from evo.integrations.keras_tuner import EvolutionTuner
from tests.evo.integrations.keras_tuner.conformance.driving import THEIRS_AND_OURS, end, numbers, oracle_in

both = pytest.mark.parametrize("kind", THEIRS_AND_OURS)
tuners = pytest.mark.parametrize("kind", [keras_tuner.RandomSearch, EvolutionTuner])


@both
def test_a_trial_is_not_retried_by_default(tmp_path: Path, kind: Any) -> None:
    oracle = oracle_in(tmp_path, kind, hyperparameters=numbers("a"))
    first = end(oracle, oracle.create_trial("tuner"), status="INVALID", message="error")
    assert first.status == "FAILED"
    assert oracle.create_trial("tuner").trial_id != first.trial_id


@both
def test_an_invalid_trial_is_retried_as_often_as_said(tmp_path: Path, kind: Any) -> None:
    oracle = oracle_in(tmp_path, kind, hyperparameters=numbers("a"), max_retries_per_trial=2)
    names = []
    for _ in range(4):
        trial = oracle.create_trial("tuner")
        names.append(trial.trial_id)
        end(oracle, trial, status="INVALID", message="error")
    assert names == ["00", "00", "00", "01"] and oracle.trials["00"].status == "FAILED"


@both
def test_a_retried_trial_may_complete(tmp_path: Path, kind: Any) -> None:
    oracle = oracle_in(tmp_path, kind, hyperparameters=numbers("a"), max_retries_per_trial=1)
    first = oracle.create_trial("tuner")
    values = dict(first.hyperparameters.values)
    end(oracle, first, status="INVALID", message="error")
    again = oracle.create_trial("tuner")
    assert again.hyperparameters.values == values
    assert end(oracle, again, 0.5).status == "COMPLETED" and oracle.get_best_trials()[0].score == 0.5


def test_a_retry_forgets_what_the_crashed_run_reported(tmp_path: Path) -> None:
    """KerasTuner takes the best of both runs for the score."""
    scores = []
    for kind in THEIRS_AND_OURS:
        oracle = oracle_in(tmp_path / kind.__name__, kind, hyperparameters=numbers("a"), max_retries_per_trial=1)
        first = oracle.create_trial("tuner")
        oracle.update_trial(first.trial_id, {"val_loss": -100.0})
        end(oracle, first, status="INVALID", message="error")
        scores.append(end(oracle, oracle.create_trial("tuner"), 0.5).score)
    assert scores != [0.5, 0.5] and scores[1] == 0.5


@both
def test_nan_is_invalid_and_retried(tmp_path: Path, kind: Any) -> None:
    oracle = oracle_in(tmp_path, kind, hyperparameters=numbers("a"), max_retries_per_trial=1)
    trial = end(oracle, oracle.create_trial("tuner"), math.nan)
    assert trial.status == "INVALID"
    assert end(oracle, oracle.create_trial("tuner"), math.nan).status == "FAILED"


def test_infinity_is_no_best_score(tmp_path: Path) -> None:
    best = []
    for kind in THEIRS_AND_OURS:
        oracle = oracle_in(tmp_path / kind.__name__, kind, hyperparameters=numbers("a"))
        for score in (0.5, -math.inf):
            end(oracle, oracle.create_trial("tuner"), score)
        best.append(oracle.get_best_trials()[0].score)
    assert best == [-math.inf, 0.5]


@both
def test_a_failed_trial_is_not_retried(tmp_path: Path, kind: Any) -> None:
    oracle = oracle_in(tmp_path, kind, hyperparameters=numbers("a"), max_retries_per_trial=1)
    first = end(oracle, oracle.create_trial("tuner"), status="FAILED", message="error")
    assert oracle.create_trial("tuner").trial_id != first.trial_id


@both
def test_failures_within_the_limit_do_not_end_a_search(tmp_path: Path, kind: Any) -> None:
    oracle = oracle_in(
        tmp_path, kind, hyperparameters=numbers("a"), max_retries_per_trial=2, max_consecutive_failed_trials=3
    )
    for _ in range(6):  # two trials, each run three times
        end(oracle, oracle.create_trial("tuner"), status="INVALID", message="error")
    end(oracle, oracle.create_trial("tuner"), 0.5)
    assert [t.status for t in oracle.trials.values()] == ["FAILED", "FAILED", "COMPLETED"]


@both
def test_a_limit_of_failures_in_a_row_ends_a_search_with_the_last_cause(tmp_path: Path, kind: Any) -> None:
    oracle = oracle_in(tmp_path, kind, hyperparameters=numbers("a"), max_consecutive_failed_trials=3)
    with pytest.raises(RuntimeError, match=r"Number of consecutive failures[^\0]*cause 2"):
        for number in range(4):
            end(oracle, oracle.create_trial("tuner"), status="FAILED", message=f"cause {number}")
    assert len(oracle.trials) == 3


def test_three_failures_in_a_row_are_no_end_by_default(tmp_path: Path) -> None:
    oracle = oracle_in(tmp_path, hyperparameters=numbers("a"))
    end(oracle, oracle.create_trial("tuner"), 0.5)
    for _ in range(12):
        end(oracle, oracle.create_trial("tuner"), status="FAILED", message="cause")
    assert end(oracle, oracle.create_trial("tuner"), 0.4).status == "COMPLETED"


def test_ten_failures_and_nothing_else_are_an_end_by_default(tmp_path: Path) -> None:
    oracle = oracle_in(tmp_path, hyperparameters=numbers("a"))
    with pytest.raises(RuntimeError, match="all of the first 10 trials"):
        for _ in range(20):
            end(oracle, oracle.create_trial("tuner"), status="FAILED", message="cause")


class Counting:
    """``run_trial`` of five values, of which two raise; counts how often it is called."""

    cause: type[Exception] = ValueError
    count = 0

    def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> float:
        self.count += 1
        value = trial.hyperparameters.Int("value", 1, 5)
        if value in (2, 3):
            raise self.cause(f"wrong value {value}")
        return float(value)


@tuners
def test_what_run_trial_raises_is_retried(tmp_path: Path, kind: Any) -> None:
    tuner = type("Tuner", (Counting, kind), {})(
        max_trials=9, seed=1, max_retries_per_trial=2, max_consecutive_failed_trials=9, directory=tmp_path
    )
    tuner.search(verbose=0)
    assert tuner.count == 5 + 2 * 2
    failed = [t for t in tuner.oracle.trials.values() if t.status == "FAILED"]
    assert sorted(t.hyperparameters["value"] for t in failed) == [2, 3]
    assert all("ValueError: wrong value" in t.message for t in failed)


@tuners
def test_a_failed_trial_error_is_not_retried(tmp_path: Path, kind: Any) -> None:
    tuner = type("Tuner", (Counting, kind), {"cause": errors.FailedTrialError})(
        max_trials=9, seed=1, max_retries_per_trial=2, max_consecutive_failed_trials=9, directory=tmp_path
    )
    tuner.search(verbose=0)
    assert tuner.count == 5
    assert [t.hyperparameters["value"] for t in tuner.oracle.get_best_trials(3)] == [1, 4, 5]


@tuners
def test_a_fatal_error_ends_the_search(tmp_path: Path, kind: Any) -> None:
    tuner = type("Tuner", (Counting, kind), {"cause": errors.FatalError})(
        max_trials=9, seed=1, max_retries_per_trial=2, directory=tmp_path
    )
    with pytest.raises(errors.FatalError, match="wrong value"):
        tuner.search(verbose=0)


@tuners
def test_the_cause_of_a_failure_is_in_the_summary(
    tmp_path: Path, kind: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    tuner = type("Tuner", (Counting, kind), {})(
        max_trials=9, seed=1, max_consecutive_failed_trials=9, directory=tmp_path
    )
    tuner.search(verbose=0)
    capsys.readouterr()
    tuner.results_summary()
    shown = capsys.readouterr().out
    assert "ValueError: wrong value 2" in shown and "ValueError: wrong value 3" in shown
    assert shown.index("value: 1") < shown.index("value: 4") < shown.index("value: 5")


@tuners
def test_a_search_learns_from_failures_without_being_led_by_them(tmp_path: Path, kind: Any) -> None:
    class First(kind):  # type: ignore[misc, valid-type]
        def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> list[float]:
            hp = trial.hyperparameters
            number = sum(hp.Boolean(name) for name in "abcd")
            if len(self.oracle.start_order) == 1:
                raise errors.FailedTrialError("the first")
            return [float(number)]

    tuner = First(max_trials=15, seed=1, directory=tmp_path)
    tuner.search(verbose=0)
    assert [t.status for t in tuner.oracle.trials.values()].count("FAILED") == 1
    assert len(tuner.oracle.trials) == 15


@tuners
def test_a_short_search_in_which_nothing_works_ends_with_an_error(tmp_path: Path, kind: Any) -> None:
    class Never(kind):  # type: ignore[misc, valid-type]
        def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> float:
            raise errors.FailedTrialError(f"never works: {trial.hyperparameters.Int('value', 1, 99)}")

    tuner = Never(max_trials=3, seed=1, directory=tmp_path)
    with pytest.raises(RuntimeError, match=r"Number of consecutive failures[^\0]*never works"):
        tuner.search(verbose=0)
    assert len(tuner.oracle.trials) == 3
