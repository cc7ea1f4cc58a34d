"""Trials as HDF5 tables: for h5py, h5dump and pandas, and to restore a damaged journal from.

Datasets (``n`` trials):

- ``trials``: ``n`` rows, one column per field; -1 stands for "none" in whole-number columns
  other than ``number``;
- ``genomes``: JSON texts, each genome once; column ``genome`` counts in it;
- ``parents``: pairs (``number``, ``parent``);
- ``scores``: rows (``number``, ``metric``, ``value``);
- ``curves``: rows (``number``, ``metric``, ``start``, ``length``): the curve is
  ``curve_values[start : start + length]``, one value per epoch;
- ``curve_values``: float64.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from evo.core.hdf5 import array
from evo.core.trial import Outcome, Status
from evo.storage.records import StoredFile, TrialRecord, check_record
from evo.storage.sealed import Damaged, open_hdf5, seal_hdf5

if TYPE_CHECKING:
    import h5py

KIND = "trials"


def write_tables(group: h5py.Group, records: Sequence[TrialRecord]) -> None:
    """Put records (all with an outcome) into an HDF5 file or group."""
    genomes: dict[str, int] = {}
    rows: list[tuple[Any, ...]] = []
    parents: list[tuple[int, int]] = []
    scores: list[tuple[int, str, float]] = []
    curves: list[tuple[int, str, int, int]] = []
    values: list[float] = []
    for r in records:
        outcome = r.outcome
        assert outcome is not None
        rows.append((
            r.number, genomes.setdefault(r.genome, len(genomes)), outcome.status.value,
            r.first_epoch, r.last_epoch, outcome.epochs, _number(r.continues), _number(r.inherits),
            r.origin, r.rung, r.final, r.replicate, _number(outcome.parameters), _number(outcome.flops),
            _number(r.seen), _number(r.arrival), outcome.message,
            *_file(r.predictions), *_file(r.state),
        ))  # fmt: skip
        parents.extend((r.number, parent) for parent in r.parents)
        scores.extend((r.number, name, value) for name, value in outcome.scores.items())
        for name, curve in outcome.curves.items():
            curves.append((r.number, name, len(values), len(curve)))
            values.extend(curve)
    _table(group, "trials", rows, [
        ("number", "<i8"), ("genome", "<i8"), ("status", str), ("first_epoch", "<i8"), ("last_epoch", "<i8"),
        ("epochs", "<i8"), ("continues", "<i8"), ("inherits", "<i8"), ("origin", str), ("rung", "<i8"),
        ("final", "?"), ("replicate", "<i8"), ("parameters", "<i8"), ("flops", "<i8"), ("seen", "<i8"),
        ("arrival", "<i8"), ("message", object), ("predictions", str), ("predictions_sha256", str),
        ("predictions_bytes", "<i8"), ("state", str), ("state_sha256", str), ("state_bytes", "<i8"),
    ])  # fmt: skip
    _dataset(group, "genomes", np.array(list(genomes), dtype=_text()))
    _table(group, "parents", parents, [("number", "<i8"), ("parent", "<i8")])
    _table(group, "scores", scores, [("number", "<i8"), ("metric", str), ("value", "<f8")])
    _table(group, "curves", curves, [("number", "<i8"), ("metric", str), ("start", "<i8"), ("length", "<i8")])
    _dataset(group, "curve_values", np.array(values, dtype="<f8"))


def read_tables(group: h5py.Group) -> list[TrialRecord]:
    """What :func:`write_tables` put there.

    Raises:
        KeyError, TypeError, ValueError, UnsafeFileError: it is not that.
    """
    genomes = [_str(genome) for genome in array(group, "genomes", "O", (None,))]
    parents: dict[int, list[int]] = {}
    for number, parent in array(group, "parents", "V", (None,)).tolist():
        parents.setdefault(number, []).append(parent)
    scores: dict[int, dict[str, float]] = {}
    for number, metric, value in array(group, "scores", "V", (None,)).tolist():
        scores.setdefault(number, {})[_str(metric)] = value
    values = array(group, "curve_values", "f", (None,)).tolist()
    curves: dict[int, dict[str, tuple[float, ...]]] = {}
    for number, metric, start, length in array(group, "curves", "V", (None,)).tolist():
        curves.setdefault(number, {})[_str(metric)] = tuple(values[start : start + length])
    table = array(group, "trials", "V", (None,))
    records = []
    for row in table.tolist():
        f = dict(zip(table.dtype.names or (), row, strict=True))
        number = f["number"]
        outcome = Outcome(
            status=Status(_str(f["status"])),
            scores=scores.get(number, {}),
            curves=curves.get(number, {}),
            epochs=f["epochs"],
            parameters=_none(f["parameters"]),
            flops=_none(f["flops"]),
            message=_str(f["message"]),
        )
        record = TrialRecord(
            number=number,
            genome=genomes[f["genome"]],
            first_epoch=f["first_epoch"],
            last_epoch=f["last_epoch"],
            continues=_none(f["continues"]),
            parents=tuple(parents.get(number, ())),
            inherits=_none(f["inherits"]),
            origin=_str(f["origin"]),
            rung=f["rung"],
            final=bool(f["final"]),
            replicate=f["replicate"],
            seen=_none(f["seen"]),
            outcome=outcome,
            arrival=_none(f["arrival"]),
            predictions=_stored(f, "predictions"),
            state=_stored(f, "state"),
        )
        check_record(record)
        records.append(record)
    return records


def to_hdf5(records: Sequence[TrialRecord]) -> bytes:
    """A file of ``trials/``."""
    return seal_hdf5(KIND, lambda file: write_tables(file, records))


def from_hdf5(data: bytes) -> list[TrialRecord]:
    """What :func:`to_hdf5` wrote.

    Raises:
        Damaged: it is not that.
    """
    with open_hdf5(data, KIND) as file:
        try:
            return read_tables(file)
        except (KeyError, TypeError, ValueError, IndexError, OSError) as error:
            raise Damaged(f"its content is not what was expected: {error!r}") from None


def _table(group: h5py.Group, name: str, rows: list[Any], columns: list[tuple[str, Any]]) -> None:
    """A table; text columns get the width of their longest entry, ``object`` ones any length."""
    import h5py

    fields = []
    for index, (column, kind) in enumerate(columns):
        if kind is str:
            width = max((len(row[index].encode()) for row in rows), default=1)
            fields.append((column, h5py.string_dtype("utf-8", max(1, width))))
        else:
            fields.append((column, _text() if kind is object else np.dtype(kind)))
    table = np.zeros(len(rows), dtype=fields)
    for index, (column, kind) in enumerate(columns):
        column_values = [row[index].encode() if kind is str else row[index] for row in rows]
        table[column] = column_values if rows else table[column]
    _dataset(group, name, table)


def _dataset(group: h5py.Group, name: str, values: np.ndarray) -> None:
    group.create_dataset(name, data=values, track_times=False)


def _text() -> np.dtype:
    import h5py

    return h5py.string_dtype("utf-8")


def _str(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _number(value: int | None) -> int:
    return -1 if value is None else value


def _none(value: int) -> int | None:
    return None if value < 0 else value


def _file(file: StoredFile | None) -> tuple[str, str, int]:
    return ("", "", -1) if file is None else (file.name, file.sha256, file.bytes)


def _stored(row: dict[str, Any], name: str) -> StoredFile | None:
    file = _str(row[name])
    return StoredFile(file, _str(row[f"{name}_sha256"]), row[f"{name}_bytes"]) if file else None
