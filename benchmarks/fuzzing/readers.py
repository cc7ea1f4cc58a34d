"""What is fed: every reader with good input to begin from, and the errors that it may raise.

A reader is called in a process of its own that may die. Files are made in a folder of its own.
"""

from __future__ import annotations

import io
import json
import os
import random
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.fuzzing.mutations import changed_bytes, changed_json


@dataclass(frozen=True)
class Reader:
    """One reader of things that may come from a stranger.

    Attributes:
        name: what it reads.
        seeds: makes good inputs.
        change: makes a bad one of a good one.
        read: reads, and uses what was read as evo does.
        errors: what it may raise.
    """

    name: str
    seeds: Callable[[], Sequence[Any]]
    change: Callable[[Any, random.Random], Any]
    read: Callable[[Any, Path], None]
    errors: tuple[type[Exception], ...]


@cache
def _spaces() -> Sequence[Any]:
    from genomes import Boolean, Choice, Fixed, Float, Int, spaces

    table = {"a": np.arange(8.0), "b": np.array(["x", "y"] * 4)}
    return [
        spaces.image(input_shape=(8, 8, 1), classes=3).to_json(),
        spaces.tabular(columns=table, classes=2).to_json(),
        spaces.vector({"a": Int(1, 8, log=True, step=2), "b": Float(0, 1, step=0.1), "c": Choice(["x", 1]),
                       "d": Boolean(), "e": Fixed(3)}).to_json(),
        spaces.text(classes=2).to_json(),
        spaces.timeseries(input_shape=(12, 2), outputs=1).to_json(),
    ]  # fmt: skip


def _read_space(value: Any, folder: Path) -> None:
    from genomes.spaces.base import Space

    space = Space.from_json(value)
    rng = np.random.default_rng(0)
    json.dumps(space.to_json())
    space.describe()
    for genome in (space.default(), space.smallest(), space.sample(rng)):
        space.validate(genome)
        space.cost(genome)
        space.features(genome)
        space.validate(space.mutate(genome, rng))


@cache
def _genomes() -> Sequence[Any]:
    from genomes.spaces.base import Space

    return [
        genome.to_json()
        for space in map(Space.from_json, _spaces())
        for genome in (space.default(), *(space.sample(np.random.default_rng(seed)) for seed in range(5)))
    ]


def _read_genome(value: Any, folder: Path) -> None:
    from genomes.genome import Genome

    genome = Genome.from_json(value)
    json.dumps(genome.to_json())
    str(genome), genome.describe(), hash(genome), genome.key


@cache
def _records() -> Sequence[Any]:
    from evo.core.trial import Outcome, Proposal, Status, Trial
    from evo.storage.records import StoredFile, TrialRecord
    from genomes.spaces.base import Space

    space, records = Space.from_json(_spaces()[2]), []
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


def _resealed(kind: str) -> Callable[[bytes, random.Random], bytes]:
    def change(data: bytes, rng: random.Random) -> bytes:
        from evo.storage.sealed import _header

        payload = changed_bytes(data[512:], rng)
        return _header(kind, payload).ljust(512, b"\0") + payload

    return change


def _tables() -> Sequence[bytes]:
    from evo.storage import tables

    return [tables.to_hdf5(_records()), tables.to_hdf5(_records()[:1])]


def _read_tables(data: bytes, folder: Path) -> None:
    from evo.storage.tables import from_hdf5

    from_hdf5(data)


def _populations() -> Sequence[bytes]:
    from evo.storage.populations import encode

    return [encode(1, _records()[:3], [[0.1, 0.2]] * 3, ["+a", "-b"])]


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


def _npz() -> Sequence[bytes]:
    found = []
    for save in (np.savez, np.savez_compressed):
        buffer = io.BytesIO()
        save(buffer, mean=np.arange(30.0), words=np.array(["a", "bc"]))
        found.append(buffer.getvalue())
    return found


def _read_npz(data: bytes, folder: Path) -> None:
    from evo.core.npz import read_arrays

    read_arrays(io.BytesIO(data))


def _campaigns() -> Sequence[Any]:
    from evo.storage.identity import new_content

    return [new_content({"seed": 1}, _spaces()[2], {"rows": 3}, {"evo": "1"}, None)]


def _read_campaign(value: Any, folder: Path) -> None:
    from evo.storage.identity import read_campaign
    from evo.storage.reader import CampaignReader
    from evo.storage.sealed import seal_json

    sealed = value if isinstance(value, bytes) else seal_json(value)
    for name in ("campaign.json", "campaign.copy.json"):
        (folder / name).write_bytes(sealed)
    content, _ = read_campaign(folder, write=False)
    reader = CampaignReader(folder, content, write=False)
    assert isinstance(reader.settings, dict) and isinstance(reader.space, dict) and reader.versions is not None


def _changed_campaign(value: Any, rng: random.Random) -> Any:
    if rng.random() < 0.3:
        return changed_bytes(json.dumps(value).encode(), rng)
    return changed_json(value, rng)


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


