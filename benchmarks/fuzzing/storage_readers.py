"""What a campaign's directory holds."""

from __future__ import annotations

import json
import random
import shutil
import tempfile
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.fuzzing.genome_readers import stored_spaces
from benchmarks.fuzzing.mutations import changed_archive, changed_bytes, changed_json
from benchmarks.fuzzing.reader import Reader


@cache
def stored_records() -> Sequence[Any]:
    from evo.core.trial import Outcome, Proposal, Status, Trial
    from evo.storage.records import StoredFile, TrialRecord
    from genomes.spaces.base import Space

    space, records = Space.from_json(stored_spaces()[2]), []
    for number in range(6):
        proposal = Proposal(
            space.sample(np.random.default_rng(number)), parents=(number - 1,) if number else (), origin="mutation"
        )
        curves = {"loss": (0.5, float("nan"))}
        outcome = Outcome(Status.COMPLETED, {"val_loss": 0.1 * number}, curves, 2, 10, 20, "said")
        file = StoredFile(f"{number:06d}.h5", "0" * 64, 10)
        records.append(TrialRecord.of_proposal(Trial(number, proposal), 0).with_outcome(outcome, None, file, file))
    return records


def _sealed_lines(data: bytes, rng: random.Random) -> bytes:
    """Records whose values were changed, or bytes; with the right checksum."""
    from evo.storage.records import KIND
    from evo.storage.sealed import seal_lines

    lines = data.decode().splitlines()[1:]
    if rng.random() < 0.3:
        body = changed_bytes("\n".join(lines).encode(), rng).decode(errors="surrogateescape")
        try:
            return seal_lines(KIND, body.split("\n"))
        except UnicodeEncodeError:
            return changed_bytes(data, rng)
    place = rng.randrange(len(lines))
    lines[place] = json.dumps(changed_json(json.loads(lines[place]), rng))
    return seal_lines(KIND, lines)


def _read_journal(data: bytes, folder: Path) -> None:
    from evo.storage.records import from_lines, to_lines

    from_lines(to_lines(from_lines(data)))


def resealed(kind: str) -> Callable[[bytes, random.Random], bytes]:
    def change(data: bytes, rng: random.Random) -> bytes:
        from evo.storage.sealed import _header

        payload = changed_bytes(data[512:], rng)
        return _header(kind, payload).ljust(512, b"\0") + payload

    return change


def _tables() -> Sequence[bytes]:
    from evo.storage import tables

    return [tables.to_hdf5(stored_records()), tables.to_hdf5(stored_records()[:1])]


def _read_tables(data: bytes, folder: Path) -> None:
    from evo.storage.tables import from_hdf5

    from_hdf5(data)


def _populations() -> Sequence[bytes]:
    from evo.storage.populations import encode

    return [encode(1, stored_records()[:3], [[0.1, 0.2]] * 3, ["+a", "-b"])]


def _read_population(data: bytes, folder: Path) -> None:
    from evo.storage.populations import decode

    decode(data)


def _states() -> Sequence[bytes]:
    from evo.training.state import TrainingState, write_state

    arrays: dict[str, Any] = {"1/0": np.ones((3, 4), np.float32), "1/1": np.zeros((4,), np.float16)}
    state = TrainingState(
        2, 0, 7, "key", arrays, {"0": np.arange(2)}, {"iteration": np.array([3])}, {"loss": [0.5, 0.4]}
    )
    with tempfile.TemporaryDirectory() as folder:
        write_state(f"{folder}/s.h5", state)
        return [Path(folder, "s.h5").read_bytes()]


def _read_state(data: bytes, folder: Path) -> None:
    from evo.training.state import read_state

    (folder / "s.h5").write_bytes(data)
    read_state(str(folder / "s.h5"))


def _predictions() -> Sequence[bytes]:
    from evo.storage.predictions import encode

    return [encode(3, np.ones((6, 3), np.float32))[1]]


def _read_predictions(data: bytes, folder: Path) -> None:
    from evo.storage.predictions import PredictionFiles
    from evo.storage.records import StoredFile
    from evo.storage.sealed import digest

    (folder / "predictions").mkdir(exist_ok=True)
    (folder / "predictions" / "000003.h5").write_bytes(data)
    PredictionFiles(folder, lambda _: None).read(StoredFile("000003.h5", digest(data), len(data)))


def _companions() -> Sequence[bytes]:
    from evo.storage import CompanionFiles, StoredCompanion

    predictions = np.arange(6, dtype=np.float32).reshape(3, 2)
    with tempfile.TemporaryDirectory() as folder:
        CompanionFiles(Path(folder)).write(StoredCompanion(-1, "trees", {"val_rmse": 0.5}, 7, predictions, b"model"))
        return [(Path(folder) / "companions" / "000001.h5").read_bytes()]


def _read_companion(data: bytes, folder: Path) -> None:
    from evo.storage import CompanionFiles

    (folder / "companions").mkdir(exist_ok=True)
    (folder / "companions" / "000001.h5").write_bytes(data)
    files = CompanionFiles(folder)
    for companion in files.read():
        assert companion.number == -1 and companion.predictions.ndim == 2
    files.model(-1)


def _judged() -> Sequence[bytes]:
    from evo.storage.judged import JudgedTargets, write_judged

    found = []
    for targets, weights, folds in ((np.arange(6) % 3, None, 0), (np.ones((6, 2), np.float32), np.ones(6), 3)):
        with tempfile.TemporaryDirectory() as folder:
            write_judged(Path(folder), "data", JudgedTargets(targets, weights, folds))
            found.append((Path(folder) / "judged.h5").read_bytes())
    return found


