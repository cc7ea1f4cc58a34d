"""Without power at any moment: what was acknowledged is there, and going on gives the same bytes."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evo.core.trial import Trial
from evo.storage import CampaignDirectory, atomic, layout
from tests.evo.storage.power_loss import Disk, Moment
from tests.evo.storage.samples import OBJECTIVES, advance, create, snapshot

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="descriptors are looked up in /proc"),
    pytest.mark.usefixtures("small_segments"),
]
TRIALS = 13
#: Its parents are made with it.
CAMPAIGN = Path("a/b/campaign")


def campaign(path: Path) -> list[str]:
    """Begin or go on, to the end; returns what was told at opening."""
    exists = CampaignDirectory.exists(path)
    with CampaignDirectory.open(path, break_lock=True) if exists else create(path, break_lock=True) as directory:
        told = list(directory.messages)
        advance(directory, TRIALS)
    return told


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, str], list[Moment]]:
    """Files of a campaign that was left alone, and the moments of its disk."""
    root = tmp_path_factory.mktemp("undisturbed")
    disk = Disk(root)
    record = CampaignDirectory.record_outcome

    def acknowledged(self: CampaignDirectory, trial: Trial, *args: Any, **kwargs: Any) -> Any:
        recorded = record(self, trial, *args, **kwargs)
        disk.acknowledge(trial.number)
        return recorded

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(layout, "SEGMENT", 5)
        patch.setattr(CampaignDirectory, "record_outcome", acknowledged)
        with disk.watched():
            campaign(root / CAMPAIGN)
    return snapshot(root / CAMPAIGN), disk.moments


def lose_power(root: Path, moment: Moment, seed: int, expected: dict[str, str]) -> None:
    moment.leave(root, np.random.default_rng(seed))
    path = root / CAMPAIGN
    if moment.acknowledged:
        with CampaignDirectory.open(path, break_lock=True) as directory:
            history = directory.load_history(OBJECTIVES)
            settled = {number for number in range(len(history)) if history[number].outcome is not None}
            assert settled >= set(moment.acknowledged)
            assert not directory.lost_predictions
            for number in moment.acknowledged:
                # The last thing that is done is to drop what nobody needs.
                whole = directory.records[number].state is None or directory.state_path(number) is not None
                assert whole or len(moment.acknowledged) == TRIALS
    campaign(path)
    assert snapshot(path) == expected


@given(st.floats(0, 1), st.integers(0, 2**32))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_was_acknowledged_survives(
    tmp_path_factory: pytest.TempPathFactory,
    undisturbed: tuple[dict[str, str], list[Moment]],
    when: float,
    seed: int,
) -> None:
    expected, moments = undisturbed
    lose_power(tmp_path_factory.mktemp("lost"), moments[int(when * (len(moments) - 1))], seed, expected)


@pytest.mark.slow
def test_whatever_the_moment(
    tmp_path_factory: pytest.TempPathFactory, undisturbed: tuple[dict[str, str], list[Moment]]
) -> None:
    expected, moments = undisturbed
    for moment in moments:
        for seed in range(5):
            lose_power(tmp_path_factory.mktemp("lost"), moment, seed, expected)


def store(root: Path, disk: Disk) -> None:
    atomic.make_folder(root / "x" / "y")
    atomic.make_folder(root / "work")
    source = root / "work" / "state"
    source.write_bytes(b"state")
    atomic.settle_file(source, root)
    disk.acknowledge(0)
    atomic.move_file(source, root / "x" / "y" / "state")
    atomic.write_file(root / "x" / "y" / "record", b"record")
    disk.acknowledge(1)


def losses(root: Path) -> int:
    """How often a loss of power loses something that :func:`store` acknowledged."""
    (root / "disk").mkdir(parents=True)
    disk = Disk(root / "disk")
    with disk.watched():
        store(disk.root, disk)
    lost = 0
    for index, moment in enumerate(disk.moments):
        for seed in range(10):
            left = root / f"{index}-{seed}"
            left.mkdir()
            moment.leave(left, np.random.default_rng(seed))
            found = {path.name: path.read_bytes() for path in left.rglob("*") if path.is_file()}
            lost += 0 in moment.acknowledged and found.get("state") != b"state"
            lost += 1 in moment.acknowledged and found.get("record") != b"record"
    return lost


@pytest.mark.parametrize("across", [False, True])
def test_files_are_durable(tmp_path: Path, across: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    rename = os.replace

    def replace(source: Path, target: Path) -> None:
        if across and Path(source).parent != Path(target).parent:
            raise OSError(errno.EXDEV, "another disk")
        rename(source, target)

    monkeypatch.setattr(os, "replace", replace)
    assert losses(tmp_path) == 0


@pytest.mark.parametrize("broken", ["make_folder", "settle_file", "write_file"])
def test_the_model_notices_what_is_not_synced(tmp_path: Path, broken: str, monkeypatch: pytest.MonkeyPatch) -> None:
    call = getattr(atomic, broken)

    def forgetful(*args: Any, **kwargs: Any) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(atomic, "_sync_directory", lambda path: None)
            call(*args, **kwargs)

    monkeypatch.setattr(atomic, broken, forgetful)
    assert losses(tmp_path) > 0
