"""What people have in their hands, as it reaches the search: nothing is trained here."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import evo
from evo.data import Data
from evo.errors import EvoError
from evo.fitting.cells import Reading
from evo.fitting.fitted import Fitted
from evo.fitting.searching import Search
from evo.fitting.tables import TableFormat
from genomes.spaces.base import Space

ROWS = 40
NUMBERS = np.linspace(-1, 1, ROWS)
LABELS = np.where(np.arange(ROWS) % 3 == 0, "no", "yes")
FRAME = pd.DataFrame({"a": NUMBERS, "y": LABELS})
X, Y = NUMBERS.reshape(-1, 2).astype(np.float32), np.arange(ROWS // 2) % 2

Prepare = Callable[..., tuple[Space, Data, list[str]]]


class _ReachedError(Exception):
    def __init__(self, *found: Any) -> None:
        self.found = found


@pytest.fixture
def prepare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Prepare]:
    """``evo.fit`` up to the search: space, data, and what was said."""

    def reached(self: Search, space: Space, data: Data, place: Path, notes: list[str]) -> None:
        data.prepare(space)
        raise _ReachedError(space, data, list(notes))

    def prepared(data: Any, target: Any = None, **settings: Any) -> tuple[Space, Data, list[str]]:
        with pytest.raises(_ReachedError) as info:
            evo.fit(data, target, directory=tmp_path / "c", trials=1, verbose=False, **settings)
        return info.value.found

    monkeypatch.setattr(Search, "run", reached)
    yield prepared


def columns(space: Space) -> dict[str, str]:
    return {column.name: column.kind for column in space.columns}  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (pd.array([True, None] * 20, dtype="boolean"), "numeric"),
        (pd.array([1, None] * 20, dtype="Int64"), "numeric"),
        (pd.array(["u", None] * 20, dtype="string"), "text"),
        (np.array([True, None] * 20, dtype=object), "numeric"),
        (pd.Categorical(["u", None] * 20, categories=["u", "v"]), "text"),
    ],
    ids=["boolean", "Int64", "string", "objects", "categories"],
)
def test_columns_of_pandas_own_types_may_have_gaps(values: Any, kind: str, prepare: Prepare) -> None:
    space, data, _ = prepare(FRAME.assign(c=values), "y")
    assert columns(space) == {"a": "numeric", "c": kind}
    gaps = data.prepare(space).get("x_train")["c"]
    missing = np.isnan(gaps) if kind == "numeric" else gaps == ""
    assert missing.tolist() == pd.isna(data.x_train["c"]).tolist()


def test_several_forms_of_one_table(prepare: Prepare) -> None:
    tf = pytest.importorskip("tensorflow")
    polars = pytest.importorskip("polars")

    class OfHuggingFace:
        column_names = ("a", "y")

        def __len__(self) -> int:
            return ROWS

        def to_pandas(self) -> pd.DataFrame:
            return FRAME

    forms = [
        FRAME.to_dict("list"),
        FRAME.to_dict("records"),
        FRAME.to_records(index=False),
        np.array(list(zip(NUMBERS, LABELS, strict=True)), dtype=[("a", "f8"), ("y", "U3")]),
        polars.DataFrame(FRAME.to_dict("list")),
        tf.data.Dataset.from_tensor_slices(FRAME.to_dict("list")).batch(7),
        OfHuggingFace(),
    ]
    for form in forms:
        space, data, _ = prepare(form, "y")
        assert columns(space) == {"a": "numeric"}
        found = pd.concat([pd.Series(np.asarray(part)) for part in (data.y_train, data.y_validation)])
        assert found.value_counts().to_dict() == FRAME["y"].value_counts().to_dict()


@pytest.mark.parametrize("form", [list, np.array, lambda rows: np.array(rows, dtype=object)], ids=["list", "U", "O"])
def test_rows_of_words_and_numbers(form: Callable[[Any], Any], prepare: Prepare) -> None:
    rows = [(float(n), "ab"[n % 2], f"2024-01-{1 + n % 28:02d}", n * n) for n in range(ROWS)]
    space, *_ = prepare(form(rows), LABELS)
    kinds = columns(space)
    assert kinds.pop("column_1") == "text" and set(kinds.values()) == {"numeric"}
    assert {"column_3", "column_2 (days)", "column_2 (weekday)"} <= set(kinds)
    model = Fitted("gone", SimpleNamespace(space=space, target=space.target))
    told = space.prepare(model._checked(form(rows[:3])))
    assert told["column_3"].tolist() == [0, 1, 4] and told["column_1"].tolist() == ["a", "b", "a"]


def test_names_on_several_levels_become_one(prepare: Prepare) -> None:
    frame = FRAME.rename(columns={"a": ("size", "width"), "y": ("y", "")})
    frame.columns = pd.MultiIndex.from_tuples(frame.columns)
    for target in ("y", ("y", "")):
        assert columns(prepare(frame, target)[0]) == {"size width": "numeric"}


def test_an_index_with_a_name_is_said_to_be_no_input(prepare: Prepare) -> None:
    lines = prepare(FRAME.rename_axis("day"), "y")[2]
    assert "not looked at: the index 'day'; data.reset_index() makes a column of it" in lines


@pytest.mark.parametrize(
    ("data", "target", "words"),
    [
        (FRAME.assign(c=NUMBERS + 1j), "y", "'c'.: holds complex numbers; give their parts"),
        (FRAME.assign(c=[object() for _ in LABELS]), "y", "'c'.: holds objects of the class object"),
        (FRAME.set_index("y"), "y", "no column 'y'.*it is the index, which data.reset_index"),
        (pd.concat([FRAME, FRAME["y"]], axis=1), "y", "2 columns are called 'y'"),
        (FRAME[["a"]], FRAME["y"][::-1], r"another order; give target.loc\[data.index\]"),
        ((X, Y), None, r"a pair of inputs and targets; give them apart: evo.fit\(x, y\)"),
        (((X, Y), (X, Y)), None, r"evo.fit\(x_train, y_train\)"),
        (FRAME.assign(y=[("a", "b")] * ROWS), "y", "holds collections.*MultiLabelBinarizer"),
        (FRAME.assign(y=[f"${n}.50" for n in range(ROWS)]), "y", "holds numbers as texts, .*first; make numbers"),
        (FRAME.assign(y=NUMBERS * 1e300), "y", "too large for float32; divide them"),
        (NUMBERS, LABELS, r"one number per row; make a column of them: x.reshape\(-1, 1\)"),
        (io.StringIO("a,y\n1,2\n"), "y", "an open file; give its path"),
        ("a,y\n1,2\n", "y", "expected the path of a file, got a text"),
        ("https://example.org/t.csv", "y", "is an address; give the path"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_one_line(data: Any, target: Any, words: str, tmp_path: Path) -> None:
    with pytest.raises(EvoError, match=words) as error:
        evo.fit(data, target, directory=tmp_path / "c", trials=1, verbose=False)
    assert "\n" not in str(error.value)


def test_pictures_of_a_validation_table_are_read_and_scaled_as_those_of_the_training(
    prepare: Prepare, tmp_path: Path
) -> None:
    for part, side in (("train", 12), ("kept", 20)):
        (tmp_path / part).mkdir()
        names = [f"{number}.png" for number in range(6)]
        for number, name in enumerate(names):
            Image.new("L", (side, side), 40 * number).save(tmp_path / part / name)
        pd.DataFrame({"picture": names, "y": ["a", "b"] * 3}).to_csv(tmp_path / f"{part}.csv", index=False)
        (tmp_path / part / "list.csv").write_bytes((tmp_path / f"{part}.csv").read_bytes())
    _, data, _ = prepare(tmp_path / "train" / "list.csv", "y", validation=tmp_path / "kept" / "list.csv")
    assert data.x_train["picture"].shape == data.x_validation["picture"].shape == (6, 12, 12, 1)
    assert data.x_validation["picture"][:, 0, 0, 0].tolist() == [40 * number for number in range(6)]
    paths = [str(tmp_path / "kept" / name) for name in names]
    _, data, _ = prepare(paths, ["a", "b"] * 3, validation=(paths[:2], ["a", "b"]))
    assert data.x_validation.shape == (2, 20, 20, 1)


def test_a_folder_of_pictures_may_be_judged_by_another(prepare: Prepare, tmp_path: Path) -> None:
    for part, side in (("train", 12), ("kept", 20)):
        for number in range(6):
            (tmp_path / part / "ab"[number % 2]).mkdir(parents=True, exist_ok=True)
            Image.new("L", (side, side), 40).save(tmp_path / part / "ab"[number % 2] / f"{number}.png")
    _, data, _ = prepare(tmp_path / "train", validation=tmp_path / "kept")
    assert data.x_validation.shape == (6, 12, 12, 1) and data.y_validation.tolist() == ["a"] * 3 + ["b"] * 3


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([f"{n / 4}" for n in range(ROWS)], [n / 4 for n in range(ROWS)]),
        ([f"{n},5" for n in range(ROWS)], [n + 0.5 for n in range(ROWS)]),
        ([*(f"${n}.50" for n in range(ROWS - 1)), None], [*(n + 0.5 for n in range(ROWS - 1)), np.nan]),
        ([f"{n * n} kg" for n in range(ROWS)], [n * n for n in range(ROWS)]),
        ([f"{n % 3}" for n in range(ROWS)], None),
        ([f"0{n}" for n in range(ROWS)], None),
    ],
    ids=["points", "commas", "dollars", "kilograms", "few", "codes"],
)
def test_texts_that_are_numbers(values: list[Any], expected: list[Any] | None, prepare: Prepare) -> None:
    table = FRAME.assign(c=values)
    inputs = table[["a", "c"]]
    for form in (table, table.to_dict("list")):
        space, data, _ = prepare(form, "y", validation=(inputs, table["y"]))
        if expected is None:
            assert columns(space).get("c", "text") == "text"
            continue
        assert columns(space)["c"] == "numeric"
        for x in (data.x_train, data.x_validation):
            np.testing.assert_array_equal(np.asarray(x["c"], float), expected)
        model = Fitted("gone", SimpleNamespace(space=space, target=space.target))
        model.form = TableFormat(usual=Reading("," if "," in values[1] else "."))
        assert np.asarray(model._inputs(inputs[:1], {})["c"], float).tolist() == expected[:1], "one row does not tell"


def test_telephone_numbers_are_no_text(prepare: Prepare) -> None:
    space, _, lines = prepare(FRAME.assign(phone=[f"+49 170 00{n:02d} 11" for n in range(ROWS)]), "y")
    assert columns(space) == {"a": "numeric"} and "left out: 'phone': names or keys, nearly all different" in lines


@pytest.mark.parametrize(
    ("target", "settings", "words"),
    [
        ("Y ", {}, "no column 'Y '.*did you mean 'y'"),
        ("y", {"validation": "gone.csv"}, "validation: there is no file 'gone.csv'"),
    ],
)
def test_what_is_nearly_right(target: str, settings: dict[str, Any], words: str, tmp_path: Path) -> None:
    with pytest.raises(EvoError, match=words):
        evo.fit(FRAME, target, directory=tmp_path / "c", trials=1, verbose=False, **settings)
