"""Tidy CSV files that survive interruption: one row per observation, appended or replaced whole.

:class:`Table` is appended to row by row; a line that a killed process left
half-written is ignored and healed. :func:`write` replaces a file atomically.
"""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd


def _line(values: Iterable[Any]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerow(["" if value is None else value for value in values])
    return buffer.getvalue()


class Table:
    """An append-only tidy CSV with fixed columns.

    Args:
        path: the file; it is made, with its header, by the first append.
        columns: names of the columns, in order.
        key: columns that identify a row; of rows with equal keys the last one counts.
            Empty: all rows count.

    Raises:
        ValueError: a key that is no column, or an existing file with other columns.

    Example:
        >>> import tempfile, pathlib
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "t.csv"
        >>> table = Table(path, ["task", "seed", "error"], key=["task", "seed"])
        >>> table.append([{"task": "wine", "seed": 1, "error": 0.5}])
        >>> table.done(task="wine", seed=1)
        True
    """

    def __init__(self, path: str | Path, columns: Sequence[str], key: Sequence[str] = ()) -> None:
        self.path = Path(path)
        self.columns = list(columns)
        self.key = list(key)
        unknown = set(self.key) - set(self.columns)
        if unknown:
            raise ValueError(f"key: {sorted(unknown)} are no columns of {self.columns}")
        if self.path.exists() and self.path.stat().st_size:
            with self.path.open(encoding="utf-8", newline="") as file:
                header = next(csv.reader(file), [])
            if header != self.columns:
                raise ValueError(f"{self.path.name}: expected the columns {self.columns}, found {header}")

    def append(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Write rows and sync them to disk.

        Raises:
            ValueError: a row with a column that the table does not have.
        """
        lines = []
        for row in rows:
            unknown = set(row) - set(self.columns)
            if unknown:
                raise ValueError(f"row: {sorted(unknown)} are no columns of {self.columns}")
            lines.append(_line(row.get(column) for column in self.columns))
        if not lines:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("ab+") as file:
            size = file.seek(0, os.SEEK_END)
            if size == 0:
                lines.insert(0, _line(self.columns))
            else:  # end a line that was cut off in the middle, so that it spoils no other
                file.seek(size - 1)
                if file.read(1) != b"\n":
                    lines.insert(0, "\n")
            file.write("".join(lines).encode())
            file.flush()
            os.fsync(file.fileno())

    def read(self) -> pd.DataFrame:
        """All whole rows; the last one of each key. Empty, with the columns, if there is no file."""
        if not self.path.exists() or not self.path.stat().st_size:
            return pd.DataFrame(columns=self.columns)
        text = self.path.read_bytes().decode("utf-8", errors="replace")
        cut = len(text) if text.endswith("\n") else text.rfind("\n") + 1
        rows = [row for row in csv.reader(io.StringIO(text[:cut])) if len(row) == len(self.columns)]
        if not rows:
            return pd.DataFrame(columns=self.columns)
        whole = io.StringIO("".join(_line(row) for row in rows))
        frame = pd.read_csv(whole, keep_default_na=False, na_values=[""])
        if self.key and len(frame):
            frame = frame.drop_duplicates(self.key, keep="last").reset_index(drop=True)
        return frame

    def done(self, **key: Any) -> bool:
        """Whether a row with these values is there."""
        frame = self.read()
        for column, value in key.items():
            frame = frame[frame[column].astype(str) == str(value)]
        return bool(len(frame))


def replace_file(path: str | Path, text: str) -> None:
    """Write a text file so that there is always the whole old one or the whole new one."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}.part")
    with aside.open("w", encoding="utf-8", newline="") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(aside, path)


def write(path: str | Path, rows: Iterable[Mapping[str, Any]] | pd.DataFrame, columns: Sequence[str]) -> None:
    """Write a whole tidy CSV atomically; missing values become empty fields."""
    frame = rows if isinstance(rows, pd.DataFrame) else pd.DataFrame(list(rows), columns=list(columns))
    replace_file(path, frame.reindex(columns=list(columns)).to_csv(index=False))


def read(path: str | Path) -> pd.DataFrame:
    """Read what :func:`write` wrote; only empty fields are missing values (a text may be "NA")."""
    return pd.read_csv(path, keep_default_na=False, na_values=[""])


def write_json(path: str | Path, value: Any) -> None:
    """Write a JSON file atomically."""
    replace_file(path, json.dumps(value, indent=2, sort_keys=True) + "\n")
