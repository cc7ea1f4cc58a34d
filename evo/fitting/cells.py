"""Cells of a table, all of them texts, as columns: what names them, and which are numbers, booleans or words."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np

from genomes.targets.labels import in_words

#: What stands for "missing" in a column of numbers. In a column of words only the empty text does: there "NA" and
#: "None" are words.
MISSING = {"", "na", "n/a", "nan", "none", "null", "nil", "?", "-", "--", ".", "#n/a", "<na>", "missing"}
#: Lines that are looked at to find separator and decimal sign.
LINES = 200
#: Units are taken off where there are more different values than this; fewer are categories, such as "5 stars". So are
#: words among so many different numbers: at most so many words, in at most such a share of the rows.
_MOST_CATEGORIES = 20
_MOST_WORDS, _MOST_OF_WORDS = 2, 0.2
#: A column is as one value, so far as it is known beforehand.
WORDS, NUMBERS = "words", "numbers"

_COMMA_NUMBER = re.compile(r"[-+]?(\d{1,3}(\.\d{3})+|\d+),\d+([eE][-+]?\d+)?")
_POINT_NUMBER = re.compile(r"[-+]?\d*\.\d+([eE][-+]?\d+)?")
_GROUPED = re.compile(r"[-+]?\d{1,3}(\.\d{3})+(,\d+)?")
_WITH_COMMA = re.compile(r"[-+]?(\d{1,3}(\.\d{3})+|\d+)?(,\d*)?([eE][-+]?\d+)?")
_CODE = re.compile(r"0\d+")
#: By threes; or as in India, the last three and twos before them.
_COMMA_GROUPED = re.compile(r"[-+]?(\d{1,3}(,\d{3})+|\d{1,2}(,\d{2})*,\d{3})(\.\d*)?")
_PLAIN_NUMBER = re.compile(r"\s*[-+]?\d[\d.,]*\s*")
_NOTHING = re.compile(r"(?!)")
#: French and Swiss digits by threes: spaces of any width, apostrophes.
_PARTED = re.compile(r"(?<!\d)\d{1,3}([ \u00a0\u2009\u202f'\u2019]\d{3})+(?!\d)")
_PARTING = re.compile(r"[ \u00a0\u2009\u202f'\u2019]")
#: How accountants write what is below zero.
_IN_PARENTHESES, _MINUS_AFTER = re.compile(r"\((\D{0,4}\d[^()]*)\)"), re.compile(r"(\d[^-]*)-")
#: A number, and what may stand around it: a currency or percent; a unit.
_AROUND = re.compile(
    r"(?P<sign>[-+]?)(?P<before>[^\d\s.,+-]{0,4})\s?(?P<number>[-+]?[\d.,].*?)\s?(?P<after>[^\d\s.,].*)?"
)
_UNIT = re.compile(r"[^\W\d_][^\d,;:]{0,9}[23]?|[°'\"′″‰µ][^\d,;:]{0,9}")
_CURRENCY_CODE = re.compile(r"[A-Z]{3}")
_EXPONENT = re.compile(r"[eE][-+]?\d+")
#: Longer texts are no numbers.
_LONGEST = 40
#: Most lines above a table.
_MOST_PREAMBLE = 20


@dataclass(frozen=True)
class Reading:
    """How a table's cells were read, for further files of the same kind.

    Attributes:
        decimal: sign of numbers, ``.`` or ``,``.
        header: whether its first line names the columns.
        missing: words that stood for missing numbers, besides the usual ones, in lower case.
        lines: what a user is told of it.
    """

    decimal: str = "."
    header: bool = True
    missing: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As JSON, without the lines."""
        return {"decimal": self.decimal, "header": self.header, "missing": list(self.missing)}

    @classmethod
    def from_json(cls, json: Mapping[str, Any]) -> Self:
        """What :meth:`to_json` wrote.

        Raises:
            ValueError: it is something else.
        """
        decimal, header, missing = json.get("decimal", "."), json.get("header", True), json.get("missing", [])
        if decimal not in (".", ",") or not isinstance(header, bool) or not all(isinstance(m, str) for m in missing):
            raise ValueError(f"a description of how tables are read: {dict(json)!r:.80}")
        return cls(decimal, header, tuple(missing))


