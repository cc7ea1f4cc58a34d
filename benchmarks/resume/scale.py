"""Ten thousand trials: what resuming and recording cost, and how large the directory gets."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from benchmarks.resume.evaluator import CLASSES, data
from benchmarks.resume.kills import Report
from evo.core.budget import Budget
from evo.core.objectives import Objectives
from evo.core.trial import Outcome, Proposal, Status, Trial
from evo.storage import CampaignDirectory
from genomes import Float
from genomes.spaces import vector

_RESUME = """
import json, resource, sys, time
begun = time.perf_counter()
from evo.core.objectives import Objectives
from evo.storage import CampaignDirectory
from genomes import Float
from genomes.spaces import vector
space = vector({"x": Float(0.0, 1.0), "y": Float(0.0, 1.0)})
imported = time.perf_counter()
with CampaignDirectory.open(sys.argv[1]) as directory:
    history = directory.load_history(Objectives("val_accuracy"))
    print(json.dumps({
        "trials": len(history),
        "import": imported - begun,
        "open": time.perf_counter() - imported,
        "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "messages": directory.messages,
    }))
"""


class TrialWriter:
    """Records trials like those of a real campaign, one after the other.

    Args:
        path: the campaign's directory; made if it does not exist.
        epochs: epochs per trial, hence values per curve.
    """

    def __init__(self, path: Path, epochs: int = 9) -> None:
        self.space = vector({"x": Float(0.0, 1.0), "y": Float(0.0, 1.0)})
        self.rng = np.random.default_rng(0)
        self.epochs = epochs
        self.rows = len(data()[1]) // 5
        self.directory = (
            CampaignDirectory.open(path)
            if CampaignDirectory.exists(path)
            else CampaignDirectory.create(
                path, settings={"seed": 0}, space=self.space.to_json(), data_fingerprint="none"
            )
        )
        self.number = len(self.directory.records)

    def record(self) -> float:
        """Record one trial (proposal, outcome, predictions); seconds that it took."""
        number, rng = self.number, self.rng
        names = ("loss", "accuracy", "val_loss", "val_accuracy")
        curves = {name: tuple(rng.random(self.epochs).tolist()) for name in names}
        outcome = Outcome(
            Status.COMPLETED,
            {name: curve[-1] for name, curve in curves.items()},
            curves,
            self.epochs,
            1000,
            2000,
            seconds={"build": 0.1, "train": 1.0},
        )
        predictions = rng.random((self.rows, CLASSES), dtype=np.float32)
        parents = (number - 1,) if number else ()
        trial = Trial(number, Proposal(self.space.sample(rng), last_epoch=self.epochs, parents=parents))
        begun = time.perf_counter()
        self.directory.record_proposal(trial, seen=max(0, number - 3))
        self.directory.record_outcome(Trial(number, trial.proposal, outcome), predictions)
        self.number += 1
        return time.perf_counter() - begun


def prepare(path: Path, trials: int) -> None:
    """Write a campaign of so many trials, without waiting for the disk after each."""
    wait = os.fsync
    os.fsync = lambda _: None  # type: ignore[assignment]
    try:
        recorder = TrialWriter(path)
        for _ in range(trials):
            recorder.record()
        recorder.directory.close()
    finally:
        os.fsync = wait


def recording_costs(folder: Path, few: int, many: int, times: int = 200) -> tuple[float, float]:
    """Median seconds to record a trial after ``few`` and after ``many`` others.

    The two campaigns take turns, so that whatever else the machine does hits both.
    """
    recorders = []
    for trials in (few, many):
        prepare(folder / f"record-{trials}", trials)
        recorders.append(TrialWriter(folder / f"record-{trials}"))
    seconds = np.array([[recorder.record() for recorder in recorders] for _ in range(times)])
    for recorder in recorders:
        recorder.directory.close()
    return float(np.median(seconds[:, 0])), float(np.median(seconds[:, 1]))


def scale_test(folder: Path, trials: int) -> Report:
    """The issue's figures: resume under 5 s and 1 GB, recording at most 1.5 times as dear, 20 KB per trial."""
    report = Report(f"{trials} trials")
    few, many = recording_costs(folder, 100, trials)
    report.counts["ms to record at 100"] = round(few * 1e3, 2)
    report.counts[f"ms to record at {trials}"] = round(many * 1e3, 2)
    path = folder / "scale"
    prepare(path, trials)
    found = json.loads(
        subprocess.run(
            [sys.executable, "-c", _RESUME, str(path)],
            check=True,
            capture_output=True,
            text=True,
            cwd=Path(__file__).parents[2],
        ).stdout
    )
    report.counts["s to open"] = round(found["open"], 2)
    report.counts["s to import"] = round(found["import"], 2)
    report.counts["MB of memory"] = round(found["memory"] / 2**20)
    with CampaignDirectory.open(path, read_only=True) as directory:
        usage = directory.usage()
        begun = time.perf_counter()
        Budget(trials=trials).spent(directory.load_history(Objectives("val_accuracy")))
        report.counts["s to load read-only"] = round(time.perf_counter() - begun, 2)
    per_trial = (usage["total"] - usage["predictions"] - usage["states"]) / trials
    report.counts["bytes per trial without predictions"] = round(per_trial)
    for name, value, limit in (
        ("seconds to open", found["open"] + found["import"], 5),
        ("bytes of memory", found["memory"], 2**30),
        ("bytes per trial", per_trial, 20 * 1024),
        ("growth of the cost of recording", many / few, 1.5),
    ):
        if value > limit:
            report.failures.append(f"{name}: {value:g}, at most {limit:g} expected")
    if found["trials"] != trials or found["messages"]:
        report.failures.append(f"read back {found['trials']} trials: {found['messages']}")
    return report
