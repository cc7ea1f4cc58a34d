"""Ordered look-ahead on a simulated cluster."""

from __future__ import annotations

from benchmarks.scheduling import busy_share


def test_a_concurrency_of_a_few_times_the_workers_keeps_them_busy() -> None:
    assert busy_share(16, 16, trials=300) < 0.7
    assert busy_share(16, 64, trials=300) >= 0.9
    assert busy_share(16, 16, trials=300, deterministic=False) >= 0.97


def test_dead_workers_do_not_stop_a_campaign() -> None:
    assert busy_share(16, 64, trials=300, dies=0.05) >= 0.85
