"""Tables in files: separator, decimal comma, encoding and kinds of columns are found out, and may be said."""

from __future__ import annotations

import codecs
import csv
import io
import re
from dataclasses import dataclass
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
#: How files of Excel begin: as a ZIP archive, or as a compound document.
_EXCEL_STARTS = (b"PK", b"\xd0\xcf\x11\xe0")
_TOLD_SEPARATOR = re.compile(r'"?sep=(.)"?', re.IGNORECASE)
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
_COMMA_GROUPED = re.compile(r"[-+]?\d{1,3}(,\d{3})+(\.\d*)?")
_PLAIN_NUMBER = re.compile(r"\s*[-+]?\d[\d.,]*\s*")
_NOTHING = re.compile(r"(?!)")
#: Before or after a number: a currency, or percent.
_UNIT = re.compile(r"^([-+]?)[€$£¥]\s?|\s?[€$£¥%]$")
#: Most lines above a table.
_MOST_PREAMBLE = 20


@dataclass(frozen=True)
class TableFormat:
    """How a file of separated values is written, as far as a user said it.

    Attributes:
        separator: between values; None: that of ``, ; TAB |`` which gives all lines as many values.
        decimal: sign of numbers, ``.`` or ``,``; None: found in the values.
        encoding: None: UTF-8 or UTF-16, and what is neither is read as Windows-1252.
        usual_decimal: sign of numbers in an earlier file, for one whose values do not tell: 1.500 may be either.

    Raises:
        DataError: a separator of several signs, another decimal sign, an unknown encoding.
    """

    separator: str | None = None
    decimal: str | None = None
    encoding: str | None = None
    usual_decimal: str | None = None

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if value is not None and not isinstance(value, str):
                raise DataError(f"{name}: expected a text, got {shown(value)}")
        if self.separator is not None and (len(self.separator) != 1 or self.separator in '\r\n"'):
            raise DataError(f"separator: expected one sign, such as ';', got {shown(self.separator)}")
        if self.decimal not in (None, ".", ",") or self.usual_decimal not in (None, ".", ","):
            raise DataError(f"decimal: expected '.' or ',', got {shown(self.decimal)}")
        if self.decimal is not None and self.decimal == self.separator:
            raise DataError(f"decimal: {self.decimal!r} stands between values already; they differ")
        try:
            codecs.lookup(self.encoding or "utf-8")
        except LookupError:
            raise DataError(f"encoding: {shown(self.encoding)} is not known; expected utf-8, cp1252, ...") from None

    @property
    def said(self) -> dict[str, str]:
        """What was said, by name."""
        return {n: value for n, value in vars(self).items() if value is not None and n != "usual_decimal"}


def read_table(path: Path, form: TableFormat | None = None) -> Any:
    """A table in a file as a data frame of pandas.

    Separated values (``.csv``, ``.tsv``, ``.txt``, also ``.gz``, ``.bz2``, ``.xz``), Parquet, Feather and Excel, in any
    case of the suffix. A column of texts becomes numbers where all its values that are not missing are numbers, none of
    them with leading zeros, which codes have; ``True`` and ``False`` become booleans. In columns of words only the
    empty text is missing: ``NA`` and ``None`` are words.

    Args:
        path: the file.
        form: how it is written; by default that is found out.

    Raises:
        DataError: no such file, or one that cannot be read as a table.
    """
    form = TableFormat() if form is None else form
    if not path.exists():
        raise DataError(f"data: there is no file {path}")
    suffixes = [suffix.lower() for suffix in path.suffixes]
    packed = _PACKED.get(suffixes[-1]) if suffixes else None
    kind = (suffixes[-2:-1] or [".csv"])[0] if packed else (suffixes[-1] if suffixes else "")
    if kind in _BY_PANDAS and not _is_plain_text(path, kind):
        return _by_pandas(path, *_BY_PANDAS[kind], form)
    if kind not in (*_SEPARATED, *_BY_PANDAS):
        raise DataError(
            f"data: {path.name} is no table that is known here; expected {', '.join((*_SEPARATED[:3], *_BY_PANDAS))}"
        )
    text, separator = _said_by_excel(_text(path, packed, form.encoding))
    separator = form.separator or separator
    try:
        if separator is None:
            separator = "\t" if kind in (".tsv", ".tab") else _separator(text, spaces=kind in (".txt", ".dat"))
        return _typed(_cells(text, separator, path), separator, form)
    except (csv.Error, TypeError) as error:  # a value without end; what Excel says its separator is may be none
        raise DataError(f"data: {path} cannot be read as a table of separated values: {error}") from None


