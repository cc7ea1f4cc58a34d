"""``evo demo``: the main job, end to end, on real images."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from evo.commands.job import Job
from evo.commands.run_job import run_job
from evo.commands.shell_words import command_line

_DIRECTORY = Path("runs/demo")
#: Epochs over all models: two to five minutes on two cores; and the same with ``--quick``.
EPOCHS, QUICK_EPOCHS = 300, 30
#: Epochs of a full training, without and with ``--quick``.
LENGTH, QUICK_LENGTH = 27, 9


def demo_job(seed: int, epochs: int, length: int = LENGTH) -> Job:
    """The demo's campaign.

    Args:
        seed: of the campaign. Test and validation rows are the same for every seed.
        epochs: budget.
        length: epochs of a full training.
    """
    config: dict[str, Any] = {
        "data": {"sklearn": "digits", "test": 0.2, "test_seed": 0, "validation": 0.2, "seed": 0},
        "space": {"kind": "image", "flip": False},
        "campaign": {"seed": seed, "workers": 2, "epochs": length},
        "budget": {"epochs": epochs},
        "ensemble": {"size": 8},
    }
    return Job(config, "evo demo")


def main(given: argparse.Namespace) -> int:
    """Run the demo; resume it if it was begun; show its result if it is finished."""
    epochs = given.epochs if given.epochs is not None else QUICK_EPOCHS if given.quick else EPOCHS
    directory = given.directory or _DIRECTORY
    job = demo_job(given.seed, epochs, QUICK_LENGTH if given.quick else LENGTH)
    words: list[object] = ["evo", "demo"]
    if given.directory:
        words += ["--directory", given.directory]
    if given.seed != 1:
        words += ["--seed", given.seed]
    if given.epochs is not None:
        words += ["--epochs", given.epochs]
    elif given.quick:
        words.append("--quick")
    return run_job(
        job,
        directory,
        job.budget(),
        command_line(*words),
        workers=given.workers,
        quiet=given.quiet,
        break_lock=given.break_lock,
    )
