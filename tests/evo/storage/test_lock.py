"""One process per directory, and no lock outlives its process for good."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from evo.core.trial import Trial
from evo.errors import DirectoryLockedError
from evo.storage import CampaignDirectory, DirectoryLock, LockHolder
from evo.storage import lock as lock_module
from tests.evo.storage.samples import create, proposal

HOLD = """
import sys, time
from pathlib import Path
from typing import Any
from evo.storage import DirectoryLock
DirectoryLock(Path(sys.argv[1])).acquire()
print("held", flush=True)
time.sleep(600)
"""


def holder_process(path: Path) -> subprocess.Popen[str]:
    """Another process that holds the lock."""
    root = str(Path(lock_module.__file__).parents[2])
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": root},
    )
    assert process.stdout is not None and process.stdout.readline() == "held\n"
    return process


def test_second_process_is_told_who_holds_it_and_a_dead_one_is_replaced(tmp_path: Path) -> None:
    create(tmp_path / "c").close()
    other = holder_process(tmp_path / "c")
    try:
        with pytest.raises(DirectoryLockedError, match=f"process {other.pid} on host"):
            CampaignDirectory.open(tmp_path / "c")
        os.kill(other.pid, signal.SIGKILL)
        # Not even reaped yet: a zombie holds nothing.
        os.waitid(os.P_PID, other.pid, os.WEXITED | os.WNOWAIT)
        with CampaignDirectory.open(tmp_path / "c") as directory:
            assert len(directory.messages) == 1 and f"no longer runs: process {other.pid}" in directory.messages[0]
    finally:
        other.kill()
        other.communicate()
    assert not (tmp_path / "c" / "lock.json").exists()


def change(path: Path, **changes: object) -> None:
    """Write the lock as another holder would have."""
    content = json.loads((path / "lock.json").read_text())
    (path / "lock.json").unlink()
    (path / "lock.json").write_text(json.dumps({**content, **changes}))


def test_process_number_given_to_another_process_is_no_holder(tmp_path: Path) -> None:
    lock = DirectoryLock(tmp_path)
    lock.acquire()
    change(tmp_path, process="another boot 5", token="other")
    assert len(DirectoryLock(tmp_path).acquire()) == 1


@pytest.mark.parametrize("field", ["host", "machine", "namespace"])
def test_other_host_is_refused_with_a_hint(tmp_path: Path, field: str) -> None:
    create(tmp_path / "c").close()
    DirectoryLock(tmp_path / "c").acquire()
    change(tmp_path / "c", **{field: "elsewhere", "pid": 2**22 + 1})
    for _ in range(2):
        with pytest.raises(DirectoryLockedError, match=r"evo resume --break-lock .* break_lock=True"):
            CampaignDirectory.open(tmp_path / "c")
    with CampaignDirectory.open(tmp_path / "c", break_lock=True) as directory:
        assert "broken as asked" in directory.messages[0]


@pytest.mark.parametrize("content", [b"", bytes(300), b"{}", b"[1]", b'{"host": 3', b"\xff"])
def test_unreadable_lock_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    create(tmp_path / "c").close()
    (tmp_path / "c" / "lock.json").write_bytes(content)
    with pytest.raises(DirectoryLockedError, match=r"lock\.json is unreadable"):
        CampaignDirectory.open(tmp_path / "c")
    CampaignDirectory.open(tmp_path / "c", break_lock=True).close()


def test_a_clock_that_is_set_makes_no_living_holder_look_dead(tmp_path: Path) -> None:
    with create(tmp_path / "c"):
        change(tmp_path / "c", started=0.0)  # what psutil would work out, had the clock been set back meanwhile
        with pytest.raises(DirectoryLockedError, match="already open in this process"):
            CampaignDirectory.open(tmp_path / "c")


@pytest.mark.parametrize(
    "changes",
    [
        {"pid": -1}, {"pid": float("inf")}, {"pid": 10**40}, {"pid": True}, {"pid": "1"}, {"started": float("nan")},
        {"started": 10**400}, {"host": ["x"]}, {"taken": "\x1b[2J"}, {"token": "x" * 5000}, {"process": 3},
    ],
)  # fmt: skip
def test_a_lock_of_other_types_is_unreadable_and_can_be_broken(tmp_path: Path, changes: dict[str, Any]) -> None:
    create(tmp_path / "c").close()
    stale = DirectoryLock(tmp_path / "c")
    stale.acquire()
    change(tmp_path / "c", **changes)
    with pytest.raises(DirectoryLockedError, match="is unreadable"):
        CampaignDirectory.open(tmp_path / "c")
    CampaignDirectory.open(tmp_path / "c", break_lock=True).close()


def test_same_process_twice(tmp_path: Path) -> None:
    with create(tmp_path / "c"), pytest.raises(DirectoryLockedError, match="already open in this process"):
        CampaignDirectory.open(tmp_path / "c")


def test_broken_lock_stops_its_former_holder(tmp_path: Path) -> None:
    first = create(tmp_path / "c")
    second = CampaignDirectory.open(tmp_path / "c", break_lock=True)
    with pytest.raises(DirectoryLockedError, match=r"was broken by process"):
        first.record_proposal(Trial(0, proposal(0)))
    first.close()
    assert (tmp_path / "c" / "lock.json").exists()
    second.record_proposal(Trial(0, proposal(0)))
    second.close()


def test_stale_lock_goes_to_exactly_one(tmp_path: Path) -> None:
    for _ in range(10):
        stale = DirectoryLock(tmp_path)
        stale.acquire()
        change(tmp_path, process="", started=1000.0)
        won: list[DirectoryLock] = []
        barrier = threading.Barrier(4)

        def take(won: list[DirectoryLock] = won, barrier: threading.Barrier = barrier) -> None:
            lock = DirectoryLock(tmp_path)
            barrier.wait()
            try:
                lock.acquire()
                won.append(lock)
            except DirectoryLockedError:
                pass

        threads = [threading.Thread(target=take) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(won) == 1
        won[0].release()
        assert os.listdir(tmp_path) == []


def test_file_system_without_hard_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def link(*_: object) -> None:
        raise PermissionError(1, "no hard links here")

    monkeypatch.setattr(os, "link", link)
    lock = DirectoryLock(tmp_path)
    lock.acquire()
    with pytest.raises(DirectoryLockedError):
        DirectoryLock(tmp_path).acquire()
    lock.release()
    assert os.listdir(tmp_path) == []


def test_holder_knows_itself() -> None:
    holder = LockHolder.this_process()
    assert holder.is_local and holder.is_alive() and str(os.getpid()) in str(holder)
