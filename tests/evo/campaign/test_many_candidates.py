"""Five hundred candidates: what the program and its workers hold does not grow with their number."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

PROGRAM = """
import json, os, sys, tempfile, threading
from pathlib import Path

import numpy as np
import psutil

import evo
from genomes import spaces


class Look(evo.Callback):
    samples = []

    def on_outcome(self, trial, history):
        if trial.number % 25:
            return
        me = psutil.Process()
        children = [child for child in me.children(recursive=True) if child.status() != psutil.STATUS_ZOMBIE]
        sizes = []
        for child in children:
            try:
                sizes.append(child.memory_info().rss)
            except psutil.Error:
                pass
        self.samples.append({
            "trial": trial.number,
            "megabytes": me.memory_info().rss / 2**20,
            "worker megabytes": max(sizes, default=0) / 2**20,
            "descriptors": len(os.listdir("/proc/self/fd")),
            "threads": threading.active_count(),
            "children": len(children),
            "temporary": len(os.listdir(tempfile.gettempdir())),
        })


if __name__ == "__main__":
    folder, trials = sys.argv[1], int(sys.argv[2])
    rng = np.random.default_rng(0)
    data = evo.Data(rng.normal(size=(60, 3)).astype(np.float32), rng.integers(0, 2, 60), validation=0.25)
    campaign = evo.Campaign(
        spaces.tabular(3, classes=2), data, folder, budget=evo.Budget(trials=trials), callbacks=[Look()], workers=2,
        algorithm=evo.algorithms.RandomSearch(), epochs=1, final_share=0.0, keep_weights=4, verbose=False,
    )
    result = campaign.run()
    told = {"reason": result.reason, "trials": len(result.trials), "samples": Look.samples}
    Path(folder + ".json").write_text(json.dumps(told))
"""

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")]


@pytest.mark.timeout(3600)
def test_what_is_held_does_not_grow(tmp_path: Path) -> None:
    (tmp_path / "tmp").mkdir()
    subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path / "c"), "500"],
        check=True,
        env=os.environ | {"PYTHONPATH": os.getcwd(), "TMPDIR": str(tmp_path / "tmp")},
    )
    told = json.loads(Path(f"{tmp_path / 'c'}.json").read_text())
    print(json.dumps(told))
    samples: list[dict[str, Any]] = told["samples"]
    assert told["reason"] == "budget" and told["trials"] >= 450
    # The first hundred trials warm everything up, and workers are replaced after some hundred.
    early = [sample for sample in samples if 100 <= sample["trial"] < 300]
    late = [sample for sample in samples if sample["trial"] >= 300]
    most = {name: (max(s[name] for s in early), max(s[name] for s in late)) for name in samples[0] if name != "trial"}
    for name, slack in {"descriptors": 3, "threads": 2, "children": 2, "temporary": 2}.items():
        assert most[name][1] <= most[name][0] + slack, (name, most)
    # Records of trials stay in memory: some ten kilobytes each.
    assert most["megabytes"][1] <= most["megabytes"][0] + 25, most
    assert most["worker megabytes"][1] <= 1.15 * most["worker megabytes"][0] + 25, most
    assert not list((tmp_path / "tmp").iterdir()), "temporary files are left"
    assert not list((tmp_path / "c" / "work").iterdir())