def _is_plain_text(path: Path, kind: str) -> bool:
    """Whether a file is named as one of Excel and is separated values, as many programs export them."""
    if kind not in (".xls", ".xlsx"):
        return False
    with path.open("rb") as file:
        start = file.read(512)
    return not start.startswith(_EXCEL_STARTS) and not start.lstrip().startswith(b"<") and b"\0" not in start


def _said_by_excel(text: str) -> tuple[str, str | None]:
    """The text without a first line ``sep=;``, by which Excel tells the separator, and that separator."""
    first, _, rest = text.partition("\n")
    told = _TOLD_SEPARATOR.fullmatch(first.strip("\r"))
    return (rest, told[1]) if told else (text, None)


def _by_pandas(path: Path, function: str, package: str, form: TableFormat) -> Any:
    import pandas

    _check_unpacked(path)
    if form.said and function != "read_excel":
        raise DataError(f"{next(iter(form.said))}: {path.name} says itself how it is written; leave it out")
    try:
        table = _sheet(path) if function == "read_excel" else getattr(pandas, function)(path)
    except ImportError as error:
        raise DataError(f"data: reading {path.name} needs another package: pip install {package} ({error})") from None
    except Exception as error:  # of whatever package reads it
        raise DataError(f"data: {path} cannot be read: {error}") from None
    table.columns = [str(name).strip() for name in table.columns]
    return _typed_words(table, form) if function == "read_excel" else table


def _sheet(path: Path) -> Any:
    """The first sheet that holds a table: two columns or more, and a row; the first one where none does."""
    import pandas

    first = None
    with pandas.ExcelFile(path) as book:
        for name in book.sheet_names:
            sheet = book.parse(name, keep_default_na=False, na_values=[""])
            if sheet.shape[1] > 1 and len(sheet):
                return sheet
            first = sheet if first is None else first
    if first is None:
        raise ValueError("it holds no sheet")
    return first


def _typed_words(table: Any, form: TableFormat) -> Any:
    """A sheet whose columns of words are numbers where all of them are: programs write ``3,5`` as a text."""
    import pandas

    words = {
        index: table.iloc[:, index].fillna("")
        for index in range(table.shape[1])
        if table.iloc[:, index].map(lambda value: isinstance(value, str) or pandas.isna(value)).all()
        and table.iloc[:, index].map(lambda value: isinstance(value, str)).any()
    }
    decimal = form.decimal or _decimal(list(words.values()), "", form.usual_decimal)
    columns = [
        _column(words[index].astype(object), decimal) if index in words else table.iloc[:, index]
        for index in range(table.shape[1])
    ]
    return _with_decimal(pandas.concat(columns, axis=1), decimal) if columns else table


def _text(path: Path, packed: str | None, encoding: str | None) -> str:
    import bz2
    import gzip
    import lzma
    import zlib

    opened = {None: open, "gzip": gzip.open, "bz2": bz2.open, "xz": lzma.open}[packed]
    try:
        with opened(path, "rb") as file:  # type: ignore[operator]
            most, content = _most_bytes(), bytearray()
            while part := file.read(2**20):
                content += part
                if len(content) > most:
                    raise DataError(f"data: {path} is larger than there is memory for")
        if encoding is None:
            encoding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
            try:
                return content.decode(encoding)
            except UnicodeDecodeError:
                return content.decode("cp1252", "replace")
        return content.decode(encoding)
    except DataError:
        raise
    except (OSError, EOFError, LookupError, ValueError, zlib.error, lzma.LZMAError, MemoryError) as error:
        raise DataError(f"data: {path} cannot be read: {error}") from None


def _check_unpacked(path: Path) -> None:
    """Raise where a sheet, which is a ZIP archive, unpacks to more than there is memory for."""
    import zipfile

    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
    except (OSError, ValueError, zipfile.BadZipFile, NotImplementedError, RuntimeError):
        return  # none; who reads it says what is wrong
    if size > _most_bytes():
        raise DataError(f"data: {path} unpacks to {size / 2**20:,.0f} MB, more than there is memory for")


