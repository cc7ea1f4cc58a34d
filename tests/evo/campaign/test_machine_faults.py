"""What the machine does to a campaign is not in its history: clocks, disks, descriptors, rights."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import pytest

import evo
from evo.errors import StorageError
from evo.training.task import TrialReport, TrialTask
from tests.evo.simulated_campaigns import StopAfter, campaign, evaluate, files_of, history_of

TRIALS = 20


def turned_back(task: TrialTask) -> TrialReport:
    """An evaluation in a process whose clock jumps back by an hour at every look."""
    hours = iter(range(10**9))
    real = time.time
    time.time = lambda: 1.7e9 - 3600.0 * next(hours)
    try:
        return evaluate(task)
    finally:
        time.time = real


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[evo.Result, dict[str, bytes]]:
    folder = tmp_path_factory.mktemp("undisturbed") / "c"
    return campaign(folder, budget=evo.Budget(trials=TRIALS)).run(), files_of(folder)


def same(folder: Path, result: evo.Result, undisturbed: tuple[evo.Result, dict[str, bytes]]) -> bool:
    return history_of(result) == history_of(undisturbed[0]) and files_of(folder) == undisturbed[1]


def stopped(folder: Path, outcomes: int, **changes: Any) -> evo.Result:
    """The campaign, stopped after some outcomes."""
    stop = StopAfter(outcomes)
    stop.campaign = campaign(folder, callbacks=[stop], **changes)
    return stop.campaign.run()


# -- clocks --------------------------------------------------------------------------------
@pytest.mark.parametrize("local", [False, True])
def test_a_clock_that_jumps_back_changes_nothing(
    local: bool, undisturbed: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hours = iter(range(10**9))
    monkeypatch.setattr(time, "time", lambda: 1.7e9 - 3600.0 * next(hours))
    executor = evo.workers.LocalProcesses(2, preload=False) if local else evo.workers.Serial()
    with executor:
        changes = {"evaluate": turned_back, "executor": executor, "budget": evo.Budget(trials=TRIALS)}
        assert stopped(tmp_path / "c", 9, **changes).reason == "stopped"
        result = campaign(tmp_path / "c", **changes).run()
    assert same(tmp_path / "c", result, undisturbed)


def test_minutes_are_counted_by_a_clock_that_only_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: -1e9)
    monkeypatch.setenv("EVO_TEST_PAUSE", "0.02")
    began = time.monotonic()
    result = campaign(tmp_path / "c", budget=evo.Budget(minutes=0.02)).run()
    assert result.reason == "budget" and time.monotonic() - began > 0.5


# -- disks ---------------------------------------------------------------------------------
def mount(*arguments: str) -> bool:
    return subprocess.run(["mount", *arguments], capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="mounting needs root")
@pytest.mark.parametrize("size", ["64k", "96k", "160k"])
def test_a_disk_that_is_full_harms_nothing(size: str, undisturbed: Any, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    if not mount("-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(disk)):
        pytest.skip("no tmpfs can be mounted here")
    try:
        with pytest.raises(StorageError, match="disk is full|No space left"):
            campaign(disk / "c", budget=evo.Budget(trials=TRIALS)).run()
        assert not list(disk.glob("**/*.partial"))
        assert mount("-o", "remount,size=16m", str(disk))
        result = campaign(disk / "c", budget=evo.Budget(trials=TRIALS)).run()
        assert same(disk / "c", result, undisturbed)
    finally:
        subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="mounting needs root")
def test_a_disk_that_becomes_read_only_harms_nothing(undisturbed: Any, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    if not mount("-t", "tmpfs", "-o", "size=16m", "tmpfs", str(disk)):
        pytest.skip("no tmpfs can be mounted here")
    try:
        stopped(disk / "c", 7, budget=evo.Budget(trials=TRIALS))
        assert mount("-o", "remount,ro", str(disk))
        before = files_of(disk / "c")
        for use in (
            lambda: evo.resume(disk / "c", None, evaluate=evaluate).run(),
            lambda: campaign(disk / "new").run(),
        ):
            with pytest.raises(StorageError, match="read-only|not writable"):
                use()
        assert len(evo.load_result(disk / "c").trials) >= 7 and files_of(disk / "c") == before
        assert mount("-o", "remount,rw", str(disk))
        result = campaign(disk / "c", budget=evo.Budget(trials=TRIALS)).run()
        assert same(disk / "c", result, undisturbed)
    finally:
        subprocess.run(["umount", str(disk)], check=True)


# -- descriptors ---------------------------------------------------------------------------
PROGRAM = textwrap.dedent("""
    import resource, sys

    import evo
    from tests.evo.simulated_campaigns import campaign

    if __name__ == "__main__":
        folder, free, local = sys.argv[1], int(sys.argv[2]), sys.argv[3] == "local"
        executor = evo.workers.LocalProcesses(2, preload=False) if local else evo.workers.Serial()
        session = campaign(folder, budget=evo.Budget(trials=20), executor=executor)
        import os
        used = max(map(int, os.listdir("/proc/self/fd")))
        resource.setrlimit(resource.RLIMIT_NOFILE, (used + free, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
        try:
            with executor:
                print(session.run().reason, flush=True)
        except evo.EvoError as error:
            print(type(error).__name__, error, flush=True)
""")


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.parametrize(
    ("free", "executor"), [(2, "serial"), (4, "local"), (8, "local"), (12, "local"), (20, "local")]
)
def test_descriptors_that_run_out_harm_nothing(free: int, executor: str, undisturbed: Any, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path / "c"), str(free), executor],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env=os.environ | {"PYTHONPATH": os.getcwd()},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.split(maxsplit=1)[0] in ("budget", "StorageError", "WorkerStartError", "InfrastructureError")
    result = campaign(tmp_path / "c", budget=evo.Budget(trials=TRIALS), break_lock=True).run()
    assert same(tmp_path / "c", result, undisturbed)


# -- rights --------------------------------------------------------------------------------
READER = textwrap.dedent("""
    import sys

    import evo
    from tests.evo.simulated_campaigns import campaign, evaluate

    for use in (
        lambda: evo.resume(sys.argv[1], None, evaluate=evaluate).run(),
        lambda: campaign(sys.argv[1] + "/inside/new").run(),
        lambda: print(len(evo.load_result(sys.argv[1]).trials)),
    ):
        try:
            use()
        except evo.EvoError as error:
            print(type(error).__name__, error)
""")


def obeying() -> list[str]:
    """What makes a program obey permissions, which root's otherwise do not; skips where that is impossible."""
    if os.geteuid() != 0:
        return []
    if shutil.which("setpriv") is None:
        pytest.skip("root cannot give up its rights here")
    return ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]


@pytest.mark.skipif(os.name == "nt", reason="permissions")
def test_a_directory_that_may_not_be_written_can_be_read(undisturbed: Any, tmp_path: Path) -> None:
    campaign(tmp_path / "c", budget=evo.Budget(trials=TRIALS)).run()
    before = files_of(tmp_path / "c")
    for path in (tmp_path / "c", *(tmp_path / "c").rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        done = subprocess.run(
            [*obeying(), sys.executable, "-c", READER, str(tmp_path / "c")],
            capture_output=True,
            text=True,
            check=False,
            env=os.environ | {"PYTHONPATH": os.getcwd()},
        )
        told = done.stdout.splitlines()
        assert len(told) == 3 and all(line.startswith("StorageError") for line in told[:2]), (told, done.stderr[-2000:])
        assert told[2] == str(len(undisturbed[0].trials)) and files_of(tmp_path / "c") == before
    finally:
        for path in (tmp_path / "c", *(tmp_path / "c").rglob("*")):
            path.chmod(0o755)
