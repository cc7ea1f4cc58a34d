"""Killed at any moment, or out of disk: what was stored is there, and going on gives the same bytes."""

from __future__ import annotations

import errno
import os
import resource
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evo.core.trial import Trial
from evo.errors import StorageError
from evo.storage import CampaignDirectory, identity, layout
from tests.evo.storage.samples import OBJECTIVES, advance, create, outcome, proposal, settle, snapshot

pytestmark = pytest.mark.usefixtures("small_segments")
TRIALS = 13
#: Everything that changes what is on the disk goes through these.
CALLS = ("fsync", "replace", "unlink", "link")


class Killed(BaseException):
    """Stands for SIGKILL: not even ``except Exception`` sees it."""


@contextmanager
def failing(at: int, error: Callable[[], BaseException], forever: bool) -> Iterator[list[int]]:
    """Let the ``at``-th change of the disk fail; with ``forever`` also all after it, as nothing runs after a kill."""
    count = [0]
    originals = {name: getattr(os, name) for name in CALLS}

    def wrapped(name: str) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            count[0] += 1
            if count[0] == at or (forever and count[0] > at):
                raise error()
            return originals[name](*args, **kwargs)

        return call

    with pytest.MonkeyPatch.context() as patch:
        for name in CALLS:
            patch.setattr(os, name, wrapped(name))
        yield count


def campaign(path: Path) -> None:
    """Begin or go on, to the end; the same calls whatever was there."""
    if CampaignDirectory.exists(path):
        directory = CampaignDirectory.open(path, break_lock=True)
    else:
        directory = create(path, break_lock=True)
    with directory:
        advance(directory, TRIALS)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, str], int]:
    """Files of a campaign that was left alone, and how often it changed the disk."""
    path = tmp_path_factory.mktemp("undisturbed") / "c"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(layout, "SEGMENT", 5)
        with failing(-1, Killed, False) as count:
            campaign(path)
    return snapshot(path), count[0]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=4))
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_killed_at_any_moment_ends_with_the_same_bytes(
    tmp_path_factory: pytest.TempPathFactory, undisturbed: tuple[dict[str, str], int], moments: list[float]
) -> None:
    expected, changes = undisturbed
    path = tmp_path_factory.mktemp("killed") / "c"
    for moment in moments:
        with failing(1 + int(moment * changes), Killed, True):
            try:
                campaign(path)
            except Killed:
                pass
    campaign(path)
    assert snapshot(path) == expected
    assert not (path / layout.DAMAGED).exists()


@given(st.floats(0, 1), st.sampled_from([errno.ENOSPC, errno.EIO, errno.EDQUOT]), st.booleans())
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_disk_errors_become_clear_and_harm_nothing(
    tmp_path_factory: pytest.TempPathFactory,
    undisturbed: tuple[dict[str, str], int],
    moment: float,
    code: int,
    forever: bool,
) -> None:
    expected, changes = undisturbed
    path = tmp_path_factory.mktemp("full") / "c"
    with failing(1 + int(moment * changes), lambda: OSError(code, os.strerror(code)), forever):
        try:
            campaign(path)
        except StorageError as error:
            assert str(path) in str(error) or "disk" in str(error)
    campaign(path)
    assert snapshot(path) == expected


def test_outcome_is_safe_once_recorded(tmp_path: Path) -> None:
    """However soon after it the process is killed."""
    for at in range(1, 12):
        path = tmp_path / str(at)
        with create(path) as directory:
            directory.record_proposal(Trial(0, proposal(0)))
            settle(directory, 0)
            with failing(at, Killed, True), pytest.raises(Killed):
                directory.record_proposal(Trial(1, proposal(1)))
                settle(directory, 1)
                raise Killed
        with CampaignDirectory.open(path, break_lock=True) as directory:
            history = directory.load_history(OBJECTIVES)
            assert repr(history[0].outcome) == repr(outcome(0)[0])
            assert directory.state_path(0) is not None
            if len(history) > 1 and history[1].outcome is not None:
                assert directory.state_path(1) is not None
                directory.predictions(1)


@pytest.mark.skipif(not hasattr(signal, "SIGXFSZ"), reason="the system has no file-size limit")
def test_file_size_limit_is_a_clear_error(tmp_path: Path) -> None:
    with create(tmp_path / "c") as directory:
        advance(directory, 3)
        before = snapshot(tmp_path / "c")
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (600, limits[1]))
        try:
            with pytest.raises(StorageError, match=r"cannot write .*file-size limit.*resumed"):
                advance(directory, 5)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        after = snapshot(tmp_path / "c")
        assert {name: after[name] for name in before if name.startswith("journal")} == {
            name: data for name, data in before.items() if name.startswith("journal")
        }
    with CampaignDirectory.open(tmp_path / "c") as directory:
        advance(directory, 5)
    with create(tmp_path / "d") as directory:
        advance(directory, 5)
    assert snapshot(tmp_path / "c") == snapshot(tmp_path / "d")


def test_a_killed_creation_is_no_obstacle(tmp_path: Path) -> None:
    with failing(-1, Killed, False) as count:
        create(tmp_path / "whole").close()
    for at in range(1, count[0] + 1):
        path = tmp_path / str(at)
        with failing(at, Killed, True):
            try:
                create(path).close()
            except Killed:
                pass
        if not identity.holds_campaign(path):
            create(path, break_lock=True).close()
        with CampaignDirectory.open(path, break_lock=True) as directory:
            assert directory.preprocessing().keys() == {"mean", "variance"}
