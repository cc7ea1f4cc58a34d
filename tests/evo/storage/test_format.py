"""A directory written by the version that introduced format 1 can be read by this one."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np

from evo.core.trial import Trial
from evo.storage import FORMAT, CampaignDirectory
from tests.evo.storage.samples import OBJECTIVES, SETTINGS, SPACE, outcome, proposal, settle, snapshot

#: Written once; never to be written again by a newer version.
SAMPLE = Path(__file__).parent / "data" / "format-1"


def test_every_format_so_far_has_a_sample() -> None:
    assert sorted(path.name for path in SAMPLE.parent.iterdir()) == [f"format-{n}" for n in range(1, FORMAT + 1)]


def test_sample_is_read(tmp_path: Path) -> None:
    shutil.copytree(SAMPLE, tmp_path / "c")
    with CampaignDirectory.open(tmp_path / "c") as directory:
        assert directory.messages == []
        assert directory.settings == SETTINGS and directory.space == SPACE.to_json()
        history = directory.load_history(OBJECTIVES)
        assert len(history) == 6 and directory.pending == [5]
        for trial in history:
            assert trial.proposal == proposal(trial.number)
            if trial.number < 5:
                assert repr(trial.outcome) == repr(outcome(trial.number)[0])
                np.testing.assert_array_equal(directory.predictions(trial.number), outcome(trial.number)[1])
        population = directory.load_population(0)
        assert population.members == (0, 1, 2, 3, 4)
        assert [record.number for record in population.records] == [0, 1, 2, 3, 4]
        assert directory.state_path(4) is not None and directory.state_path(3) is None
        assert directory.preprocessing()["mean"].tolist() == [0.0, 1.0, 2.0]
        assert directory.sessions[0]["host"] == "example"
        settle(directory, 5)
    with CampaignDirectory.open(tmp_path / "c") as directory:
        assert directory.messages == [] and directory.pending == []


def test_sample_is_read_without_being_changed() -> None:
    before = snapshot(SAMPLE)
    with CampaignDirectory.open(SAMPLE, read_only=True) as directory:
        assert len(directory.load_history(OBJECTIVES)) == 6
    assert snapshot(SAMPLE) == before and not (SAMPLE / "lock.json").exists()


def test_reopening_keeps_the_segments_of_the_file(tmp_path: Path) -> None:
    """Segments of another size than today's stay what they are."""
    shutil.copytree(SAMPLE, tmp_path / "c")
    with CampaignDirectory.open(tmp_path / "c") as directory:
        settle(directory, 5)
        directory.record_proposal(Trial(6, proposal(6)), seen=6)
    assert sorted(path.name for path in (tmp_path / "c" / "journal").iterdir()) == [
        "000000-000002.jsonl",
        "000003-000005.jsonl",
        "000006.jsonl",
    ]
