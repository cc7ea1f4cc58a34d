"""The tuner and its oracle on objective functions, which take no training."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("keras_tuner")

import keras_tuner

from evo.core.errors import SettingsError
from evo.integrations.keras_tuner import EvolutionOracle, EvolutionTuner
from evo.storage.keras_tuner_project import read_project


class Parabola(EvolutionTuner):
    """Least at x = 1; ``k`` exists from the second trial on at the latest."""

    def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> float:
        hp = trial.hyperparameters
        x = hp.Float("x", -2.0, 2.0)
        if hp.Boolean("shifted"):
            x += hp.Int("k", 0, 5)
        return float((x - 1) ** 2)


def proposals(tuner: Any) -> list[dict[str, Any]]:
    return [dict(tuner.oracle.trials[t].hyperparameters.values) for t in tuner.oracle.start_order]


def test_equal_seeds_propose_equally_and_zero_is_a_seed(tmp_path: Path) -> None:
    tuners = [Parabola(max_trials=8, seed=0, directory=tmp_path, project_name=name) for name in "ab"]
    for tuner in tuners:
        tuner.search(verbose=0)
    assert tuners[0].oracle.seed == 0
    assert proposals(tuners[0]) == proposals(tuners[1])


@pytest.mark.parametrize("killed", [0, 4])
def test_a_search_that_was_killed_goes_on_as_if_it_had_not_been(tmp_path: Path, killed: int) -> None:
    class Killed(Parabola):
        def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> float:
            if int(trial.trial_id) == killed:
                raise KeyboardInterrupt
            return super().run_trial(trial)

    through = Parabola(max_trials=8, seed=3, directory=tmp_path, project_name="through")
    through.search(verbose=0)
    with pytest.raises(KeyboardInterrupt):
        Killed(max_trials=8, seed=3, directory=tmp_path, project_name="killed").search(verbose=0)
    again = Parabola(max_trials=8, seed=3, directory=tmp_path, project_name="killed")
    again.search(verbose=0)
    assert proposals(again) == proposals(through)
    assert [t.score for t in again.oracle.trials.values()] == [t.score for t in through.oracle.trials.values()]


def test_a_truncated_oracle_file_loses_no_trial(tmp_path: Path) -> None:
    first = Parabola(max_trials=4, seed=1, directory=tmp_path, project_name="p")
    first.search(verbose=0)
    file = tmp_path / "p" / "oracle.json"
    file.write_text(file.read_text()[:50])
    again = Parabola(max_trials=6, seed=1, directory=tmp_path, project_name="p")
    again.search(verbose=0)
    assert proposals(again)[:4] == proposals(first) and len(again.oracle.trials) == 6


def test_three_failures_in_a_row_are_recorded_and_do_not_end_the_search(tmp_path: Path) -> None:
    class Failing(Parabola):
        def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> float:
            if 1 <= int(trial.trial_id) <= 4:
                raise ValueError("a bad candidate")
            return super().run_trial(trial)

    tuner = Failing(max_trials=8, seed=0, directory=tmp_path)
    tuner.search(verbose=0)
    statuses = [trial.status for trial in tuner.oracle.trials.values()]
    assert statuses == ["COMPLETED", *["FAILED"] * 4, *["COMPLETED"] * 3]
    failed = tuner.result.trials[1].outcome
    assert failed is not None and failed.message == "ValueError: a bad candidate"
    with pytest.raises(RuntimeError, match="Number of consecutive failures"):
        Failing(
            max_trials=8, seed=0, max_consecutive_failed_trials=3, directory=tmp_path, project_name="limited"
        ).search(verbose=0)


def test_a_search_in_which_nothing_ever_completes_ends_early(tmp_path: Path) -> None:
    class Broken(Parabola):
        def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> float:
            super().run_trial(trial)
            raise ValueError("always")

    tuner = Broken(max_trials=50, directory=tmp_path)
    with pytest.raises(RuntimeError, match="always"):
        tuner.search(verbose=0)
    assert len(tuner.oracle.trials) == 10


def test_a_space_that_is_used_up_ends_the_search_with_every_value_once(tmp_path: Path) -> None:
    class Two(EvolutionTuner):
        def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> list[float]:
            hp = trial.hyperparameters
            return [float(hp.Boolean("a")) + float(hp.Boolean("b"))]

    tuner = Two(max_trials=15, directory=tmp_path)
    tuner.search(verbose=0)
    assert sorted((v["a"], v["b"]) for v in proposals(tuner)) == [(a, b) for a in (False, True) for b in (False, True)]


@pytest.mark.parametrize(("direction", "best"), [("min", 0), ("max", 5)])
def test_directions(tmp_path: Path, direction: str, best: int) -> None:
    class Number(EvolutionTuner):
        def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> dict[str, float]:
            return {"loss": float(trial.hyperparameters.Int("n", 0, 5))}

    tuner = Number(objective=keras_tuner.Objective("loss", direction), max_trials=6, directory=tmp_path)
    tuner.search(verbose=0)
    assert tuner.get_best_hyperparameters()[0]["n"] == best
    assert tuner.result.best.outcome is not None and tuner.result.best.outcome.scores["score"] == best


def test_a_score_that_is_not_finite_fails_its_trial(tmp_path: Path) -> None:
    class Infinite(EvolutionTuner):
        def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> float:
            return float("-inf") if trial.hyperparameters.Boolean("a") else 1.0

    tuner = Infinite(max_trials=2, directory=tmp_path)
    tuner.search(verbose=0)
    assert sorted(t.status for t in tuner.oracle.trials.values()) == ["COMPLETED", "FAILED"]
    assert tuner.get_best_hyperparameters()[0]["a"] is False


def test_the_oracle_alone_drives_any_tuner(tmp_path: Path) -> None:
    class Plain(keras_tuner.Tuner):
        def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> float:
            return float(trial.hyperparameters.Int("n", 0, 9))

    tuner = Plain(oracle=EvolutionOracle(max_trials=5, seed=1), directory=tmp_path)
    tuner.search(verbose=0)
    assert len(tuner.oracle.trials) == 5


def test_a_project_of_keras_tuner_is_earlier_trials_and_its_best_is_run_first(tmp_path: Path) -> None:
    class Random(keras_tuner.RandomSearch):
        def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> float:
            return float((trial.hyperparameters.Float("x", -2.0, 2.0) - 1) ** 2)

    class Ours(EvolutionTuner):
        run_trial = Random.run_trial

    hyperparameters = keras_tuner.HyperParameters()
    hyperparameters.Float("x", -2.0, 2.0)
    random = Random(max_trials=6, seed=1, directory=tmp_path, project_name="random", hyperparameters=hyperparameters)
    random.search(verbose=0)
    assert len(read_project(tmp_path / "random")) == 6
    tuner = Ours(
        max_trials=3,
        seed=0,
        directory=tmp_path,
        project_name="ours",
        hyperparameters=hyperparameters.copy(),
        start_from=tmp_path / "random",
    )
    tuner.search(verbose=0)
    assert proposals(tuner)[0]["x"] == random.get_best_hyperparameters()[0]["x"]
    assert len(tuner.oracle.trials) == 3 and len(tuner.result.trials) == 8
    with pytest.raises(SettingsError, match="holds no KerasTuner project"):
        Ours(directory=tmp_path, project_name="other", start_from=tmp_path / "nowhere")


class Learning(EvolutionTuner):
    """A curve that rises with the epochs trained, the more the nearer ``x`` is to 1."""

    def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> dict[str, float]:
        hp = trial.hyperparameters
        miss = abs(hp.Float("x", -2.0, 2.0) - 1)
        return {"val_loss": miss + 1 / hp.values["tuner/epochs"]}


def rungs(tuner: Any) -> list[tuple[int, int]]:
    return [(v["tuner/initial_epoch"], v["tuner/epochs"]) for v in proposals(tuner)]


def test_the_last_quarter_trains_the_best_to_full_length_and_again(tmp_path: Path) -> None:
    tuner = Learning(objective="val_loss", max_epochs=9, hyperband_iterations=2.5, seed=1, directory=tmp_path)
    tuner.search(verbose=0)
    spent = [last - first for first, last in rungs(tuner)]
    assert 81 <= sum(spent) <= 90  # the announced 2.5 * 9 * log3(9) ** 2
    trials = tuner.result.trials
    finals = [t for t in trials if t.proposal.origin in ("final", "replicate")]
    assert sum(t.proposal.epochs for t in finals) >= 18 and trials[-1] in finals
    assert all(sum(t.proposal.epochs for t in trials[: f.number]) >= 0.75 * 90 for f in finals)
    assert all(f.proposal.last_epoch == 9 and f.proposal.continues is not None for f in finals[:-1])
    known = trials[: finals[0].number]
    best = min(known, key=lambda trial: trial.outcome.scores["score"])
    assert best.proposal.last_epoch == 9 or finals[0].genome == best.genome
    # Stored, so that another process sees the same history.
    reloaded = Learning(objective="val_loss", max_epochs=9, hyperband_iterations=2.5, seed=1, directory=tmp_path)
    assert [t.proposal for t in reloaded.result.trials] == [t.proposal for t in trials]
    assert [len(origin) for origin in reloaded.oracle._origins.values()] == [5] * len(trials)


def test_all_of_it_is_searched_with_if_so_wished(tmp_path: Path) -> None:
    tuner = Learning(objective="val_loss", max_epochs=9, max_trials=12, final_share=0, seed=1, directory=tmp_path)
    tuner.search(verbose=0)
    assert not {"final", "replicate"} & {t.proposal.origin for t in tuner.result.trials}
    with pytest.raises(SettingsError, match="final_share: would do nothing without max_epochs="):
        Learning(objective="val_loss", final_share=0.5, directory=tmp_path, project_name="q")
    with pytest.raises(SettingsError, match="final_share: expected a share"):
        Learning(objective="val_loss", max_epochs=9, final_share=1, directory=tmp_path, project_name="r")


def test_what_is_stored_is_plain_json(tmp_path: Path) -> None:
    tuner = Parabola(max_trials=3, seed=0, directory=tmp_path, project_name="p")
    tuner.search(verbose=0)
    state = json.loads((tmp_path / "p" / "oracle.json").read_text())
    assert state["seed"] == 0 and set(state["evo"]) == {"explored", "earlier", "origins"}
    assert not list((tmp_path / "p").rglob("*.partial"))


def test_the_users_policy_and_seeds_outlive_a_search(tmp_path: Path) -> None:
    """KerasTuner clears Keras' session before every build: models were float32, whatever the program had asked for."""
    import keras
    import numpy as np

    seen = []

    def build(hp: Any) -> Any:
        seen.append(keras.config.dtype_policy().name)
        layers = [keras.layers.Dense(hp.Int("units", 1, 3)), keras.layers.Dense(2, dtype="float32")]
        model = keras.Sequential([keras.Input((2,)), *layers])
        model.compile("sgd", "mse")
        return model

    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        tuner = EvolutionTuner(build, objective="val_loss", max_trials=2, directory=tmp_path)
        state, name = random.getstate(), keras.layers.Flatten().name
        x = np.ones((8, 2), np.float32)
        tuner.search(x, x, epochs=1, validation_data=(x, x), verbose=0)
        assert random.getstate() == state and keras.layers.Flatten().name != name
        tuner.get_best_models()
        assert set(seen) == {"mixed_bfloat16"} and keras.config.dtype_policy().name == "mixed_bfloat16"
    finally:
        keras.config.set_dtype_policy(before)
