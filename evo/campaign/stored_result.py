"""The result so far of the campaign in a directory."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from evo.campaign.labels import labelled_as_stored
from evo.campaign.result import Result
from evo.campaign.settings import plausible_settings
from evo.core.errors import SettingsError
from evo.core.objectives import Objectives
from evo.data import Data
from evo.storage import CampaignDirectory, in_lines
from genomes.spaces.base import Space


def load_result(
    directory: str | os.PathLike[str],
    data: Data | None = None,
    *,
    space: Space | None = None,
    objectives: Sequence[Any] | None = None,
) -> Result:
    """The result so far of the campaign in a directory; trains, locks and changes nothing.

    Args:
        directory: the campaign's directory.
        data: the :class:`evo.Data` of the campaign; needed only by :meth:`Result.ensemble`, for models beside the nets
            that were not fitted yet, and where the directory does not keep what its models were judged by.
        space: the space, where its JSON is not enough to make it again (hypermodels).
        objectives: the objectives, where some are callables.

    Raises:
        SettingsError: the directory holds no campaign, or one of another space.
        StorageError: a file of it is damaged; names it.
    """
    if not CampaignDirectory.exists(directory):
        raise SettingsError(f"directory: {directory} holds no campaign")
    with CampaignDirectory.open(directory, read_only=True) as stored, plausible_settings(directory):
        space = Space.from_json(stored.space) if space is None else labelled_as_stored(space, stored.space)
        settings = stored.settings
        given = space.to_json() | {"arguments": space.arguments_as_in(stored.space["arguments"])}
        differences = stored.compare(settings, given, stored.data_fingerprint)
        if differences:
            raise SettingsError(
                f"space: this is not the space of the campaign in {directory}. What differs:{in_lines(differences)}"
            )
        history = stored.load_history(Objectives(objectives or settings["objectives"]))
        seed, population = int(settings["seed"]), int(settings["population"])
        keep_weights = int(settings["keep_weights"])
        reason = next((s["reason"] for s in reversed(stored.sessions) if s.get("reason")), "stopped")
        fingerprint = stored.data_fingerprint
    prepared = None
    if data is not None:
        prepared = data.prepare(space)
        if prepared.fingerprint != fingerprint:
            raise SettingsError(f"data: this is not the data of the campaign in {directory}")
    return Result(
        directory,
        space,
        history,
        str(reason),
        seed=seed,
        population=population,
        keep_weights=keep_weights,
        fingerprint=fingerprint,
        data=prepared,
    )
