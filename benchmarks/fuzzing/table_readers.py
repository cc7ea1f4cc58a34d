"""Data and jobs as users' files have them: tables, arrays, pictures, TOML."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import io
import json
import lzma
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.fuzzing.mutations import changed_archive, changed_bytes, changed_json
from benchmarks.fuzzing.reader import Reader


def _npz() -> Sequence[bytes]:
    found = []
    for save in (np.savez, np.savez_compressed):
        buffer = io.BytesIO()
        save(buffer, mean=np.arange(30.0), words=np.array(["a", "bc"]))
        found.append(buffer.getvalue())
    return found


def _read_npz(data: bytes, folder: Path) -> None:
    from evo.core.npz import read_arrays

    read_arrays(io.BytesIO(data), packed=True)


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


def _job_json() -> Sequence[Any]:
    config = {"data": {"sklearn": "iris"}, "space": {"kind": "tabular"}, "budget": {"trials": 3}, "imports": ["os"]}
    return [{"format": 1, "source": "evo fit", "path": ["."], "config": config}]


def _read_job_json(value: Any, folder: Path) -> None:
    from evo.commands.job import Job
    from evo.core.errors import SettingsError

    (folder / "job.json").write_bytes(value if isinstance(value, bytes) else json.dumps(value).encode())
    job = Job.of_directory(folder)
    assert job is not None and not job.trusted
    str(job.directory)
    job.campaign_arguments()
    job.budget()
    try:
        job.load_imports()
    except SettingsError:
        return
    assert not job.needs_code, "a stranger's modules were imported"


def _results() -> Sequence[Any]:
    row = {"name": "best", "members": ["trial 1"], "parameters": 7, "validation": 0.5, "test": 0.25}
    return [{"key": {"trials": 3, "epochs": 2}, "metric": "accuracy", "rows": [row, {**row, "parameters": None}]}]


def _read_results(value: Any, folder: Path) -> None:
    import math

    from evo.commands import results

    (folder / "results.json").write_bytes(value if isinstance(value, bytes) else json.dumps(value).encode())
    found = results.judged_in(folder, 3, 2)
    for row in [] if found is None else found["rows"]:
        assert all(isinstance(row.get(name, 0.0), float) for name in ("validation", "test")) or True
        assert math.isfinite(float(row["parameters"] or 0))


def _tables_of_text() -> Sequence[tuple[str, bytes]]:
    plain = b"a,b,kind\n" + b"".join(b"%d,%s,%s\n" % (n, b"xy"[n % 2 : n % 2 + 1], b"no") for n in range(12))
    words = "a;b;kind\n" + "".join(f'{n},5 €;1.{n:03d},0;"ja; \u00fc"\n' for n in range(6))
    return [
        (".csv", plain),
        (".csv", b"sep=;\r\n" + words.encode()),
        (".tsv", plain.replace(b",", b"\t")),
        (".csv", words.encode("utf-16")),
        (".txt", b"# said by a program\n" + plain.replace(b",", b" ")),
        (".xls", plain),
        (".csv.gz", gzip.compress(plain, mtime=0)),
        (".csv.bz2", bz2.compress(plain)),
        (".csv.xz", lzma.compress(plain)),
        (".csv", b"a,b,kind\n" + b"".join(b'%d kg,"(1,%03d.5)",ja,\n' % (n, n) for n in range(30))),
        (".json", json.dumps([{"a": n, "b": {"c": "xy"[n % 2]}, "kind": "no"} for n in range(8)]).encode()),
        (".jsonl", b"".join(b'{"a": %d, "b": null, "kind": "no"}\n' % n for n in range(8))),
        (".arff", b"@relation r\n@attribute a numeric\n@attribute kind {no,ja}\n@data\n" + b"1,no\n?,ja\n" * 4),
        (".dat", b"a      kind\n1 2    no\n3      ja\n4      no\n"),
        (".sqlite", _database()),
    ]


def _database() -> bytes:
    import sqlite3

    with contextlib.closing(sqlite3.connect(":memory:")) as database:
        database.execute("CREATE TABLE t (a REAL, kind TEXT)")
        database.executemany("INSERT INTO t VALUES (?, ?)", [(n, "no") for n in range(8)])
        database.commit()
        return database.serialize()


def _changed_table(seed: tuple[str, bytes] | bytes, rng: random.Random) -> bytes:
    """The suffix, a newline, and the content: bytes changed, or, where it is packed, those inside."""
    suffix, content = seed if isinstance(seed, tuple) else _apart(seed)
    pack = {".gz": gzip, ".bz2": bz2, ".xz": lzma}.get(suffix[4:])
    if pack is not None and rng.random() < 0.7:
        inner = pack.decompress(content)
        content = pack.compress(changed_bytes(inner, rng) * rng.choice([1, 1, 1, 500]))
    else:
        content = changed_bytes(content, rng)
    return suffix.encode() + b"\n" + content


def _apart(value: bytes) -> tuple[str, bytes]:
    suffix, _, content = value.partition(b"\n")
    return suffix.decode(), content


def _read_table(value: bytes | tuple[str, bytes], folder: Path) -> None:
    from evo.commands.job_data import load_data

    suffix, content = value if isinstance(value, tuple) else _apart(value)
    path = folder / f"t{suffix}"
    path.write_bytes(content)
    load_data({"file": str(path), "target": "kind", "validation": 0.25}, "tabular")


def _sheets() -> Sequence[tuple[str, bytes]]:
    import pandas

    table = pandas.DataFrame({"a": range(6), "b": [*"xyxyxy"], "kind": ["no", "ja"] * 3})
    buffer = io.BytesIO()
    table.to_excel(buffer, index=False)
    return [(".xlsx", buffer.getvalue())]


def _changed_sheet(seed: tuple[str, bytes], rng: random.Random) -> bytes:
    return seed[0].encode() + b"\n" + changed_archive(seed[1], rng)


def _pictures() -> Sequence[bytes]:
    from PIL import Image

    pixels = np.arange(8 * 8 * 3, dtype=np.uint8).reshape(8, 8, 3)
    found = []
    for mode, kind in (("RGB", "PNG"), ("RGBA", "PNG"), ("P", "GIF"), ("RGB", "JPEG"), ("L", "BMP"), ("I;16", "TIFF")):
        buffer = io.BytesIO()
        Image.fromarray(pixels).convert("L" if mode == "I;16" else mode).save(buffer, kind)
        found.append(buffer.getvalue())
    return found


def _read_picture(data: bytes, folder: Path) -> None:
    from evo.fitting.pictures import labelled_pictures

    for name in ("a", "b"):
        (folder / "pictures" / name).mkdir(parents=True, exist_ok=True)
        (folder / "pictures" / name / "one.png").write_bytes(data)
    labelled_pictures(folder / "pictures")


def _projects() -> Sequence[Any]:
    metric = {"direction": "min", "observations": [{"value": [0.5], "step": 0}]}
    return [{"trial_id": "00", "hyperparameters": {"space": [], "values": {"units": 3, "tuner/epochs": 2}},
             "metrics": {"metrics": {"val_loss": metric}}, "score": 0.5, "status": "COMPLETED"}]  # fmt: skip


def _read_project(value: Any, folder: Path) -> None:
    from evo.storage.keras_tuner_project import read_project

    (folder / "trial_00").mkdir(exist_ok=True)
    (folder / "oracle.json").write_text("{}")
    content = value if isinstance(value, bytes) else json.dumps(value).encode()
    (folder / "trial_00" / "trial.json").write_bytes(content)
    for trial in read_project(folder):
        json.dumps(trial.to_json())


def _changed(value: Any, rng: random.Random) -> Any:
    if rng.random() < 0.3:
        return changed_bytes(json.dumps(value).encode(), rng)
    return changed_json(value, rng)


def table_readers() -> list[Reader]:
    """The readers of this file."""
    from evo.core.errors import DataError, SettingsError

    tables = (DataError, SettingsError)
    return [
        Reader("npz", _npz, changed_archive, _read_npz, (ValueError, KeyError)),
        Reader("job", _jobs, changed_bytes, _read_job, (SettingsError,)),
        Reader("job.json", _job_json, _changed, _read_job_json, (SettingsError,)),
        Reader("results", _results, _changed, _read_results, ()),
        Reader("csv", _tables_of_text, _changed_table, _read_table, tables),
        Reader("excel", _sheets, _changed_sheet, _read_table, tables),
        Reader("picture", _pictures, changed_bytes, _read_picture, tables),
        Reader("kerastuner", _projects, _changed, _read_project, (SettingsError,)),
    ]
