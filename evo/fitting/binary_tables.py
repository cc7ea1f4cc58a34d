"""Tables in files that hold more than text: those that pandas reads by another package, sheets, and SQLite's."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np

from evo.core.errors import DataError
from evo.fitting.cells import LINES, Known, Reading, decimal_in, named, typed
from genomes.targets.labels import in_words, is_missing

#: Sheets, and what reads them.
SHEETS = {".xlsx": "openpyxl", ".xlsm": "openpyxl", ".xls": "xlrd", ".ods": "odfpy"}
#: Files that pandas reads by another package: its function, and what to install.
_BY_PANDAS = {
    ".parquet": ("read_parquet", "pyarrow"),
    ".feather": ("read_feather", "pyarrow"),
    ".dta": ("read_stata", "pandas"),
    ".sav": ("read_spss", "pyreadstat"),
}
_SQLITE = (".sqlite", ".sqlite3", ".db")
#: Suffixes of all of them.
BINARY = (*_BY_PANDAS, *SHEETS, *_SQLITE)
#: How files of Excel begin: as a ZIP archive, or as a compound document.
_EXCEL_STARTS = (b"PK", b"\xd0\xcf\x11\xe0")


def is_plain_text(path: Path, kind: str) -> bool:
    """Whether a file is named as one of Excel and is separated values, as many programs export them."""
    if kind not in (".xls", ".xlsx"):
        return False
    with path.open("rb") as file:
        start = file.read(512)
    return not start.startswith(_EXCEL_STARTS) and not start.lstrip().startswith(b"<") and b"\0" not in start


def most_bytes() -> int:
    """Bytes of text that there is memory for, whose values take some times as much; packed, it may be endless."""
    import psutil

    return max(2**20, int(psutil.virtual_memory().available) // 8)


def read_binary(path: Path, kind: str, known: Known) -> tuple[Any, Reading | None]:
    """The table in a file, and how its cells were read; None where they have types of their own.

    Args:
        path: the file.
        kind: its suffix, one of :data:`BINARY`.
        known: what is known beforehand.

    Raises:
        DataError: it cannot be read.
    """
    import pandas

    function, package = _BY_PANDAS.get(kind, ("", SHEETS.get(kind, "")))
    _check_unpacked(path)
    try:
        if kind in _SQLITE:
            return _of_sqlite(path), None
        if kind in SHEETS:
            return _sheet(path, known)
        table = getattr(pandas, function)(path)
    except DataError:
        raise
    except ImportError as error:
        raise DataError(f"data: reading {path.name} needs another package: pip install {package} ({error})") from None
    except Exception as error:  # of whatever package reads it
        raise DataError(f"data: {path} cannot be read: {error}") from None
    table.columns = [str(name).strip() for name in table.columns]
    return table, None


def _check_unpacked(path: Path) -> None:
    """Raise where a sheet, which is a ZIP archive, unpacks to more than there is memory for."""
    import zipfile

    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
    except (OSError, ValueError, zipfile.BadZipFile, NotImplementedError, RuntimeError):
        return  # none; who reads it says what is wrong
    if size > most_bytes():
        raise DataError(f"data: {path} unpacks to {size / 2**20:,.0f} MB, more than there is memory for")


def _of_sqlite(path: Path) -> Any:
    """The only table of a database.

    Raises:
        DataError: it holds none, or several.
    """
    import contextlib
    import sqlite3

    import pandas

    with contextlib.closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True)) as database:
        found = database.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
        names = [str(name) for (name,) in found]
        if len(names) != 1:
            raise DataError(
                f"data: {path.name} must hold one table; it holds {in_words(names) or 'none'}; give what "
                "pandas.read_sql makes of yours"
            )
        name = names[0].replace('"', '""')
        return pandas.read_sql_query(f'SELECT * FROM "{name}"', database)


# -- sheets ------------------------------------------------------------------------------
def _sheet(path: Path, known: Known) -> tuple[Any, Reading]:
    """The first sheet that holds a table, two columns or more and a row; the first one where none does."""
    import pandas

    first = None
    with pandas.ExcelFile(path) as book:
        for name in book.sheet_names:
            cells = pandas.read_excel(book, name, header=None, dtype=object, keep_default_na=False, na_values=[""])
            cells = cells.dropna(how="all").dropna(how="all", axis=1)
            if cells.shape[1] > 1 and len(cells) > 1:
                return _of_cells(cells, known)
            first = cells if first is None else first
    if first is None:
        raise ValueError("it holds no sheet")
    if not first.size:
        raise ValueError("its sheets are empty")
    return _of_cells(first, known)


def _of_cells(cells: Any, known: Known) -> tuple[Any, Reading]:
    """A table from the cells of a sheet: titles above it, and a second row of names, are found.

    Columns of words are numbers where all of them are: programs write ``3,5`` as a text.
    """
    import pandas

    filled = cells.notna().sum(axis=1).to_numpy()
    usual = int(np.median(filled))
    cells = cells.iloc[int(np.argmax(filled >= max(1, (usual + 1) // 2))) :]
    texts = [["" if is_missing(v) else _as_text(v, ".") for v in row] for row in cells.iloc[: LINES + 2].to_numpy()]
    names, above = named(texts, known.usual)
    body = cells.iloc[above:].reset_index(drop=True)
    columns = [body.iloc[:, index].rename(name) for index, name in enumerate(names)]
    worded = [index for index, column in enumerate(columns) if _holds_words(column)]
    decimal = decimal_in([_texts(columns[index], None) for index in worded], known)
    stated = replace(known, decimal=decimal)
    found, reading = typed([_texts(columns[index], decimal) for index in worded], "", stated)
    for index, column in zip(worded, found, strict=True):
        if column.dtype.kind in "biuf" or all(is_missing(v) or isinstance(v, str) for v in columns[index]):
            columns[index] = column
    table = pandas.concat([c if i in worded else c.infer_objects() for i, c in enumerate(columns)], axis=1)
    return table, replace(reading, header=bool(above))


def _holds_words(column: Any) -> bool:
    """Whether there are texts among the values, and else numbers alone."""
    return any(isinstance(v, str) for v in column) and all(
        is_missing(v) or (isinstance(v, (str, int, float, np.number)) and not isinstance(v, bool)) for v in column
    )


def _texts(column: Any, decimal: str | None) -> Any:
    """The values as texts; numbers with this decimal sign, and left out for None."""
    import pandas

    values = [
        "" if is_missing(v) or (decimal is None and not isinstance(v, str)) else _as_text(v, decimal or ".")
        for v in column
    ]
    return pandas.Series(values, index=column.index, name=column.name, dtype=object)


def _as_text(value: Any, decimal: str) -> str:
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        return str(int(value))
    return repr(float(value)).replace(".", decimal) if isinstance(value, (float, np.floating)) else str(value)
