"""CampaignDirectory: everything that a campaign keeps on disk."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from evo.core.checks import local_path
from evo.core.errors import SettingsError, StorageError
from evo.core.history import History
from evo.core.trial import Trial
from evo.storage import atomic, identity, layout, recovery
from evo.storage.confinement import check_confined
from evo.storage.judged import JudgedTargets, write_judged
from evo.storage.lock import DirectoryLock
from evo.storage.predictions import encode
from evo.storage.preprocessing import pack_arrays
from evo.storage.reader import CampaignReader
from evo.storage.records import TrialRecord
from evo.storage.sealed import digest


class CampaignDirectory(CampaignReader):
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

    def __init__(self, path: Path, content: dict[str, Any], lock: DirectoryLock | None) -> None:
        super().__init__(path, content, write=lock is not None)
        self.given_up: list[int] = []
        self._lock = lock

    # -- creating and opening ------------------------------------------------------------
    @staticmethod
    def exists(path: str | os.PathLike[str]) -> bool:
        """Whether a directory holds a campaign."""
        return identity.holds_campaign(local_path(path, "directory"))

    @staticmethod
    def check_free(path: str | os.PathLike[str]) -> None:
        """Raise unless a new campaign may be made in ``path``; touches nothing.

        Raises:
            SettingsError: it is a file, or a folder with something else or a campaign in it.
            StorageError: it cannot be written.
        """
        identity.check_free(local_path(path, "directory"))

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
                may change when it is resumed, belong in ``session``.
            space: the space as JSON.
            data_fingerprint: identity of the data.
            preprocessing: arrays that ``Space.adapt`` found.
            versions: packages and their versions.
            session: what is worth noting about this session.
            break_lock: see :meth:`open`.

        Raises:
            SettingsError: the path is a file, or a folder with a campaign or something else in it.
            DirectoryLockedError: another process works in it.
            StorageError: the directory cannot be written.
        """
        root = local_path(path, "directory")
        identity.check_free(root)
        check_confined(root)
        packed = pack_arrays(preprocessing) if preprocessing else None
        content = identity.new_content(
            settings, space, data_fingerprint, versions or {}, None if packed is None else digest(packed)
        )
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
            # Last of all: from here on the folder is a campaign's.
            identity.write_campaign(root, content)
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
            repair: give up as many finished trials as it takes to fall back to a good state.
            read_only: take no lock and change nothing (to show a campaign that may be running).
            session: what is worth noting about this session.

        Raises:
            SettingsError: the directory holds no campaign.
            DirectoryLockedError: another process works in it.
            StorageError: a file is damaged and cannot be restored, or a newer format; names the file.
        """
        root = local_path(path, "directory")
        identity.check_campaign(root)
        check_confined(root)
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
        population = self.settings.get("population")
        self._populations.every = population if type(population) is int and population > 0 else 0
        self.given_up = recovery.load(
            self.path,
            self._say,
            self._journal,
            self._sessions,
            self._states,
            self._predictions,
            self._populations,
            repair,
        )

    def _load_read_only(self) -> None:
        self._journal = recovery.load_read_only(self.path, self.messages, self._content["segment"])
        self._sessions.load()
        self._states.files.update((r.number, r.state) for r in self._journal.records if r.state is not None)

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

    def _ready(self) -> None:
        """Before each write: the lock must still be ours."""
        if self._lock is None:
            raise StorageError(f"directory {self.path} was opened only for reading")
        self._lock.check()

    def note(self, **entry: Any) -> None:
        """Note something about the present session (what was chosen, and why), as JSON."""
        self._sessions.note(entry)

    def count_seconds(self, seconds: float) -> None:
        """Count seconds that passed before the directory was opened as seconds of this session."""
        self._sessions.count_seconds(seconds)

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
            the trial as ``load_history`` will give it (plain Python numbers), so that a campaign
            that was never interrupted and one that was resumed compute with the same values.

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
            file, data = encode(number, predictions)
        record = stored.with_outcome(trial.outcome, arrival, file, kept)
        if stored.outcome is not None and stored != record:
            raise ValueError(f"trial {number} has an outcome already")
        if file is not None:
            self._predictions.write(file, data)
        self._journal.settle(record)
        if kept is not None and state is not None:
            self._states.keep(number, kept, Path(state))
        self._states.finish(number)
        self._sessions.outcome(number, trial.outcome.seconds)
        return record.trial(trial.genome, self._sessions.seconds[number])

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

    def trial_directory(self, number: int) -> Path:
        """The working folder of a trial in flight; made if need be.

        It outlives a kill for as long as the trial is pending, and is removed
        once its outcome is stored.
        """
        self._ready()
        return self._states.working_folder(number)

    def prune(self, keep: Iterable[int], keep_bytes: int | None = None) -> int:
        """Drop all states but some. Which ones stay depends on the arguments and the records alone.

        Args:
            keep: trials whose state can still matter, the most important first.
            keep_bytes: most bytes to keep; None for no limit.

        Returns:
            bytes that were freed.
        """
        self._ready()
        return self._states.prune(keep, keep_bytes)

    def keep_judged(self, judged: JudgedTargets) -> None:
        """Store the targets of the rows that candidates are judged by, unless they are there.

        Raises:
            StorageError: they cannot be written.
        """
        self._ready()
        if self.judged() is None:
            write_judged(self.path, str(self.data_fingerprint), judged)

    # -- restoring what was lost --------------------------------------------------------------
    def restore_preprocessing(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Write ``preprocessing.npz`` again after it was damaged.

        Raises:
            StorageError: these are not the arrays that the campaign began with.
        """
        self._ready()
        self._preprocessing.restore(arrays)
        self._say(f"{layout.PREPROCESSING} was damaged; restored from the data")

    def restore_predictions(self, number: int, predictions: np.ndarray) -> None:
        """Write damaged predictions again, after the trial was trained or predicted again.

        Raises:
            StorageError: these are not the predictions that were lost, to the last bit.
        """
        self._ready()
        self._predictions.restore(number, self._journal.records[number].predictions, predictions)

    def restore_state(self, number: int, path: str | os.PathLike[str]) -> None:
        """Put a lost state back, after the trial was trained again.

        Raises:
            StorageError: it is not the state that was lost, to the last bit.
        """
        self._ready()
        self._states.restore(number, Path(path))
