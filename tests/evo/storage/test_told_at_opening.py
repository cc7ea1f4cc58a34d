"""What was removed or changed in a directory is told when it is opened, also where no result depends on it."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest

import evo
from evo.storage import CampaignDirectory
from tests.evo.simulated_campaigns import campaign, files_of


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    campaign(tmp_path / "c", budget=evo.Budget(trials=20)).run()
    return tmp_path / "c"


def test_removed_populations_are_told_and_written_again(folder: Path) -> None:
    before = files_of(folder)
    removed = sorted((folder / "populations").iterdir())
    assert len(removed) >= 3
    for path in removed:
        path.unlink()
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        campaign(folder, budget=evo.Budget(trials=20)).run()
    texts = "\n".join(str(warning.message) for warning in told)
    assert "populations/000001.h5 is missing" in texts and "populations/000002.h5 is missing" in texts
    assert files_of(folder) == before


def test_an_undamaged_directory_has_nothing_to_tell(folder: Path) -> None:
    with CampaignDirectory.open(folder) as stored:
        assert stored.messages == []


def test_every_flipped_byte_of_a_session_is_told(folder: Path) -> None:
    path = folder / "sessions" / "000001.jsonl"
    whole = path.read_bytes()
    for place in range(0, len(whole) - 1, 37):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with CampaignDirectory.open(folder, read_only=True) as stored:
            assert any("sessions/000001.jsonl is damaged" in text for text in stored.messages), place
    path.write_bytes(whole)


def test_sessions_of_earlier_versions_have_no_checksums(folder: Path) -> None:
    path = folder / "sessions" / "000001.jsonl"
    with CampaignDirectory.open(folder, read_only=True) as stored:
        known = list(stored.sessions)
    lines = [line.rpartition(',"crc":')[0] for line in path.read_text().splitlines()]
    path.write_text("".join(line + "}\n" for line in lines))
    with CampaignDirectory.open(folder, read_only=True) as stored:
        assert stored.messages == [] and stored.sessions == known
