"""What the tests of the storage share: a small deterministic campaign, and snapshots of a directory."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np

from evo.core.objectives import Objectives
from evo.core.trial import Outcome, Proposal, Status, Trial
from evo.storage import CampaignDirectory
from genomes import Float, Int
from genomes.spaces import vector

SPACE = vector({"units": Int(8, 64), "rate": Float(1e-4, 1e-1, log=True)})
OBJECTIVES = Objectives("val_accuracy")
SETTINGS: dict[str, Any] = {"seed": 7, "objectives": ["val_accuracy"], "concurrency": 4, "nested": {"a": [1, 2.5]}}
#: Everything else depends on the clock, the machine or the damage done to it.
DETERMINISTIC = (
    "campaign.json",
    "campaign.copy.json",
    "preprocessing.npz",
    "journal",
    "trials",
    "predictions",
    "populations",
    "states",
)


def create(path: Path, break_lock: bool = False) -> CampaignDirectory:
    """A new campaign's directory."""
    return CampaignDirectory.create(
        path,
        settings=SETTINGS,
        space=SPACE.to_json(),
        data_fingerprint={"x_train": "ab12", "y_train": "cd34"},
        preprocessing={"mean": np.arange(3.0), "variance": np.ones(3)},
        versions={"evo": "1"},
        break_lock=break_lock,
    )


def proposal(number: int) -> Proposal:
    """The proposal of trial ``number``: every fifth climbs from the one two before it."""
    climbs = number % 5 == 4
    source = number - 2 if climbs else number
    genome = SPACE.sample(np.random.default_rng(source))
    return Proposal(
        genome=genome,
        first_epoch=2 if climbs else 0,
        last_epoch=6 if climbs else 2,
        continues=source if climbs else None,
        parents=(number - 1,) if number and not climbs else (),
        origin="promotion" if climbs else "mutation",
        rung=int(climbs),
    )


def outcome(number: int) -> tuple[Outcome, np.ndarray | None]:
    """The outcome of trial ``number``, and its predictions."""
    rng = np.random.default_rng((1, number))
    if number % 7 == 6:
        scores = {"val_loss": float("nan")}
        return Outcome(Status.DIVERGED, scores, {"loss": (1.0, float("inf"))}, 2, 10, 20, "the loss is nan"), None
    curves = {name: tuple(rng.random(2).tolist()) for name in ("loss", "val_accuracy")}
    scores = {name: float(rng.random()) for name in ("val_accuracy", "val_loss")}
    found = Outcome(Status.COMPLETED, scores, curves, 2, 1000 + number, 4000, "", {"train": 0.1 * number})
    return found, rng.random((6, 3), dtype=np.float32)


def settle(directory: CampaignDirectory, number: int, with_state: bool = True) -> None:
    """Do what a worker does, and record it."""
    found, predictions = outcome(number)
    state = None
    if with_state and found.completed:
        state = directory.trial_directory(number) / "state.weights.h5"
        state.write_bytes(np.random.default_rng((2, number)).bytes(200))
    directory.record_outcome(Trial(number, proposal(number), found), predictions, state=state)


def keep_of(settled: int) -> list[int]:
    """Trials whose state is kept once the first ``settled`` ones are known."""
    return list(range(max(0, settled - 8), settled))


def advance(directory: CampaignDirectory, trials: int, concurrency: int = 3, population: int = 5) -> None:
    """Go on from whatever the directory holds until ``trials`` trials are settled, as a campaign does."""
    while True:
        history = directory.load_history(OBJECTIVES)
        known = [number for number in range(len(history)) if history[number].outcome is not None]
        first = next((n for n in range(len(history)) if history[n].outcome is None), len(history))
        for generation in range(first // population):
            if generation not in directory.generations:
                members = list(range(generation * population, (generation + 1) * population))
                directory.record_population(generation, members, history)
        if len(known) == trials:
            directory.prune(keep_of(trials))
            return
        while len(history) < min(trials, first + concurrency):
            trial = Trial(len(history), proposal(len(history)))
            directory.record_proposal(trial, seen=max(0, trial.number - concurrency + 1))
            history.append(trial)
        # The youngest in flight comes back first: outcomes arrive out of order.
        settle(directory, history.pending()[-1].number)


def snapshot(path: Path) -> dict[str, str]:
    """SHA-256 of every file that must depend on the history alone."""
    return {
        file.relative_to(path).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest()
        for name in DETERMINISTIC
        for file in ([path / name] if (path / name).is_file() else sorted((path / name).rglob("*")))
        if file.is_file()
    }
