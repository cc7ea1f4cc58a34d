"""What is stored of one trial, and its JSON form."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from evo.core.trial import Outcome, Proposal, Status, Trial
from evo.storage import layout
from evo.storage.sealed import Damaged, compact, open_lines, seal_lines
from genomes.genome import Genome

KIND = "journal"

#: Largest whole number that a column of a table can hold.
_MOST = 2**63 - 1
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class StoredFile:
    """A file that belongs to a trial: its name, SHA-256 and size in bytes."""

    name: str
    sha256: str
    bytes: int


@dataclass(frozen=True)
class TrialRecord:
    """A trial as it is stored.

    Attributes:
        number: the trial's number.
        genome: the genome's JSON, as text.
        first_epoch, last_epoch, continues, parents, inherits, origin, rung, final,
            replicate: as in :class:`evo.core.trial.Proposal`.
        seen: how many outcomes the proposal had seen: in an ordered campaign those of
            trials 0 .. seen-1, in a free-running one the first ``seen`` in order of arrival.
        outcome: what came of it, without seconds; None while pending.
        arrival: place in the order of arrival; only in a free-running campaign.
        predictions: the file of its validation predictions; None if it has none.
        state: the file of the state that it left; None if it left none.
    """

    number: int
    genome: str
    first_epoch: int
    last_epoch: int
    continues: int | None
    parents: tuple[int, ...]
    inherits: int | None
    origin: str
    rung: int
    final: bool
    replicate: int
    seen: int | None = None
    outcome: Outcome | None = None
    arrival: int | None = None
    predictions: StoredFile | None = None
    state: StoredFile | None = None

    @classmethod
    def of_proposal(cls, trial: Trial, seen: int | None) -> TrialRecord:
        """The record of a trial that was proposed."""
        proposal = trial.proposal
        return cls(
            number=int(trial.number),
            genome=compact(proposal.genome.to_json()),
            first_epoch=int(proposal.first_epoch),
            last_epoch=int(proposal.last_epoch),
            continues=_whole(proposal.continues),
            parents=tuple(int(parent) for parent in proposal.parents),
            inherits=_whole(proposal.inherits),
            origin=clean(proposal.origin),
            rung=int(proposal.rung),
            final=bool(proposal.final),
            replicate=int(proposal.replicate),
            seen=_whole(seen),
        )

    def with_outcome(
        self,
        outcome: Outcome,
        arrival: int | None,
        predictions: StoredFile | None,
        state: StoredFile | None,
    ) -> TrialRecord:
        """The record of the same trial with its outcome."""
        plain = Outcome(
            status=outcome.status,
            scores={clean(name): float(value) for name, value in outcome.scores.items()},
            curves={clean(name): tuple(float(v) for v in values) for name, values in outcome.curves.items()},
            epochs=int(outcome.epochs),
            parameters=_whole(outcome.parameters),
            flops=_whole(outcome.flops),
            message=clean(outcome.message),
        )
        return replace(self, outcome=plain, arrival=_whole(arrival), predictions=predictions, state=state)

    def trial(self, genome: Genome, seconds: Mapping[str, float] | None = None) -> Trial:
        """The trial, given its genome as an object."""
        proposal = Proposal(
            genome=genome,
            first_epoch=self.first_epoch,
            last_epoch=self.last_epoch,
            continues=self.continues,
            parents=self.parents,
            inherits=self.inherits,
            origin=self.origin,
            rung=self.rung,
            final=self.final,
            replicate=self.replicate,
        )
        outcome = self.outcome
        if outcome is not None and seconds:
            outcome = replace(outcome, seconds=seconds)
        return Trial(self.number, proposal, outcome)

    def flat(self, seconds: Mapping[str, float]) -> dict[str, Any]:
        """One row for a table: fields, scores by name, ``seconds_PHASE``."""
        outcome = self.outcome
        return {
            "number": self.number,
            "status": "pending" if outcome is None else outcome.status.value,
            "origin": self.origin,
            "rung": self.rung,
            "first_epoch": self.first_epoch,
            "last_epoch": self.last_epoch,
            "epochs": None if outcome is None else outcome.epochs,
            "continues": self.continues,
            "inherits": self.inherits,
            "parents": self.parents,
            "final": self.final,
            "replicate": self.replicate,
            "parameters": None if outcome is None else outcome.parameters,
            "flops": None if outcome is None else outcome.flops,
            "message": "" if outcome is None else outcome.message,
            "genome": self.genome,
            **({} if outcome is None else outcome.scores),
            **{f"seconds_{phase}": value for phase, value in seconds.items()},
        }

    # -- JSON --------------------------------------------------------------------------
    def to_json(self, genome: int) -> dict[str, Any]:
        """The record as a JSON object; ``genome`` is its line among the file's genomes."""
        outcome = self.outcome
        return {
            "number": self.number,
            "genome": genome,
            "first_epoch": self.first_epoch,
            "last_epoch": self.last_epoch,
            "continues": self.continues,
            "parents": list(self.parents),
            "inherits": self.inherits,
            "origin": self.origin,
            "rung": self.rung,
            "final": self.final,
            "replicate": self.replicate,
            "seen": self.seen,
            "outcome": None
            if outcome is None
            else {
                "status": outcome.status.value,
                "scores": outcome.scores,
                "curves": {name: list(values) for name, values in outcome.curves.items()},
                "epochs": outcome.epochs,
                "parameters": outcome.parameters,
                "flops": outcome.flops,
                "message": outcome.message,
                "arrival": self.arrival,
                "predictions": _file_to_json(self.predictions),
                "state": _file_to_json(self.state),
            },
        }

    @classmethod
    def from_json(cls, json: Mapping[str, Any], genomes: Sequence[str]) -> TrialRecord:
        """What :meth:`to_json` gave.

        Raises:
            KeyError, TypeError, ValueError, IndexError: it is not that.
        """
        found = json["outcome"]
        outcome, arrival, predictions, state = None, None, None, None
        if found is not None:
            outcome = Outcome(
                status=Status(found["status"]),
                scores=found["scores"],
                curves={name: tuple(values) for name, values in found["curves"].items()},
                epochs=found["epochs"],
                parameters=found["parameters"],
                flops=found["flops"],
                message=found["message"],
            )
            arrival = found["arrival"]
            predictions = _file_from_json(found["predictions"])
            state = _file_from_json(found["state"])
        record = cls(
            number=json["number"],
            genome=genomes[json["genome"]],
            first_epoch=json["first_epoch"],
            last_epoch=json["last_epoch"],
            continues=json["continues"],
            parents=tuple(json["parents"]),
            inherits=json["inherits"],
            origin=json["origin"],
            rung=json["rung"],
            final=json["final"],
            replicate=json["replicate"],
            seen=json["seen"],
            outcome=outcome,
            arrival=arrival,
            predictions=predictions,
            state=state,
        )
        check_record(record)
        return record


