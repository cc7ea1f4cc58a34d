"""Tables in files: separator, decimal comma, encoding and kinds of columns are found out, and may be said."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from evo.core.errors import DataError
from evo.fitting.array_files import ARRAYS
from evo.fitting.binary_tables import BINARY, SHEETS, is_plain_text, most_bytes, read_binary
from evo.fitting.cells import LINES, Known, Reading, named, typed, without_surroundings
from evo.fitting.text_tables import TEXTS, read_text
from genomes.errors import shown
from genomes.targets.labels import in_words

#: What may stand around a file of separated values.
_PACKED = {".gz": "gzip", ".bz2": "bz2", ".xz": "xz", ".zip": "zip"}
#: The last two may be anything: they are tried.
_SEPARATED = (".csv", ".tsv", ".txt", ".tab", ".dat", ".data", "")
#: Values between spaces may be such files.
_WITH_SPACES = (".txt", ".dat", ".data", "")
_SEPARATORS = (",", ";", "\t", "|")
#: Correct characters for each broken one, from which a text is broken UTF-8 and not another encoding.
_MANY = 10
_PICKLES = (".pkl", ".pickle", ".joblib")
_TOLD_SEPARATOR = re.compile(r'"?sep=(.)"?', re.IGNORECASE)
#: Where a table notes how it was read (``DataFrame.attrs``).
_READING = "reading"


@dataclass(frozen=True)
class TableFormat:
    """How a file of separated values is written, as far as a user said it.

    Attributes:
        separator: between values; None: that of ``, ; TAB |`` which gives all lines as many values.
        decimal: sign of numbers, ``.`` or ``,``; None: found in the values.
        encoding: None: UTF-8 or UTF-16, and what is neither is read as Windows-1252.
        usual: how an earlier file was read, for one whose values do not tell: 1.500 may be either.
        kinds: which columns are words and which numbers, by their names, as they were in an earlier file.

    Raises:
        DataError: a separator of several signs, another decimal sign, an unknown encoding.
    """

    separator: str | None = None
    decimal: str | None = None
    encoding: str | None = None
    usual: Reading | None = None
    kinds: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, value in self.said.items():
            if not isinstance(value, str):
                raise DataError(f"{name}: expected a text, got {shown(value)}")
        if self.separator is not None and (len(self.separator) != 1 or self.separator in '\r\n"'):
            raise DataError(f"separator: expected one sign, such as ';', got {shown(self.separator)}")
        if self.decimal not in (None, ".", ","):
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
        said = {"separator": self.separator, "decimal": self.decimal, "encoding": self.encoding}
        return {name: value for name, value in said.items() if value is not None}

    def like(self, table: Any) -> TableFormat:
        """The same for further files, which are read as a table was."""
        return self if has_types(table) else replace(self, usual=reading_of(table))

    def to_json(self) -> dict[str, Any]:
        """As JSON: what was said, and how files are read."""
        return {**self.said, **({"usual": self.usual.to_json()} if self.usual is not None else {})}

    @classmethod
    def from_json(cls, json: Mapping[str, Any]) -> TableFormat:
        """What :meth:`to_json` wrote.

        Raises:
            ValueError: it is something else.
        """
        usual = {"decimal": json["usual_decimal"]} if "usual_decimal" in json else json.get("usual")
        return cls(
            **{name: json[name] for name in ("separator", "decimal", "encoding") if name in json},
            usual=None if usual is None else Reading.from_json(usual),
        )

    @property
    def known(self) -> Known:
        """What is known of a table before it is read."""
        return Known(self.decimal, self.usual, self.kinds)


def read_table(path: Path, form: TableFormat | None = None) -> Any:
    """A table in a file as a data frame of pandas.

    Separated values (``.csv``, ``.tsv``, ``.txt``, also ``.gz``, ``.bz2``, ``.xz``, ``.zip``), JSON, ARFF, Parquet,
    Feather, Excel, Stata, SPSS and SQLite, in any case of the suffix (:func:`reading_of` tells how). A
    column of texts becomes numbers where all its values that are not missing are numbers, none of them with leading
    zeros, which codes have; ``True`` and ``False`` become booleans. In columns of words only the empty text is missing:
    ``NA`` and ``None`` are words.

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
    if kind in BINARY and not is_plain_text(path, kind):
        if form.said and kind not in SHEETS:
            raise DataError(f"{next(iter(form.said))}: {path.name} says itself how it is written; leave it out")
        return _noted(*read_binary(path, kind, form.known))
    if kind not in (*_SEPARATED, *BINARY, *TEXTS):
        hint = "; a pickle may run a program: give what pandas.read_pickle makes of it" if kind in _PICKLES else ""
        known = ", ".join((*_SEPARATED[:3], *BINARY, *TEXTS, *ARRAYS))
        raise DataError(f"data: {path.name} is no table that is known here; expected {known}{hint}")
    text, line = _text(path, packed, form.encoding)
    if kind in TEXTS:
        return _noted(*read_text(text, path, kind, form.known))
    text, separator = _said_by_excel(text)
    separator = form.separator or separator
    try:
        if separator is None:
            separator = "\t" if kind in (".tsv", ".tab") else _separator(text, spaces=kind in _WITH_SPACES)
        return _noted(*_table(text, separator, path, form.known), *line)
    except (csv.Error, TypeError) as error:  # a value without end; what Excel says its separator is may be none
        raise DataError(f"data: {path} cannot be read as a table of separated values: {error}") from None


