"""A process that records trials, killed by SIGKILL at random moments."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from evo.storage import CampaignDirectory, layout
from tests.evo.storage.samples import advance, create, snapshot

PROGRAM = """
import sys
sys.path[:0] = sys.argv[2:4]
from pathlib import Path
from evo.storage import CampaignDirectory, layout
layout.SEGMENT = 10
from tests.evo.storage.samples import advance, create
path = Path(sys.argv[1])
directory = CampaignDirectory.open(path) if CampaignDirectory.exists(path) else create(path)
print("ready", flush=True)
with directory:
    for message in directory.messages:
        print(message, flush=True)
    advance(directory, 60)
"""


def start(path: Path) -> subprocess.Popen[str]:
    """Begin or go on, in another process."""
    here, root = Path(__file__).parent, Path(layout.__file__).parents[2]
    command = [sys.executable, "-c", PROGRAM, str(path), str(here), str(root)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.skipif(os.name == "nt", reason="the system has no SIGKILL")
def test_killed_processes_leave_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layout, "SEGMENT", 10)
    begun = time.perf_counter()
    with create(tmp_path / "undisturbed") as directory:
        advance(directory, 60)
    seconds = time.perf_counter() - begun
    rng = np.random.default_rng(0)
    for _ in range(6):
        process = start(tmp_path / "killed")
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(float(rng.uniform(0, seconds / 2)))
        process.send_signal(signal.SIGKILL)
        _, errors = process.communicate()
        assert "Traceback" not in errors
    process = start(tmp_path / "killed")
    output, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    # A kill is no damage: at most the dead process's lock is worth a word.
    assert all("no longer runs" in line for line in output.splitlines()[1:]), output
    assert snapshot(tmp_path / "killed") == snapshot(tmp_path / "undisturbed")
    with CampaignDirectory.open(tmp_path / "killed") as directory:
        assert not directory.messages
