"""``evo report DIR``"""

from __future__ import annotations

import argparse

from evo.commands.job import Job
from evo.commands.quiet_backend import quiet_backend
from evo.commands.reading import read_result, read_result_with_data
from evo.commands.reproduction import job_again
from evo.commands.results import judged_before
from evo.core.errors import EvoError, SettingsError
from evo.report.campaigns import content_of
from evo.report.html import write_report


def main(given: argparse.Namespace) -> int:
    """Write an HTML report of a campaign."""

    if given.ensemble < 0:
        raise SettingsError(f"--ensemble: expected 0 or more members, got {given.ensemble}")
    result, reason = read_result(given.directory), ""
    ensemble = None
    if given.ensemble and result.history.completed():
        result, reason = read_result_with_data(given.directory, given.config)
        try:
            with quiet_backend():  # trees may still have to be grown
                ensemble, reason = result.ensemble(size=given.ensemble, load=False), ""
        except EvoError as error:
            reason = reason or str(error)
    remarks = (f"No ensemble is shown: {reason}",) if reason else ()
    job = Job.of_directory(given.directory)
    content = content_of(
        result,
        given.directory,
        ensemble,
        remarks,
        judged_before(given.directory, result),
        () if job is None else job_again(job, given.directory),
    )
    print(write_report(content, given.output or given.directory / "report.html"))
    return 0
