"""``evo run CONFIG.toml``"""

from __future__ import annotations

import argparse
from pathlib import Path

from evo.commands.job import Job
from evo.commands.run_job import run_job
from evo.commands.shell_words import command_line


def main(given: argparse.Namespace) -> int:
    """Run the campaign that a TOML file describes."""
    job = Job.read(given.config)
    directory = given.directory or job.directory or Path("runs") / given.config.stem
    budget = job.budget(epochs=given.epochs, trials=given.trials, minutes=given.minutes)
    words: list[object] = ["evo", "run", given.config]
    if given.directory:
        words += ["--directory", given.directory]
    for name in ("epochs", "trials", "minutes"):
        if getattr(given, name) is not None:
            words += [f"--{name}", getattr(given, name)]
    return run_job(
        job,
        directory,
        budget,
        command_line(*words),
        workers=given.workers,
        quiet=given.quiet,
        break_lock=given.break_lock,
    )
