"""``evo resume DIR``"""

from __future__ import annotations

import argparse

from evo.commands.run_job import job_of, run_job
from evo.commands.shell_words import command_line


def main(given: argparse.Namespace) -> int:
    """Resume the campaign in a directory."""
    job = job_of(given.directory, given.config)
    budget = job.budget(epochs=given.epochs, trials=given.trials, minutes=given.minutes)
    job.config["budget"] = {name: value for name, value in budget.to_json().items() if value is not None}
    words: list[object] = ["evo", "resume", given.directory]
    return run_job(
        job,
        given.directory,
        budget,
        command_line(*words),
        workers=given.workers,
        quiet=given.quiet,
        break_lock=given.break_lock,
        resumes=True,
    )