def reading_of(table: Any) -> Reading:
    """How a table was read, where it was read from a file."""
    found = getattr(table, "attrs", {}).get(_READING)
    return found if isinstance(found, Reading) else Reading()


def has_types(table: Any) -> bool:
    """Whether a table's cells were not read: its columns have the types that somebody gave them."""
    return _READING not in getattr(table, "attrs", {})


def _noted(table: Any, reading: Reading | None, *lines: str) -> Any:
    if reading is None:
        return table
    table.attrs[_READING] = replace(reading, lines=(*lines, *reading.lines))
    return table


def _said_by_excel(text: str) -> tuple[str, str | None]:
    """The text without a first line ``sep=;``, by which Excel tells the separator, and that separator."""
    first, _, rest = text.partition("\n")
    told = _TOLD_SEPARATOR.fullmatch(first.strip("\r"))
    return (rest, told[1]) if told else (text, None)


def _text(path: Path, packed: str | None, encoding: str | None) -> tuple[str, list[str]]:
    """A file's text, and a line where its encoding is a guess."""
    import bz2
    import gzip
    import lzma
    import zipfile
    import zlib

    opened = {None: open, "gzip": gzip.open, "bz2": bz2.open, "xz": lzma.open, "zip": _only_file}[packed]
    try:
        with opened(path, "rb") as file:  # type: ignore[operator]
            most, content = most_bytes(), bytearray()
            while part := file.read(2**20):
                content += part
                if len(content) > most:
                    raise DataError(f"data: {path} is larger than there is memory for")
        return _decoded(content) if encoding is None else (content.decode(encoding), [])
    except DataError:
        raise
    except (OSError, EOFError, LookupError, ValueError, zlib.error, lzma.LZMAError, MemoryError) as error:
        raise DataError(f"data: {path} cannot be read: {error}") from None
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise DataError(f"data: {path} cannot be read: {error}") from None


def _only_file(path: Path, mode: str) -> Any:
    import zipfile

    archive = zipfile.ZipFile(path)
    names = [entry.filename for entry in archive.infolist() if not entry.is_dir() and "__MACOSX" not in entry.filename]
    if len(names) != 1 or Path(names[0]).suffix.lower() not in _SEPARATED:
        raise DataError(
            f"data: {path} must hold one table of separated values; it holds {in_words(names, 3) or 'none'}"
        )
    return archive.open(names[0])


def _decoded(content: bytearray) -> tuple[str, list[str]]:
    """UTF-8, UTF-16 or else Windows-1252."""
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return content.decode("utf-16"), []
    start = content[:LINES]
    for first, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):  # without the mark that says so
        if len(start) > 3 and start[first::2].count(0) > len(start) // 4:
            return content.decode(encoding), []
    try:
        return content.decode("utf-8-sig"), []
    except UnicodeDecodeError:
        text = content.decode("utf-8-sig", "replace")
        broken = text.count("\ufffd")
        if sum(character > "\x7f" for character in text) > _MANY * broken:
            return text, [f"{broken} characters of the file are no UTF-8; they are read as \ufffd"]
        return content.decode("cp1252", "replace"), [
            "the file is not in UTF-8, and read as Windows-1252; should it be in another encoding, say encoding="
        ]


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
        widths = [len(row) for row in _rows(text, separator, LINES)]
        usual = max(set(widths), key=lambda width: (widths.count(width), width), default=0)
        if usual > 1:
            score = (float(np.mean([width == usual for width in widths])), usual)
            if score > best:
                best, chosen = score, separator
    return chosen


def _table(text: str, separator: str, path: Path, known: Known) -> tuple[Any, Reading]:
    """The table in a text, and how it was read.

    Raises:
        DataError: no rows, or rows of other lengths than the first.
    """
    import pandas

    rows = without_surroundings(_rows(text, separator))
    widths = [len(row) - len(rows[0]) for row in rows[1:]]
    if separator == " " and len(set(widths)) > 1:
        rows = _of_fixed_width(text)
    if len(rows) < 2 and (known.usual is None or known.usual.header or not rows):
        raise DataError(f"data: {path} has no rows below its first line, which names the columns")
    if len(rows) > 1 and all(len(row) == len(rows[0]) + 1 for row in rows[1:]):
        rows[0] = ["", *rows[0]]  # R leaves the name of the row numbers out
    for number, row in enumerate(rows, 1):
        if len(row) != len(rows[0]):
            raise DataError(
                f"data: {path.name}: row {number} has {len(row)} values, but the first line names {len(rows[0])} "
                f"columns; the separator taken is {shown(separator)}: give another one by separator=, in a shell "
                "by --separator"
            )
    names, above = named(rows, known.usual)
    cells = zip(*rows[above:], strict=True)
    columns = [pandas.Series(column, name=name, dtype=object) for name, column in zip(names, cells, strict=True)]
    found, reading = typed(columns, separator, known)
    lines = reading.lines
    if not above and known.usual is None:
        lines = (
            f"the first line of {path.name} is a row like the others: columns are called 0 to {len(names) - 1}",
            *lines,
        )
    return pandas.concat(found, axis=1), replace(reading, header=bool(above), lines=lines)


def _of_fixed_width(text: str) -> list[list[str]]:
    """Rows whose columns each begin at the same place of every line."""
    import pandas

    table = pandas.read_fwf(io.StringIO(text), header=None, dtype=str, keep_default_na=False, infer_nrows=LINES)
    return table.to_numpy().tolist()
