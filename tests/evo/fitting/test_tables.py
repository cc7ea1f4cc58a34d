"""Tables in files: found out as a person would read them."""

from __future__ import annotations

import contextlib
import datetime
import gzip
import json
import sqlite3
import zipfile
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from evo.errors import DataError
from evo.fitting import binary_tables, tables
from evo.fitting.fitted import Fitted
from evo.fitting.tables import TableFormat, read_table, reading_of
from genomes import spaces
from genomes.spaces.columns import infer_columns
from genomes.targets import Binary


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.CSV", b"a,b\n1,x\n2.5,y\n", {"a": [1.0, 2.5], "b": ["x", "y"]}),
        ("a.csv", "größe;preis\n1,5;1.234,50\n2;99,9\n".encode("cp1252"), {"größe": [1.5, 2], "preis": [1234.5, 99.9]}),
        ("a.csv", "\ufeffa;b\n1;2\n".encode(), {"a": [1], "b": [2]}),
        ("a.csv", "a\tb\nä\t2\n".encode("utf-16"), {"a": ["ä"], "b": [2]}),
        ("a.tsv", b"a\tb\n1\tx;y\n", {"a": [1], "b": ["x;y"]}),
        ("a.csv.gz", gzip.compress(b"a|b\n1|2\n3|4\n", mtime=0), {"a": [1, 3], "b": [2, 4]}),
        ("a.csv", b'a,b\n"1, 2","say ""yes""\nno"\n', {"a": ["1, 2"], "b": ['say "yes"\nno']}),
        ("a.csv", b"y,n\nNone,NA\nNA,3\nyes,4\n", {"y": ["None", "NA", "yes"], "n": [float("nan"), 3, 4]}),
        ("a.csv", b"zip,ok\n01234,True\n99999,False\n", {"zip": ["01234", "99999"], "ok": [True, False]}),
        ("a.csv", b"a;d\n1,5;04.08.2024\n2,5;13.04.2024\n", {"a": [1.5, 2.5], "d": ["04.08.2024", "13.04.2024"]}),
        ("a.csv", b"a,b\n1,x\n,\n", {"a": [1, float("nan")], "b": ["x", None]}),
        ("a.csv", b'"a","b"\n"r1",1,2\n"r2",3,4\n', {"": ["r1", "r2"], "a": [1, 3], "b": [2, 4]}),
    ],
)
def test_a_file_is_read_as_a_person_reads_it(name: str, content: bytes, expected: dict, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    found = read_table(tmp_path / name)
    plain = [frame.astype(object).where(frame.notna(), None) for frame in (found, pd.DataFrame(expected))]
    pd.testing.assert_frame_equal(*plain)


def test_what_is_found_out_may_be_said(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"a,b\n" + "1,5;é\n".encode("latin-1") * 2)
    assert read_table(tmp_path / "a.csv", TableFormat(separator=",")).shape == (2, 2)
    (tmp_path / "b.csv").write_text("a;b\n1.234;x\n2.345;y\n")
    assert read_table(tmp_path / "b.csv")["a"].tolist() == [1.234, 2.345]
    assert read_table(tmp_path / "b.csv", TableFormat(decimal=","))["a"].tolist() == [1234, 2345]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.csv", "a,b\n1,2\n1,2,3,4\n", "row 3 has 4 values, but the first line names 2 columns"),
        ("a.csv", "a,b\n", "no rows below its first line"),
        ("a.docx", "", "is no table that is known here"),
        ("a.csv.gz", "a,b\n1,2\n", "cannot be read"),
        ("a.xlsx", "PK, but no archive", "cannot be read"),
    ],
)
def test_what_cannot_be_read_is_said_in_one_line(name: str, content: str, words: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(DataError, match=words) as error:
        read_table(tmp_path / name)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("Export vom 1.1.2024\n\na;b\n1;x\n3;y\n", {"a": [1, 3], "b": ["x", "y"]}),
        ("# made by a program\na,b\n1,2\n3,4\n", {"a": [1, 3], "b": [2, 4]}),
        ("Report\nyear 2024\na,b,c\n1,2,3\n3,4,5\n", {"a": [1, 3], "b": [2, 4], "c": [3, 5]}),
        ("share,b\n12%,1\n3.5 %,2\n", {"share": [12.0, 3.5], "b": [1, 2]}),
        ("p;b\n€ 3,50;1\n-€ 1.002,00;2\n4,00 €;4\n", {"p": [3.5, -1002.0, 4.0], "b": [1, 2, 4]}),
        ('p,b\n"$1,234.50",1\n$3.00,2\n', {"p": [1234.5, 3.0], "b": [1, 2]}),
        ('p,b\n"1,234",1\n"999",2\n', {"p": [1234, 999], "b": [1, 2]}),
        ('p,b\n"1,5",1\n"2,25",2\n', {"p": [1.5, 2.25], "b": [1, 2]}),
        ("p,b\n\u22121.5,1\n2,2\n", {"p": [-1.5, 2.0], "b": [1, 2]}),
        ("p,b\n5% off,1\n$,2\n", {"p": ["5% off", "$"], "b": [1, 2]}),
        ('p,b\n"1,2",1\n"a,3",2\n', {"p": ["1,2", "a,3"], "b": [1, 2]}),
        ("p;b\n1 234,50;1\n12,00;2\n", {"p": [1234.5, 12.0], "b": [1, 2]}),
        ("p;b\n1\u202f234\u202f567,5 €;1\n12,00 €;2\n", {"p": [1234567.5, 12.0], "b": [1, 2]}),
        ("p;b\nCHF 1'234.50;1\nCHF 12.00;2\n", {"p": [1234.5, 12.0], "b": [1, 2]}),
        ("p,b\n12.50 USD,1\n1200 USD,2\n", {"p": [12.5, 1200.0], "b": [1, 2]}),
        ('p,b\n"(1,234.50)",1\n₹3.00,2\n', {"p": [-1234.5, 3.0], "b": [1, 2]}),
        ('p,b\n"1,23,456.00",1\n"99,999",2\n', {"p": [123456.0, 99999.0], "b": [1, 2]}),
        ("p;b\n5,00-;1\n3,00;2\n", {"p": [-5.0, 3.0], "b": [1, 2]}),
        ("p,b\n12 kg,1\n3 kg,2\n", {"p": ["12 kg", "3 kg"], "b": [1, 2]}),
        ("p,b\n1 2,1\n10 20,2\n", {"p": ["1 2", "10 20"], "b": [1, 2]}),
        ("a,b,\n1,x,\n2,y,\n", {"a": [1, 2], "b": ["x", "y"]}),
        ("a,b\n1,x,\n2,y,\n", {"a": [1, 2], "b": ["x", "y"]}),
        ("a,b\n1,x\n   \n2,y\n# the end\n", {"a": [1, 2], "b": ["x", "y"]}),
        ("5.1,3,a\n4.9,2,b\n5.0,2,a\n", {"0": [5.1, 4.9, 5.0], "1": [3, 2, 2], "2": ["a", "b", "a"]}),
        ("2019,2020,who\n4,2,b\n5,2,a\n", {"2019": [4, 5], "2020": [2, 2], "who": ["b", "a"]}),
        ("0,1,2\n5.1,3,a\n4.9,2,b\n", {"0": [5.1, 4.9], "1": [3, 2], "2": ["a", "b"]}),
        ("who,w,h\n,kg,cm\na,1,2\nb,3,4\n", {"who": ["a", "b"], "w kg": [1, 3], "h cm": [2, 4]}),
        ("who,size,\n,w,h\na,1,2\nb,3,4\n", {"who": ["a", "b"], "size w": [1, 3], "size h": [2, 4]}),
        ("who,w,h\na,unknown,2\nb,3,4\n", {"who": ["a", "b"], "w": ["unknown", "3"], "h": [2, 4]}),
    ],
)
def test_what_programs_write_around_numbers_and_tables(content: str, expected: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(content, encoding="utf-8")
    pd.testing.assert_frame_equal(read_table(tmp_path / "t.csv"), pd.DataFrame(expected), check_dtype=False)


def test_a_unit_of_many_numbers_is_taken_off_and_a_word_among_them_is_missing(tmp_path: Path) -> None:
    rows = [f"{number / 2} kg,{number if number % 9 else 'unknown'},{number % 3} stars" for number in range(60)]
    (tmp_path / "t.csv").write_text("\n".join(["w,n,s", *rows]))
    table = read_table(tmp_path / "t.csv")
    assert table["w"].tolist() == [number / 2 for number in range(60)]
    np.testing.assert_array_equal(table["n"], [number if number % 9 else np.nan for number in range(60)])
    assert table["s"].tolist() == [f"{number % 3} stars" for number in range(60)]
    assert reading_of(table).lines == ("n: 'unknown' among numbers is taken as missing",)


def test_a_further_file_is_read_as_the_training_was(tmp_path: Path) -> None:
    """Few rows do not tell what a column is: the model's columns do."""
    rows = [f"{number} kg,{number if number % 9 else 'unknown'},{number}.0,0{number},True," for number in range(40)]
    (tmp_path / "t.csv").write_text("\n".join(["w,n,word,zip,flag,gap", *rows]))
    form = TableFormat().like(read_table(tmp_path / "t.csv"))
    form = TableFormat.from_json(json.loads(json.dumps(form.to_json())))
    kinds = {"w": "numbers", "n": "numbers", "word": "words", "zip": "words", "flag": "numbers", "gap": "numbers"}
    (tmp_path / "new.csv").write_text("w,n,word,zip,flag,gap\n3 kg,unknown,1.0,12,True,\n,4,2.0,07,,5\n")
    found = read_table(tmp_path / "new.csv", replace(form, kinds=kinds))
    expected = {
        "w": [3, np.nan],
        "n": [np.nan, 4],
        "word": ["1.0", "2.0"],
        "zip": ["12", "07"],
        "flag": [1, np.nan],
        "gap": [np.nan, 5],
    }
    pd.testing.assert_frame_equal(found, pd.DataFrame(expected), check_dtype=False)
    (tmp_path / "head.csv").write_text("1.5,2,a\n2.5,3,b\n3.5,2,a\n")
    form = TableFormat().like(read_table(tmp_path / "head.csv"))
    (tmp_path / "new.csv").write_text("7.5,2\n")
    assert read_table(tmp_path / "new.csv", form).to_dict("list") == {"0": [7.5], "1": [2]}


def test_a_model_knows_what_its_columns_were(tmp_path: Path) -> None:
    columns = {"w": [1.5, 2.5], "word": ["1.0", "2.0"], "day": ["2024-01-01", "2024-01-02"]}
    target = Binary(labels=("1", "2"))
    space = spaces.tabular(infer_columns(columns, text_dates=True)[0], task=target)
    model = Fitted(tmp_path, SimpleNamespace(space=space, target=target), name="y")
    assert model.form_with({}).kinds == {"w": "numbers", "word": "words", "y": "words"}


def test_tables_of_other_programs(tmp_path: Path) -> None:
    expected = pd.DataFrame({"a": [1, 2], "b": ["x", "NA"]})
    records = expected.to_dict("records")
    texts = {
        "r.json": json.dumps(records),
        "c.json": json.dumps(expected.to_dict("list")),
        "s.json": expected.to_json(orient="split"),
        "i.json": expected.to_json(),
        "n.json": json.dumps({"count": 2, "rows": records}),
        "r.jsonl": "\n".join(map(json.dumps, records)),
        "w.arff": "% made by hand\n@relation r\n@attribute a numeric\n@attribute 'b' {x,'NA'}\n@data\n1,x\n2,'NA'\n",
        "f.data": "a,b\n1,x\n2,NA\n",
        "f": "a b\n1 x\n2 NA\n",
        "w.txt": "a          b   \n1          x   \n2          NA  \n",
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    with zipfile.ZipFile(tmp_path / "z.zip", "w") as archive:
        archive.writestr("z.csv", "a,b\n1,x\n2,NA\n")
    with contextlib.closing(sqlite3.connect(tmp_path / "d.sqlite")) as database:
        expected.to_sql("rows of a", database, index=False)
    expected.to_stata(tmp_path / "s.dta", write_index=False)
    (tmp_path / "u.csv").write_bytes("a,b\n1,x\n2,NA\n".encode("utf-16-le"))
    for path in sorted(tmp_path.iterdir()):
        pd.testing.assert_frame_equal(read_table(path), expected, check_dtype=False, obj=path.name)


@pytest.mark.parametrize(
    ("content", "column", "words"),
    [
        ("größe,b\n1,x\n".encode("cp1252"), "größe", "not in UTF-8, and read as Windows-1252"),
        (("größe,b\n" + "1,äöüß\n" * 9).encode() + b"2,\xff\n", "größe", "1 characters of the file are no UTF-8"),
        (
            b"1.5,2,a\n2.5,3,b\n3.5,2,a\n",
            "0",
            "a row like the others: columns are called 0 to 2",
        ),
    ],
)
def test_what_is_guessed_is_said(content: bytes, column: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(content)
    table = read_table(tmp_path / "t.csv")
    assert next(iter(table)) == column and len(reading_of(table).lines) == 1 and words in reading_of(table).lines[0]


def test_sheets_as_people_write_them(tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    days = [datetime.datetime(2024, 1, day) for day in (1, 2, 3)]
    for row in (
        ["Report 2024"],
        [],
        ["who", "day", "size", None, "amount"],
        [None, None, "w", "h", "€"],
        ["a", days[0], 1, 2.5, "3,5"],
        ["b", days[1], "n/a", 3.5, 4],
        [7, days[2], 3, 4.5, None],
    ):
        book.active.append(row)
    book.save(tmp_path / "t.xlsx")
    expected = {"who": ["a", "b", 7], "day": days, "size w": [1, np.nan, 3], "size h": [2.5, 3.5, 4.5]}
    expected["amount €"] = [3.5, 4, np.nan]
    found = read_table(tmp_path / "t.xlsx")
    pd.testing.assert_frame_equal(found, pd.DataFrame(expected), check_dtype=False)
    assert found["day"].dtype.kind == "M"


def test_columns_between_spaces(tmp_path: Path) -> None:
    (tmp_path / "t.txt").write_text("a   b c\n1   2 x\n30  4 y  \n")
    assert read_table(tmp_path / "t.txt").to_dict("list") == {"a": [1, 30], "b": [2, 4], "c": ["x", "y"]}


def test_numbers_that_may_be_either_are_read_as_those_of_the_training(tmp_path: Path) -> None:
    """1.500 is one and a half to some, and fifteen hundred to others."""
    (tmp_path / "t.csv").write_text("a;b\n1.500;1,5\n2.500;2,5\n")
    (tmp_path / "new.csv").write_text("a;b\n1.500;3\n")
    table = read_table(tmp_path / "t.csv")
    assert reading_of(table).decimal == "," and read_table(tmp_path / "new.csv")["a"].tolist() == [1.5]
    form = TableFormat.from_json(TableFormat().like(table).to_json())
    assert read_table(tmp_path / "new.csv", form)["a"].tolist() == [1500]
    assert TableFormat.from_json({"usual_decimal": ","}).usual.decimal == ",", "as it was stored before"


def test_what_european_programs_call_excel(tmp_path: Path) -> None:
    """Separated values named ``.xls``; a first line for Excel; numbers as texts with commas in a real sheet."""
    (tmp_path / "a.xls").write_bytes("sep=;\r\nmaß;art\r\n1,5;gut\r\n2,5;NA\r\n".encode("cp1252"))
    expected = pd.DataFrame({"maß": [1.5, 2.5], "art": ["gut", "NA"]})
    pd.testing.assert_frame_equal(read_table(tmp_path / "a.xls"), expected, check_dtype=False)
    pytest.importorskip("openpyxl")
    pd.DataFrame({" maß": ["1,5", "1.002,5", None], "art": ["gut", "NA", None], "n": [1, 2, 3]}).to_excel(
        tmp_path / "b.xlsx", index=False
    )
    found = read_table(tmp_path / "b.xlsx")
    assert list(found) == ["maß", "art", "n"] and found["n"].tolist() == [1, 2, 3]
    np.testing.assert_array_equal(found["maß"], [1.5, 1002.5, np.nan])
    assert found["art"].tolist() == ["gut", "NA", None]


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"separator": ";;"}, "separator: expected one sign"),
        ({"decimal": ";"}, "decimal: expected"),
        ({"separator": ",", "decimal": ","}, "stands between values already"),
        ({"encoding": "utf-99"}, "encoding: 'utf-99' is not known"),
        ({"separator": 3}, "separator: expected a text"),
    ],
)
def test_a_wrong_format_is_named(said: dict[str, Any], words: str) -> None:
    with pytest.raises(DataError, match=words):
        TableFormat(**said)


