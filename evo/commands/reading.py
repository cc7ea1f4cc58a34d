"""Reading a campaign that exists, without training or locking."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from evo.commands.configuration import Job
from evo.errors import SettingsError

if TYPE_CHECKING:
    from evo.result import Result


def read_result(directory: Path) -> Result:
    """The result so far of the campaign in a directory; imports the user's own genes first.

    Raises:
        SettingsError: the directory holds no campaign.
    """
    from evo.storage import CampaignDirectory

    if not CampaignDirectory.exists(directory):
        raise SettingsError(f"directory: {directory} holds no campaign")
    job = Job.of_directory(directory)
    if job is not None:
        job.load_imports()
    from evo.result import load_result

    return load_result(directory)
