"""The scaling benchmark times a driver that is busy."""

from __future__ import annotations

import json

import pytest

from benchmarks import scaling


def test_every_algorithm_keeps_its_workers_busy(capsys: pytest.CaptureFixture[str]) -> None:
    for name in scaling.ALGORITHMS:
        assert len(scaling.driver_seconds(scaling.ALGORITHMS[name], trials=30, workers=4, repeats=2)) == 2
    scaling.measure(json.dumps(["random", 20, 3, 2]))
    measured = json.loads(capsys.readouterr().out)
    assert measured["workers"] == 3 and 0 < measured["median_ms"] <= measured["largest_ms"]
