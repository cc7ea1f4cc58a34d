"""Tables in files: separator, decimal comma, encoding and kinds of columns are found out, and may be said."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path
from typing import Any

import numpy as np

from evo.core.errors import DataError
from genomes.errors import shown

#: What may stand around a file of separated values.
_PACKED = {".gz": "gzip", ".bz2": "bz2", ".xz": "xz"}
_SEPARATED = (".csv", ".tsv", ".txt", ".tab", ".dat")
#: Files that pandas reads by another package: its function, and what to install.
_BY_PANDAS = {
    ".parquet": ("read_parquet", "pyarrow"),
    ".feather": ("read_feather", "pyarrow"),
    ".xlsx": ("read_excel", "openpyxl"),
    ".xlsm": ("read_excel", "openpyxl"),
    ".xls": ("read_excel", "xlrd"),
    ".ods": ("read_excel", "odfpy"),
}
_SEPARATORS = (",", ";", "\t", "|")
#: Lines that are looked at to find separator and decimal sign.
_LINES = 200
#: What stands for "missing" in a column of numbers. In a column of words only the empty text does: there "NA" and
#: "None" are words.
_MISSING = {"", "na", "n/a", "nan", "none", "null", "nil", "?", "-", "--", ".", "#n/a", "<na>", "missing"}
_COMMA_NUMBER = re.compile(r"[-+]?(\d{1,3}(\.\d{3})+|\d+),\d+([eE][-+]?\d+)?")
_POINT_NUMBER = re.compile(r"[-+]?\d*\.\d+([eE][-+]?\d+)?")
_GROUPED = re.compile(r"[-+]?\d{1,3}(\.\d{3})+(,\d+)?")
_WITH_COMMA = re.compile(r"[-+]?(\d{1,3}(\.\d{3})+|\d+)?(,\d*)?([eE][-+]?\d+)?")
_CODE = re.compile(r"0\d+")


def read_table(
    path: Path, *, separator: str | None = None, decimal: str | None = None, encoding: str | None = None
) -> Any:
    """A table in a file as a data frame of pandas.

    Separated values (``.csv``, ``.tsv``, ``.txt``, also ``.gz``, ``.bz2``, ``.xz``), Parquet, Feather and Excel, in any
    case of the suffix. A column of texts becomes numbers where all its values that are not missing are numbers, none of
    them with leading zeros, which codes have; ``True`` and ``False`` become booleans. In columns of words only the
    empty text is missing: ``NA`` and ``None`` are words.

    Args:
        path: the file.
        separator: between values; by default that of ``, ; TAB |`` which gives all lines as many values.
        decimal: sign of numbers, ``.`` or ``,``; by default found in the values.
        encoding: by default UTF-8 or UTF-16, and what is neither is read as Windows-1252.

    Raises:
        DataError: no such file, or one that cannot be read as a table.
    """
    if not path.exists():
        raise DataError(f"data: there is no file {path}")
    suffixes = [suffix.lower() for suffix in path.suffixes]
    packed = _PACKED.get(suffixes[-1]) if suffixes else None
    kind = (suffixes[-2:-1] or [".csv"])[0] if packed else (suffixes[-1] if suffixes else "")
    if kind in _BY_PANDAS:
        return _by_pandas(path, *_BY_PANDAS[kind])
    if kind not in _SEPARATED:
        raise DataError(
            f"data: {path.name} is no table that is known here; expected {', '.join((*_SEPARATED[:3], *_BY_PANDAS))}"
        )
    text = _text(path, packed, encoding)
    if separator is None:
        separator = "\t" if kind in (".tsv", ".tab") else _separator(text)
    return _typed(_cells(text, separator, path), separator, decimal)


def _by_pandas(path: Path, function: str, package: str) -> Any:
    import pandas

    try:
        words = {"keep_default_na": False, "na_values": [""]} if function == "read_excel" else {}
        return getattr(pandas, function)(path, **words)
    except ImportError as error:
        raise DataError(f"data: reading {path.name} needs another package: pip install {package} ({error})") from None
    except Exception as error:  # of whatever package reads it
        raise DataError(f"data: {path} cannot be read: {error}") from None


def _text(path: Path, packed: str | None, encoding: str | None) -> str:
    import bz2
    import gzip
    import lzma

    opened = {None: open, "gzip": gzip.open, "bz2": bz2.open, "xz": lzma.open}[packed]
    try:
        with opened(path, "rb") as file:  # type: ignore[operator]
            content: bytes = file.read()
        if encoding is None:
            encoding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
            try:
                return content.decode(encoding)
            except UnicodeDecodeError:
                return content.decode("cp1252", "replace")
        return content.decode(encoding)
    except (OSError, EOFError, LookupError, UnicodeDecodeError) as error:
        raise DataError(f"data: {path} cannot be read: {error}") from None


def _rows(text: str, separator: str, most: int | None = None) -> list[list[str]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    found: list[list[str]] = []
    for row in reader:
        if row:
            found.append(row)
        if most is not None and len(found) >= most:
            break
    return found


def _separator(text: str) -> str:
    """The separator that splits the first lines into as many values each, most of them if several do."""
    best, chosen = (0.0, 0), ","
    for separator in _SEPARATORS:
        widths = [len(row) for row in _rows(text, separator, _LINES)]
        if widths and widths[0] > 1:
            score = (float(np.mean([width == widths[0] for width in widths])), widths[0])
            if score > best:
                best, chosen = score, separator
    return chosen


def _cells(text: str, separator: str, path: Path) -> Any:
    """All values as texts, under the names of the first line.

    Raises:
        DataError: no rows, or rows of other lengths than the first.
    """
    import pandas

    try:
        rows = _rows(text, separator)
    except csv.Error as error:
        raise DataError(f"data: {path} cannot be read as a table of separated values: {error}") from None
    if len(rows) < 2:
        raise DataError(f"data: {path} has no rows below its first line, which names the columns")
    header, body = rows[0], rows[1:]
    if all(len(row) == len(header) + 1 for row in body):
        header = ["", *header]  # R leaves the name of the row numbers out
    for number, row in enumerate(body, 2):
        if len(row) != len(header):
            raise DataError(
                f"data: {path.name}: row {number} has {len(row)} values, but the first line names {len(header)} "
                f"columns; the separator taken is {shown(separator)}: another one is given by separator="
            )
    columns = list(zip(*body, strict=True))
    return pandas.concat(
        [pandas.Series(c, name=n.strip(), dtype=object) for n, c in zip(header, columns, strict=True)], axis=1
    )


def _typed(table: Any, separator: str, decimal: str | None) -> Any:
    import pandas

    columns = [table.iloc[:, index] for index in range(table.shape[1])]
    if decimal is None:
        decimal = "," if separator != "," and _has_decimal_commas(columns) else "."
    return pandas.concat([_column(column, decimal) for column in columns], axis=1)


def _has_decimal_commas(columns: list[Any]) -> bool:
    values = [value.strip() for column in columns for value in column.iloc[:_LINES]]
    commas = sum(bool(_COMMA_NUMBER.fullmatch(value)) for value in values)
    points = sum(bool(_POINT_NUMBER.fullmatch(value)) and not _GROUPED.fullmatch(value) for value in values)
    return commas > points


def _column(column: Any, decimal: str) -> Any:
    """One column of texts as numbers, booleans or words."""
    import pandas

    stripped = column.str.strip()
    missing = stripped.str.lower().isin(_MISSING)
    known = stripped[~missing]
    if not len(known):
        words = stripped.where(stripped != "", None)
        return words.astype(np.float64) if not (stripped != "").any() else words
    if known.isin(["True", "False"]).all() and not missing.any():
        return stripped == "True"
    if not known.map(lambda value: bool(_CODE.fullmatch(value))).any():
        if decimal == ",":
            # A point among digits by threes or it is no number: 04.08.2024 is a date.
            plain = known.map(lambda value: bool(_WITH_COMMA.fullmatch(value)))
            if not plain.all():
                return stripped.where(stripped != "", None)
            known = known.str.replace(".", "", regex=False).str.replace(",", ".", regex=False)
        numbers = pandas.to_numeric(known, errors="coerce")
        if numbers.notna().all() and np.isfinite(numbers.astype(float)).all():
            return numbers if not missing.any() else numbers.astype(np.float64).reindex(column.index)
    return stripped.where(stripped != "", None)