def to_lines(records: Sequence[TrialRecord]) -> bytes:
    """A journal file: first the genomes, each once, then one line per trial."""
    genomes: dict[str, int] = {}
    lines = []
    for record in records:
        genome = genomes.setdefault(record.genome, len(genomes))
        lines.append(compact(record.to_json(genome)))
    return seal_lines(KIND, [compact({"genomes": len(genomes), "trials": len(lines)}), *genomes, *lines])


def from_lines(data: bytes) -> list[TrialRecord]:
    """What :func:`to_lines` wrote.

    Raises:
        Damaged: it is not that.
    """
    lines = open_lines(data, KIND)
    try:
        count = json.loads(lines[0])["genomes"]
        genomes = lines[1 : 1 + count]
        return [TrialRecord.from_json(row, genomes) for row in json.loads(f"[{','.join(lines[1 + count :])}]")]
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, RecursionError) as error:
        raise Damaged(f"its content is not what was expected: {error!r}") from None


def clean(text: str) -> str:
    """Text that JSON and HDF5 can both hold: lone surrogates and NUL become escapes."""
    return str(text).encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")


def _whole(value: int | None) -> int | None:
    return None if value is None else int(value)


def _file_to_json(file: StoredFile | None) -> dict[str, Any] | None:
    return None if file is None else {"name": file.name, "sha256": file.sha256, "bytes": file.bytes}


def _file_from_json(json: Mapping[str, Any] | None) -> StoredFile | None:
    return None if json is None else StoredFile(str(json["name"]), str(json["sha256"]), json["bytes"])


def check_record(record: TrialRecord) -> None:
    """Raise unless a record that was read can have been written.

    A checksum says that a file is whole, not who made it. A record that was made up must not reach code that
    trusts it: it counts as damaged, like one that is cut short.

    Raises:
        ValueError: a value of another type or out of range, or a file whose name does not follow from the
            trial's number; names the entry.
    """
    number = _checked_whole(record.number, "number")
    if number > layout.MOST_TRIALS:
        raise ValueError(f"number {number} is beyond {layout.MOST_TRIALS}")
    for name in ("first_epoch", "last_epoch", "rung", "replicate"):
        _checked_whole(getattr(record, name), name)
    for name in ("continues", "inherits"):
        _earlier(getattr(record, name), name, number)
    for parent in record.parents:
        _earlier(parent, "parents", number)
    for name in ("seen", "arrival"):
        if getattr(record, name) is not None:
            _checked_whole(getattr(record, name), name)
    _text(record.genome, "genome")
    _text(record.origin, "origin")
    if type(record.final) is not bool:
        raise ValueError("final: expected true or false")
    if record.outcome is not None:
        _check_outcome(record)
    _check_file(record.predictions, layout.predictions_name(number), "predictions")
    if record.state is not None:
        _check_file(record.state, layout.state_name(number, record.state.name), "state")


def _check_outcome(record: TrialRecord) -> None:
    outcome = record.outcome
    assert outcome is not None
    _checked_whole(outcome.epochs, "epochs")
    for name in ("parameters", "flops"):
        if getattr(outcome, name) is not None:
            _checked_whole(getattr(outcome, name), name)
    _text(outcome.message, "message")
    for what in ("scores", "curves"):
        found = getattr(outcome, what)
        if not isinstance(found, Mapping):
            raise ValueError(f"{what}: expected an object")
        for name, value in found.items():
            _text(name, what)
            values = (value,) if what == "scores" else value
            if not all(type(entry) is float or type(entry) is int for entry in values):
                raise ValueError(f"{what}: expected numbers")


def _check_file(file: StoredFile | None, expected: str, what: str) -> None:
    if file is None:
        return
    if file.name != expected:
        raise ValueError(f"{what}: the file's name does not follow from the trial's number")
    if not _SHA256.fullmatch(file.sha256):
        raise ValueError(f"{what}: no checksum")
    _checked_whole(file.bytes, what)


def _checked_whole(value: Any, name: str) -> int:
    if type(value) is not int or not 0 <= value <= _MOST:
        raise ValueError(f"{name}: expected a whole number")
    return value


def _earlier(value: Any, name: str, number: int) -> None:
    if value is not None and _checked_whole(value, name) >= number:
        raise ValueError(f"{name}: expected an earlier trial")


def _text(value: Any, name: str) -> None:
    if type(value) is not str:
        raise ValueError(f"{name}: expected a text")
