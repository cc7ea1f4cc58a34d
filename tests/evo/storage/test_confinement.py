"""A directory from a stranger: nothing outside of it is read, written, moved or removed, whatever it holds."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evo.errors import StorageError
from evo.storage import CampaignDirectory, layout, records, tables
from evo.storage.sealed import seal_json
from tests.evo.storage.samples import advance, create, snapshot

BYTES = b"import os  # what a victim keeps here\n"


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder beside the campaign, with a victim's file."""
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "victim.py").write_bytes(BYTES)
    return folder


@pytest.fixture
def planted(tmp_path: Path) -> Path:
    """A campaign of eight trials, to be spoiled."""
    with create(tmp_path / "campaign") as directory:
        advance(directory, 8)
    return tmp_path / "campaign"


def forge(root: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change the record of trial 2 in the journal and in the tables, with a checksum that is right."""
    path = root / layout.JOURNAL / "000002.jsonl"
    lines = path.read_text().splitlines()
    row = json.loads(lines[-1])
    change(row)
    from evo.storage.sealed import seal_lines

    path.write_bytes(seal_lines(records.KIND, [*lines[1:-1], json.dumps(row, separators=(",", ":"))]))
    for table in (root / layout.TRIALS).iterdir():
        table.unlink()


def refused_or_repaired(root: Path) -> None:
    try:
        with CampaignDirectory.open(root, repair=True) as directory:
            for record in directory.records:
                directory.state_path(record.number)
                if record.predictions is not None:
                    directory.predictions(record.number)
            directory.prune([])
    except StorageError:
        pass


@pytest.mark.parametrize("entry", ["state", "predictions"])
@pytest.mark.parametrize(
    "name",
    [
        "../../outside/victim.py",
        "../outside/victim.py",
        "/etc/passwd",
        "000003.h5",
        "../states/000003.h5",
        "",
        ".",
        "..",
        "000002.h5\0",
        "000002.h5/../../../outside/victim.py",
        "000002.h5\n",
        "٠٠٠٠٠٢.h5",
    ],
)
def test_the_name_in_a_record_leads_nowhere(planted: Path, outside: Path, entry: str, name: str) -> None:
    def change(row: dict[str, Any]) -> None:
        row["outcome"][entry] = {"name": name, "sha256": "0" * 64, "bytes": len(BYTES)}

    forge(planted, change)
    before = snapshot(outside)
    refused_or_repaired(planted)
    assert snapshot(outside) == before and sorted(os.listdir(planted.parent)) == ["campaign", "outside"]
    assert not any(path.read_bytes() == BYTES for path in planted.rglob("*") if path.is_file())


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("number", "2"), ("number", -1), ("continues", 2), ("continues", "../x"), ("parents", [7]), ("parents", 3),
        ("final", 1), ("rung", 1e300), ("origin", None), ("seen", {}), ("first_epoch", True), ("genome", 99),
        ("genome", "0"), ("outcome", []), ("last_epoch", 10**40), ("replicate", [[[]]]),
    ],
)  # fmt: skip
def test_a_record_of_other_types_counts_as_damaged(planted: Path, field: str, value: Any) -> None:
    forge(planted, lambda row: row.update({field: value}))
    with CampaignDirectory.open(planted, repair=True) as directory:
        assert any("000002.jsonl was damaged" in message for message in directory.messages)
        assert len(directory.records) == 2


def test_tables_are_held_to_the_same_rules(planted: Path) -> None:
    with CampaignDirectory.open(planted) as directory:
        known = next(record for record in directory.records if record.state is not None)
    assert known.state is not None
    forged = dataclasses.replace(known, state=dataclasses.replace(known.state, name="../../outside/victim.py"))
    with pytest.raises(Exception, match="does not follow from the trial's number"):
        tables.from_hdf5(tables.to_hdf5([forged]))


@pytest.mark.parametrize("name", [*layout.FOLDERS, layout.DAMAGED, layout.CACHE])
@pytest.mark.parametrize("read_only", [False, True])
def test_a_folder_that_is_a_link_is_refused(planted: Path, outside: Path, name: str, read_only: bool) -> None:
    if (planted / name).exists():
        os.rename(planted / name, outside / name)
    else:
        (outside / name).mkdir()
    os.symlink(outside / name, planted / name)
    before = snapshot(outside)
    with pytest.raises(StorageError, match=f"{name} is a link"):
        CampaignDirectory.open(planted, read_only=read_only)
    assert snapshot(outside) == before


@pytest.mark.parametrize(
    "place",
    [
        "campaign.json", "campaign.copy.json", "preprocessing.npz", "lock.json", ".campaign.json.partial",
        "journal/000001.jsonl", "journal/.000008.jsonl.partial", "trials/000000-000099.h5", "predictions/000001.h5",
        "populations/000001.h5", "states/000001.h5", "sessions/000001.jsonl", "sessions/000002.jsonl", "work/000009",
        "damaged/x", "cache/x_train.npy",
    ],
)  # fmt: skip
@pytest.mark.parametrize("kind", ["link", "dangling", "pipe"])
def test_a_file_that_is_a_link_or_a_pipe_is_refused(planted: Path, outside: Path, place: str, kind: str) -> None:
    path = planted / place
    path.parent.mkdir(exist_ok=True)
    path.unlink(missing_ok=True)
    if kind == "pipe":
        os.mkfifo(path)
    else:
        os.symlink(outside / ("victim.py" if kind == "link" else "planted.py"), path)
    before = snapshot(outside)
    with pytest.raises(StorageError, match="is a (link|pipe)"):
        CampaignDirectory.open(planted)
    assert snapshot(outside) == before and os.path.lexists(path)


def test_a_new_campaign_is_not_made_through_a_link(tmp_path: Path, outside: Path) -> None:
    (tmp_path / "campaign").mkdir()
    os.symlink(outside, tmp_path / "campaign" / layout.STATES)
    before = snapshot(outside)
    with pytest.raises(StorageError, match="states is a link"):
        create(tmp_path / "campaign")
    assert snapshot(outside) == before


def test_links_out_of_a_working_folder_are_removed_and_those_inside_stay(planted: Path, outside: Path) -> None:
    folder = planted / layout.WORK / "000008"
    with CampaignDirectory.open(planted) as directory:
        from evo.core.trial import Trial
        from tests.evo.storage.samples import proposal

        directory.record_proposal(Trial(8, proposal(8)))
    (folder / "deep").mkdir(parents=True)
    (folder / "latest").symlink_to("deep")
    (folder / "state.h5").symlink_to(outside / "victim.py")
    (folder / "deep" / "loop").symlink_to("loop")
    (folder / "up").symlink_to(outside)
    before = snapshot(outside)
    with CampaignDirectory.open(planted) as directory:
        assert sum("was a link out of its folder" in message for message in directory.messages) == 3
    assert snapshot(outside) == before
    assert sorted(os.listdir(folder)) == ["deep", "latest"] and not os.listdir(folder / "deep")


@pytest.mark.parametrize("segment", [0, -1, 10**12, "100", None, True, 2.5])
def test_a_campaign_with_a_segment_of_its_own_making_is_damaged(planted: Path, segment: Any) -> None:
    content = {**json.loads((planted / layout.CAMPAIGN).read_text()), "segment": segment}
    del content["sha256"]
    for name in (layout.CAMPAIGN, layout.CAMPAIGN_COPY):
        (planted / name).write_bytes(seal_json(content))
    with pytest.raises(StorageError, match="segment: expected a whole number"):
        CampaignDirectory.open(planted)


def test_a_trial_of_a_far_number_takes_no_time(planted: Path) -> None:
    (planted / layout.JOURNAL / "99999999.jsonl").write_bytes(b"x")
    (planted / layout.JOURNAL / "999999999999999999.jsonl").write_bytes(b"x")
    with pytest.raises(StorageError, match="not the trials of one campaign"):
        CampaignDirectory.open(planted, repair=True)


def test_sessions_and_populations_of_far_numbers_take_no_time(planted: Path) -> None:
    (planted / layout.SESSIONS / "99999999.jsonl").write_bytes(b"x")
    (planted / layout.SESSIONS / "900000.jsonl").write_bytes(b"{}\n")
    (planted / layout.POPULATIONS / "99999999.h5").write_bytes(b"x")
    with CampaignDirectory.open(planted) as directory:
        assert len(directory.messages) < 40, directory.messages[:50]
        assert any("no session that there can have been" in message for message in directory.messages)
        assert any("no generation that there has been" in message for message in directory.messages)
    with CampaignDirectory.open(planted) as directory:
        assert (planted / layout.SESSIONS / "900002.jsonl").exists()


def test_a_file_that_is_larger_than_there_is_memory_for_is_not_read(
    planted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import psutil

    free = psutil.virtual_memory()._replace(available=2**27)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: free)
    with open(planted / layout.JOURNAL / "000007.jsonl", "r+b") as file:
        file.truncate(2**25)  # holes: it takes no room on the disk
    with CampaignDirectory.open(planted, repair=True) as directory:
        assert any("it is larger than 16 MB" in message for message in directory.messages)


def test_names_of_files_are_told_without_what_a_terminal_obeys(planted: Path) -> None:
    folder = planted / layout.WORK / "000008"
    with CampaignDirectory.open(planted) as directory:
        from evo.core.trial import Trial
        from tests.evo.storage.samples import proposal

        directory.record_proposal(Trial(8, proposal(8)))
    folder.mkdir(exist_ok=True)
    (folder / "a\x1b[2J\nb").symlink_to(planted.parent)
    with CampaignDirectory.open(planted) as directory:
        assert all(message.isprintable() for message in directory.messages), directory.messages
        assert any("a\ufffd[2J\ufffdb was a link out of its folder" in message for message in directory.messages)
    (planted / layout.STATES / "\x1b]0;x\x07").symlink_to(planted.parent)
    with pytest.raises(StorageError, match="is a link") as told:
        CampaignDirectory.open(planted)
    assert str(told.value).isprintable()