@dataclass(frozen=True)
class Known:
    """What is known of a table before it is read.

    Attributes:
        decimal: sign of numbers, where a user said it.
        usual: what an earlier file was like, where values do not tell.
        kinds: :data:`WORDS` or :data:`NUMBERS` by the name of a column.
    """

    decimal: str | None = None
    usual: Reading | None = None
    kinds: Mapping[str, str] = field(default_factory=dict)


# -- rows ------------------------------------------------------------------------------
def without_surroundings(rows: list[list[str]]) -> list[list[str]]:
    """The rows from the one that names the columns on: what a program writes around a table has fewer values.

    Comments and blank lines are left out; so is a last column without a name and values, which a separator at the ends
    of lines makes.
    """
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
    rows = [
        row
        for row in rows[start:]
        if len(row) == usual or not (row[0].startswith("#") or (len(row) == 1 and not row[0].strip()))
    ]
    if len(rows) > 1 and all(len(row) > 1 and not row[-1].strip() for row in rows[1:]):
        width = len(rows[0])
        ended = all(len(row) == width + 1 for row in rows[1:])  # a separator ends every line but the first
        if ended or (width > 1 and not rows[0][-1].strip() and all(len(row) == width for row in rows)):
            rows = [rows[0][: width if ended else width - 1], *(row[:-1] for row in rows[1:])]
    return rows


def named(rows: Sequence[Sequence[str]], usual: Reading | None) -> tuple[list[str], int]:
    """Names of the columns, and the number of rows that name them.

    None does where the first is a row like those below: a number wherever these are numbers, and a word that occurs
    below wherever they are words. Columns are then called by their numbers, from 0. A second row of names, or of units,
    is one with it: words above several columns of numbers. A name that stands over several columns is that of each.

    Args:
        rows: the table's, all of one width.
        usual: what an earlier file was like.
    """
    first, body = rows[0], rows[1:]
    columns = list(zip(*body[:LINES], strict=True))
    numeric = [_are_numbers(column) for column in columns]
    if (usual is not None and not usual.header) or (usual is None and _is_a_row(first, columns, numeric)):
        return [str(index) for index in range(len(first))], 0
    names = [name.strip() for name in first]
    below = [_are_numbers(column[1:]) for column in columns]
    told = [index for index, is_number in enumerate(below) if is_number and body[0][index].strip()]
    if len(told) < 2 or any(numeric[index] for index in told):
        return names, 1
    further = [name.strip() for name in body[0]]
    for index in range(1, len(names)):
        if not names[index] and further[index]:
            names[index] = names[index - 1]
    return [" ".join(filter(None, pair)) for pair in zip(names, further, strict=True)], 2


def _are_numbers(column: Sequence[str]) -> bool:
    known = [value for value in column if value.strip().lower() not in MISSING]
    return bool(known) and all(_PLAIN_NUMBER.fullmatch(value) for value in known)


def _is_a_row(first: Sequence[str], columns: Sequence[Sequence[str]], numeric: Sequence[bool]) -> bool:
    if len(first) < 2 or not any(numeric) or [name.strip() for name in first] == [*map(str, range(len(first)))]:
        return False
    for value, column, is_number in zip(first, columns, numeric, strict=True):
        if is_number and not _PLAIN_NUMBER.fullmatch(value):
            return False
        if not is_number and value not in column:
            return False
    # Whole numbers alone may be names: years above their amounts.
    return not all(numeric) or any("." in value or "," in value for value in first)


