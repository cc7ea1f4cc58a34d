"""Opening a campaign's directory: what a kill interrupted is finished, what was damaged is repaired or said."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from evo.core.errors import StorageError
from evo.storage import atomic, layout
from evo.storage.confinement import unlink_ways_out
from evo.storage.journal import FALLBACK, Journal
from evo.storage.populations import PopulationFiles
from evo.storage.predictions import PredictionFiles
from evo.storage.sessions import Sessions
from evo.storage.states import StateFiles

#: Times that a directory is read which another process is writing to.
_ATTEMPTS = 5


def _make_folders(root: Path, say: Callable[[str], None]) -> None:
    """Make the folders that are missing, and remove what a kill left half written.

    Args:
        root: the campaign's directory.
        say: is told about missing folders.
    """
    for folder in layout.FOLDERS:
        if not (root / folder).is_dir():
            # An empty folder does not survive every kind of copy: only worth a word if it held something. Campaigns of
            # earlier versions have none for companions.
            if folder not in (layout.WORK, layout.COMPANIONS):
                say(f"the folder {folder} was missing; made again")
            atomic.make_folder(root / folder)
        atomic.remove_partials(root / folder)
    atomic.remove_partials(root)


def load(
    root: Path,
    say: Callable[[str], None],
    journal: Journal,
    sessions: Sessions,
    states: StateFiles,
    predictions: PredictionFiles,
    populations: PopulationFiles,
    repair: bool,
) -> list[int]:
    """Load all parts of a directory for writing, each one in the state that the journal tells.

    Args:
        root: the campaign's directory, locked.
        say: is told, in one line each, what was repaired.
        journal, sessions, states, predictions, populations: parts that are not loaded yet.
        repair: give up as many finished trials as it takes to fall back to a good state.

    Returns:
        Numbers of trials that were given up; usually none.

    Raises:
        StorageError: a file is damaged and cannot be restored; names it.
    """
    _make_folders(root, say)
    unlink_ways_out(root, say)
    given_up = journal.load(repair)
    sessions.load()
    _check_vanished(root, say, journal, sessions, given_up, repair)
    records = journal.records
    states.files.update((record.number, record.state) for record in records if record.state is not None)
    states.recover({record.number for record in records if record.outcome is None})
    predictions.check({record.number: record.predictions for record in records if record.predictions is not None})
    leading = next((record.number for record in records if record.outcome is None), len(records))
    populations.check(len(records), leading)
    return given_up


def load_read_only(root: Path, messages: list[str], segment: int) -> Journal:
    """The journal of a directory that another process may be writing to; nothing is changed.

    Args:
        root: the campaign's directory.
        messages: gets one line per damage.
        segment: trials per merged file of the journal.

    Raises:
        StorageError: a file is damaged and cannot be restored; names it.
    """
    said = len(messages)
    # The writer may merge files while they are read: what is missing now is there a moment later.
    for attempt in range(_ATTEMPTS):
        journal = Journal(root, messages.append, write=False, segment=segment)
        try:
            journal.load(repair=True)
            break
        except StorageError:
            if attempt == _ATTEMPTS - 1:
                raise
            del messages[said:]
    return journal


def _check_vanished(
    root: Path, say: Callable[[str], None], journal: Journal, sessions: Sessions, given_up: list[int], repair: bool
) -> None:
    """Notice outcomes whose files are gone without a trace, by the timings that were noted after them."""
    records = journal.records
    gone = sorted(number for number in sessions.seconds if number >= len(records) or records[number].outcome is None)
    for number in gone:
        del sessions.seconds[number]
    untimed = sum(record.outcome is not None and record.number not in sessions.seconds for record in records)
    # A kill between an outcome and its timings costs one of them.
    if untimed > len(sessions.earlier):
        say(f"timings of {untimed} trials are missing from {layout.SESSIONS}/; no result depends on them")
    gone = [number for number in gone if number not in given_up]
    if not gone:
        return
    file = f"{layout.JOURNAL}/{layout.number_name(gone[0], '.jsonl')}"
    if len(gone) > FALLBACK and not repair:
        raise StorageError(
            f"{root / file} is missing: {len(gone)} trials from number {gone[0]} on were finished, "
            "but their files are gone. Restore them from a backup."
        )
    say(f"{file} is missing: {len(gone)} finished trials will be trained again")
