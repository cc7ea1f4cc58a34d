"""No file branches on a task's name: it asks the target."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
TASK_NAMES = re.compile(r"[\"'](classification|regression|multilabel|binary|multiclass)[\"']")
#: Each kind names its own task, once; where the task is read off the labels, the one name for several of them.
ALLOWED = {f"genomes/targets/{task}.py" for task in ("binary", "multiclass", "multilabel", "regression", "inference")}


def test_only_the_four_kinds_mention_a_task_by_name() -> None:
    found = {}
    for package in ("evo", "genomes"):
        for path in sorted((ROOT / package).rglob("*.py")):
            names = TASK_NAMES.findall(path.read_text(encoding="utf-8"))
            if names:
                found[path.relative_to(ROOT).as_posix()] = len(names)
    if not found:
        pytest.skip("the packages are installed without their sources")
    assert found == dict.fromkeys(ALLOWED, 1)
