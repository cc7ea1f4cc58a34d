"""Reading a campaign that exists, without training or locking."""

from __future__ import annotations

from pathlib import Path

from evo.campaign.result import Result
from evo.campaign.stored_result import load_result
from evo.commands.job import Job
from evo.core.errors import EvoError, SettingsError
from evo.fitting.fitted import Fitted, load_fitted
from evo.storage import CampaignDirectory


def read_result(directory: Path) -> Result:
    """The result so far of the campaign in a directory; imports the user's own genes first.

    Raises:
        SettingsError: the directory holds no campaign.
    """

    if not CampaignDirectory.exists(directory):
        inside = [str(path) for path in campaigns_inside(directory)]
        named = ", ".join([*inside[:8], *(["..."] if inside[8:] else [])])
        raise SettingsError(
            f"directory: {directory} holds no campaign{f' itself; name one: {named}' if inside else ''}"
        )
    job = Job.of_directory(directory)
    if job is not None and job.trusted:
        job.load_imports()

    return load_result(directory)


def campaigns_inside(folder: Path) -> list[Path]:
    """The folders in a folder that hold a campaign, by name."""
    inside = sorted(folder.iterdir()) if folder.is_dir() else []
    return [path for path in inside if path.is_dir() and CampaignDirectory.exists(path)]


def read_fitted(directory: Path) -> Fitted:
    """The model that ``evo fit`` or ``evo run`` left in a directory; imports the user's own genes first.

    Raises:
        SettingsError: there is no such model.
    """
    job = Job.of_directory(directory) if directory.is_dir() else None
    if job is not None and job.trusted:
        job.load_imports()
    return load_fitted(directory)


def read_result_with_data(directory: Path, config: Path | None) -> tuple[Result, str]:
    """The result with the campaign's data, where it can be loaded; else without, and the reason why not.

    Args:
        directory: the campaign's directory.
        config: TOML file that says where the data is; by default what the campaign was begun with.

    Raises:
        SettingsError: the directory holds no campaign.
    """

    result = read_result(directory)
    job = Job.read(config) if config is not None else Job.of_directory(directory)
    if job is None:
        return result, "the campaign was begun from Python; say where its data is with --config CONFIG.toml"
    if not job.trusted and Path(str(job.config["data"].get("file", ""))).is_dir():
        # A folder that somebody else names may be the whole disk.
        return result, "its data is a folder that somebody else has named; say where it is with --config CONFIG.toml"
    try:
        space, split = job.load()
        return load_result(directory, split.data, space=space), ""
    except EvoError as error:
        return result, str(error)
