"""What a newcomer gets wrong: one line each, in their own words, before anything is trained."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import evo
from evo.errors import EvoError
from genomes import spaces

ROWS = 60
RNG = np.random.default_rng(0)
FRAME = pd.DataFrame({"size": RNG.normal(size=ROWS), "kind": RNG.choice(["x", "y"], ROWS)})
FRAME["churn"] = np.where(FRAME["size"] > 0, "yes", "no")
X, Y = RNG.normal(size=(ROWS, 4)).astype(np.float32), np.arange(ROWS) % 2
PICTURES = RNG.integers(0, 255, (ROWS, 8, 8, 3), dtype=np.uint8)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name, text in {
        "t.docx": "x",
        "uneven.csv": "a,b\n1,2\n1,2,3\n",
        "head.csv": "a,b\n",
        "t.csv": "a,b\n1,x\n",
    }.items():
        (tmp_path / name).write_text(text)
    for name in ("empty", "one/a", "two/a", "two/b"):
        (tmp_path / name).mkdir(parents=True)
    Image.fromarray(PICTURES[0]).save(tmp_path / "one" / "a" / "p.png")
    Image.fromarray(PICTURES[0]).save(tmp_path / "two" / "a" / "p.png")
    (tmp_path / "two" / "b" / "q.png").write_bytes(b"no picture")
    return tmp_path


def generator() -> Any:
    yield X[0], 0


def endless() -> Any:
    import tensorflow as tf

    return tf.data.Dataset.from_tensor_slices((X, Y)).batch(8).repeat()


@pytest.mark.parametrize(
    ("data", "target", "settings", "words"),
    [
        # the data
        ("gone.csv", "a", {}, "there is no file gone.csv"),
        ("t.docx", "a", {}, "expected .csv, .tsv"),
        ("uneven.csv", "a", {}, "row 3 has 3 values.*separator="),
        ("head.csv", "a", {}, "no rows below its first line"),
        ("empty", None, {}, "holds no pictures"),
        ("one", None, {}, "needs a folder of pictures for each class"),
        ("two", None, {}, "q.png' cannot be read as pictures; two classes are needed"),
        ("two", "a", {}, "leave the target out"),
        (None, Y, {}, "expected rows, got None; give a data frame"),
        (3, Y, {}, "got the int 3; give an array"),
        (np.array(3.0), Y, {}, "a single value, 3.0"),
        ({1, 2}, Y, {}, "a set, which has no order"),
        (generator, None, {}, "the function generator; give what it returns"),
        (generator(), None, {}, "can be read once only"),
        (endless(), None, {}, r"no end; use .take\(n\)"),
        ([[1, 2], [3]], [0, 1], {}, "rows of different lengths, 1 to 2; fill them up"),
        (np.moveaxis(PICTURES, 3, 1), Y, {}, r"np.moveaxis\(x, 1, -1\)"),
        (X.astype(complex), Y, {}, "complex128"),
        (FRAME.assign(size=[[1]] * ROWS), "churn", {}, "'size'.*holds collections, .1. first; make a column"),
        (FRAME.assign(size=np.inf), "churn", {}, "size: holds infinite values.*put NaN"),
        (FRAME[:0], "churn", {}, "is empty"),
        (FRAME[:2], "churn", {}, "leaves the validation split empty"),
        # the target
        (FRAME, None, {}, "say what is to be predicted"),
        (FRAME, "chrun", {}, "there is no column 'chrun'; there are 'size', 'kind', 'churn'"),
        (FRAME, ["churn", "sise"], {}, "there is no column 'sise'"),
        (FRAME[["churn"]], "churn", {}, "nothing is left to predict it from"),
        (X, "yes", {}, "without column names; give a data frame"),
        (X, Y[:9], {}, "x has 60, y has 9"),
        (FRAME.assign(churn=FRAME["churn"].where(FRAME.index > 3)), "churn", {}, "4 of 60 rows have no value"),
        (FRAME.assign(churn="no"), "churn", {}, "one class only"),
        (FRAME.assign(churn=[f"{v:.3f}" for v in FRAME["size"]]), "churn", {}, "numbers as texts.*float"),
        (FRAME.assign(churn=pd.date_range("2020-01-01", periods=ROWS)), "churn", {}, "dates or times"),
        # the settings
        (FRAME, "churn", {"validation": 20}, r"share in \(0, 1\).*folds=20 cross-validates"),
        (FRAME, "churn", {"validation": 0.2, "folds": 3}, "give folds or validation, not both"),
        (FRAME, "churn", {"folds": 1000}, "need as many rows, there are 60"),
        (FRAME, "churn", {"groups": "patient"}, "groups: there is no column 'patient'"),
        (FRAME, "churn", {"minutes": 0}, "minutes: expected a positive number, got 0"),
        (FRAME, "churn", {"minutes": "5"}, "minutes: expected a positive number, got '5'"),
        (FRAME, "churn", {"effort": "fast"}, "effort: expected one of quick, good, best"),
        (FRAME, "churn", {"epoch": 3}, "epoch: unknown; did you mean 'epochs'"),
        (FRAME, "churn", {"task": "classify"}, "task: expected one of"),
        (FRAME, "churn", {"task": "regression"}, "a regression needs numbers, got words"),
        (FRAME, "churn", {"objective": "acuracy"}, "Did you mean 'accuracy' or 'top"),
        (FRAME, "churn", {"objective": "rmse"}, "'rmse' is of numbers"),
        (FRAME, "churn", {"class_weight": {"no": 1}}, r"none given for \['yes'\]"),
        (FRAME, "churn", {"sample_weight": -np.ones(ROWS)}, "numbers of 0 or more"),
        (FRAME, "churn", {"trees": "yes"}, "trees: expected True, False or 'auto'"),
        (FRAME, "churn", {"workers": -1}, "workers: expected a whole number of 0 or more"),
        (FRAME, "churn", {"seed": "a"}, "seed: expected a whole number"),
        (FRAME, "churn", {"members": 0}, "members: expected a whole number of 1 or more"),
        (FRAME, "churn", {"space": evo}, "space: expected a genomes.Space, got module"),
        (FRAME, "churn", {"space": spaces.image((8, 8, 3), 2)}, r"shape \(rows, 8, 8, 3\)"),
        (FRAME, "churn", {"separator": ";"}, "separator: says how a file is written, but data is none"),
        ("t.csv", "b", {"separator": ";;"}, "separator: expected one sign"),
        ("t.csv", "b", {"encoding": "utf-99"}, "encoding: 'utf-99' is not known"),
        (FRAME, "churn", {"directory": "t.csv"}, "t.csv is a file, expected a folder"),
        (FRAME, "churn", {"horizon": 3}, "'churn' holds no numbers"),
        (FRAME[["size"]], "size", {"horizon": 50}, "60 steps are too few for a horizon of 50"),
    ],
)
def test_a_mistake_is_one_line_that_says_what_to_do(
    data: Any, target: Any, settings: dict[str, Any], words: str, folder: Path
) -> None:
    with pytest.raises(EvoError, match=words) as error:
        evo.fit(data, target, **{"directory": "c", "trials": 1, "workers": 0, "verbose": False, **settings})
    assert "\n" not in str(error.value)
    assert not list(folder.glob("c/trials*")), "nothing is trained"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> evo.Fitted:
    return fitted(tmp_path_factory.mktemp("frame") / "c", FRAME, "churn")


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> evo.Fitted:
    return fitted(tmp_path_factory.mktemp("pictures") / "c", PICTURES, Y)


def fitted(directory: Path, data: Any, target: Any) -> evo.Fitted:
    settings: dict[str, Any] = {"trials": 1, "epochs": 1, "members": 1, "workers": 0, "trees": False, "verbose": False}
    return evo.fit(data, target, directory=directory, **settings)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda model: model.predict(FRAME[["size"]]), "column 'kind' is missing; given are"),
        (lambda model: model.predict(X), r"expected a table with the columns \['size', 'kind'\]"),
        (lambda model: model.predict(FRAME.assign(size="big")), r"data\['size'\]: expected numbers.*'big'"),
        (lambda model: model.predict("gone.csv"), "there is no file gone.csv"),
        (lambda model: model.predict("t.csv"), "column 'size' is missing; given are"),
        (lambda model: model.predict("one"), "is a folder, but the model was not fitted on pictures"),
        (lambda model: model.predict(None), "expected rows, got NoneType"),
        (lambda model: model.evaluate(FRAME[["size", "kind"]]), "there is no column 'churn'"),
        (lambda model: model.evaluate(FRAME.assign(churn="perhaps")), "unknown label 'perhaps'; known are 'no', 'yes'"),
        (lambda model: model.export("m.pt", "torch"), "format: expected one of keras, savedmodel, onnx, litert"),
        (lambda model: model.export("m.onnx", "keras"), "files of format keras end in .keras"),
        (lambda model: evo.load_fitted("empty"), "holds no fitted model; evo.fit"),
        (lambda model: evo.load_fitted("gone"), "there is no file gone"),
        (lambda model: evo.load_fitted("t.csv"), "t.csv is no fitted model; give the folder that evo.fit made"),
    ],
)
def test_a_mistake_with_a_fitted_model(
    call: Callable[[evo.Fitted], Any], words: str, model: evo.Fitted, folder: Path
) -> None:
    with pytest.raises(EvoError, match=words) as error:
        call(model)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (PICTURES[0], r"x\[None\]"),
        (np.moveaxis(PICTURES, 3, 1), r"np.moveaxis\(x, 1, -1\)"),
        (PICTURES[..., 0], "np.repeat"),
        (PICTURES[:, :7], "keras.ops.image.resize"),
        (PICTURES[:0], "is empty"),
    ],
)
def test_pictures_of_another_form(given: Any, words: str, pictures: evo.Fitted) -> None:
    with pytest.raises(EvoError, match=words) as error:
        pictures.predict(given)
    assert "\n" not in str(error.value)


def test_no_column_that_says_anything_is_said(tmp_path: Path) -> None:
    model = fitted(tmp_path / "c", FRAME.assign(size=np.nan, kind="x"), "churn")
    assert any(note.startswith("no column says anything") for note in model.notes)


def test_a_space_that_counts_classes_learns_what_they_are_called(tmp_path: Path) -> None:
    space = spaces.tabular(FRAME[["size", "kind"]], 2)
    model = evo.fit(
        FRAME, "churn", space=space, directory=tmp_path / "c", trials=1, epochs=1, workers=0, trees=False, verbose=False
    )
    assert set(model.predict(FRAME)) <= {"no", "yes"}
