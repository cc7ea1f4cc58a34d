"""What fails every trial ends a campaign, before its budget is spent and with nothing charged to candidates."""

from __future__ import annotations

import dataclasses
import math
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import evo
from evo.campaign.session_executor import refuse_threads
from evo.core.trial import Outcome, Status
from evo.errors import InfrastructureError, SettingsError
from evo.training import shipped
from evo.training.task import TrialReport, TrialTask
from evo.workers import LocalProcesses, Serial
from genomes import spaces
from genomes.targets import Target
from tests.evo.simulated_campaigns import campaign, files_of

RNG = np.random.default_rng(0)
DATA = evo.Data(RNG.normal(size=(40, 3)).astype(np.float32), RNG.integers(0, 2, 40), validation=0.25)
NUMBERS = evo.Data(RNG.normal(size=(40, 3)).astype(np.float32), RNG.normal(size=40), validation=0.25)


def of_table(directory: Path, data: evo.Data = DATA, **changes: Any) -> evo.Campaign:
    space = spaces.tabular(3, classes=2) if data is DATA else spaces.tabular(3, outputs=1)
    settings: dict[str, Any] = {"budget": evo.Budget(trials=4), "epochs": 1, "executor": Serial(), "final_share": 0.0}
    return evo.Campaign(space, data, directory, **(settings | changes))


# -- before there is a directory -----------------------------------------------------------
@pytest.mark.parametrize(
    ("data", "objective", "words"),
    [
        (
            DATA,
            "val_acuracy",
            "no trial gives 'val_acuracy'. Did you mean 'val_accuracy'? There are loss, accuracy, val_",
        ),
        (NUMBERS, "val_accuracy", "no trial gives 'val_accuracy'"),
        (NUMBERS, "-val_maee", "Did you mean '-val_mae'?"),
    ],
)
def test_an_objective_that_no_trial_gives_is_refused_at_once(data, objective, words, tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        of_table(tmp_path / "c", data, objectives=objective)
    assert words in str(caught.value) and not (tmp_path / "c").exists()


@pytest.mark.parametrize("task", ["binary", "multiclass", "multilabel", "regression"])
def test_the_names_that_are_known_without_keras_are_those_of_the_metrics(task: str) -> None:
    target = Target.infer(task=task) if task == "binary" else Target.from_json({"task": task, "outputs": 3})
    assert target.metric_names == tuple(metric.name for metric in target.metrics())


@pytest.mark.parametrize(("strategy", "words"), [("tpu", "no TPU resolves"), ("gpu", "sees no GPU")])
def test_a_device_that_is_not_there_is_refused_before_there_is_a_directory(strategy, words, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=words):
        of_table(tmp_path / "c", strategy=strategy).run()
    assert not (tmp_path / "c").exists()


def test_an_objective_of_a_hypermodel_is_compared_with_its_compiled_metrics(tmp_path: Path) -> None:
    def build(hp: Any) -> Any:
        import keras

        model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(hp.Int("units", 1, 2)), keras.layers.Dense(1)])
        model.compile("adam", "mse", metrics=["mae"])
        return model

    space = spaces.from_hypermodel(build, builds=1)
    settings: dict[str, Any] = {"budget": evo.Budget(trials=2), "epochs": 1, "executor": Serial()}
    with pytest.raises(SettingsError, match="no trial gives 'val_accuracy'.* There are loss, mae, "):
        evo.Campaign(space, NUMBERS, tmp_path / "c", **settings).run()
    assert not (tmp_path / "c").exists()
    result = evo.Campaign(space, NUMBERS, tmp_path / "c", objectives="-val_mae", **settings).run()
    assert result.best.scores["val_mae"] > 0


