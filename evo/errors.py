"""Everything that evo raises on purpose, under its public name; see :mod:`evo.core.errors`."""

from evo.core.errors import (
    CampaignMismatchError,
    DataError,
    DirectoryLockedError,
    EnsembleError,
    EvoError,
    InfrastructureError,
    RepairWarning,
    SearchStopped,
    SettingsError,
    SpaceExhaustedError,
    StorageError,
    TrialError,
)

__all__ = [
    "CampaignMismatchError",
    "DataError",
    "DirectoryLockedError",
    "EnsembleError",
    "EvoError",
    "InfrastructureError",
    "RepairWarning",
    "SearchStopped",
    "SettingsError",
    "SpaceExhaustedError",
    "StorageError",
    "TrialError",
]
