"""A campaign's directory: HDF5 and JSON, every file written whole and put in place atomically.

The layout is documented field by field in ``docs/format.md``.
"""

from evo.storage.companions import CompanionFiles, StoredCompanion, locked
from evo.storage.comparison import in_lines
from evo.storage.directory import CampaignDirectory
from evo.storage.judged import JudgedTargets
from evo.storage.layout import FORMAT
from evo.storage.lock import DirectoryLock, LockHolder
from evo.storage.records import TrialRecord

__all__ = [
    "FORMAT",
    "CampaignDirectory",
    "CompanionFiles",
    "DirectoryLock",
    "JudgedTargets",
    "LockHolder",
    "StoredCompanion",
    "TrialRecord",
    "in_lines",
    "locked",
]
