"""The trials of a campaign on disk: ``journal/`` in JSON Lines and ``trials/`` in HDF5.

``journal/`` is what counts: one small file per trial, written when it is
proposed and again when its outcome is known. When every trial of a segment
(100 numbers) has its outcome, their files are merged into one. ``trials/``
holds the same outcomes as tables, one file per segment from its first
outcome on. Each of the two is restored from the other when it is damaged.

Which files there are, and their bytes, depend only on the trials known: not on
the order in which they came, nor on how often the campaign was killed. No
step costs more when there are more trials.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from evo.core.errors import StorageError
from evo.storage import atomic, layout, tables
from evo.storage.records import TrialRecord, from_lines, to_lines
from evo.storage.sealed import Damaged, check_hdf5, read_bytes

#: Where a proposal is lost and cannot be restored, at most this many later trials are given up without ``repair``.
FALLBACK = 16
#: Trials after a lost one beyond which their number cannot be right.
_GAP = 1_000_000


class Journal:
    """The records of all trials, in memory and on disk.

    Args:
        root: the campaign's directory.
        say: is told, in one line, about every repair.
        write: False to change nothing on disk (another process may be writing).
        segment: trials per merged file.
    """

    def __init__(
        self, root: Path, say: Callable[[str], None], *, write: bool = True, segment: int = layout.SEGMENT
    ) -> None:
        self._root = root
        self._say = say
        self._write = write
        self._size = segment
        self.records: list[TrialRecord] = []
        self._merged: set[int] = set()

    # -- names -------------------------------------------------------------------------
    def _single(self, number: int) -> Path:
        return self._root / layout.JOURNAL / layout.number_name(number, ".jsonl")

    def _merged_path(self, segment: int) -> Path:
        return self._root / layout.JOURNAL / layout.range_name(segment, ".jsonl", self._size)

    def _table_path(self, segment: int) -> Path:
        return self._root / layout.TRIALS / layout.range_name(segment, ".h5", self._size)

    def _name(self, path: Path) -> str:
        return layout.relative(path, self._root)

    def _numbers(self, segment: int) -> range:
        return range(segment * self._size, (segment + 1) * self._size)

    # -- loading -----------------------------------------------------------------------
    def load(self, repair: bool = False) -> list[int]:
        """Read all records, repairing what can be repaired.

        Args:
            repair: with proposals lost for good, fall back however many later outcomes that gives up.

        Returns:
            numbers of trials that were given up to fall back; everything stored of them
            is to be removed. Usually empty.

        Raises:
            StorageError: a file is damaged and cannot be restored; names it.
        """
        singles, merged, tabled = self._scan()
        segments = sorted(merged | {number // self._size for number in singles} | tabled)
        found: dict[int, TrialRecord] = {}
        bad: dict[int, str] = {}
        for segment in segments:
            if segment in merged and self._load_merged(segment, found, singles):
                continue
            self._load_open(segment, found, bad, singles, segment in tabled)
        end = max((*found, *bad), default=-1) + 1
        given_up = self._check_complete(found, bad, end, repair)
        first_lost = given_up[0] if given_up else end
        self.records = [found[number] for number in range(first_lost)]
        if self._write:
            self._put_in_order(segments, singles, given_up)
        return given_up

    def _scan(self) -> tuple[set[int], set[int], set[int]]:
        """Numbers of single files, segments of merged files, segments of tables."""
        singles: set[int] = set()
        merged: set[int] = set()
        tabled: set[int] = set()
        for name in _list(self._root / layout.JOURNAL):
            if not name.endswith(".jsonl"):
                continue
            first, number = layout.parse_range(name), layout.parse_number(name)
            if first is not None:
                merged.add(first // self._size)
            elif number is not None:
                singles.add(number)
        for name in _list(self._root / layout.TRIALS):
            first = layout.parse_range(name)
            if first is not None and name.endswith(".h5"):
                tabled.add(first // self._size)
        return singles, merged, tabled

    def _load_merged(self, segment: int, found: dict[int, TrialRecord], singles: set[int]) -> bool:
        """Take a merged segment over; False if its single files are still there to be used instead."""
        path, table = self._merged_path(segment), self._table_path(segment)
        numbers = self._numbers(segment)
        try:
            records = from_lines(read_bytes(path))
            if [record.number for record in records] != list(numbers):
                raise Damaged("it does not hold the trials that its name says")
        except Damaged as damage:
            if all(number in singles for number in numbers):
                self._say(f"{self._name(path)} was damaged ({damage}); written again from the files of its trials")
                return False
            try:
                records = tables.from_hdf5(read_bytes(table))
                if [record.number for record in records] != list(numbers):
                    raise Damaged("it does not hold all trials of its segment")
            except Damaged as second:
                raise StorageError(
                    f"{path} is damaged: {damage}; and {self._name(table)}, from which it could be restored, "
                    f"too: {second}. Restore one of the two files from a backup."
                ) from None
            self._say(f"{self._name(path)} was damaged ({damage}); restored from {self._name(table)}, nothing is lost")
            if self._write:
                self._set_aside(path)
                atomic.write_file(path, to_lines(records))
        found.update((record.number, record) for record in records)
        self._merged.add(segment)
        try:
            check_hdf5(read_bytes(table), tables.KIND)
        except Damaged as damage:
            self._say(f"{self._name(table)} was damaged ({damage}); restored from {self._name(path)}, nothing is lost")
            if self._write:
                self._set_aside(table)
                atomic.write_file(table, tables.to_hdf5(records))
        return True

    def _load_open(
        self,
        segment: int,
        found: dict[int, TrialRecord],
        bad: dict[int, str],
        singles: set[int],
        tabled: bool,
    ) -> None:
        """Take over a segment of single files, with what only its table still knows."""
        table = self._table_path(segment)
        from_table: dict[int, TrialRecord] = {}
        if tabled:
            try:
                from_table = {record.number: record for record in tables.from_hdf5(read_bytes(table))}
            except Damaged as damage:
                self._say(f"{self._name(table)} was damaged ({damage}); written again, nothing is lost")
        whole = len(from_table) == self._size and all(n in from_table for n in self._numbers(segment))
        if whole and not any(number in singles for number in self._numbers(segment)):
            self._say(
                f"{self._name(self._merged_path(segment))} was missing; restored from {self._name(table)}, "
                "nothing is lost"
            )
        restored = []
        for number in self._numbers(segment):
            if number not in singles and number not in from_table:
                continue
            reason = self._load_single(number, found) if number in singles else "missing"
            if not reason:
                continue
            if number not in from_table:
                bad[number] = reason
                continue
            name, source = self._name(self._single(number)), self._name(table)
            if number in singles:
                self._say(f"{name} was damaged ({reason}); restored from {source}")
            elif not whole:
                self._say(f"{name} was missing; restored from {source}")
            found[number] = from_table[number]
            restored.append(number)
        if self._write:
            self._write_restored([found[number] for number in restored], singles)

    def _write_restored(self, records: Iterable[TrialRecord], singles: set[int]) -> None:
        """Write the files of trials that were restored from a table; damaged ones are set aside."""
        for record in records:
            path = self._single(record.number)
            if record.number in singles:
                self._set_aside(path)
            atomic.write_file(path, to_lines([record]))
            singles.add(record.number)

    def _load_single(self, number: int, found: dict[int, TrialRecord]) -> str:
        """Take over the file of one trial; returns what is wrong with it, "" if nothing."""
        try:
            records = from_lines(read_bytes(self._single(number)))
            if [record.number for record in records] != [number]:
                raise Damaged("it does not hold the trial that its name says")
        except Damaged as damage:
            return str(damage)
        found[number] = records[0]
        return ""

    def _check_complete(self, found: dict[int, TrialRecord], bad: dict[int, str], end: int, repair: bool) -> list[int]:
        """Numbers to give up so that no trial is missing in between; usually none."""
        lost = next((number for number in range(end) if number not in found), None)
        if lost is None:
            return []
        path = self._single(lost)
        if end - lost > _GAP:
            raise StorageError(
                f"{path} is missing, and there are trials up to number {end - 1}: these are not the trials of one "
                "campaign. Restore the folder from a backup."
            )
        reason = bad.get(lost, "it is missing")
        later = [n for n in range(lost, end) if n in found and found[n].outcome is not None]
        missing = sum(number not in found for number in range(lost, end))
        merged_later = any(number // self._size in self._merged for number in range(lost, end))
        if merged_later or (len(later) + missing > FALLBACK and not repair):
            raise StorageError(
                f"{path} is damaged: {reason}. It cannot be restored: {missing} trials from number {lost} on "
                f"are lost, and {len(later)} later ones have their outcome already. "
                "Restore the file from a backup."
            )
        self._say(
            f"{self._name(path)} was damaged ({reason}); falling back to the state before trial {lost}: "
            f"{len(later)} finished trials after it will be trained again"
        )
        return list(range(lost, end))

    def _put_in_order(self, segments: Sequence[int], singles: set[int], given_up: Sequence[int]) -> None:
        """Finish what a kill interrupted, so that the files are those of an undisturbed campaign."""
        for number in given_up:
            self._set_aside(self._single(number))
        leftovers = [self._single(n) for n in singles if n // self._size in self._merged]
        atomic.remove_files(leftovers)
        for segment in segments:
            if segment in self._merged:
                continue
            self._write_table(segment, only_if_changed=True)
            self._merge_if_complete(segment)

    def _set_aside(self, path: Path) -> None:
        atomic.set_aside(self._root, path)

    # -- writing -----------------------------------------------------------------------
    def propose(self, record: TrialRecord) -> None:
        """Store the next trial, which has no outcome yet.

        Raises:
            StorageError: it could not be written; nothing has changed.
        """
        if record.number != len(self.records):
            raise ValueError(f"trial {record.number} cannot follow trial {len(self.records) - 1}")
        atomic.write_file(self._single(record.number), to_lines([record]))
        self.records.append(record)

    def settle(self, record: TrialRecord) -> None:
        """Store the outcome of a trial; it is safe as soon as the first of the files is written.

        Raises:
            StorageError: a file could not be written; either nothing has changed, or the
                outcome is stored and the rest is made up for when the directory is opened next.
        """
        segment = record.number // self._size
        atomic.write_file(self._single(record.number), to_lines([record]))
        self.records[record.number] = record
        self._write_table(segment)
        self._merge_if_complete(segment)

    def _settled(self, segment: int) -> list[TrialRecord]:
        first, last = segment * self._size, (segment + 1) * self._size
        return [record for record in self.records[first:last] if record.outcome is not None]

    def _write_table(self, segment: int, only_if_changed: bool = False) -> None:
        path, records = self._table_path(segment), self._settled(segment)
        if not records:
            atomic.remove_files([path])
            return
        data = tables.to_hdf5(records)
        if only_if_changed:
            if path.exists() and path.read_bytes() == data:
                return
            # After the first outcome of a segment a kill may have come before its table.
            if not path.exists() and len(records) > 1:
                self._say(f"{self._name(path)} was missing; written again, nothing is lost")
        # The journal has it all; a merged segment's table is made durable, before the files of its trials go.
        atomic.write_file(path, data, durable=len(records) == self._size)

    def _merge_if_complete(self, segment: int) -> None:
        records = self._settled(segment)
        if len(records) < self._size:
            return
        atomic.write_file(self._merged_path(segment), to_lines(records))
        self._merged.add(segment)
        atomic.remove_files([self._single(number) for number in self._numbers(segment)])


def _list(folder: Path) -> Iterable[str]:
    with atomic.storage_errors("read", folder):
        try:
            return sorted(os.listdir(folder))
        except FileNotFoundError:
            return []
