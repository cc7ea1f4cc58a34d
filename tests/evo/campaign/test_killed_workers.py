"""A worker that is killed from outside says nothing of its candidate: the history is what it would have been."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

import evo
from evo.core.trial import Status
from evo.training.task import TrialReport, TrialTask
from evo.workers import LocalProcesses, MemoryLimitError, WorkerDiedError, WorkerKilledError, deaths, settle
from tests.evo.simulated_campaigns import campaign, evaluate, files_of, history_of
from tests.evo.workers import worker_calls

KILLER = "EVO_TEST_KILLER"


def killed(task: TrialTask) -> TrialReport:
    """As if another process sent a signal: while the file with a number is there, to this trial, counting down."""
    file = Path(os.environ[KILLER])
    if task.number == 5 and file.exists() and (left := int(file.read_text())):
        file.write_text(str(left - 1))
        os.kill(os.getpid(), signal.SIGKILL)
    return evaluate(task)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[evo.Result, dict[str, bytes]]:
    folder = tmp_path_factory.mktemp("undisturbed") / "c"
    return campaign(folder, budget=evo.Budget(trials=20)).run(), files_of(folder)


def run(folder: Path, times: int, monkeypatch: pytest.MonkeyPatch, **changes: Any) -> tuple[evo.Result, list[str]]:
    messages: list[str] = []

    class Listener(evo.Callback):
        def on_message(self, text: str) -> None:
            messages.append(text)

    killer = folder.parent / "killer"
    killer.write_text(str(times))
    monkeypatch.setenv(KILLER, str(killer))
    monkeypatch.setattr("evo.campaign.dispatch.DELAYS", (0.05, 0.1, 0.2))
    with LocalProcesses(2, preload=False, environment={KILLER: str(killer)}) as executor:
        settings: dict[str, Any] = {"budget": evo.Budget(trials=20), "evaluate": killed, "executor": executor}
        return campaign(folder, callbacks=[Listener()], **(settings | changes)).run(), messages


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_kills_from_outside_change_nothing(undisturbed: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result, messages = run(tmp_path / "c", 3, monkeypatch)
    assert history_of(result) == history_of(undisturbed[0]) and files_of(tmp_path / "c") == undisturbed[1]
    assert sum("trial 5: killed: " in text and "SIGKILL" in text for text in messages) == 3, messages


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_what_is_killed_again_and_again_is_undecided_until_a_resume(
    undisturbed: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    began = time.monotonic()
    result, messages = run(tmp_path / "c", 10**6, monkeypatch)
    assert time.monotonic() - began < 30
    assert result.reason == "undecided" and any("trial 5 is undecided" in text for text in messages)
    assert result.trials[5].outcome is None
    stored = evo.load_result(tmp_path / "c")
    assert stored.reason == "undecided" and stored.trials[5].outcome is None
    result, _ = run(tmp_path / "c", 0, monkeypatch)
    assert result.reason == "budget"
    assert history_of(result) == history_of(undisturbed[0]) and files_of(tmp_path / "c") == undisturbed[1]


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_a_free_running_campaign_goes_on_beside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result, _ = run(tmp_path / "c", 10**6, monkeypatch, deterministic=False)
    assert result.reason == "undecided"
    # The whole search is done beside it; the choice of the survivors needs every outcome.
    assert [trial.number for trial in result.trials if trial.outcome is None] == [5] and len(result.trials) == 15


# -- whose doing a death was ---------------------------------------------------------------
GIB = 2**30


@pytest.mark.skipif(os.name == "nt", reason="signals")
@pytest.mark.parametrize(
    ("code", "seen", "limit", "killings", "kind"),
    [
        (-signal.SIGSEGV, GIB, 4 * GIB, 1, WorkerDiedError),
        (-signal.SIGABRT, GIB, 4 * GIB, 0, WorkerDiedError),
        (7, GIB, 4 * GIB, 0, WorkerDiedError),
        (None, GIB, 4 * GIB, 0, WorkerDiedError),
        (-signal.SIGKILL, 3 * GIB, 4 * GIB, 1, MemoryLimitError),
        (-signal.SIGKILL, GIB, 4 * GIB, 1, WorkerKilledError),
        (-signal.SIGKILL, 3 * GIB, 4 * GIB, 0, WorkerKilledError),
        (-signal.SIGKILL, 3 * GIB, None, 1, WorkerKilledError),
        (-signal.SIGTERM, GIB, 4 * GIB, 0, WorkerKilledError),
    ],
)
def test_deaths_are_told_apart(
    code: Any, seen: int, limit: Any, killings: int, kind: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deaths, "memory_killings", lambda: 10 + killings)
    assert type(deaths.death(code, seen, limit, 10)) is kind


def test_killings_for_memory_are_counted_where_the_kernel_counts_them(tmp_path: Path) -> None:
    file = tmp_path / "memory.events"
    file.write_text("low 0\nhigh 0\nmax 12\noom 3\noom_kill 2\noom_group_kill 0\n")
    assert deaths._entry(file) == 2 and deaths.memory_killings() >= 0
    file.write_text("oom_kill_disable 0\nunder_oom 0\noom_kill 7\n")
    assert deaths._entry(file) == 7


def test_a_machine_that_is_gone_is_nobodys_outcome() -> None:
    from concurrent.futures import Future

    from tests.evo.workers.test_settle import TASK

    class NodeDiedError(Exception):
        pass

    future: Future[Any] = Future()
    future.set_exception(NodeDiedError("node 7"))
    outcome = settle(future, TASK).outcome
    assert outcome.status is Status.FAILED and outcome.message.startswith("killed: ")


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_a_death_that_is_seen_before_its_call_is_heard_of_is_told_right(monkeypatch: pytest.MonkeyPatch) -> None:
    from pebble.pool.process import PoolManager

    hear = PoolManager.process_next_message

    def late(manager: PoolManager, timeout: float) -> None:
        hear(manager, timeout)
        time.sleep(1.0)  # as on a machine that has much to do

    monkeypatch.setattr(PoolManager, "process_next_message", late)
    with LocalProcesses(1, preload=False) as pool:
        assert pool.submit(worker_calls.add, 1, 2).result(60) == 3
        for number, kind in ((signal.SIGKILL, WorkerKilledError), (signal.SIGSEGV, WorkerDiedError)):
            found = pool.submit(worker_calls.fall, number).exception(60)
            assert type(found) is kind and signal.Signals(number).name in str(found)


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_a_crash_is_the_candidates_and_a_kill_is_not() -> None:
    with LocalProcesses(1, preload=False) as pool:
        for number, kind in ((signal.SIGSEGV, WorkerDiedError), (signal.SIGKILL, WorkerKilledError)):
            assert type(pool.submit(worker_calls.fall, number).exception(60)) is kind
