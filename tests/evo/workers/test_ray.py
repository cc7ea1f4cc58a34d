"""Ray behind the same interface; skipped where it is not installed."""

from __future__ import annotations

import pytest

from evo.errors import SettingsError
from evo.training.task import TrainingSettings
from evo.workers import TimeLimitError, ray_executor
from tests.evo.workers import worker_calls


def test_without_ray_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "ray", None)
    with pytest.raises(SettingsError, match=r"install evo-keras\[ray\]"):
        ray_executor()


def test_calls_go_to_ray_and_come_back():
    pytest.importorskip("ray")
    with ray_executor(settings=TrainingSettings(seconds=20), num_cpus=2, include_dashboard=False) as executor:
        assert executor.workers == 2
        futures = [executor.submit(worker_calls.add, n, 1) for n in range(4)]
        assert [future.result(120) for future in futures] == [1, 2, 3, 4]
        with pytest.raises(ValueError, match="by itself"):
            executor.submit(worker_calls.fail, "by itself").result(120)
        hung = executor.submit(worker_calls.sleep, 600)
        with pytest.raises(TimeLimitError, match="more than 20 s"):
            hung.result(120)
    with pytest.raises(RuntimeError, match="after shutdown"):
        executor.submit(worker_calls.add, 1, 1)
