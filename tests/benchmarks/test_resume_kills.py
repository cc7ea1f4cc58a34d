"""The kill test of `python -m benchmarks resume`, in small."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from benchmarks.resume.damage import HOW, damage
from benchmarks.resume.kills import kill_test, undisturbed


@pytest.mark.skipif(os.name == "nt", reason="the system has no process groups")
def test_killed_campaigns_end_like_undisturbed_ones(tmp_path: Path) -> None:
    reference = undisturbed(tmp_path, ["--trials", "30", "--workers", "1", "--ensemble"])
    assert any(name.startswith("populations/") for name in reference.files)
    report = kill_test(tmp_path, reference, kills=4, seed=0)
    assert not report.failures, str(report)
    assert report.counts["kills"] == 4


@pytest.mark.parametrize("how", HOW)
def test_damage_changes_a_file(tmp_path: Path, how: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"content" * 100)
    assert damage(path, how, seed=1)
    assert not path.exists() or path.read_bytes() != b"content" * 100