def _read_judged(data: bytes, folder: Path) -> None:
    from evo.storage.judged import read_judged

    (folder / "judged.h5").write_bytes(data)
    judged = read_judged(folder, "data")
    assert judged is None or (judged.targets.ndim in (1, 2) and 0 <= judged.folds < 1e6)


def _campaigns() -> Sequence[Any]:
    from evo.storage.identity import new_content

    return [new_content({"seed": 1}, stored_spaces()[2], {"rows": 3}, {"evo": "1"}, None)]


def sealed_json(content: Any) -> bytes:
    """What ``seal_json`` gives, in one line: to indent what is nested deep takes long."""
    from evo.storage.sealed import digest

    plain = json.loads(json.dumps(dict(content)))
    plain["sha256"] = digest(json.dumps(plain, sort_keys=True, separators=(",", ":")).encode())
    return json.dumps(plain).encode()


def _read_campaign(value: Any, folder: Path) -> None:
    from evo.storage.identity import read_campaign
    from evo.storage.reader import CampaignReader

    sealed = value if isinstance(value, bytes) else sealed_json(value)
    for name in ("campaign.json", "campaign.copy.json"):
        (folder / name).write_bytes(sealed)
    (folder / "campaign.json").write_bytes(b"?")
    content, _ = read_campaign(folder, write=True)
    shutil.rmtree(folder / "damaged")
    reader = CampaignReader(folder, content, write=False)
    assert isinstance(reader.settings, dict) and isinstance(reader.space, dict) and reader.versions is not None


def _sessions() -> Sequence[bytes]:
    lines = [
        '{"started":"now","elapsed":0.1}',
        '{"number":3,"seconds":{"train":1.5},"elapsed":2.0}',
        '{"ended":"now","elapsed":3.5}',
    ]
    return ["\n".join([*lines, ""]).encode()]


def _read_sessions(data: bytes, folder: Path) -> None:
    from evo.storage.sessions import Sessions

    (folder / "sessions").mkdir(exist_ok=True)
    (folder / "sessions" / "000001.jsonl").write_bytes(data)
    sessions = Sessions(folder, lambda _: None)
    sessions.load()
    assert 0 <= sessions.minutes < 1e9, sessions.minutes
    for number, seconds in sessions.seconds.items():
        assert isinstance(number, int) and all(isinstance(value, float) for value in seconds.values())


def _journal() -> bytes:
    from evo.storage.records import to_lines

    return to_lines(stored_records())


def _locks() -> Sequence[Any]:
    from dataclasses import asdict

    from evo.storage.lock import LockHolder

    return [asdict(LockHolder.this_process())]


def _read_lock(value: Any, folder: Path) -> None:
    from evo.core.errors import EvoError
    from evo.storage.lock import DirectoryLock

    content = value if isinstance(value, bytes) else json.dumps(value).encode()
    (folder / "lock.json").write_bytes(content)
    lock = DirectoryLock(folder)
    try:
        lock.acquire()
    except EvoError:
        lock.acquire(break_lock=True)
    lock.check()
    lock.release()


def _preprocessing() -> Sequence[bytes]:
    """What spaces of texts, tables and several inputs learn: word tables, categories, scales."""
    from evo.storage.preprocessing import pack_arrays
    from genomes import spaces

    texts = np.array([text.encode() for text in ["a b c", "Über ß", "一二三 x"] * 4])
    table = {"a": np.arange(12.0), "b": np.array(["x", "y"] * 6)}
    y = np.array([0, 1] * 6)
    joint = spaces.joint({"said": spaces.text(classes=2), "of": spaces.tabular(columns=table, classes=2)})
    return [
        pack_arrays(spaces.text(classes=2).adapt(texts, y)),
        pack_arrays(spaces.tabular(columns=table, classes=2).adapt(table, y)),
        pack_arrays(joint.adapt(joint.prepare({"said": texts, **table}), y)),
    ]


def _read_preprocessing(data: bytes, folder: Path) -> None:
    from evo.storage.preprocessing import PreprocessingFile
    from evo.storage.sealed import digest

    (folder / "preprocessing.npz").write_bytes(data)
    PreprocessingFile(folder, digest(data)).arrays()


def _changed(value: Any, rng: random.Random) -> Any:
    """JSON whose values were changed, or the bytes of its text."""
    if rng.random() < 0.3:
        return changed_bytes(json.dumps(value).encode(), rng)
    return changed_json(value, rng)


def storage_readers() -> list[Reader]:
    """The readers of this file."""
    from evo.core.errors import StorageError
    from evo.storage.sealed import Damaged

    return [
        Reader("journal", lambda: [_journal()], _sealed_lines, _read_journal, (Damaged,)),
        Reader("tables", _tables, resealed("trials"), _read_tables, (Damaged,)),
        Reader("population", _populations, resealed("population"), _read_population, (Damaged,)),
        Reader("predictions", _predictions, resealed("predictions"), _read_predictions, (StorageError,)),
        Reader("judged", _judged, resealed("judged"), _read_judged, ()),
        Reader("companion", _companions, resealed("companion"), _read_companion, (StorageError,)),
        Reader("state", _states, changed_bytes, _read_state, (StorageError,)),
        Reader("campaign", _campaigns, _changed, _read_campaign, (StorageError,)),
        Reader("sessions", _sessions, changed_bytes, _read_sessions, ()),
        Reader("lock", _locks, _changed, _read_lock, ()),
        Reader("preprocessing", _preprocessing, changed_archive, _read_preprocessing, (StorageError,)),
    ]