# -- columns -----------------------------------------------------------------------------
def typed(columns: Sequence[Any], separator: str, known: Known) -> tuple[list[Any], Reading]:
    """Columns of texts as numbers, booleans or words, and how they were read.

    A column becomes numbers where all its values that are not missing are numbers, none of them with leading zeros,
    which codes have. Currencies, percent signs and one unit for all are taken off; so are words for a missing number.

    Args:
        columns: series of pandas, of texts; missing values are empty.
        separator: between the values of the file, or the empty text.
        known: what is known beforehand.
    """
    cells = [_Cells(column, known) for column in columns]
    usual = known.usual or Reading()
    decimal = known.decimal or _decimal(cells, separator, None if known.usual is None else usual.decimal)
    found = [one.typed(decimal) for one in cells]
    lines = [line for one in cells for line in one.lines]
    missing = {*usual.missing, *(word for one in cells for word in one.extra_missing)}
    return found, Reading(decimal, usual.header, tuple(sorted(missing)), tuple(lines))


def decimal_in(columns: Sequence[Any], known: Known) -> str:
    """The sign of numbers in columns of texts; see :func:`typed`."""
    usual = None if known.usual is None else known.usual.decimal
    return known.decimal or _decimal([_Cells(column, known) for column in columns], "", usual)


