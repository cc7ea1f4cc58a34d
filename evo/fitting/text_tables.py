"""Tables in text files that say what their columns are: JSON, JSON lines, ARFF."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from evo.core.errors import DataError
from evo.fitting.cells import NUMBERS, WORDS, Known, Reading, typed

_LINES = (".jsonl", ".ndjson")
#: Suffixes of such files.
TEXTS = (".json", *_LINES, ".arff")
_ATTRIBUTE = re.compile(r"@attribute\s+('(?:[^'\\]|\\.)*'|\"[^\"]*\"|\S+)\s+(.+)", re.IGNORECASE)
_NUMERIC = ("numeric", "real", "integer")


def read_text(text: str, path: Path, kind: str, known: Known) -> tuple[Any, Reading | None]:
    """The table in a text, and how its cells were read; None where they have types of their own.

    Args:
        text: the file's.
        path: the file.
        kind: its suffix, one of :data:`TEXTS`.
        known: what is known beforehand.

    Raises:
        DataError: it holds no table.
    """
    try:
        if kind == ".arff":
            return _of_arff(text, known)
        if kind in _LINES:
            return _of_records([json.loads(line) for line in text.splitlines() if line.strip()]), None
        return _of_json(json.loads(text)), None
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError, csv.Error) as error:
        raise DataError(f"data: {path} cannot be read as a table: {error}") from None


def _of_json(found: Any) -> Any:
    """Records; columns as lists, or by row names as pandas writes them; or the one entry that is such."""
    import pandas

    if isinstance(found, list):
        return _of_records(found)
    if not isinstance(found, Mapping) or not found:
        raise ValueError("expected a list of records, or a list for each column")
    if set(found) == {"columns", "index", "data"}:  # as pandas writes it, orient="split"
        return pandas.DataFrame(found["data"], columns=[str(name) for name in found["columns"]])
    values = list(found.values())
    columns = all(isinstance(value, (list, Mapping)) for value in values) and len({len(v) for v in values}) == 1
    if columns and (len(values) > 1 or not isinstance(next(iter(values[0]), None), (list, Mapping))):
        return pandas.DataFrame(found).reset_index(drop=True)
    tables = [value for value in values if isinstance(value, list) and value and isinstance(value[0], Mapping)]
    if len(tables) != 1:
        raise ValueError(f"expected one list of records, got {len(tables)} of them")
    return _of_records(tables[0])


def _of_records(records: list[Any]) -> Any:
    """Records as rows; those within records by their paths, ``size.width``."""
    import pandas

    if not records or not all(isinstance(record, Mapping) for record in records):
        raise ValueError("expected records: an object with a value for each column")
    return pandas.json_normalize(records)


def _of_arff(text: str, known: Known) -> tuple[Any, Reading]:
    """The attribute-relation format of Weka and OpenML."""
    import pandas

    lines = [line.strip() for line in text.splitlines()]
    lines = [line for line in lines if line and not line.startswith("%")]
    start = next((index for index, line in enumerate(lines) if line.lower().startswith("@data")), len(lines))
    told = [match for match in map(_ATTRIBUTE.fullmatch, lines[:start]) if match]
    names = [match[1].strip("'\"").replace("\\'", "'") for match in told]
    kinds = {n: NUMBERS if m[2].lower().startswith(_NUMERIC) else WORDS for n, m in zip(names, told, strict=True)}
    body = lines[start + 1 :]
    if not names or not body or body[0].startswith("{"):
        raise ValueError("sparse rows; give what scipy.io.arff or openml makes of it" if body else "it has no rows")
    quote = "'" if sum(line.count("'") for line in body) >= sum(line.count('"') for line in body) else '"'
    rows = list(csv.reader(body, quotechar=quote, skipinitialspace=True, escapechar="\\"))
    if any(len(row) != len(names) for row in rows):
        raise ValueError(f"it has {len(names)} attributes, and rows of another length")
    columns = [
        pandas.Series(["" if value.strip() == "?" else value for value in column], name=name, dtype=object)
        for name, column in zip(names, zip(*rows, strict=True), strict=True)
    ]
    found, reading = typed(columns, ",", replace(known, decimal=".", kinds={**kinds, **known.kinds}))
    return pandas.concat(found, axis=1), reading
