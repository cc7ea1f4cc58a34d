"""A simulated evaluation that behaves like training: epochs, states, predictions, and a kill loses one epoch."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

import numpy as np

from evo.core.trial import Outcome, Status
from evo.training.task import TrialReport, TrialTask

#: Classes of the simulated task.
CLASSES = 3
#: Rows of its data.
ROWS = 60


def data() -> tuple[np.ndarray, np.ndarray]:
    """Inputs, shape (rows, 2), and classes, shape (rows,)."""
    rng = np.random.default_rng(0)
    y = np.arange(ROWS) % CLASSES
    return (rng.normal(size=(ROWS, 2)) + y[:, None]).astype("float32"), y


def _hash(*parts: object) -> str:
    return hashlib.sha256("|".join(str(part) for part in parts).encode()).hexdigest()


def _write(path: Path, text: str) -> None:
    aside = path.with_suffix(".part")
    aside.write_text(text)
    os.replace(aside, path)


def evaluate(task: TrialTask) -> TrialReport:
    """Train nothing, but depend on every epoch.

    The state is a hash over the genome, the seed and all epochs so far, from
    the state that the trial continues on; after each epoch it is written to
    the trial's folder, where a killed trial is taken up. Scores, curves and
    predictions follow from the states, so that any epoch lost, repeated or
    begun from the wrong state changes them. ``EVO_SIMULATED_SECONDS`` is the
    mean duration of an epoch (default 0.004).
    """
    folder = Path(task.directory)
    file = folder / "state.txt"
    genome = repr(sorted(task.genome["genes"][0].items()))
    epoch = task.first_epoch
    curve: list[float] = []
    state = "" if task.start is None else Path(task.start).read_text().split("\n")[-1]
    if task.inherit is not None:
        state = _hash("inherited", Path(task.inherit).read_text())
    if file.exists():
        lines = file.read_text().split("\n")
        epoch, state = int(lines[0]), lines[-1]
        curve = [float(value) for value in lines[1:-1]]
    mean = float(os.environ.get("EVO_SIMULATED_SECONDS", "0.004"))
    # Durations of a factor 10 between the fastest and the slowest: outcomes overtake one another.
    duration = mean * np.exp(np.random.default_rng(int(_hash(genome)[:8], 16)).normal(0, 0.6))
    while epoch < task.last_epoch:
        time.sleep(duration)
        state = _hash(state, genome, task.seed, epoch, task.final)
        epoch += 1
        values = task.genome["genes"][0]
        noise = int(state[:8], 16) / 2**32
        quality = 1 - (values["x"] - 0.3) ** 2 - (values["y"] - 0.6) ** 2 - 0.3 / (1 + epoch)
        curve.append(float(np.clip(quality - 0.05 * noise, 0, 1)))
        _write(file, "\n".join([str(epoch), *map(repr, curve), state]))
    # One genome in twenty diverges, as some always do.
    if int(_hash("diverges", genome)[:4], 16) % 20 == 0:
        outcome = Outcome(
            Status.DIVERGED,
            {},
            {"loss": (float("nan"),)},
            task.last_epoch - task.first_epoch,
            10,
            20,
            "the loss is not finite",
        )
        return TrialReport(task.number, outcome)
    rng = np.random.default_rng(int(state[:8], 16))
    targets = _validation(task)
    rows = ROWS // 5 if targets is None else len(np.load(targets))
    predictions = rng.dirichlet(np.ones(CLASSES), size=rows).astype("float32")
    outcome = Outcome(
        Status.COMPLETED,
        {"val_accuracy": curve[-1], "val_loss": 1 - curve[-1]},
        {"val_accuracy": tuple(curve), "loss": tuple(1 - value for value in curve)},
        task.last_epoch - task.first_epoch,
        parameters=100 + int(1000 * task.genome["genes"][0]["x"]),
        flops=2000,
        seconds={"train": float(duration * len(curve))},
    )
    return TrialReport(task.number, outcome, predictions, str(file))


def _validation(task: TrialTask) -> Path | None:
    """File of the validation targets, if the data is in files."""
    if task.data.directory is None or "y_validation" not in task.data.arrays:
        return None
    return Path(task.data.directory) / str(task.data.arrays["y_validation"])
