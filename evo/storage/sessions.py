"""What depends on the clock and the machine, kept apart from what depends on the history.

One JSON Lines file per session (from opening the directory to closing it):
a line when it begins, one per outcome, one when it ends. Lines are appended;
a line that a kill cut short is skipped.
"""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import platform
import time
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TextIO

from evo.storage import atomic, layout
from evo.storage.sealed import Damaged, compact, read_bytes

#: More sessions than a campaign has: a file beyond is not ours.
_MOST_SESSIONS = 1_000_000
#: Missing sessions in a row that are told of one by one.
_TOLD_APART = 20
#: What stands before the checksum (CRC-32) at the end of a line.
_CHECK = b',"crc":'


class Sessions:
    """Earlier sessions, and the present one.

    Args:
        root: the campaign's directory.
        say: is told about lines that cannot be read.
    """

    def __init__(self, root: Path, say: Callable[[str], None]) -> None:
        self._folder = root / layout.SESSIONS
        self._say = say
        self._file: TextIO | None = None
        self._begun = 0.0
        self.earlier: list[dict[str, Any]] = []
        self.seconds: dict[int, dict[str, float]] = {}
        self._count = 0

    def load(self) -> None:
        """Read the earlier sessions; what is damaged is skipped and said: no result depends on it."""
        found = {name: layout.parse_number(name) for name in sorted(os.listdir(self._folder))}
        for name, number in found.items():
            if number is not None and number > _MOST_SESSIONS:
                self._say(f"sessions/{name} is of no session that there can have been; it is not read")
        names = {name: n for name, n in found.items() if n is not None and n <= _MOST_SESSIONS}
        for number in sorted(names.values()):
            self._say_missing(self._count + 1, number - 1)
            self._count = max(self._count, number)
        for name in names:
            self.earlier.append(self._read(name))

    def _say_missing(self, first: int, last: int) -> None:
        """Sessions from one number to another are not there; without end, a file of a high number would be told of."""
        for number in range(first, min(last, first + _TOLD_APART - 1) + 1):
            self._say(f"sessions/{layout.number_name(number, '.jsonl')} is missing: its minutes are not counted")
        if last >= first + _TOLD_APART:
            self._say(f"sessions/ up to number {last} are missing: their minutes are not counted")

    def _read(self, name: str) -> dict[str, Any]:
        session: dict[str, Any] = {"file": name, "elapsed": 0.0}
        damaged = 0
        try:
            lines = read_bytes(self._folder / name).split(b"\n")
        except Damaged:
            lines = [b"?", b""]
        # Sessions of earlier versions have no checksums.
        checked = any(_CHECK in line for line in lines)
        # What follows the last newline was cut short by a kill: nothing to tell.
        for line in lines[:-1]:
            try:
                if checked:
                    line = _unsealed(line)
                entry = json.loads(line.decode())
                session["elapsed"] = max(session["elapsed"], _seconds(entry.get("elapsed", 0.0)))
                if "seconds" in entry:
                    self.seconds[_number(entry["number"])] = {str(k): _seconds(v) for k, v in entry["seconds"].items()}
                else:
                    session.update((key, value) for key, value in entry.items() if key != "elapsed")
            except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError):
                damaged += 1
        if damaged or len(lines) < 2:
            self._say(f"sessions/{name} is damaged: some timings of that session are not counted")
        return session

    def begin(self, info: Mapping[str, Any]) -> None:
        """Begin the present session.

        Args:
            info: what is worth keeping of it (workers, budget, versions, ...).
        """
        self._begun = time.monotonic()
        path = self._folder / layout.number_name(self._count + 1, ".jsonl")
        with atomic.storage_errors("write", path):
            self._file = open(path, "x", encoding="ascii")  # noqa: SIM115 - open for the whole session
        self._append({"started": _now(), "host": platform.node(), "pid": os.getpid(), **info})

    def outcome(self, number: int, seconds: Mapping[str, float]) -> None:
        """Note how long the phases of a trial took."""
        plain = {str(name): float(value) for name, value in seconds.items()}
        self.seconds[number] = plain
        self._append({"number": number, "seconds": plain})

    def note(self, entry: Mapping[str, Any]) -> None:
        """Note anything else about the present session."""
        self._append(dict(entry))

    def count_seconds(self, seconds: float) -> None:
        """Count seconds that passed before the session began as its own."""
        self._begun -= seconds

    def _append(self, entry: dict[str, Any]) -> None:
        if self._file is None:
            return
        entry["elapsed"] = round(time.monotonic() - self._begun, 3)
        with atomic.storage_errors("write", self._folder):
            self._file.write(_sealed(entry))
            self._file.flush()

    def end(self) -> None:
        """End the present session; a full disk is no reason to fail here."""
        if self._file is None:
            return
        file, self._file = self._file, None
        with contextlib.suppress(OSError):
            file.write(_sealed({"ended": _now(), "elapsed": round(time.monotonic() - self._begun, 3)}))
            file.flush()
        with contextlib.suppress(OSError):
            file.close()

    @property
    def minutes(self) -> float:
        """Wall-clock minutes of all sessions, up to now."""
        present = time.monotonic() - self._begun if self._file is not None else 0.0
        return (sum(session["elapsed"] for session in self.earlier) + present) / 60.0


def _sealed(entry: Mapping[str, Any]) -> str:
    """A line with its checksum as the last entry."""
    text = compact(entry)
    return f"{text[:-1]}{_CHECK.decode()}{zlib.crc32(text.encode())}}}\n"


def _unsealed(line: bytes) -> bytes:
    """A line without its checksum.

    Raises:
        ValueError: it has none, or another one.
    """
    text, found, check = line.rpartition(_CHECK)
    text += b"}"
    if not found or check != f"{zlib.crc32(text)}}}".encode():
        raise ValueError("another checksum")
    return text


def _seconds(value: Any) -> float:
    """A time span; ValueError for one that is none, or longer than a century."""
    if not 0 <= float(value) < 3.2e9:
        raise ValueError("no time span")
    return float(value)


def _number(value: Any) -> int:
    if type(value) is not int or not 0 <= value <= layout.MOST_TRIALS:
        raise ValueError("no trial")
    return value


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
