"""Campaigns most of whose candidates are bad, on two workers: each outcome is its own, and nothing is left behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.evo.campaign.bad_candidates import DEEDS

PROGRAM = """
import json, sys
from pathlib import Path
from tests.evo.campaign import bad_candidates

if __name__ == "__main__":
    found = bad_candidates.run(Path(sys.argv[1]), int(sys.argv[2]))
    Path(sys.argv[1] + ".json").write_text(json.dumps(found))
"""

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")]


def run(directory: Path, trials: int, **environment: str) -> Any:
    subprocess.run(
        [sys.executable, "-c", PROGRAM, str(directory), str(trials)],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"PYTHONPATH": os.getcwd()} | environment,
    )
    return json.loads(Path(f"{directory}.json").read_text())


@pytest.mark.parametrize("trials", [2 * len(DEEDS), 200])
def test_every_outcome_is_the_candidates_own_and_nothing_is_left(trials: int, tmp_path: Path) -> None:
    found = run(tmp_path / "c", trials)
    assert found["reason"] == "budget"
    assert sum(map(len, found["outcomes"].values())) == trials
    for deed, told in found["outcomes"].items():
        assert all(DEEDS[deed][1] in line for line in told), (deed, told)
    # The server that workers are forked from, and what it tells of shared memory, end with the program.
    assert len(found["processes"]) == 2
    assert found["threads"] == ["MainThread", "evo-fork-server"]
    assert found["descriptors"] < 16
    assert "lock.json" not in found["folder"] and "cache" not in found["folder"]


def test_what_one_candidate_changes_no_other_one_notices(tmp_path: Path) -> None:
    """Environment, folder, policies, seeds: the same scores whether a candidate changes them or not."""
    changed, spared = run(tmp_path / "a", 28), run(tmp_path / "b", 28, EVO_TEST_SPARE_GLOBALS="1")
    assert changed["outcomes"] == spared["outcomes"]
    # A policy of float64 is the candidate's own: what it changes, it trains with.
    assert len(set(changed["scores"]) - set(spared["scores"])) <= len(changed["outcomes"]["globals"])
