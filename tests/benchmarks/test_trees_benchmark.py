"""The libraries that evo.fit is compared with on tables."""

from __future__ import annotations

import pytest

from benchmarks import tasks, trees


@pytest.mark.parametrize("name", ["lightgbm", "catboost"])
def test_a_library_is_judged_on_the_same_rows(name: str) -> None:
    pytest.importorskip(name, reason=f"{name} is not installed: pip install 'evo-keras[trees]'")
    task = tasks.load("breast-cancer", seed=1)
    assert task.error(task.y_test, getattr(trees, f"_{name}")(task, seed=1)) < 0.1
