"""Running a job on the command line: display, Ctrl-C, and what is shown at the end."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

from evo.campaign import Campaign, resume
from evo.campaign.result import Result
from evo.commands.interruption import StopOnInterrupt
from evo.commands.job import Job, JobNote
from evo.commands.results import show_result
from evo.core.budget import Budget
from evo.core.errors import RepairWarning, SettingsError
from evo.core.events import Callback
from evo.display.console import printable
from evo.display.progress import Progress
from evo.fitting.fitted import fitted_here
from evo.storage import CampaignDirectory


def run_job(
    job: Job,
    directory: Path,
    budget: Budget,
    resume_command: str,
    *,
    workers: int | None = None,
    quiet: bool = False,
    break_lock: bool = False,
    resumes: bool = False,
) -> int:
    """Run or resume a campaign, then form its ensemble and show what came of it.

    Args:
        job: data, space and settings.
        directory: the campaign's directory.
        budget: what it may spend in all.
        resume_command: what to type to resume after an interruption.
        workers: worker processes; the job's number by default.
        quiet: no display.
        break_lock: take the directory's lock from whoever holds it.
        resumes: keep to the settings that are stored, whatever the job or today's defaults say.

    Returns:
        the exit code: 0, or 130 after an interruption.
    """

    space, split = job.load()
    if not quiet and split.notes:
        print(printable("\n".join(split.notes)), flush=True)
    progress = None if quiet else Progress()
    callbacks: list[Callback] = [JobNote(job)]
    if progress is not None:
        callbacks.append(progress)
    session: dict[str, Any] = {"callbacks": callbacks, "break_lock": break_lock, "verbose": False}
    if workers is not None:
        session["workers"] = workers
    if resumes:
        own = space if job.own_space else None
        campaign = resume(directory, split.data, budget, space=own, **session)
    else:
        campaign = Campaign(space, split.data, directory, budget=budget, **{**job.campaign_arguments(), **session})
    with StopOnInterrupt(campaign, progress) as interrupt, warnings.catch_warnings():
        if progress is not None:
            # Shown by it, in its place.
            warnings.simplefilter("ignore", RepairWarning)
        try:
            result: Result = campaign.run()
        except KeyboardInterrupt:
            if progress is not None:
                progress.close()
            print(f"\nStopped at once; what was finished is saved. To resume:\n  {resume_command}", flush=True)
            return interrupt.exit_code
        finally:
            if progress is not None:
                progress.close()
    if interrupt.received:
        print(f"\nStopped and saved. To resume:\n  {resume_command}", flush=True)
        return interrupt.exit_code
    show_result(result, job, split, directory)
    return 0


def job_of(directory: Path, config: Path | None) -> Job:
    """The job of a campaign that exists.

    Raises:
        SettingsError: there is no campaign, or nothing says where its data is.
    """

    if not CampaignDirectory.exists(directory):
        raise SettingsError(f"directory: {directory} holds no campaign")
    job = Job.read(config) if config is not None else Job.of_directory(directory)
    if job is None and fitted_here(directory):
        raise SettingsError(
            f"directory: {directory} was begun by evo fit; the same command again, with this --directory and more "
            "minutes or trials, goes on"
        )
    if job is None:
        raise SettingsError(
            f"directory: the campaign in {directory} was begun from Python; resume it with "
            "evo.resume(directory, data), or say where its data is with --config CONFIG.toml"
        )
    return job
