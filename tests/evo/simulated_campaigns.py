"""Campaigns whose evaluations are simulated: milliseconds instead of training."""

from __future__ import annotations

import hashlib
import math
import os
import time
from pathlib import Path
from typing import Any

import numpy as np

import evo
from evo.core.events import Callback
from evo.core.trial import Outcome, Status
from evo.training.task import TrialReport, TrialTask
from genomes import Float, spaces


def space() -> Any:
    return spaces.vector({"x": Float(0.0, 1.0), "y": Float(0.0, 1.0)})


def evaluate(task: TrialTask) -> TrialReport:
    """A hill; some genomes fail, some diverge; longer training scores higher."""
    values = task.genome["genes"][0]
    x, y = values["x"], values["y"]
    pause = float(os.environ.get("EVO_TEST_PAUSE", "0"))
    if pause:
        # The slow overtake the fast: outcomes come back out of order.
        time.sleep(pause * (1 + 5 * ((x * 7919) % 1)))
    if x > 0.95:
        return TrialReport(task.number, Outcome(Status.FAILED, message="ValueError: x is too large"))
    if y > 0.95:
        return TrialReport(task.number, Outcome(Status.DIVERGED, epochs=1, message="epoch 1: the loss is not finite"))
    start = 0.0 if task.start is None else float(Path(task.start).read_text())
    trained = start + (task.last_epoch - task.first_epoch)
    folder = Path(task.directory)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "state.txt").write_text(str(trained))
    score = 1 - (x - 0.3) ** 2 - (y - 0.6) ** 2 - 0.5 / (1 + trained)
    return TrialReport(
        task.number,
        Outcome(
            Status.COMPLETED,
            {"val_accuracy": score, "val_loss": 1 - score},
            {"val_accuracy": (score,)},
            task.last_epoch - task.first_epoch,
            100,
            200,
            "",
            {"train": 0.01},
        ),
        np.full((4, 2), score, np.float32),
        str(folder / "state.txt"),
    )


def guess(task: TrialTask) -> TrialReport:
    """Predictions of three classes for twelve rows that depend on the genome alone; as good as their guess."""
    seed = int(hashlib.sha256(repr(task.genome).encode()).hexdigest()[:8], 16)
    predictions = np.random.default_rng(seed).dirichlet(np.ones(3), size=12).astype(np.float32)
    folder = Path(task.directory)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "state.txt").write_text(str(seed))
    score = float(predictions[:, 0].mean())
    epochs = task.last_epoch - task.first_epoch
    outcome = Outcome(Status.COMPLETED, {"val_accuracy": score}, {"val_accuracy": (score,)}, epochs, 100, 200)
    return TrialReport(task.number, outcome, predictions, str(folder / "state.txt"))


def never(task: TrialTask) -> TrialReport:
    """Does not come back."""
    time.sleep(math.inf if os.name == "nt" else 3600)
    raise AssertionError


def campaign(directory: Path, **changes: Any) -> evo.Campaign:
    settings: dict[str, Any] = {
        "budget": evo.Budget(epochs=120),
        "seed": 5,
        "epochs": 9,
        "concurrency": 4,
        "evaluate": evaluate,
        "executor": evo.workers.Serial(),
        "population": 6,
        "verbose": False,
    }
    return evo.Campaign(space(), None, directory, **(settings | changes))


def history_of(result: evo.Result) -> list[tuple[Any, ...]]:
    return [(t.number, t.proposal, t.outcome) for t in result.trials]


class StopAfter(Callback):
    """Stops a campaign after some outcomes, cleanly or by an exception that stands for a kill."""

    def __init__(self, outcomes: int) -> None:
        self.left = outcomes
        self.campaign: evo.Campaign | None = None

    def on_outcome(self, trial: Any, history: Any) -> None:
        self.left -= 1
        if self.left == 0 and self.campaign is not None:
            self.campaign.stop()


def files_of(directory: Path) -> dict[str, bytes]:
    """Everything that must not depend on how a campaign was run."""
    found = {}
    for path in sorted(directory.rglob("*")):
        name = path.relative_to(directory).as_posix()
        if path.is_file() and not name.startswith(("sessions/", "work/")):
            found[name] = path.read_bytes()
    return found