class _Cells:
    """One column of texts.

    Attributes:
        lines: what a user is told of it.
        extra_missing: words in it that stand for a missing number.
    """

    def __init__(self, column: Any, known: Known) -> None:
        self.column = column
        self.told = self.kind = known.kinds.get(str(column.name))
        self.stripped = column.str.strip()
        self.lines: list[str] = []
        self.extra_missing: tuple[str, ...] = ()
        lowered = self.stripped.str.lower()
        self.missing = lowered.isin(MISSING)
        if self.kind == NUMBERS and known.usual is not None:
            self.missing |= lowered.isin(known.usual.missing)
        self.known = self.stripped[~self.missing]
        some = self.known.iloc[:: max(1, len(self.known) // LINES)].map(_bare)
        if self.kind is None and some.map(_is_like_a_number).mean() < 0.5:
            self.kind = WORDS  # most columns of words are told at once
        self.bare = some[:0] if self.kind == WORDS else self.known.map(_bare)
        if len(self.bare):
            self._without_words()
            self._without_unit()

    def _without_words(self) -> None:
        """Leave out one word or two among many numbers: somebody's word for a missing one."""
        if self.kind == NUMBERS or (_may_be_numbers(self.bare.iloc[:1]) and _may_be_numbers(self.bare)):
            return
        numbers = self.bare.map(lambda value: bool(_PLAIN_NUMBER.fullmatch(value)))
        words = self.known[~numbers]
        different = sorted(set(words.str.lower()))
        if not 0 < len(different) <= _MOST_WORDS or len(words) > _MOST_OF_WORDS * len(self.known):
            return
        if (
            self.bare[numbers].nunique() <= _MOST_CATEGORIES
            or words.map(lambda word: any(map(str.isdigit, word))).any()
        ):
            return
        self.extra_missing = tuple(different)
        self.missing = self.missing | self.stripped.isin(set(words))
        self.known, self.bare = self.known[numbers], self.bare[numbers]
        self.lines.append(f"{self.column.name}: {in_words(sorted(set(words)))} among numbers is taken as missing")

    def _without_unit(self) -> None:
        """Take off what stands around every number: a unit behind it, or the letters of a currency."""
        around = _AROUND.fullmatch(self.bare.iloc[0])
        before, unit = (around["before"], around["after"] or "") if around else ("", "")
        if not before and (not _UNIT.fullmatch(unit) or _EXPONENT.fullmatch(unit)):
            return
        if (before and not _CURRENCY_CODE.fullmatch(before)) or (unit and not _UNIT.fullmatch(unit)):
            return
        bare = self.bare
        if not (bare.str.startswith(before).all() and bare.str.endswith(unit).all()):
            return
        bare = bare.str.slice(len(before), -len(unit) or None).str.strip().map(_bare)
        currency = bool(before) or bool(_CURRENCY_CODE.fullmatch(unit))
        if _may_be_numbers(bare) and (currency or self.kind == NUMBERS or bare.nunique() > _MOST_CATEGORIES):
            self.bare = bare

    def typed(self, decimal: str) -> Any:
        """The column as numbers, booleans or words."""
        words = self.stripped.where(self.stripped != "", None)
        if not len(self.known):
            return words.astype(np.float64) if not (self.stripped != "").any() or self.kind == NUMBERS else words
        may_be_flags = self.told == NUMBERS or (self.told is None and not self.missing.any())
        if may_be_flags and self.known.isin(["True", "False"]).all():
            flags = self.known == "True"
            return flags if not self.missing.any() else flags.astype(np.float64).reindex(self.column.index)
        if self.kind == WORDS:
            return words
        if self.kind != NUMBERS and self.known.map(lambda value: bool(_CODE.fullmatch(value))).any():
            return words
        numbers = _numbers(self.bare, decimal)
        if numbers is None:
            return words
        return numbers if not self.missing.any() else numbers.astype(np.float64).reindex(self.column.index)


def _numbers(bare: Any, decimal: str) -> Any:
    """Texts as numbers; None where one is none."""
    import pandas

    if decimal == ",":
        # A point among digits by threes or it is no number: 04.08.2024 is a date.
        if not bare.map(lambda value: bool(_WITH_COMMA.fullmatch(value))).all():
            return None
        bare = bare.str.replace(".", "", regex=False).str.replace(",", ".", regex=False)
    elif bare.str.contains(",", regex=False).any():
        # Likewise: 1,234.50, but neither 1,2 nor a list of numbers.
        if not bare.map(lambda value: "," not in value or bool(_COMMA_GROUPED.fullmatch(value))).all():
            return None
        bare = bare.str.replace(",", "", regex=False)
    numbers = pandas.to_numeric(bare, errors="coerce")
    return numbers if numbers.notna().all() and np.isfinite(numbers.astype(float)).any() else None


def _is_like_a_number(value: str) -> bool:
    around = _AROUND.fullmatch(value) if len(value) <= _LONGEST else None
    return around is not None and not any(map(str.isdigit, (around["after"] or "")[:-1]))


def _may_be_numbers(bare: Any) -> bool:
    return bool(bare.map(lambda value: bool(_PLAIN_NUMBER.fullmatch(value) or _POINT_NUMBER.fullmatch(value))).all())


def _decimal(cells: Sequence[_Cells], separator: str, usual: str | None) -> str:
    """The sign of numbers: that of the values which can have one only, else the usual one."""
    values = [value for one in cells if one.kind != WORDS for value in one.bare.iloc[:LINES]]
    grouped_by = _COMMA_GROUPED if separator == "," else _NOTHING
    commas = sum(bool(_COMMA_NUMBER.fullmatch(v)) and not grouped_by.fullmatch(v) for v in values)
    points = sum(bool(_POINT_NUMBER.fullmatch(v)) and not _GROUPED.fullmatch(v) for v in values)
    grouped = sum(bool(_COMMA_GROUPED.fullmatch(v)) and "." in v for v in values)
    if commas > points + grouped:
        return ","
    return "." if points + grouped or usual is None else usual


def _bare(value: str) -> str:
    """A number without its currency or percent sign, without spaces between its digits, its minus as ASCII has it."""
    value = value.strip().replace("\u2212", "-")
    if value.isdigit() or len(value) > _LONGEST or not any(map(str.isdigit, value)):
        return value
    if (match := _IN_PARENTHESES.fullmatch(value)) or (match := _MINUS_AFTER.fullmatch(value)):
        value = f"-{match[1]}"
    value = _PARTED.sub(lambda found: _PARTING.sub("", found[0]), value)
    around = _AROUND.fullmatch(value)
    if around is None:
        return value
    before, after = around["before"], around["after"] or ""
    kept_before = "" if not before or _is_money(before) else before
    kept_after = "" if _is_money(after) else after
    if (kept_before, kept_after) == (before, after):
        return value
    return f"{around['sign']}{kept_before}{around['number']}{kept_after}"


def _is_money(text: str) -> bool:
    """Whether a sign is a currency's, or percent."""
    return text == "%" or (len(text) == 1 and unicodedata.category(text) == "Sc") or text in ("R$", "US$")
