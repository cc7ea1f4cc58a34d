"""CampaignDirectory: everything that a campaign keeps on disk."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from evo.core.errors import SettingsError, StorageError
from evo.core.history import History
from evo.core.objectives import Objectives
from evo.core.trial import Trial
from evo.storage import atomic, identity, layout
from evo.storage import predictions as predictions_files
from evo.storage.comparison import differences, plain
from evo.storage.journal import FALLBACK, Journal
from evo.storage.lock import DirectoryLock
from evo.storage.populations import Population, Populations
from evo.storage.predictions import Predictions
from evo.storage.records import StoredFile, TrialRecord
from evo.storage.sealed import Damaged, digest, read_bytes, seal_json
from evo.storage.sessions import Sessions
from evo.storage.states import States
from genomes.errors import GenomeError
from genomes.genome import Genome


class CampaignDirectory:
    """A campaign's directory; see ``docs/format.md`` for its files.

    Made by :meth:`create` or :meth:`open`; a context manager. Every method
    that writes raises :class:`evo.core.errors.StorageError` when it cannot (a full
    disk, a read-only file system); what was stored before is then unharmed.

    Attributes:
        path: the directory.
        messages: what was repaired or taken over when it was opened, one line each.
        given_up: numbers of trials that had to be given up because a proposal
            before them was lost; they will be proposed again. Usually empty.
    """

    def __init__(self, path: Path, settings: dict[str, Any], lock: DirectoryLock | None) -> None:
        self.path = path
        self.messages: list[str] = []
        self.given_up: list[int] = []
        self._campaign = settings
        self._lock = lock
        self._write = lock is not None
        self._journal = Journal(path, self._say, write=self._write, segment=settings["segment"])
        self._states = States(path, self._say)
        self._predictions = Predictions(path, self._say)
        self._populations = Populations(path, self._say)
        self._sessions = Sessions(path, self._say)
        self._genomes: dict[str, Genome] = {}
        self._state_files: dict[int, StoredFile] = {}

    # -- creating and opening ------------------------------------------------------------
    @staticmethod
    def exists(path: str | os.PathLike[str]) -> bool:
        """Whether a directory holds a campaign."""
        return identity.holds_campaign(Path(path))

    @staticmethod
    def check_free(path: str | os.PathLike[str]) -> None:
        """Raise unless a new campaign may be made in ``path``; touches nothing.

        Raises:
            SettingsError: it is a file, or a folder with something else or a campaign in it.
            StorageError: it cannot be written.
        """
        identity.check_free(Path(path))

    @classmethod
    def create(
        cls,
        path: str | os.PathLike[str],
        *,
        settings: Mapping[str, Any],
        space: Mapping[str, Any],
        data_fingerprint: Mapping[str, Any] | str,
        preprocessing: Mapping[str, np.ndarray] | None = None,
        versions: Mapping[str, str] | None = None,
        session: Mapping[str, Any] | None = None,
        break_lock: bool = False,
    ) -> Self:
        """Make the directory of a new campaign, and lock it.

        Args:
            path: a folder that does not exist yet, or is empty.
            settings: everything that decides what the campaign does (seed, objectives,
                algorithm, concurrency, training, ...), as JSON. Budget and workers, which
                may change when it is resumed, belong into ``session``.
            space: the space as JSON.
            data_fingerprint: identity of the data.
            preprocessing: arrays that ``Space.adapt`` found.
            versions: packages and their versions.
            session: what is worth noting about this session.
            break_lock: see :meth:`open`.

        Raises:
            SettingsError: the path is a file, or a folder with something else in it.
            CampaignMismatchError: never; a folder that holds a campaign is a SettingsError here.
            DirectoryLockedError: another process works in it.
            StorageError: the directory cannot be written.
        """
        root = Path(path)
        identity.check_free(root)
        content: dict[str, Any] = {
            "evo_format": layout.FORMAT,
            "segment": layout.SEGMENT,
            "settings": plain(dict(settings)),
            "space": plain(dict(space)),
            "data_fingerprint": plain(data_fingerprint),
            "versions": dict(versions or {}),
            "preprocessing_sha256": None,
        }
        packed = None
        if preprocessing:
            packed = identity.pack_arrays(preprocessing)
            content["preprocessing_sha256"] = digest(packed)
        atomic.make_folder(root)
        lock = DirectoryLock(root)
        said = lock.acquire(break_lock)
        try:
            if cls.exists(root):
                raise SettingsError(f"directory: {root} holds a campaign already")
            for folder in layout.FOLDERS:
                atomic.make_folder(root / folder)
            if packed is not None:
                atomic.write_file(root / layout.PREPROCESSING, packed)
            sealed = seal_json(content)
            atomic.write_file(root / layout.CAMPAIGN_COPY, sealed)
            # Last of all: from here on the folder is a campaign's.
            atomic.write_file(root / layout.CAMPAIGN, sealed)
            self = cls(root, content, lock)
            self.messages.extend(said)
            self._sessions.load()
            self._sessions.begin(session or {})
        except BaseException:
            lock.release()
            raise
        return self

    @classmethod
    def open(
        cls,
        path: str | os.PathLike[str],
        *,
        break_lock: bool = False,
        repair: bool = False,
        read_only: bool = False,
        session: Mapping[str, Any] | None = None,
    ) -> Self:
        """Open the directory of a campaign, lock it, and repair what a kill or a damage left.

        Args:
            path: the directory.
            break_lock: take the lock from whoever holds it.
            repair: give up as many finished trials as it takes to come back to a good state.
            read_only: take no lock and change nothing (to show a campaign that may be running).
            session: what is worth noting about this session.

        Raises:
            SettingsError: the directory holds no campaign.
            DirectoryLockedError: another process works in it.
            StorageError: a file is damaged and cannot be restored, or a newer format; names the file.
        """
        root = Path(path)
        identity.check_campaign(root)
        lock = None if read_only else DirectoryLock(root)
        said = lock.acquire(break_lock) if lock is not None else []
        try:
            content, repairs = identity.read_campaign(root, write=not read_only)
            self = cls(root, content, lock)
            self.messages.extend([*said, *repairs])
            if read_only:
                self._load_read_only()
            else:
                self._load(repair)
                self._sessions.begin(session or {})
        except BaseException:
            if lock is not None:
                lock.release()
            raise
        return self

    def _load(self, repair: bool) -> None:
        for folder in layout.FOLDERS:
            if not (self.path / folder).is_dir():
                # An empty folder does not survive every kind of copy: only worth a word if it held something.
                if folder != layout.WORK:
                    self._say(f"the folder {folder} was missing; made again")
                atomic.make_folder(self.path / folder)
            atomic.remove_partials(self.path / folder)
        atomic.remove_partials(self.path)
        self.given_up = self._journal.load(repair)
        self._sessions.load()
        self._check_vanished(repair)
        records = self._journal.records
        self._state_files = {r.number: r.state for r in records if r.state is not None}
        self._states.recover(self._state_files, set(self.pending))
        self._predictions.check({r.number: r.predictions for r in records if r.predictions is not None})
        self._populations.check(len(records))

    def _check_vanished(self, repair: bool) -> None:
        """Notice outcomes whose files are gone without a trace, by the timings that were noted after them."""
        records = self._journal.records
        gone = sorted(
            number for number in self._sessions.seconds if number >= len(records) or records[number].outcome is None
        )
        for number in gone:
            del self._sessions.seconds[number]
        untimed = sum(r.outcome is not None and r.number not in self._sessions.seconds for r in records)
        # A kill between an outcome and its timings costs one of them.
        if untimed > len(self._sessions.earlier):
            self._say(f"timings of {untimed} trials are missing from {layout.SESSIONS}/; no result depends on them")
        gone = [number for number in gone if number not in self.given_up]
        if not gone:
            return
        file = f"{layout.JOURNAL}/{layout.number_name(gone[0], '.jsonl')}"
        if len(gone) > FALLBACK and not repair:
            raise StorageError(
                f"{self.path / file} is missing: {len(gone)} trials from number {gone[0]} on were finished, "
                "but their files are gone. Restore them from a backup."
            )
        self._say(f"{file} is missing: {len(gone)} finished trials will be trained again")

    def _load_read_only(self) -> None:
        # A writer may merge files while they are read: what is missing now is there a moment later.
        for attempt in range(5):
            try:
                self._journal = Journal(self.path, self._say, write=False, segment=self._campaign["segment"])
                said = len(self.messages)
                self._journal.load(repair=True)
                break
            except StorageError:
                if attempt == 4:
                    raise
                del self.messages[said:]
        self._sessions.load()
        self._state_files = {r.number: r.state for r in self._journal.records if r.state is not None}

    def close(self) -> None:
        """End the session and give the lock back; nothing else waits to be written."""
        self._sessions.end()
        if self._lock is not None:
            self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _say(self, message: str) -> None:
        self.messages.append(message)

    def _ready(self) -> None:
        """Before each write: the lock must still be ours."""
        if self._lock is None:
            raise StorageError(f"directory {self.path} was opened only for reading")
        self._lock.check()

    # -- what the campaign is -------------------------------------------------------------
    @property
    def settings(self) -> dict[str, Any]:
        """The settings that the campaign was created with."""
        return dict(self._campaign["settings"])

    @property
    def space(self) -> dict[str, Any]:
        """The space as JSON."""
        return dict(self._campaign["space"])

    @property
    def data_fingerprint(self) -> Any:
        """Identity of the data."""
        return self._campaign["data_fingerprint"]

    @property
    def versions(self) -> dict[str, str]:
        """Versions of the packages that the campaign was created with."""
        return dict(self._campaign["versions"])

    def compare(
        self,
        settings: Mapping[str, Any],
        space: Mapping[str, Any],
        data_fingerprint: Mapping[str, Any] | str,
        ignore: Sequence[str] = (),
    ) -> list[str]:
        """What differs from the campaign that is stored here.

        Args:
            settings, space, data_fingerprint: as given to :meth:`create`.
            ignore: top-level settings that may differ.

        Returns:
            one line per difference: its path, the stored value, the given value; empty if none.
        """
        stored = {key: value for key, value in self._campaign["settings"].items() if key not in ignore}
        given = {key: value for key, value in plain(dict(settings)).items() if key not in ignore}
        return [
            *differences(stored, given, "settings"),
            *differences(self._campaign["space"], plain(dict(space)), "space"),
            *differences(self._campaign["data_fingerprint"], plain(data_fingerprint), "data"),
        ]

    def preprocessing_path(self) -> Path | None:
        """The ``.npz`` file that workers read; None if the space needs none.

        Raises:
            StorageError: it is missing or damaged; see :meth:`restore_preprocessing`.
        """
        expected = self._campaign["preprocessing_sha256"]
        if expected is None:
            return None
        path = self.path / layout.PREPROCESSING
        try:
            if digest(read_bytes(path)) != expected:
                raise Damaged("its checksum does not match its content")
        except Damaged as damage:
            raise StorageError(f"{path} is damaged: {damage}") from None
        return path

    def preprocessing(self) -> dict[str, np.ndarray]:
        """The arrays that ``Space.adapt`` found; empty if none.

        Raises:
            StorageError: the file is missing or damaged.
        """
        path = self.preprocessing_path()
        if path is None:
            return {}
        with np.load(path, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}

    def restore_preprocessing(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Write ``preprocessing.npz`` again after it was damaged.

        Raises:
            StorageError: these are not the arrays that the campaign began with.
        """
        self._ready()
        packed = identity.pack_arrays(arrays)
        if digest(packed) != self._campaign["preprocessing_sha256"]:
            raise StorageError(
                f"{self.path / layout.PREPROCESSING} is damaged, and the preprocessing computed from the "
                "data is not the one that the campaign began with. Restore the file from a backup."
            )
        atomic.write_file(self.path / layout.PREPROCESSING, packed)
        self._say(f"{layout.PREPROCESSING} was damaged; restored from the data")

    # -- trials ---------------------------------------------------------------------------
    def record_proposal(self, trial: Trial, seen: int | None = None) -> None:
        """Store a trial that was proposed, before it is handed to a worker.

        Args:
            trial: the next trial; its outcome, if any, is not looked at.
            seen: how many outcomes the proposal had seen: in an ordered campaign those of
                trials 0 .. seen-1, in a free-running one the first ``seen`` that arrived.
        """
        self._ready()
        record = TrialRecord.of_proposal(trial, seen)
        self._journal.propose(record)
        self._genomes.setdefault(record.genome, trial.genome)

    def record_outcome(
        self,
        trial: Trial,
        predictions: np.ndarray | None = None,
        *,
        state: str | os.PathLike[str] | None = None,
        arrival: int | None = None,
    ) -> Trial:
        """Store what came of a trial, in any order of numbers.

        Safe on the disk when it returns. Predictions come first, then the outcome that
        refers to them; the state is moved to its place after that.

        Args:
            trial: the trial, with its outcome.
            predictions: on the validation data, shape (rows, outputs); kept as float32.
            state: the file that the worker wrote into the trial's working folder.
            arrival: place in the order of arrival; only in a free-running campaign.

        Returns:
            the trial as :meth:`load_history` will give it (plain Python numbers), so that a
            campaign that goes on and one that is resumed compute with the same values.

        Raises:
            StorageError: it could not be written. Calling again is allowed.
            ValueError: no outcome, or another one is stored already.
        """
        self._ready()
        number = trial.number
        if trial.outcome is None:
            raise ValueError(f"trial {number} has no outcome")
        stored = self._journal.records[number]
        kept = None if state is None else self._states.describe(number, Path(state))
        if predictions is None:
            file, data = None, b""
        else:
            file, data = predictions_files.encode(number, predictions)
        record = stored.with_outcome(trial.outcome, arrival, file, kept)
        if stored.outcome is not None and stored != record:
            raise ValueError(f"trial {number} has an outcome already")
        if file is not None:
            self._predictions.write(file, data)
        self._journal.settle(record)
        if kept is not None and state is not None:
            self._states.keep(number, kept, Path(state))
            self._state_files[number] = kept
        self._states.finish(number)
        self._sessions.outcome(number, trial.outcome.seconds)
        return record.trial(trial.genome, self._sessions.seconds[number])

    def load_history(self, objectives: Objectives | None = None) -> History:
        """All trials in order; those without an outcome are pending.

        Raises:
            StorageError: a genome cannot be read, e.g. because its gene's class is not imported.
        """
        trials = []
        for record in self._journal.records:
            genome = self._genome(record)
            trials.append(record.trial(genome, self._sessions.seconds.get(record.number)))
        return History(trials, objectives)

    def _genome(self, record: TrialRecord) -> Genome:
        genome = self._genomes.get(record.genome)
        if genome is None:
            try:
                genome = Genome.from_json(record.genome)
            except GenomeError as error:
                raise StorageError(
                    f"{self.path}: the genome of trial {record.number} cannot be read: {error}"
                ) from None
            self._genomes[record.genome] = genome
        return genome

    @property
    def records(self) -> Sequence[TrialRecord]:
        """All trials as they are stored, in order; genomes are text."""
        return tuple(self._journal.records)

    @property
    def pending(self) -> list[int]:
        """Numbers of trials whose outcome is not known, in order."""
        return [record.number for record in self._journal.records if record.outcome is None]

    @property
    def arrivals(self) -> list[int]:
        """Numbers of trials in the order in which their outcomes came; empty for an ordered campaign."""
        known = [(r.arrival, r.number) for r in self._journal.records if r.arrival is not None]
        return [number for _, number in sorted(known)]

    def seen(self, number: int) -> int | None:
        """How many outcomes a proposal had seen; see :meth:`record_proposal`."""
        return self._journal.records[number].seen

    @property
    def minutes(self) -> float:
        """Wall-clock minutes of all sessions, this one included."""
        return self._sessions.minutes

    @property
    def sessions(self) -> list[dict[str, Any]]:
        """Earlier sessions: when, where, how long (``elapsed``, seconds), and what was noted."""
        return [dict(session) for session in self._sessions.earlier]

    def note(self, **entry: Any) -> None:
        """Note something about the present session (what was chosen, and why), as JSON."""
        self._sessions.note(entry)

    # -- predictions ------------------------------------------------------------------------
    def has_predictions(self, number: int) -> bool:
        """Whether a trial has predictions."""
        return self._journal.records[number].predictions is not None

    def predictions(self, number: int) -> np.ndarray:
        """Validation predictions of a trial, float32, shape (rows, outputs).

        Raises:
            StorageError: it has none, or the file is damaged; names it.
        """
        file = self._journal.records[number].predictions
        if file is None:
            raise StorageError(f"trial {number} has no predictions")
        return self._predictions.read(file)

    @property
    def lost_predictions(self) -> list[int]:
        """Trials whose outcome is known but whose predictions were found damaged or missing."""
        return list(self._predictions.lost)

    def restore_predictions(self, number: int, predictions: np.ndarray) -> None:
        """Write damaged predictions again, after the trial was trained or predicted again.

        Raises:
            StorageError: these are not the predictions that were lost, to the last bit.
        """
        self._ready()
        self._predictions.restore(number, self._journal.records[number].predictions, predictions)

    # -- populations ------------------------------------------------------------------------
    @property
    def generations(self) -> list[int]:
        """Generations of which there is a checkpoint, in order."""
        return self._populations.generations

    def record_population(self, generation: int, numbers: Sequence[int], history: History) -> None:
        """Store a checkpoint of the population; the same one again changes nothing.

        Args:
            generation: its number.
            numbers: trials whose outcomes are stored, best first.
            history: the history that holds them.
        """
        self._ready()
        records = [self._journal.records[number] for number in numbers]
        unknown = [record.number for record in records if record.outcome is None]
        if unknown:
            raise ValueError(f"population {generation}: trials {unknown} have no outcome yet")
        fitness = [history.fitness(number) for number in numbers]
        self._populations.write(generation, records, fitness, history.objectives.names)

    def load_population(self, generation: int | None = None) -> Population:
        """A checkpoint of the population; the last one by default.

        Raises:
            StorageError: there is none, or it is damaged; names the file.
        """
        return self._populations.read(generation)

    # -- states -----------------------------------------------------------------------------
    def trial_directory(self, number: int) -> Path:
        """The working folder of a trial in flight; made if need be.

        It outlives a kill for as long as the trial is pending, and is removed
        once its outcome is stored.
        """
        self._ready()
        return self._states.working_folder(number)

    def state_path(self, number: int) -> Path | None:
        """The state that a trial left; None if it left none, it was dropped, or it is damaged.

        Its checksum is verified on first use; a damaged one is set aside and noted in ``messages``.
        """
        file = self._state_files.get(number)
        return None if file is None else self._states.path(number, file, self._write)

    def restore_state(self, number: int, path: str | os.PathLike[str]) -> None:
        """Put a lost state back, after the trial was trained again.

        Raises:
            StorageError: it is not the state that was lost, to the last bit.
        """
        self._ready()
        expected = self._state_files.get(number)
        found = self._states.describe(number, Path(path))
        if expected is None or (found.sha256, found.bytes) != (expected.sha256, expected.bytes):
            raise StorageError(
                f"{self.path / layout.STATES / found.name} was lost, and what was trained again for trial "
                f"{number} differs from it. Restore the file from a backup."
            )
        self._states.keep(number, expected, Path(path))
        self._states.finish(number)
        self._say(f"{layout.STATES}/{expected.name} was lost; trained again")

    def prune(self, keep: Iterable[int], keep_bytes: int | None = None) -> int:
        """Drop all states but some. Which ones stay depends on the arguments and the records alone.

        Args:
            keep: trials whose state can still matter, the most important first.
            keep_bytes: most bytes to keep; None for no limit.

        Returns:
            bytes that were freed.
        """
        self._ready()
        return self._states.prune(self._state_files, keep, keep_bytes)

    # -- for people -------------------------------------------------------------------------
    def usage(self) -> dict[str, int]:
        """Bytes by kind: one entry per subfolder, ``other``, ``total``."""
        kinds = dict.fromkeys((*layout.FOLDERS, layout.DAMAGED, "other"), 0)
        for folder, _, names in os.walk(self.path):
            parts = Path(folder).relative_to(self.path).parts
            kind = parts[0] if parts and parts[0] in kinds else "other"
            for name in names:
                try:
                    kinds[kind] += os.lstat(os.path.join(folder, name)).st_size
                except FileNotFoundError:
                    continue
        return {**kinds, "total": sum(kinds.values())}

    def table(self) -> list[dict[str, Any]]:
        """One flat record per trial, for ``pandas.DataFrame``: fields, scores, seconds per phase."""
        seconds = self._sessions.seconds
        return [record.flat(seconds.get(record.number, {})) for record in self._journal.records]
