"""Everything that evo raises on purpose.

Every message names the argument, what was given and what was expected, and
is raised before any training starts.
"""

from __future__ import annotations


class EvoError(Exception):
    """Base of all errors that evo raises on purpose."""


class DataError(EvoError, ValueError):
    """The data given cannot be used: wrong shape, labels out of range, NaN, an empty split."""


class SettingsError(EvoError, ValueError):
    """A setting of a campaign is wrong: a budget of zero, an unknown objective, a bad path."""


class CampaignMismatchError(EvoError):
    """The directory holds a campaign with other data, space, seed or settings."""


class DirectoryLockedError(EvoError):
    """Another process is working in the campaign's directory."""


class StorageError(EvoError):
    """A file of the campaign's directory is missing, damaged, or cannot be written."""


class RepairWarning(UserWarning):
    """A campaign's directory was damaged, and went back to its last good state; the message says what was lost."""


class InfrastructureError(EvoError):
    """What every trial needs does not work: workers cannot start or import, or the program fails for any candidate."""


class TrialError(EvoError):
    """A trial cannot be done as asked, e.g. the state that it continues from is gone."""


class EnsembleError(EvoError, ValueError):
    """An ensemble cannot be formed, loaded or converted as asked."""


class SpaceExhaustedError(EvoError):
    """Every phenotype of a finite space has been trained."""
