"""Trials that are trained again for what they had left are tasks like any other."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import evo
from evo.core.history import History
from evo.errors import RepairWarning, StorageError
from evo.training.task import TrialReport, TrialTask
from evo.workers import SimulatedExecutor
from genomes import spaces
from tests.evo.simulated_campaigns import (
    StopAfter,
    campaign,
    evaluate,
    files_of,
    guess,
    history_of,
    never,
    space,
)

LONG = 1000.0


class Log(evo.Callback):
    """What was told, in order; outcomes with the virtual time."""

    def __init__(self, executor: SimulatedExecutor | None = None) -> None:
        self.executor = executor
        self.told: list[tuple[str, Any]] = []
        self.times: dict[int, float] = {}

    def on_submit(self, trial: evo.Trial, history: History) -> None:
        self.told.append(("submit", trial.number))

    def on_message(self, text: str) -> None:
        self.told.append(("message", text))

    def on_outcome(self, trial: evo.Trial, history: History) -> None:
        self.told.append(("outcome", trial.number))
        if self.executor is not None:
            self.times[trial.number] = self.executor.clock

    def place(self, kind: str, what: Any) -> int:
        return next(i for i, (k, w) in enumerate(self.told) if k == kind and (w == what or str(what) in str(w)))


def stopped(directory: Path, outcomes: int, **changes: Any) -> evo.Result:
    watch = StopAfter(outcomes)
    watch.campaign = campaign(directory, callbacks=[watch], **changes)
    return watch.campaign.run()


def lose(directory: Path, *numbers: int) -> list[int]:
    """Delete states; all of them if none are named."""
    lost = []
    for path in sorted((directory / "states").iterdir()):
        if not numbers or int(path.stem) in numbers:
            path.unlink()
            lost.append(int(path.stem))
    return lost


def slow_for(numbers: list[int]) -> Callable[[TrialTask], float]:
    return lambda task: LONG if task.number in numbers else 1.0


def chain(history: History, rng: np.random.Generator) -> evo.Proposal | None:
    """Every trial continues the one before it by an epoch."""
    number = len(history)
    if number and history[number - 1].pending:
        return None
    return evo.Proposal(space().default(), number, number + 1, number - 1 if number else None)


def fails(task: TrialTask) -> TrialReport:
    raise ValueError("not today")


# -- others run meanwhile --------------------------------------------------------------------
def test_other_trials_run_while_lost_states_are_trained_again(undisturbed: Any, tmp_path: Path) -> None:
    result, files = undisturbed
    stopped(tmp_path / "c", 14)
    lost = lose(tmp_path / "c")
    assert len(lost) > 3
    executor = SimulatedExecutor(3, slow_for(lost))
    log = Log(executor)
    with pytest.warns(RepairWarning, match="was lost; trained again"):
        resumed = campaign(tmp_path / "c", executor=executor, callbacks=[log]).run()
    assert history_of(resumed) == history_of(result)
    assert files_of(tmp_path / "c") == files
    assert sum(time < LONG for time in log.times.values()) >= 3


def test_a_trial_waits_for_its_starting_state_and_no_other_one_does(undisturbed: Any, tmp_path: Path) -> None:
    result, files = undisturbed
    promoted = next(t for t in result.trials if t.proposal.origin == "promotion")
    start = promoted.proposal.continues
    stopped(tmp_path / "c", promoted.number - 1)
    assert lose(tmp_path / "c", start) == [start]
    executor = SimulatedExecutor(2, slow_for([start]))
    log = Log(executor)
    with pytest.warns(RepairWarning, match="was lost; trained again"):
        resumed = campaign(tmp_path / "c", executor=executor, callbacks=[log]).run()
    assert history_of(resumed) == history_of(result)
    assert files_of(tmp_path / "c") == files
    restored = log.place("message", "was lost; trained again")
    assert log.place("submit", promoted.number) > log.place("message", f"trial {start}: what it left is needed again")
    assert log.times[promoted.number] >= LONG
    assert any(kind == "outcome" for kind, _ in log.told[:restored])


def test_lost_predictions_and_states_are_trained_again_once(undisturbed: Any, tmp_path: Path) -> None:
    result, files = undisturbed
    stopped(tmp_path / "c", 12)
    lost = lose(tmp_path / "c")
    for path in (tmp_path / "c" / "predictions").iterdir():
        path.unlink()
    log = Log()
    with pytest.warns(RepairWarning):
        resumed = campaign(tmp_path / "c", executor=SimulatedExecutor(3, lambda _: 1.0), callbacks=[log]).run()
    assert history_of(resumed) == history_of(result)
    found = files_of(tmp_path / "c")
    assert {name: found[name] for name in found if not name.startswith("damaged/")} == files
    for number in lost:
        said = [what for _, what in log.told if str(what).startswith(f"trial {number}: what it left")]
        assert len(said) == 1
    assert not any((tmp_path / "c" / "work").iterdir())


@pytest.mark.parametrize(("keep_weights", "lost"), [(1, [2]), (256, [0, 1, 2])])
def test_a_chain_of_states_is_trained_again_from_its_beginning(
    tmp_path: Path, keep_weights: int, lost: list[int]
) -> None:
    """With one kept, those before the last were dropped when it had gone on from them."""
    settings: dict[str, Any] = {
        "algorithm": chain,
        "budget": evo.Budget(trials=5),
        "final_share": 0.0,
        "concurrency": 1,
        "population": 1,
        "keep_weights": keep_weights,
    }
    whole = campaign(tmp_path / "whole", **settings).run()
    assert [t.epochs for t in whole.trials] == [1, 2, 3, 4, 5]
    stopped(tmp_path / "c", 3, **settings)
    assert lose(tmp_path / "c") == lost
    log = Log()
    executor = SimulatedExecutor(2, lambda _: 1.0)
    with pytest.warns(RepairWarning, match=r"states/000002\.txt was lost"):
        resumed = campaign(tmp_path / "c", executor=executor, callbacks=[log], **settings).run()
    assert history_of(resumed) == history_of(whole)
    assert files_of(tmp_path / "c") == files_of(tmp_path / "whole")
    again = [what for kind, what in log.told if kind == "message" and "needed again" in what]
    assert sorted(text.split(":")[0] for text in again) == ["trial 0", "trial 1", "trial 2"]
    assert again[0].startswith(f"trial {lost[0]}:")


def test_a_search_that_reads_predictions_waits_for_those_that_were_lost(tmp_path: Path) -> None:
    y = np.arange(60) % 3
    x = (np.random.default_rng(0).normal(size=(60, 2)) + y[:, None]).astype("float32")
    data = evo.Data(x, y, validation=0.2, seed=0)
    box = spaces.tabular(columns=2, classes=3)
    settings: dict[str, Any] = {
        "budget": evo.Budget(trials=24),
        "epochs": 9,
        "evaluate": guess,
        "concurrency": 4,
        "ensemble_share": 1.0,
        "algorithm": evo.algorithms.GeneticAlgorithm(size=6),
    }
    whole = evo.Campaign(box, data, tmp_path / "whole", executor=evo.workers.Serial(), **settings).run()
    watch = StopAfter(15)
    watch.campaign = evo.Campaign(
        box, data, tmp_path / "c", executor=evo.workers.Serial(), callbacks=[watch], **settings
    )
    watch.campaign.run()
    for path in (tmp_path / "c" / "predictions").iterdir():
        path.unlink()
    executor = SimulatedExecutor(3, lambda task: 1.0 + task.number % 5)
    with pytest.warns(RepairWarning, match="computed again"):
        resumed = evo.Campaign(box, data, tmp_path / "c", executor=executor, **settings).run()
    assert history_of(resumed) == history_of(whole)


def test_what_was_lost_is_restored_when_the_minutes_are_spent_too(tmp_path: Path) -> None:
    whole = campaign(tmp_path / "c").run()
    files = files_of(tmp_path / "c")
    lose(tmp_path / "c")
    (tmp_path / "c" / "predictions" / "000000.h5").unlink()
    executor = SimulatedExecutor(2, lambda _: 1.0)
    spent = evo.Budget(epochs=10_000, minutes=1e-6)
    with pytest.warns(RepairWarning):
        resumed = campaign(tmp_path / "c", budget=spent, executor=executor).run()
    assert resumed.reason == "budget"
    assert history_of(resumed) == history_of(whole)
    assert files_of(tmp_path / "c") == files


def within_limits(task: TrialTask) -> TrialReport:
    """As a worker does where only the build tells how large a model is: too large, if there is a limit."""
    if task.settings.parameters is not None or task.settings.flops is not None:
        return TrialReport(task.number, evo.Outcome(evo.Status.REJECTED, message="parameters: too many"))
    return evaluate(task)


def test_what_was_trained_once_is_trained_again_whatever_the_limits(tmp_path: Path) -> None:
    """Campaigns of hypermodels that were begun before limits held for them."""
    campaign(tmp_path / "c", parameters=50, flops=50).run()
    files = files_of(tmp_path / "c")
    lose(tmp_path / "c")
    with pytest.warns(RepairWarning):
        campaign(tmp_path / "c", parameters=50, flops=50, evaluate=within_limits).run()
    assert files_of(tmp_path / "c") == files


def test_nothing_is_begun_when_the_minutes_are_spent(tmp_path: Path) -> None:
    running = campaign(tmp_path / "c", executor=None, workers=1, evaluate=never, budget=evo.Budget(minutes=0.02)).run()
    assert running.reason == "budget" and any(trial.pending for trial in running.trials)
    submitted = Log()
    campaign(tmp_path / "c", evaluate=fails, budget=evo.Budget(minutes=0.02), callbacks=[submitted]).run()
    assert submitted.told == []


# -- stopping and failing --------------------------------------------------------------------
def test_a_stop_does_not_wait_for_what_is_trained_again(tmp_path: Path) -> None:
    stopped(tmp_path / "c", 14)
    lost = lose(tmp_path / "c")
    log = Log()
    running = campaign(tmp_path / "c", executor=None, workers=1, evaluate=never, callbacks=[log])
    asked: list[float] = []

    def stop() -> None:
        deadline = time.monotonic() + 60
        while not any("needed again" in str(what) for _, what in log.told) and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(0.5)
        asked.append(time.monotonic())
        running.stop()

    threading.Thread(target=stop, daemon=True).start()
    assert running.run().reason == "stopped"
    assert time.monotonic() - asked[0] < 5
    with pytest.warns(RepairWarning, match=f"states/{lost[0]:06d}"):
        assert campaign(tmp_path / "c").run().reason == "budget"


def test_what_cannot_be_trained_again_ends_the_session(tmp_path: Path) -> None:
    stopped(tmp_path / "c", 14)
    lost = lose(tmp_path / "c")
    with pytest.raises(StorageError, match=f"trial {lost[0]} cannot be trained again: ValueError: not today"):
        campaign(tmp_path / "c", evaluate=fails).run()


def test_a_worker_that_dies_under_a_repair_is_no_reason_to_give_up(undisturbed: Any, tmp_path: Path) -> None:
    result, _ = undisturbed
    stopped(tmp_path / "c", 14)
    lost = lose(tmp_path / "c")
    deaths = [lost[0], lost[0]]

    def dies(task: TrialTask) -> bool:
        if task.number in deaths:
            deaths.remove(task.number)
            return True
        return False

    executor = SimulatedExecutor(2, lambda _: 1.0, dies)
    with pytest.warns(RepairWarning):
        assert history_of(campaign(tmp_path / "c", executor=executor).run()) == history_of(result)
    assert not deaths


def test_what_the_last_checkpoint_dropped_is_not_put_back(tmp_path: Path) -> None:
    """A repair that ends after all trials: what was kept when it began is not wanted any more."""
    whole = campaign(tmp_path / "whole", keep_weights=6).run()
    files = files_of(tmp_path / "whole")
    stopped(tmp_path / "c", 14, keep_weights=6)
    lost = lose(tmp_path / "c")
    needed = {t.proposal.continues for t in whole.trials if t.number >= 14}
    free = [number for number in lost if number not in needed and f"states/{number:06d}.txt" not in files]
    assert free
    executor = SimulatedExecutor(40, slow_for(free))
    log = Log(executor)
    with pytest.warns(RepairWarning):
        campaign(tmp_path / "c", executor=executor, callbacks=[log], keep_weights=6).run()
    assert files_of(tmp_path / "c") == files
    assert executor.clock >= LONG > max(log.times.values())
    assert not any((tmp_path / "c" / "work").iterdir())


def test_weights_that_were_dropped_on_purpose_are_no_repair(tmp_path: Path, recwarn: pytest.WarningsRecorder) -> None:
    log = Log()
    campaign(
        tmp_path / "c",
        keep_weights=1,
        population=2,
        algorithm=evo.algorithms.Hyperband(),
        budget=evo.Budget(epochs=200),
        callbacks=[log],
        evaluate=evaluate,
    ).run()
    assert any("needed again" in str(what) for _, what in log.told)
    assert not [warning for warning in recwarn if issubclass(warning.category, RepairWarning)]