class Answers(Executor):
    """Answers the question before the first trial by what it is given; does everything else at once."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.asked = 0

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        self.asked += fn is shipped.abilities
        if isinstance(self.answer, BaseException):
            future.set_exception(self.answer)
        else:
            future.set_result(self.answer if fn is shipped.abilities else fn(*args, **kwargs))
        return future


@pytest.mark.parametrize(
    ("error", "asked"),
    [(ModuleNotFoundError("No module named 'mine'"), 1), (evo.workers.WorkerDiedError("killed by signal 4"), 3)],
)
def test_workers_that_cannot_import_or_live_end_the_campaign(error, asked: int, tmp_path: Path) -> None:
    executor = Answers(error)
    with pytest.raises(InfrastructureError, match=str(error)):
        of_table(tmp_path / "c", executor=executor).run()
    assert executor.asked == asked and not (tmp_path / "c").exists()


# -- the first outcomes --------------------------------------------------------------------
def test_every_candidate_failing_for_one_cause_ends_the_campaign_and_it_resumes_when_mended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained = shipped.train_with

    def broken(task: TrialTask, definitions: Any) -> TrialReport:
        units = len(str(task.genome))
        return TrialReport(task.number, Outcome(Status.FAILED, message=f"ValueError: shapes ({units}, 2) (loss.py:12)"))

    monkeypatch.setattr("evo.campaign.dispatch.train_with", broken)
    with pytest.raises(InfrastructureError, match="no trial can be done.*ValueError: shapes"):
        of_table(tmp_path / "c").run()
    assert all(trial.outcome is None for trial in evo.load_result(tmp_path / "c").trials)
    monkeypatch.setattr("evo.campaign.dispatch.train_with", trained)
    result = of_table(tmp_path / "c").run()
    assert len(result.trials) == 4 and all(trial.completed for trial in result.trials)


def test_a_candidate_of_its_own_cause_is_charged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[int] = []

    def first_fails(task: TrialTask, definitions: Any) -> TrialReport:
        done.append(task.number)
        if len(done) == 1:
            return TrialReport(task.number, Outcome(Status.FAILED, message="ValueError: mine alone"))
        return shipped.train_with(task, definitions)

    monkeypatch.setattr("evo.campaign.dispatch.train_with", first_fails)
    result = of_table(tmp_path / "c", budget=evo.Budget(trials=2)).run()
    assert [trial.outcome.status for trial in result.trials] == [Status.FAILED, Status.COMPLETED]


@pytest.mark.parametrize("objective", ["val_acuracy", lambda outcome: outcome.scores["val_acuracy"]])
def test_what_the_first_completed_outcome_lacks_is_told_and_not_recorded(objective: Any, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="objectives: .*val_accuracy"):
        campaign(tmp_path / "c", objectives=objective).run()


# -- executors -----------------------------------------------------------------------------
def test_threads_are_refused_by_name_with_the_way_out(tmp_path: Path) -> None:
    with ThreadPoolExecutor(2) as threads, pytest.raises(SettingsError) as caught:
        of_table(tmp_path / "c", executor=threads)
    assert all(name in str(caught.value) for name in ("ThreadPoolExecutor", "LocalProcesses", "Serial()"))
    # A function of the user's own may well run in threads.
    with ThreadPoolExecutor(2) as threads:
        assert campaign(tmp_path / "s", executor=threads, budget=evo.Budget(trials=3)).run().reason == "budget"


def test_threads_of_dask_workers_are_refused() -> None:
    @dataclasses.dataclass
    class Client:
        threads: int

        def nthreads(self) -> dict[str, int]:
            return {"tcp://one": 1, "tcp://two": self.threads}

    class ClientExecutor(Executor):
        def __init__(self, threads: int) -> None:
            self._client = Client(threads)

    ClientExecutor.__module__ = "distributed.cfexecutor"
    refuse_threads(ClientExecutor(1))
    with pytest.raises(SettingsError, match="threads_per_worker=1"):
        refuse_threads(ClientExecutor(2))


class Unimportable:
    """Cannot be made again in another process."""

    def __reduce__(self) -> tuple[Any, ...]:
        return __import__, ("a_module_that_is_nowhere",)


@pytest.mark.parametrize(
    ("argument", "words"),
    [(Unimportable(), "No module named 'a_module_that_is_nowhere'"), (lambda: 1, "cannot be sent to them")],
)
def test_local_workers_name_what_they_cannot_import_and_live_on(argument: Any, words: str) -> None:
    executor = LocalProcesses(1, preload=False)
    try:
        with pytest.raises(InfrastructureError, match=words):
            executor.submit(id, argument).result(60)
        assert executor.submit(len, (1, 2)).result(60) == 2
    finally:
        executor.shutdown(cancel_futures=True)


class Breaking(Serial):
    """Takes some calls, then none, as ``concurrent.futures``' process pool does after the death of a worker."""

    def __init__(self, calls: int) -> None:
        super().__init__()
        self.calls = calls

    def submit(self, call: Any, /, *args: Any, **keywords: Any) -> Future[Any]:
        self.calls -= 1
        if self.calls < 0:
            raise BrokenProcessPool("A child process terminated abruptly")
        return super().submit(call, *args, **keywords)


def test_a_broken_executor_ends_a_campaign_that_goes_on_with_another(tmp_path: Path) -> None:
    with pytest.raises(InfrastructureError, match=r"executor: Breaking takes no more calls \(BrokenProcessPool"):
        campaign(tmp_path / "c", executor=Breaking(5)).run()
    resumed = campaign(tmp_path / "c").run()
    assert files_of(tmp_path / "c") == files_of(campaign(tmp_path / "whole").run().directory)
    assert len(resumed.trials) > 5


def lost_for_words(task: TrialTask) -> TrialReport:
    return TrialReport(task.number, Outcome(Status.COMPLETED, {"val_accuracy": math.nan}, epochs=task.last_epoch))


def test_an_evaluation_that_gives_no_number_has_diverged(tmp_path: Path) -> None:
    result = campaign(tmp_path / "c", evaluate=lost_for_words, budget=evo.Budget(trials=4), final_share=0.0).run()
    assert {trial.outcome.message for trial in result.trials} == {"val_accuracy is nan"}
    assert {trial.outcome.status for trial in result.trials} == {Status.DIVERGED}
