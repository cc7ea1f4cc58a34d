"""Everything that evo raises on purpose.

Every message names the argument, what was given and what was expected, and
is raised before any training starts.
"""

from __future__ import annotations

import errno
from pathlib import Path


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


class SearchStopped(KeyboardInterrupt):
    """Ctrl-C or SIGTERM stopped a search whose caller wants a model of it; the same call goes on where it was.

    A KeyboardInterrupt, so that what waits for a model ends as programs end that are interrupted.

    Attributes:
        signal: the signal's number.
        directory: where the search is kept.
    """

    def __init__(self, signal: int, directory: Path) -> None:
        super().__init__(f"stopped and saved; the same call with directory={str(directory)!r} goes on")
        self.signal = signal
        self.directory = directory


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


#: A full disk or quota, a file system that became read-only, broken or stale, no descriptors left on the machine.
_MACHINES = frozenset(
    getattr(errno, name)
    for name in ("ENOSPC", "EDQUOT", "EROFS", "EIO", "ESTALE", "ENFILE")
    if hasattr(errno, name)  # Windows has fewer
)


def is_the_machines(error: BaseException) -> bool:
    """Whether an error is the machine's doing, whoever met it first: it must not become a candidate's outcome."""
    return isinstance(error, OSError) and error.errno in _MACHINES
