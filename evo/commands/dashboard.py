"""``evo dashboard DIR [DIR ...]``"""

from __future__ import annotations

import argparse
import ipaddress
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path

from evo.commands.job import Job
from evo.commands.reading import campaigns_inside, read_result
from evo.commands.reproduction import job_again
from evo.commands.results import judged_before
from evo.core.errors import EvoError, SettingsError
from evo.dashboard.server import Dashboard
from evo.dashboard.watched import Watched
from evo.ensemble import EnsembleWarning
from evo.report.campaigns import content_of
from evo.report.content import ReportContent
from evo.storage import CampaignDirectory


def main(given: argparse.Namespace) -> int:
    """Serve campaigns to a browser until Ctrl-C."""
    campaigns = [Watched(directory, read) for directory in campaigns_in(given.directories)]
    server = Dashboard(campaigns, given.host, given.port)
    print(f"{server.url}  shows {', '.join(str(campaign.directory) for campaign in campaigns)}; Ctrl-C ends it")
    if not _is_local(given.host):
        print(f"evo: whoever reaches {given.host} can read it; nobody is asked for a password", file=sys.stderr)
    sys.stdout.flush()
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass
    finally:
        server.server_close()
    return 0


def campaigns_in(given: Sequence[Path]) -> list[Path]:
    """The campaigns that are meant: each directory, or those in it if it holds none itself.

    Raises:
        SettingsError: a directory that holds no campaign, and none of whose folders does.
    """
    found: list[Path] = []
    for directory in given:
        if CampaignDirectory.exists(directory):
            found.append(directory)
            continue
        inside = campaigns_inside(directory)
        if not inside:
            raise SettingsError(f"directory: {directory} holds no campaign")
        found += inside
    return list(dict.fromkeys(found))


def read(directory: Path) -> ReportContent:
    """What the dashboard shows of a campaign: what its report shows, without a look at the data.

    The ensemble is the one that what was trained so far would make; no model is loaded for it.
    """
    result = read_result(directory)
    job = Job.of_directory(directory)
    again = () if job is None else job_again(job, directory)
    judged = judged_before(directory, result)
    ensemble = None
    remarks: tuple[str, ...] = ()
    if len(result.history.completed()) > 1:
        try:
            with warnings.catch_warnings():
                # Said on the page, among the ensemble's notes.
                warnings.simplefilter("ignore", EnsembleWarning)
                ensemble = result.ensemble(load=False)
        except EvoError as error:
            remarks = (f"No ensemble is shown: {error}",)
    return content_of(result, directory, ensemble, remarks, judged, again)


def _is_local(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
