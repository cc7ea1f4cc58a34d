"""A campaign's directory as the dashboard sees it: read again when something in it has changed."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, partial
from html import escape
from pathlib import Path

from evo.core.errors import EvoError
from evo.report.content import ReportContent
from evo.report.html import body
from evo.storage.layout import CAMPAIGN, JOURNAL, POPULATIONS, TRIALS
from evo.storage.lock import is_held
from genomes.errors import GenomeError

#: A page is made anew after so many times the seconds that making it took: at most a fifth of a core is spent on it.
_PAUSE = 4.0


@dataclass(frozen=True)
class Snapshot:
    """What was read.

    Attributes:
        version: differs where the page does.
        content: what the report shows; None where the directory cannot be read.
        running: whether a process works in the directory.
        make: gives :attr:`page`.
    """

    version: str
    content: ReportContent | None
    running: bool
    make: Callable[[], str] = field(repr=False)

    @cached_property
    def page(self) -> str:
        """The report as HTML, without the page around it; drawn when it is first asked for."""
        return self.make()


class Watched:
    """One campaign.

    Args:
        directory: of the campaign.
        read: makes what is shown of it.
        clock: seconds; what it is now.
    """

    def __init__(
        self, directory: Path, read: Callable[[Path], ReportContent], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.directory = directory
        self._read = read
        self._clock = clock
        self._lock = threading.Lock()
        self._snapshot: Snapshot | None = None
        self._seen = ""
        self._due = 0.0

    def snapshot(self) -> Snapshot:
        """What the directory holds now, or held a moment ago."""
        with self._lock:
            now = self._clock()
            if self._snapshot is not None and now < self._due:
                return self._snapshot
            seen = _state_of(self.directory)
            if self._snapshot is None or seen != self._seen:
                self._snapshot, self._seen = self._made(seen), seen
                ended = self._clock()
                self._due = ended + _PAUSE * (ended - now)
            return self._snapshot

    def _made(self, seen: str) -> Snapshot:
        running = is_held(self.directory)
        version = hashlib.sha256(seen.encode()).hexdigest()[:16]
        try:
            content = self._read(self.directory)
        except (EvoError, GenomeError, OSError) as error:
            # Gone, damaged, or of genes that are not imported: said, and looked at again when something changes.
            told = (
                f'<header><h1>{escape(str(self.directory))}</h1></header><div class="note">{escape(str(error))}</div>'
            )
            return Snapshot(version, None, running, lambda: told)
        if running:
            content = dataclasses.replace(content, reason="It is running.", running=True)
        return Snapshot(version, content, running, partial(self._drawn, content))

    def _drawn(self, content: ReportContent) -> str:
        """The page; what it took is waited for as well before the directory is read again."""
        began = self._clock()
        page = body(content)
        self._due = max(self._due, self._clock()) + _PAUSE * (self._clock() - began)
        return page


def _state_of(directory: Path) -> str:
    """Names, sizes and times of what a change of the campaign changes; nothing is opened."""
    found = [str(is_held(directory))]
    for folder in (JOURNAL, TRIALS, POPULATIONS):
        try:
            with os.scandir(directory / folder) as entries:
                stats = [(entry.name, entry.stat(follow_symlinks=False)) for entry in entries]
            found += sorted(f"{name} {stat.st_size} {stat.st_mtime_ns}" for name, stat in stats)
        except OSError as error:
            found.append(f"{folder} {error.errno}")
    return "\n".join([*found, str((directory / CAMPAIGN).exists())])