def _most_bytes() -> int:
    """Bytes of text that there is memory for, whose values take some times as much; packed, it may be endless."""
    import psutil

    return max(2**20, int(psutil.virtual_memory().available) // 8)


def _rows(text: str, separator: str, most: int | None = None) -> list[list[str]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, skipinitialspace=separator == " ")
    found: list[list[str]] = []
    for row in reader:
        if separator == " " and row and row[-1] == "":
            row = row[:-1]
        if row:
            found.append(row)
        if most is not None and len(found) >= most:
            break
    return found


def _separator(text: str, spaces: bool) -> str:
    """The separator that splits the first lines into as many values each, most of them if several do."""
    best, chosen = (0.0, 0), ","
    for separator in (*_SEPARATORS, " ") if spaces else _SEPARATORS:
        widths = [len(row) for row in _rows(text, separator, _LINES)]
        usual = max(set(widths), key=lambda width: (widths.count(width), width), default=0)
        if usual > 1:
            score = (float(np.mean([width == usual for width in widths])), usual)
            if score > best:
                best, chosen = score, separator
    return chosen


def _without_preamble(rows: list[list[str]]) -> list[list[str]]:
    """The rows from the one that names the columns on: what a program writes above a table has fewer values."""
    widths = [len(row) for row in rows]
    usual = max(set(widths), key=widths.count, default=0)
    start = 0
    while start < min(len(rows), _MOST_PREAMBLE) and rows[start][0].startswith("#") and widths[start] != usual:
        start += 1
    if start == 0 and usual > 1 and widths[0] == 1:
        first = widths.index(usual)
        # R leaves the name of the row numbers out: then numbers come at once, and no names of columns.
        if first <= _MOST_PREAMBLE and (usual > 2 or not any(_PLAIN_NUMBER.fullmatch(value) for value in rows[first])):
            start = first
    return rows[start:]


def _cells(text: str, separator: str, path: Path) -> Any:
    """All values as texts, under the names of the first line.

    Raises:
        DataError: no rows, or rows of other lengths than the first.
    """
    import pandas

    rows = _without_preamble(_rows(text, separator))
    if len(rows) < 2:
        raise DataError(f"data: {path} has no rows below its first line, which names the columns")
    header, body = rows[0], rows[1:]
    if all(len(row) == len(header) + 1 for row in body):
        header = ["", *header]  # R leaves the name of the row numbers out
    for number, row in enumerate(body, 2):
        if len(row) != len(header):
            raise DataError(
                f"data: {path.name}: row {number} has {len(row)} values, but the first line names {len(header)} "
                f"columns; the separator taken is {shown(separator)}: give another one by separator=, in a shell "
                "by --separator"
            )
    columns = list(zip(*body, strict=True))
    return pandas.concat(
        [pandas.Series(c, name=n.strip(), dtype=object) for n, c in zip(header, columns, strict=True)], axis=1
    )


def _typed(table: Any, separator: str, form: TableFormat) -> Any:
    import pandas

    columns = [table.iloc[:, index] for index in range(table.shape[1])]
    decimal = form.decimal or _decimal(columns, separator, form.usual_decimal)
    return _with_decimal(pandas.concat([_column(column, decimal) for column in columns], axis=1), decimal)


def _with_decimal(table: Any, decimal: str) -> Any:
    """The table, with a note of the sign that its numbers were read by."""
    table.attrs["decimal"] = decimal
    return table


def _decimal(columns: list[Any], separator: str, usual: str | None) -> str:
    """The sign of numbers: that of the values which can have one only, else the usual one."""
    values = [_bare(value) for column in columns for value in column.iloc[:_LINES]]
    grouped_by = _COMMA_GROUPED if separator == "," else _NOTHING
    commas = sum(bool(_COMMA_NUMBER.fullmatch(v)) and not grouped_by.fullmatch(v) for v in values)
    points = sum(bool(_POINT_NUMBER.fullmatch(v)) and not _GROUPED.fullmatch(v) for v in values)
    grouped = sum(bool(_COMMA_GROUPED.fullmatch(v)) and "." in v for v in values)
    if commas > points + grouped:
        return ","
    return "." if points + grouped or usual is None else usual


def _bare(value: str) -> str:
    """A number without its currency or percent sign, its minus as ASCII has it."""
    return _UNIT.sub(r"\1", value.strip()).replace("\u2212", "-")


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
        known = known.map(_bare)
        if decimal == ",":
            # A point among digits by threes or it is no number: 04.08.2024 is a date.
            plain = known.map(lambda value: bool(_WITH_COMMA.fullmatch(value)))
            if not plain.all():
                return stripped.where(stripped != "", None)
            known = known.str.replace(".", "", regex=False).str.replace(",", ".", regex=False)
        elif known.str.contains(",", regex=False).any():
            # Likewise: 1,234.50, but neither 1,2 nor a list of numbers.
            plain = known.map(lambda value: "," not in value or bool(_COMMA_GROUPED.fullmatch(value)))
            if not plain.all():
                return stripped.where(stripped != "", None)
            known = known.str.replace(",", "", regex=False)
        numbers = pandas.to_numeric(known, errors="coerce")
        if numbers.notna().all() and np.isfinite(numbers.astype(float)).all():
            return numbers if not missing.any() else numbers.astype(np.float64).reindex(column.index)
    return stripped.where(stripped != "", None)
