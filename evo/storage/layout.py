"""Names of the files in a campaign's directory, and the version of their format."""

from __future__ import annotations

import re
from pathlib import Path

#: Version of the directory's format; raised whenever an older reader could misread it.
FORMAT = 1

#: Trials per file of ``journal/`` and ``trials/`` once all of them have their outcome.
SEGMENT = 100

CAMPAIGN = "campaign.json"
CAMPAIGN_COPY = "campaign.copy.json"
PREPROCESSING = "preprocessing.npz"
JUDGED = "judged.h5"
LOCK = "lock.json"
JOURNAL = "journal"
TRIALS = "trials"
PREDICTIONS = "predictions"
POPULATIONS = "populations"
STATES = "states"
COMPANIONS = "companions"
SESSIONS = "sessions"
WORK = "work"
DAMAGED = "damaged"
#: The data for the workers, while a session runs.
CACHE = "cache"

#: More trials than any campaign has: numbers beyond it are not ours.
MOST_TRIALS = 10_000_000

#: Subfolders that every campaign's directory has from the start.
FOLDERS = (JOURNAL, TRIALS, PREDICTIONS, POPULATIONS, STATES, COMPANIONS, SESSIONS, WORK)

_NUMBER = re.compile(r"(\d{6,8})(\..+)?", re.ASCII)
_RANGE = re.compile(r"(\d{6,8})-(\d{6,8})\..+", re.ASCII)
_SUFFIX = re.compile(r"\.[A-Za-z0-9_-]{1,16}", re.ASCII)


def number_name(number: int, suffix: str = "") -> str:
    """``000123`` plus a suffix."""
    return f"{number:06d}{suffix}"


def predictions_name(number: int) -> str:
    """The file of a trial's predictions: ``000123.h5``."""
    return number_name(number, ".h5")


def state_name(number: int, worker_file: str) -> str:
    """The file of a trial's state: its number, with the suffix of the file that the worker wrote.

    Args:
        number: the trial.
        worker_file: name of that file; only a plain suffix (letters, digits, ``_``, ``-``) is taken over.
    """
    suffix = Path(worker_file).suffix
    return number_name(number, suffix if _SUFFIX.fullmatch(suffix) else "")


def range_name(segment: int, suffix: str, size: int = SEGMENT) -> str:
    """``000100-000199`` plus a suffix, for segment 1."""
    return f"{segment * size:06d}-{(segment + 1) * size - 1:06d}{suffix}"


def parse_number(name: str) -> int | None:
    """The number in ``000123.h5``; None for any other name."""
    match = _NUMBER.fullmatch(name)
    return int(match.group(1)) if match else None


def parse_range(name: str) -> int | None:
    """First number in ``000100-000199.h5``; None for any other name."""
    match = _RANGE.fullmatch(name)
    return int(match.group(1)) if match else None


def relative(path: Path, root: Path) -> str:
    """A file's name for messages: relative to the campaign's directory where it lies inside."""
    try:
        return readable(path.relative_to(root).as_posix())
    except ValueError:
        return readable(str(path))


def readable(name: str) -> str:
    """A file's name for a line of text: a terminal would obey some characters that a stranger may have put into it."""
    return name if name.isprintable() else "".join(c if c.isprintable() else "\ufffd" for c in name)