@pytest.mark.parametrize(
    ("suffix", "package"), [(".parquet", "pyarrow"), (".feather", "pyarrow"), (".xlsx", "openpyxl")]
)
def test_binary_tables(suffix: str, package: str, tmp_path: Path) -> None:
    pytest.importorskip(package)
    frame = pd.DataFrame({"a": [1.5, 2.5], "b": ["NA", "None"]})
    writer = {".parquet": "to_parquet", ".feather": "to_feather", ".xlsx": "to_excel"}[suffix]
    getattr(frame, writer)(tmp_path / f"t{suffix}", **({"index": False} if suffix == ".xlsx" else {}))
    pd.testing.assert_frame_equal(read_table(tmp_path / f"t{suffix}"), frame, check_dtype=False)


def test_what_unpacks_to_more_than_there_is_memory_for_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (tables, binary_tables):
        monkeypatch.setattr(module, "most_bytes", lambda: 2**20)
    (tmp_path / "bomb.csv.gz").write_bytes(gzip.compress(b"a,b\n" + b"1,2\n" * 2**20))
    with zipfile.ZipFile(tmp_path / "bomb.xlsx", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", bytes(2**21))
    for name in ("bomb.csv.gz", "bomb.xlsx"):
        with pytest.raises(DataError, match="than there is memory for"):
            read_table(tmp_path / name)


def test_the_first_sheet_with_a_table_is_read(tmp_path: Path) -> None:
    pytest.importorskip("openpyxl")
    data = pd.DataFrame({"a": [1, 2], "y": ["x", "z"]})
    with pd.ExcelWriter(tmp_path / "t.xlsx") as book:
        pd.DataFrame({"about this file": ["made in spring"]}).to_excel(book, sheet_name="About", index=False)
        data.to_excel(book, sheet_name="Data", index=False)
        data.to_excel(book, sheet_name="More", index=False)
    pd.testing.assert_frame_equal(read_table(tmp_path / "t.xlsx"), data, check_dtype=False)
