"""CampaignReader: what a campaign's directory tells, without a change to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from evo.core.errors import StorageError
from evo.core.history import History
from evo.core.objectives import Objectives
from evo.storage import identity
from evo.storage.journal import Journal
from evo.storage.judged import JudgedTargets, read_judged
from evo.storage.populations import Population, PopulationFiles
from evo.storage.predictions import PredictionFiles
from evo.storage.preprocessing import PreprocessingFile
from evo.storage.records import TrialRecord
from evo.storage.sessions import Sessions
from evo.storage.states import StateFiles
from evo.storage.usage import bytes_by_kind
from genomes.errors import GenomeError
from genomes.genome import Genome


class CampaignReader:
    """The reading half of :class:`evo.storage.CampaignDirectory`, which opens it.

    Args:
        path: the directory.
        content: what ``campaign.json`` holds.
        write: False if another process may be writing: damaged files are then left where they are.

    Attributes:
        path: the directory.
        messages: what was repaired or taken over when it was opened, one line each.
    """

    def __init__(self, path: Path, content: dict[str, Any], write: bool) -> None:
        self.path = path
        self.messages: list[str] = []
        self._content = content
        self._write = write
        self._preprocessing = PreprocessingFile(path, content["preprocessing_sha256"])
        self._journal = Journal(path, self._say, write=write, segment=content["segment"])
        self._states = StateFiles(path, self._say)
        self._predictions = PredictionFiles(path, self._say)
        self._populations = PopulationFiles(path, self._say)
        self._sessions = Sessions(path, self._say)
        self._genomes: dict[str, Genome] = {}

    def _say(self, message: str) -> None:
        self.messages.append(message)

    # -- what the campaign is -------------------------------------------------------------
    @property
    def settings(self) -> dict[str, Any]:
        """The settings that the campaign was created with."""
        return dict(self._content["settings"])

    @property
    def space(self) -> dict[str, Any]:
        """The space as JSON."""
        return dict(self._content["space"])

    @property
    def data_fingerprint(self) -> Any:
        """Identity of the data."""
        return self._content["data_fingerprint"]

    @property
    def versions(self) -> dict[str, str]:
        """Versions of the packages that the campaign was created with."""
        return dict(self._content["versions"])

    def compare(
        self,
        settings: Mapping[str, Any],
        space: Mapping[str, Any],
        data_fingerprint: Mapping[str, Any] | str,
        ignore: Sequence[str] = (),
    ) -> list[str]:
        """What differs from the campaign that is stored here.

        Args:
            settings, space, data_fingerprint: as given to :meth:`evo.storage.CampaignDirectory.create`.
            ignore: top-level settings that may differ.

        Returns:
            one line per difference: its path, the stored value, the given value; empty if none.
        """
        return identity.compare(self._content, settings, space, data_fingerprint, ignore)

    def preprocessing_path(self) -> Path | None:
        """The ``.npz`` file that workers read; None if the space needs none.

        Raises:
            StorageError: it is missing or damaged; ``restore_preprocessing`` writes it again.
        """
        return self._preprocessing.path()

    def preprocessing(self) -> dict[str, np.ndarray]:
        """The arrays that ``Space.adapt`` found; empty if none.

        Raises:
            StorageError: the file is missing or damaged.
        """
        return self._preprocessing.arrays()

    def judged(self) -> JudgedTargets | None:
        """Targets of the rows that candidates are judged by; None where they are not stored, or damaged."""
        return read_judged(self.path, str(self.data_fingerprint))

    # -- trials ---------------------------------------------------------------------------
    def load_history(self, objectives: Objectives | None = None) -> History:
        """All trials in order; those without an outcome are pending.

        Raises:
            StorageError: a genome cannot be read, e.g. because its gene's class is not imported.
        """
        seconds = self._sessions.seconds
        trials = [record.trial(self._genome(record), seconds.get(record.number)) for record in self._journal.records]
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
        """How many outcomes the proposal of a trial had seen.

        In an ordered campaign those of trials 0 .. seen-1, in a free-running one the first ``seen`` that arrived.
        """
        return self._journal.records[number].seen

    # -- what belongs to a trial ------------------------------------------------------------
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

    def state_path(self, number: int) -> Path | None:
        """The state that a trial left; None if it left none, it was dropped, or it is damaged.

        Its checksum is verified on first use; a damaged one is set aside and noted in ``messages``.
        """
        return self._states.path(number, self._write)

    # -- populations ------------------------------------------------------------------------
    @property
    def generations(self) -> list[int]:
        """Generations of which there is a checkpoint, in order."""
        return self._populations.generations

    def load_population(self, generation: int | None = None) -> Population:
        """A checkpoint of the population; the last one by default.

        Raises:
            StorageError: there is none, or it is damaged; names the file.
        """
        return self._populations.read(generation)

    # -- sessions ---------------------------------------------------------------------------
    @property
    def minutes(self) -> float:
        """Wall-clock minutes of all sessions, this one included."""
        return self._sessions.minutes

    @property
    def sessions(self) -> list[dict[str, Any]]:
        """Earlier sessions: when, where, how long (``elapsed``, seconds), and what was noted."""
        return [dict(session) for session in self._sessions.earlier]

    # -- for people -------------------------------------------------------------------------
    def usage(self) -> dict[str, int]:
        """Bytes by kind: one entry per subfolder, ``other``, ``total``."""
        return bytes_by_kind(self.path)

    def table(self) -> list[dict[str, Any]]:
        """One flat record per trial, for ``pandas.DataFrame``: fields, scores, seconds per phase."""
        seconds = self._sessions.seconds
        return [record.flat(seconds.get(record.number, {})) for record in self._journal.records]
