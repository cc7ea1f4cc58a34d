"""The page for KerasTuner's users: its snippets, one after another as a reader would run them, on few rows."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("keras_tuner")

import evo

PAGE = Path(evo.__file__).parents[1] / "docs" / "from-keras-tuner.md"
#: What a reader's machine has time for, and a test has not.
SMALLER = {
    "max_trials=20": "max_trials=2",
    "epochs=5": "epochs=1",
    "max_epochs=9": "max_epochs=2",
    "Budget(epochs=100)": "Budget(trials=1)",
}


class Campaign(evo.Campaign):
    """Trains in this process: workers would take longer to start than everything else here."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, executor=evo.workers.Serial(), **kwargs)


def test_every_snippet_of_the_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(evo, "Campaign", Campaign)
    rng = np.random.default_rng(0)
    y = np.arange(48) % 3
    x = (rng.normal(size=(48, 4)) + y[:, None]).astype("float32")
    names: dict[str, Any] = {"__name__": "__main__", "x_train": x[:24], "y_train": y[:24]}
    names |= {"x_val": x[24:36], "y_val": y[24:36], "x_test": x[36:], "y_test": y[36:]}
    snippets = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(snippets) == 10
    for snippet in snippets:
        for words, fewer in SMALLER.items():
            snippet = snippet.replace(words, fewer)
        exec(compile(snippet, str(PAGE), "exec"), names)

        if "results_summary" in snippet:
            # What evaluate gives is what was reported, and the winner is what was built.
            best = names["tuner"].oracle.get_best_trials(1)[0]
            accuracy = names["model"].evaluate(x[24:36], y[24:36], verbose=0, return_dict=True)["accuracy"]
            assert accuracy == pytest.approx(best.score, abs=1e-6)
            assert names["best"].values == best.hyperparameters.values
            dense = names["model"].layers
            assert len(dense) - 1 == names["best"]["layers"] and dense[0].units == names["best"]["units_0"]
        if "max_epochs" in snippet:
            lengths = [t.hyperparameters.values["tuner/epochs"] for t in names["tuner"].oracle.trials.values()]
            assert lengths and set(lengths) <= {1, 2}
        if "start_from" in snippet:
            assert names["tuner"].result.trials[1].proposal.origin == "initial"
    assert (tmp_path / "ensemble.keras").is_file()
    assert set(names["space"].values(names["result"].best.genome)) >= {"layers", "units_0", "learning_rate"}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"alpha": 1e-4}, "alpha: belongs to KerasTuner's Gaussian process"),
        ({"beta": 2.6}, "beta: .*ScreenedEvolution"),
        ({"factor": 3}, "factor: would do nothing without max_epochs"),
        ({"hyperband_iterations": 1}, "hyperband_iterations: would do nothing without max_epochs"),
        ({"max_epochs": 9, "max_trials": 5, "hyperband_iterations": 2}, "beside max_trials"),
        ({"max_epochs": 9, "max_trials": 5, "factor": 2, "algorithm": evo.algorithms.RandomSearch()}, "eta"),
        ({"num_initial_points": 0}, "num_initial_points: expected a whole number"),
        ({"num_initial_points": 4, "algorithm": evo.algorithms.RandomSearch()}, "design"),
        ({"nonsense": 1}, "nonsense"),
    ],
)
def test_what_would_do_nothing_is_refused(tmp_path: Path, settings: dict[str, Any], message: str) -> None:
    from evo.integrations.keras_tuner import EvolutionTuner

    class Nothing(EvolutionTuner):
        def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> float:
            return 0.0

    with pytest.raises((evo.errors.SettingsError, ValueError), match=message):
        Nothing(directory=tmp_path, **settings)


def test_what_is_taken_acts(tmp_path: Path) -> None:
    from evo.integrations.keras_tuner import EvolutionTuner

    class Line(EvolutionTuner):
        def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> float:
            return float(trial.hyperparameters.Float("x", 0, 1))

    tuner = Line(max_trials=4, num_initial_points=2, seed=1, directory=tmp_path, project_name="points")
    tuner.search(verbose=0)
    origins = [trial.proposal.origin for trial in tuner.result.trials]
    assert len({*origins[:2]} & {"mutation", "crossover"}) == 0 and {*origins[2:]} & {"mutation", "crossover"}

    tuner = Line(max_epochs=16, factor=4, seed=1, directory=tmp_path, project_name="rungs")
    with pytest.warns(UserWarning, match=r"search\(epochs=50\) is not used: max_epochs=16"):
        tuner.search(epochs=50, verbose=0)
    lengths = [trial.hyperparameters.values["tuner/epochs"] for trial in tuner.oracle.trials.values()]
    assert {*lengths[:-1]} <= {1, 4, 16}  # the last one takes what is left of the epochs

    with pytest.raises(evo.errors.SettingsError, match="start_from: this project has trials already"):
        Line(max_trials=6, directory=tmp_path, project_name="points", start_from=tmp_path / "rungs")


def test_a_directory_of_keras_tuner_is_continued_under_its_own_name(tmp_path: Path) -> None:
    import keras_tuner

    from evo.integrations.keras_tuner import EvolutionTuner

    class Random(keras_tuner.RandomSearch):
        def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> float:
            return float(trial.hyperparameters.Float("x", 0, 1))

    class Ours(EvolutionTuner):
        run_trial = Random.run_trial

    Random(max_trials=3, seed=1, directory=tmp_path, project_name="p").search(verbose=0)
    tuner = Ours(max_trials=5, directory=tmp_path, project_name="p")
    tuner.search(verbose=0)
    assert [trial.status for trial in tuner.oracle.trials.values()] == ["COMPLETED"] * 5