def _jobs() -> Sequence[bytes]:
    return [
        b'[data]\nsklearn = "iris"\n[space]\nkind = "tabular"\n[budget]\ntrials = 3\n'
        b"[campaign]\nseed = 1\nworkers = 2\n"
        b'[algorithm]\nname = "AgingEvolution"\npopulation = 50\n[ensemble]\nsize = 3\n',
    ]


def _read_job(data: bytes, folder: Path) -> None:
    from evo.commands.job import Job

    (folder / "job.toml").write_bytes(data)
    job = Job.read(folder / "job.toml")
    job.campaign_arguments()
    job.budget()


def _tables_of_text() -> Sequence[bytes]:
    return [b"a,b,kind\n" + b"".join(b"%d,%s,%s\n" % (n, b"xy"[n % 2 : n % 2 + 1], b"no") for n in range(12))]


def _read_csv(data: bytes, folder: Path) -> None:
    from evo.commands.job_data import load_data

    (folder / "t.csv").write_bytes(data)
    load_data({"file": str(folder / "t.csv"), "target": "kind", "validation": 0.25}, "tabular")


def _made_elsewhere(make: Callable[[], Sequence[bytes]]) -> Callable[[], Sequence[bytes]]:
    """Seeds made in a child process: what has imported a backend must not be forked."""

    def seeds() -> Sequence[bytes]:
        with tempfile.TemporaryDirectory() as folder:
            pid = os.fork()
            if pid == 0:
                try:
                    for number, seed in enumerate(make()):
                        Path(folder, str(number)).write_bytes(seed)
                finally:
                    os._exit(0)
            os.waitpid(pid, 0)
            return [path.read_bytes() for path in sorted(Path(folder).iterdir())]

    return seeds


def _keras_archives() -> Sequence[bytes]:
    import keras

    from evo.ensemble.reproducible import keras_archive

    model = keras.Sequential([keras.layers.Input((3,)), keras.layers.Dense(2, "softmax", kernel_regularizer="l2")])
    with tempfile.TemporaryDirectory() as folder:
        model.save(f"{folder}/m.keras")
        return [keras_archive(Path(folder, "m.keras").read_bytes())]


def _changed_archive(data: bytes, rng: random.Random) -> bytes:
    """Bytes of the archive, of one entry, or values of its configuration."""
    if rng.random() < 0.3:
        return changed_bytes(data, rng)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    name = rng.choice(sorted(content))
    if name.endswith(".json") and rng.random() < 0.7:
        content[name] = json.dumps(changed_json(json.loads(content[name]), rng)).encode()
    else:
        content[name] = changed_bytes(content[name], rng)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for key, value in content.items():
            archive.writestr(key, value)
    return buffer.getvalue()


def _read_keras(data: bytes, folder: Path) -> None:
    from evo.ensemble.keras_archive import check_keras_archive

    check_keras_archive(data, None)


def _ensembles() -> Sequence[bytes]:
    import keras

    from evo.ensemble import Ensemble, Member

    model = keras.Sequential([keras.layers.Input((3,)), keras.layers.Dense(2, "softmax")])
    with tempfile.TemporaryDirectory() as folder:
        Ensemble([Member(model, 0)], task="multiclass").save(f"{folder}/e")
        return [Path(folder, "e").read_bytes()]


def _read_ensemble(data: bytes, folder: Path) -> None:
    from evo.ensemble import Ensemble

    (folder / "e").write_bytes(data)
    Ensemble.load(folder / "e")


@cache
def readers() -> dict[str, Reader]:
    """Every reader by name."""
    from evo.core.errors import DataError, EnsembleError, SettingsError, StorageError
    from evo.storage.sealed import Damaged
    from genomes.errors import GenomeError

    found = [
        Reader("space", _spaces, changed_json, _read_space, (GenomeError,)),
        Reader("genome", _genomes, changed_json, _read_genome, (GenomeError,)),
        Reader("journal", lambda: [_journal()], _sealed_lines, _read_journal, (Damaged,)),
        Reader("tables", _tables, _resealed("trials"), _read_tables, (Damaged,)),
        Reader("population", _populations, _resealed("population"), _read_population, (Damaged,)),
        Reader("predictions", _predictions, _resealed("predictions"), _read_predictions, (StorageError,)),
        Reader("state", _states, changed_bytes, _read_state, (StorageError,)),
        Reader("campaign", _campaigns, _changed_campaign, _read_campaign, (StorageError,)),
        Reader("sessions", _sessions, changed_bytes, _read_sessions, ()),
        Reader("npz", _npz, changed_bytes, _read_npz, (ValueError, KeyError)),
        Reader("job", _jobs, changed_bytes, _read_job, (SettingsError,)),
        Reader("csv", _tables_of_text, changed_bytes, _read_csv, (DataError, SettingsError)),
        Reader("keras", _made_elsewhere(_keras_archives), _changed_archive, _read_keras, (EnsembleError,)),
        Reader("ensemble", _made_elsewhere(_ensembles), _changed_archive, _read_ensemble, (EnsembleError,)),
    ]
    return {reader.name: reader for reader in found}


def _journal() -> bytes:
    from evo.storage.records import to_lines

    return to_lines(_records())
