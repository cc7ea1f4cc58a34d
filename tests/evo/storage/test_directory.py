"""A campaign's directory: what goes in comes out, and the files depend on the history alone."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evo.core.trial import Outcome, Status, Trial
from evo.errors import DirectoryLockedError, SettingsError, StorageError
from evo.storage import CampaignDirectory, in_lines
from genomes import spaces
from tests.evo.storage.samples import (
    OBJECTIVES,
    SETTINGS,
    SPACE,
    advance,
    create,
    outcome,
    proposal,
    settle,
    snapshot,
)


def spelt(history: Iterable[Trial]) -> list[str]:
    """Every field of every trial; NaN equals NaN."""
    return [repr((trial.number, trial.proposal, trial.outcome)) for trial in history]


def test_what_goes_in_comes_out(tmp_path: Path) -> None:
    with create(tmp_path / "c") as directory:
        advance(directory, 23)
        written = directory.load_history(OBJECTIVES)
        assert not directory.messages
    with CampaignDirectory.open(tmp_path / "c") as directory:
        assert not directory.messages and not directory.given_up and not directory.pending
        history = directory.load_history(OBJECTIVES)
        assert spelt(history) == spelt(written)
        for trial in history:
            expected, predictions = outcome(trial.number)
            assert trial.proposal == proposal(trial.number)
            assert repr(trial.outcome) == repr(expected)
            assert trial.outcome is not None and trial.outcome.seconds == expected.seconds
            assert directory.seen(trial.number) == max(0, trial.number - 2)
            assert directory.has_predictions(trial.number) == (predictions is not None)
            if predictions is not None:
                np.testing.assert_array_equal(directory.predictions(trial.number), predictions)
        population = directory.load_population()
        assert population.generation == 3 and population.members == (15, 16, 17, 18, 19)
        assert population.objectives == ("val_accuracy",)
        assert population.fitness.tolist() == [list(history.fitness(n)) for n in population.members]
        assert directory.settings == SETTINGS and directory.space == SPACE.to_json()
        np.testing.assert_array_equal(directory.preprocessing()["mean"], np.arange(3.0))
        assert len(directory.table()) == 23 and directory.table()[0]["status"] == "completed"
        assert directory.minutes > 0 and len(directory.sessions) == 1


def test_a_promotion_shares_the_genome_object(tmp_path: Path) -> None:
    with create(tmp_path / "c") as directory:
        advance(directory, 5)
    with CampaignDirectory.open(tmp_path / "c") as directory:
        history = directory.load_history(OBJECTIVES)
        assert history[4].genome is history[2].genome


@given(st.lists(st.integers(0, 14), unique=True, max_size=15), st.integers(0, 3))
@settings(max_examples=4, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_files_do_not_depend_on_the_order_of_arrival(
    tmp_path_factory: pytest.TempPathFactory, first: list[int], sessions: int
) -> None:
    order = [*first, *(number for number in range(15) if number not in first)]
    snapshots = []
    for arrivals, reopen in ((range(15), 0), (order, sessions)):
        path = tmp_path_factory.mktemp("order") / "c"
        directory = create(path)
        for number in range(15):
            directory.record_proposal(Trial(number, proposal(number)), seen=0)
        for count, number in enumerate(arrivals):
            settle(directory, number)
            if reopen and count % 5 == 3:
                directory.close()
                directory = CampaignDirectory.open(path)
                assert not directory.messages
        directory.close()
        snapshots.append(snapshot(path))
    assert snapshots[0] == snapshots[1]


def test_full_segments_are_merged_whatever_the_sessions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evo.storage.layout.SEGMENT", 10)
    with create(tmp_path / "a") as directory:
        advance(directory, 43)
    with create(tmp_path / "b") as directory:
        advance(directory, 12)
    for trials in (13, 29, 30, 31, 43):
        with CampaignDirectory.open(tmp_path / "b") as directory:
            assert not directory.messages
            advance(directory, trials)
    found = snapshot(tmp_path / "a")
    assert found == snapshot(tmp_path / "b")
    journal = [name for name in found if name.startswith("journal/")]
    assert len(journal) == 4 + 3 and "journal/000030-000039.jsonl" in journal
    assert [name for name in found if name.startswith("trials/")] == [
        f"trials/{n:06d}-{n + 9:06d}.h5" for n in range(0, 50, 10)
    ]
    with h5py.File(tmp_path / "a" / "trials" / "000040-000049.h5") as file:
        assert file["trials"]["number"].tolist() == [40, 41, 42]


def test_free_running_campaign_keeps_order_of_arrival(tmp_path: Path) -> None:
    arrived = [2, 0, 3, 1]
    with create(tmp_path / "c") as directory:
        for number in range(4):
            directory.record_proposal(Trial(number, proposal(number)), seen=number // 2)
        for place, number in enumerate(arrived):
            directory.record_outcome(Trial(number, proposal(number), outcome(number)[0]), arrival=place)
    with CampaignDirectory.open(tmp_path / "c") as directory:
        assert directory.arrivals == arrived
        assert [directory.seen(number) for number in range(4)] == [0, 0, 1, 1]


def test_pending_trials_and_their_folders_survive(tmp_path: Path) -> None:
    directory = create(tmp_path / "c")
    for number in range(3):
        directory.record_proposal(Trial(number, proposal(number)))
        (directory.trial_directory(number) / "epoch-1").write_text("half way")
    settle(directory, 1)
    directory.close()
    with CampaignDirectory.open(tmp_path / "c") as directory:
        assert directory.pending == [0, 2]
        assert [trial.number for trial in directory.load_history(OBJECTIVES).pending()] == [0, 2]
        assert (directory.trial_directory(2) / "epoch-1").read_text() == "half way"
        assert not (tmp_path / "c" / "work" / "000001").exists()


def test_states_are_kept_and_pruned(tmp_path: Path) -> None:
    with create(tmp_path / "c") as directory:
        for number in range(6):
            directory.record_proposal(Trial(number, proposal(number)))
            settle(directory, number)
        sizes = {number: directory.records[number].state for number in range(6)}
        assert all(directory.state_path(number) for number in range(6))
        assert directory.prune([0, 3, 5]) == 600
        assert [n for n in range(6) if directory.state_path(n)] == [0, 3, 5]
        assert directory.prune([3, 0, 5], keep_bytes=450) == 200
        assert [n for n in range(6) if directory.state_path(n)] == [0, 3]
        assert all(file is not None and file.bytes == 200 for file in sizes.values())
        assert directory.state_path(3).read_bytes() == np.random.default_rng((2, 3)).bytes(200)  # type: ignore[union-attr]
    with CampaignDirectory.open(tmp_path / "c") as directory:
        assert not directory.messages
        assert [n for n in range(6) if directory.state_path(n)] == [0, 3]
        usage = directory.usage()
        assert usage["states"] == 400 and usage["total"] == sum(v for k, v in usage.items() if k != "total")


def test_lost_state_and_predictions_come_back_only_if_equal(tmp_path: Path) -> None:
    with create(tmp_path / "c") as directory:
        directory.record_proposal(Trial(0, proposal(0)))
        settle(directory, 0)
    (tmp_path / "c" / "states" / "000000.h5").write_bytes(bytes(200))
    (tmp_path / "c" / "predictions" / "000000.h5").unlink()
    with CampaignDirectory.open(tmp_path / "c") as directory:
        assert directory.lost_predictions == [0]
        assert directory.state_path(0) is None
        assert any("predictions/000000.h5" in m for m in directory.messages)
        assert any("states/000000.h5" in m for m in directory.messages)
        with pytest.raises(StorageError, match="000000"):
            directory.predictions(0)
        with pytest.raises(StorageError, match="differs"):
            directory.restore_predictions(0, np.zeros((6, 3)))
        again = directory.trial_directory(0) / "state.h5"
        again.write_bytes(b"other")
        with pytest.raises(StorageError, match="differs"):
            directory.restore_state(0, again)
        again.write_bytes(np.random.default_rng((2, 0)).bytes(200))
        directory.restore_state(0, again)
        directory.restore_predictions(0, outcome(0)[1])  # type: ignore[arg-type]
        assert directory.state_path(0) is not None and directory.lost_predictions == []
    with CampaignDirectory.open(tmp_path / "c") as directory:
        assert not directory.messages


def test_preprocessing_is_restored_only_if_equal(tmp_path: Path) -> None:
    create(tmp_path / "c").close()
    (tmp_path / "c" / "preprocessing.npz").write_bytes(b"")
    with CampaignDirectory.open(tmp_path / "c") as directory:
        with pytest.raises(StorageError, match=r"preprocessing\.npz"):
            directory.preprocessing_path()
        with pytest.raises(StorageError, match="not the one"):
            directory.restore_preprocessing({"mean": np.zeros(3)})
        directory.restore_preprocessing({"variance": np.ones(3), "mean": np.arange(3.0)})
        assert directory.preprocessing_path() == tmp_path / "c" / "preprocessing.npz"


def test_comparison_names_what_differs(tmp_path: Path) -> None:
    fingerprint = {"x_train": "ab12", "y_train": "cd34"}
    with create(tmp_path / "c") as directory:
        assert directory.compare(SETTINGS, SPACE.to_json(), fingerprint) == []
        changed = {**SETTINGS, "seed": 8, "nested": {"a": [1, 3.5], "b": None}, "workers": 2}
        assert directory.compare(changed, SPACE.to_json(), {**fingerprint, "x_train": "ef"}, ignore=("workers",)) == [
            "settings.nested.a[1]: stored 2.5, given 3.5",
            "settings.nested.b: stored nothing, given null",
            "settings.seed: stored 7, given 8",
            'data.x_train: stored "ab12", given "ef"',
        ]
        other = spaces.tabular(columns=3, classes=2).to_json()
        assert directory.compare(SETTINGS, other, fingerprint) == ["space: stored VectorSpace, given TabularSpace"]


def test_as_many_differences_are_listed_as_somebody_reads() -> None:
    lines = in_lines([f"settings.x{number}: stored 1, given 2" for number in range(150)]).splitlines()
    assert len(lines) == 14 and lines[1] == "  settings.x0: stored 1, given 2" and lines[-1] == "  and 138 more"
    assert in_lines(["a", "b"]) == "\n  a\n  b"


def test_bad_places_are_refused_before_anything_is_touched(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("mine")
    other = tmp_path / "other"
    other.mkdir()
    (other / "thesis.txt").write_text("mine")
    for path, message in ((file, "is a file"), (other, "thesis.txt"), (file / "deeper", "is a file")):
        with pytest.raises(SettingsError, match=message):
            create(path)
        with pytest.raises(SettingsError):
            CampaignDirectory.open(path)
    with pytest.raises(SettingsError, match="does not exist"):
        CampaignDirectory.open(tmp_path / "nothing")
    assert file.read_text() == "mine" and sorted(os.listdir(other)) == ["thesis.txt"]
    create(tmp_path / "c").close()
    with pytest.raises(SettingsError, match="holds a campaign already"):
        create(tmp_path / "c")
    assert CampaignDirectory.exists(tmp_path / "c") and not CampaignDirectory.exists(other)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write anywhere")
def test_unwritable_directory_is_refused(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    for path in (closed, closed / "new"):
        with pytest.raises(StorageError, match="not writable"):
            create(path)


def test_wrong_calls_change_nothing(tmp_path: Path) -> None:
    with create(tmp_path / "c") as directory:
        with pytest.raises(ValueError, match="cannot follow"):
            directory.record_proposal(Trial(1, proposal(1)))
        directory.record_proposal(Trial(0, proposal(0)))
        with pytest.raises(ValueError, match="no outcome"):
            directory.record_outcome(Trial(0, proposal(0)))
        with pytest.raises(ValueError, match="no outcome yet"):
            directory.record_population(0, [0], directory.load_history(OBJECTIVES))
        with pytest.raises(StorageError, match="array of numbers"):
            directory.record_outcome(Trial(0, proposal(0), outcome(0)[0]), np.array(["a"]))
        with pytest.raises(StorageError, match="cannot read"):
            directory.record_outcome(Trial(0, proposal(0), outcome(0)[0]), state=tmp_path / "nothing")
        settle(directory, 0, with_state=False)
        before = snapshot(tmp_path / "c")
        settle(directory, 0, with_state=False)  # the same again is no error
        with pytest.raises(ValueError, match="outcome already"):
            directory.record_outcome(Trial(0, proposal(0), Outcome(Status.FAILED)))
        assert snapshot(tmp_path / "c") == before
    with pytest.raises(StorageError, match="closed"):
        directory.record_proposal(Trial(1, proposal(1)))


def test_reading_needs_no_lock_and_changes_nothing(tmp_path: Path) -> None:
    with create(tmp_path / "c") as directory:
        advance(directory, 7)
        before = {path: path.stat().st_mtime_ns for path in sorted((tmp_path / "c").rglob("*"))}
        with CampaignDirectory.open(tmp_path / "c", read_only=True) as reader:
            assert spelt(reader.load_history(OBJECTIVES)) == spelt(directory.load_history(OBJECTIVES))
            with pytest.raises(StorageError, match="only for reading"):
                reader.record_proposal(Trial(7, proposal(7)))
        with pytest.raises(DirectoryLockedError):
            CampaignDirectory.open(tmp_path / "c")
        assert {path: path.stat().st_mtime_ns for path in sorted((tmp_path / "c").rglob("*"))} == before


def test_settings_are_readable_and_a_newer_format_is_refused(tmp_path: Path) -> None:
    create(tmp_path / "c").close()
    path = tmp_path / "c" / "campaign.json"
    content = json.loads(path.read_text())
    assert content["settings"] == SETTINGS and content["evo_format"] == 1
    from evo.storage.sealed import seal_json

    content.pop("sha256")
    content["evo_format"] = 99
    for name in ("campaign.json", "campaign.copy.json"):
        (tmp_path / "c" / name).write_bytes(seal_json(content))
    with pytest.raises(StorageError, match="format 99"):
        CampaignDirectory.open(tmp_path / "c")
    assert not (tmp_path / "c" / "lock.json").exists()


def test_gene_that_is_not_imported_is_named(tmp_path: Path) -> None:
    from genomes import Gene

    with create(tmp_path / "c") as directory:
        directory.record_proposal(Trial(0, proposal(0)))
    name = type(proposal(0).genome.genes[0]).__name__
    known = Gene.registry.pop(name)
    try:
        with CampaignDirectory.open(tmp_path / "c") as directory, pytest.raises(StorageError, match=name):
            directory.load_history(OBJECTIVES)
    finally:
        Gene.registry[name] = known
