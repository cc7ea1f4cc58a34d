"""Campaigns end to end, with simulated evaluations; real training is in test_main_job.py."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import evo
from evo.cli import main
from evo.core.events import Callback
from evo.core.trial import Status
from evo.errors import CampaignMismatchError, DirectoryLockedError, RepairWarning, SettingsError, StorageError
from evo.storage import CampaignDirectory
from evo.training.task import TrialReport, TrialTask
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


def test_a_campaign_spends_its_budget_and_keeps_every_outcome(undisturbed: Any) -> None:
    result, files = undisturbed
    assert result.reason == "budget"
    spent = result.history.epochs_spent
    assert 115 <= spent <= 120
    assert {t.outcome.status for t in result.trials} >= {Status.COMPLETED}
    assert result.best.scores["val_accuracy"] == max(
        t.outcome.scores["val_accuracy"] for t in result.trials if t.completed
    )
    assert any(t.proposal.final for t in result.trials)
    assert any(t.proposal.origin == "promotion" for t in result.trials)
    assert [i.number for i in result.population] == sorted(
        [i.number for i in result.population], key=lambda n: (-result.history[n].epochs, -result.history.fitness(n)[0])
    )
    assert sum(name.startswith("populations/") for name in files) == -(-len(result.trials) // 6)


def test_no_phenotype_is_trained_twice(undisturbed: Any) -> None:
    result, _ = undisturbed
    begun = [t.genome.key for t in result.trials if t.proposal.continues is None and t.proposal.replicate == 0]
    assert len(begun) == len(set(begun))


@pytest.mark.parametrize("stops", [[1], [3, 4, 5], [7, 1, 1, 9, 2]])
def test_stopped_and_resumed_equals_undisturbed(undisturbed: Any, tmp_path: Path, stops: list[int]) -> None:
    result, files = undisturbed
    for outcomes in stops:
        watch = StopAfter(outcomes)
        watch.campaign = campaign(tmp_path / "c", callbacks=[watch])
        assert watch.campaign.run().reason == "stopped"
    resumed = campaign(tmp_path / "c").run()
    assert history_of(resumed) == history_of(result)
    assert files_of(tmp_path / "c") == files


def test_any_number_of_workers_gives_the_same_bytes(
    undisturbed: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result, files = undisturbed
    monkeypatch.setenv("EVO_TEST_PAUSE", "0.002")
    for workers in (1, 3):
        directory = tmp_path / str(workers)
        with evo.workers.LocalProcesses(workers) as executor:
            found = campaign(directory, executor=executor).run()
        assert history_of(found) == history_of(result)
        assert files_of(directory) == files


def test_run_equals_ask_and_tell(tmp_path: Path) -> None:
    settings = evo.algorithms.ScreenedEvolution()
    result = campaign(tmp_path / "c", algorithm=settings, final_share=0.0, budget=evo.Budget(trials=25)).run()
    asked = evo.algorithms.AskTell(
        settings, space(), evo.core.objectives.Objectives("val_accuracy"), seed=5, concurrency=4, epochs=9
    )
    for trial in result.trials:
        proposed = asked.ask()
        assert (proposed.number, proposed.proposal) == (trial.number, trial.proposal)
        # Ordered look-ahead: a proposal may not depend on what it must not see.
        assert trial.outcome is not None
        asked.tell(proposed.number, trial.outcome)


def test_finished_campaigns_do_nothing_and_larger_budgets_go_on(tmp_path: Path) -> None:
    def refuse(task: TrialTask) -> TrialReport:
        raise AssertionError("trained again")

    first = campaign(tmp_path / "c").run()
    again = campaign(tmp_path / "c", evaluate=refuse).run()
    assert history_of(again) == history_of(first)
    larger = evo.resume(
        tmp_path / "c", None, evo.Budget(epochs=200), evaluate=evaluate, executor=evo.workers.Serial()
    ).run()
    assert history_of(larger)[: len(first.trials)] == history_of(first)
    assert 190 <= larger.history.epochs_spent <= 200


def test_free_running_campaigns_number_what_arrives_and_resume(tmp_path: Path) -> None:
    watch = StopAfter(9)
    watch.campaign = campaign(tmp_path / "c", deterministic=False, callbacks=[watch])
    stopped = watch.campaign.run()
    result = campaign(tmp_path / "c", deterministic=False).run()
    known = [t.number for t in stopped.trials if t.outcome is not None]
    assert [history_of(result)[n] for n in known] == [history_of(stopped)[n] for n in known]
    with CampaignDirectory.open(tmp_path / "c", read_only=True) as stored:
        assert sorted(stored.arrivals) == [t.number for t in result.trials]


def test_a_lost_state_is_made_again(undisturbed: Any, tmp_path: Path) -> None:
    result, _ = undisturbed
    watch = StopAfter(12)
    watch.campaign = campaign(tmp_path / "c", callbacks=[watch])
    watch.campaign.run()
    for path in (tmp_path / "c" / "states").iterdir():
        path.unlink()
    assert history_of(campaign(tmp_path / "c").run()) == history_of(result)


# -- failures ---------------------------------------------------------------------------
def test_failures_become_outcomes_with_their_cause(tmp_path: Path) -> None:
    result = campaign(tmp_path / "c", algorithm=evo.algorithms.RandomSearch(), budget=evo.Budget(trials=60)).run()
    frame = result.to_dataframe()
    assert len(frame) == len(result.trials)
    messages = {t.outcome.message for t in result.trials if t.outcome.status is Status.FAILED}
    assert messages == {"ValueError: x is too large"}
    assert all(t.outcome.completed for t in result.trials if t.number in {i.number for i in result.population})


def test_a_callback_that_raises_is_dropped(tmp_path: Path) -> None:
    class Broken(Callback):
        def on_outcome(self, trial: Any, history: Any) -> None:
            raise RuntimeError("mine")

    class Listener(Callback):
        def __init__(self) -> None:
            self.heard: list[str] = []

        def on_message(self, text: str) -> None:
            self.heard.append(text)

    listener = Listener()
    result = campaign(tmp_path / "c", callbacks=[Broken(), listener], budget=evo.Budget(trials=8)).run()
    assert result.reason == "budget"
    assert sum("Broken" in text for text in listener.heard) == 1


def test_duplicates_and_nonsense_of_ones_own_algorithm_are_refused(tmp_path: Path) -> None:
    genome = space().default()

    def always(history: Any, rng: Any) -> evo.Proposal:
        return evo.Proposal(genome, last_epoch=2, final=True)

    result = campaign(tmp_path / "c", algorithm=always, budget=evo.Budget(trials=5), final_share=0.0).run()
    statuses = [t.outcome.status for t in result.trials]
    assert statuses == [Status.COMPLETED] + [Status.REJECTED] * 4
    assert "same phenotype as trial 0" in result.trials[1].outcome.message


def test_a_finite_space_that_is_used_up_ends_the_campaign(tmp_path: Path) -> None:
    from genomes import Choice, spaces

    small = spaces.vector({"x": Choice([0.1, 0.2, 0.3]), "y": Choice([0.5, 0.6])})
    result = evo.Campaign(
        small,
        None,
        tmp_path / "c",
        budget=evo.Budget(epochs=10_000),
        epochs=3,
        evaluate=evaluate,
        executor=evo.workers.Serial(),
        concurrency=2,
    ).run()
    assert result.reason == "exhausted"
    assert len({t.genome.key for t in result.trials}) == 6


# -- bad input ----------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"seed": -1}, "seed: expected"),
        ({"workers": 0}, "workers: expected"),
        ({"concurrency": 0}, "concurrency: expected"),
        ({"epochs": 0}, "epochs: expected"),
        ({"population": 0}, "population: expected"),
        ({"final_share": 1.0}, "final_share: expected"),
        ({"precision": "float8"}, "precision: expected one of"),
        ({"strategy": "abacus"}, "strategy: expected one of"),
        ({"objectives": "val_loss"}, "write '-val_loss'"),
        ({"algorithm": 3}, "algorithm: expected"),
        ({"budget": 300}, "budget: expected"),
        ({"seconds": 0}, "seconds: expected"),
        ({"evaluate": None}, "data: expected"),
        ({"start_from": [3]}, r"start_from\[0\]"),
        ({"start_from": "no-such-directory"}, "start_from: directory"),
    ],
)
def test_wrong_settings_name_the_argument_and_touch_nothing(tmp_path: Path, changes: dict, words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        campaign(tmp_path / "c", **changes)
    assert not (tmp_path / "c").exists()


@pytest.mark.parametrize(
    ("changes", "words"),
    [({"seed": 6}, "seed"), ({"epochs": 27}, "epochs"), ({"objectives": "-val_loss"}, "objectives")],
)
def test_another_campaign_in_the_directory_is_refused(tmp_path: Path, changes: dict, words: str) -> None:
    campaign(tmp_path / "c", budget=evo.Budget(trials=3)).run()
    before = {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
    with pytest.raises(CampaignMismatchError, match=words):
        campaign(tmp_path / "c", **changes)
    assert before == {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}


def test_other_folders_and_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(SettingsError, match=r"holds something else \(notes.txt\)"):
        campaign(tmp_path)
    with pytest.raises(SettingsError, match="is a file"):
        campaign(tmp_path / "notes.txt")
    with pytest.raises(SettingsError, match="holds no campaign"):
        evo.resume(tmp_path, None)
    with pytest.raises(SettingsError, match="cannot be changed"):
        campaign(tmp_path / "c", budget=evo.Budget(trials=2)).run()
        evo.resume(tmp_path / "c", None, seed=3)


def test_what_a_full_disk_left_of_a_beginning_is_taken_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, *_: Any, **__: Any) -> None:
        raise StorageError(f"cannot write {path}: the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr("evo.storage.atomic.write_file", full)
        with pytest.raises(StorageError, match="the disk is full"):
            campaign(tmp_path / "c", budget=evo.Budget(trials=3)).run()
    assert any((tmp_path / "c").iterdir())
    assert len(campaign(tmp_path / "c", budget=evo.Budget(trials=3)).run().trials) == 3


def test_a_repair_is_never_silent(tmp_path: Path) -> None:
    campaign(tmp_path / "c", budget=evo.Budget(trials=3)).run()
    (tmp_path / "c" / "campaign.json").write_bytes(b"")
    with pytest.warns(RepairWarning, match=r"campaign\.json was damaged .*restored from campaign\.copy\.json"):
        campaign(tmp_path / "c", budget=evo.Budget(trials=5)).run()


@pytest.mark.parametrize("damage", [lambda file: file.unlink(), lambda file: file.write_bytes(b"")])
def test_weights_that_are_lost_are_trained_again(undisturbed: Any, tmp_path: Path, damage: Any) -> None:
    _, files = undisturbed
    watch = StopAfter(20)
    watch.campaign = campaign(tmp_path / "c", callbacks=[watch])
    watch.campaign.run()
    lost = sorted((tmp_path / "c" / "states").iterdir())[0]
    damage(lost)
    with pytest.warns(RepairWarning, match=f"states/{lost.name}"):
        campaign(tmp_path / "c").run()
    found = files_of(tmp_path / "c")
    assert {name: found[name] for name in found if not name.startswith("damaged/")} == files


def test_constraints_are_part_of_what_a_campaign_is(tmp_path: Path) -> None:
    """Best, population and report keep them, and a resume finds them where they were stored."""
    wanted = ["val_accuracy", "val_accuracy <= 0.7"]
    result = campaign(tmp_path / "c", objectives=wanted).run()
    kept = [t for t in result.trials if t.completed and t.outcome.scores["val_accuracy"] <= 0.7]
    assert 0 < len(kept) < len(result.history.completed())
    assert result.best.scores["val_accuracy"] == max(t.outcome.scores["val_accuracy"] for t in kept)
    resumed = evo.resume(tmp_path / "c", None, evaluate=evaluate, executor=evo.workers.Serial())
    assert resumed.settings.objectives.written == tuple(wanted)
    found = evo.load_result(tmp_path / "c")
    assert found.best.number == result.best.number
    assert main(["report", str(tmp_path / "c"), "--output", str(tmp_path / "report.html")]) == 0
    text = (tmp_path / "report.html").read_text()
    assert f"{len(kept)} of {len(result.history.completed())} completed trials keep val_accuracy &lt;= 0.7" in text
    with pytest.raises(CampaignMismatchError, match="objectives"):
        campaign(tmp_path / "c", objectives=["val_accuracy", "val_accuracy <= 0.8"])


def test_parents_by_what_they_add_to_an_ensemble(tmp_path: Path) -> None:
    """NES-RE as a setting: another search than without, resumed like any other."""
    rng = np.random.default_rng(0)
    y = np.arange(60) % 3
    x = (rng.normal(size=(60, 2)) + y[:, None]).astype("float32")
    data = evo.Data(x, y, validation=0.2, seed=0)
    settings: dict[str, Any] = {
        "budget": evo.Budget(trials=30),
        "epochs": 9,
        "evaluate": guess,
        "executor": evo.workers.Serial(),
        "algorithm": evo.algorithms.GeneticAlgorithm(size=6),
    }
    box = spaces.tabular(columns=2, classes=3)
    plain = evo.Campaign(box, data, tmp_path / "plain", **settings).run()
    diverse = evo.Campaign(box, data, tmp_path / "diverse", ensemble_share=1.0, **settings).run()
    assert history_of(plain) != history_of(diverse)
    watch = StopAfter(17)
    watch.campaign = evo.Campaign(box, data, tmp_path / "c", ensemble_share=1.0, **settings | {"callbacks": [watch]})
    assert watch.campaign.run().reason == "stopped"
    resumed = evo.resume(tmp_path / "c", data, settings["budget"], evaluate=guess, executor=settings["executor"])
    assert history_of(resumed.run()) == history_of(diverse)
    with pytest.raises(CampaignMismatchError, match="ensemble_share"):
        evo.Campaign(box, data, tmp_path / "c", **settings)
    with pytest.raises(SettingsError, match="ensemble_share: needs data"):
        campaign(tmp_path / "d", ensemble_share=0.5)


def test_two_processes_cannot_share_a_directory(tmp_path: Path) -> None:
    campaign(tmp_path / "c", budget=evo.Budget(trials=3)).run()
    with CampaignDirectory.open(tmp_path / "c"), pytest.raises(DirectoryLockedError, match="already open"):
        campaign(tmp_path / "c").run()


# -- stopping ------------------------------------------------------------------------------
@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_interrupts_stop_within_seconds_and_leave_what_was_running(tmp_path: Path) -> None:
    running = evo.Campaign(space(), None, tmp_path / "c", budget=evo.Budget(trials=4), evaluate=never, workers=1)

    def interrupt() -> None:
        deadline = time.monotonic() + 30
        while not running.history.pending() and time.monotonic() < deadline:
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGINT)

    # A shell starts background jobs with SIGINT ignored, which a campaign respects.
    given = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        threading.Thread(target=interrupt, daemon=True).start()
        result = running.run()
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, given)
    assert result.reason == "stopped"
    assert result.history.pending()
    with CampaignDirectory.open(tmp_path / "c", read_only=True) as stored:
        assert stored.pending == [t.number for t in result.history.pending()]


def fail(task: TrialTask) -> TrialReport:
    """Every candidate fails."""
    raise ValueError("never")


def test_a_space_in_which_everything_fails_ends(tmp_path: Path) -> None:
    result = campaign(tmp_path / "c", evaluate=fail, budget=evo.Budget(epochs=20)).run()
    assert result.reason == "budget"
    assert 10 <= len(result.trials) <= 20
    with pytest.raises(evo.EvoError, match="no trial completed"):
        _ = result.best


def test_another_space_or_other_data_in_the_directory_is_refused(tmp_path: Path) -> None:
    import numpy as np

    from genomes import Float, spaces

    campaign(tmp_path / "c", budget=evo.Budget(trials=3)).run()
    before = {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
    wider = spaces.vector({"x": Float(0.0, 2.0), "y": Float(0.0, 1.0)})
    settings: dict[str, Any] = {
        "budget": evo.Budget(epochs=120),
        "seed": 5,
        "epochs": 9,
        "concurrency": 4,
        "population": 6,
        "evaluate": evaluate,
    }
    with pytest.raises(CampaignMismatchError, match="space"):
        evo.Campaign(wider, None, tmp_path / "c", **settings)
    data = evo.Data(np.zeros((8, 2), np.float32), np.arange(8) % 2, validation=0.25)
    with pytest.raises(CampaignMismatchError, match="data"):
        evo.Campaign(space(), data, tmp_path / "c", **settings)
    assert before == {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
