"""One call: rows in, labels out; kept in a directory and opened again."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import evo
from evo.ensemble import EnsembleWarning
from evo.ensemble.keras_input import keras_input
from evo.errors import DataError, EnsembleError, SettingsError, TrialError
from evo.fitting.effort import budget_of, effort_of, epochs_on, in_words
from evo.fitting.premade import space_for
from evo.fitting.task import remarks
from genomes import spaces
from genomes.targets import Multiclass, Regression

RNG = np.random.default_rng(0)
FRAME = pd.DataFrame({"size": RNG.normal(size=120), "kind": RNG.choice(["x", "y"], 120)})
FRAME["churn"] = np.where(FRAME["size"] + (FRAME["kind"] == "x") > 0.5, "yes", "no")


def test_a_frame_goes_in_and_its_words_come_out(tmp_path: Path) -> None:
    model = evo.fit(
        FRAME,
        "churn",
        directory=tmp_path / "c",
        trials=2,
        epochs=2,
        members=2,
        executor=evo.workers.Serial(),
        class_weight="balanced",
        verbose=False,
    )
    assert model.notes[0] == "churn: 2 classes, 'no' and 'yes'"
    assert model.classes is not None and model.classes.tolist() == ["no", "yes"]
    new = FRAME.drop(columns="churn")
    told = model.predict(new)
    assert set(told) <= {"no", "yes"} and told.tolist() == model.predict(FRAME).tolist()
    probabilities = model.predict_proba(new)
    assert model.classes[probabilities.argmax(axis=1)].tolist() == told.tolist()
    assert model.evaluate(FRAME)["accuracy"] == pytest.approx((told == FRAME["churn"]).mean())
    assert model.result.best.scores and model.report().is_file()
    # On tables nets keep their best epoch.
    stored = json.loads((tmp_path / "c" / "campaign.json").read_text())
    assert stored["settings"]["training"]["best_epoch"] == "val_accuracy"

    again = evo.load_fitted(tmp_path / "c")
    assert (again.name, again.notes, again.target) == (model.name, model.notes, model.target)
    assert again.predict(new).tolist() == told.tolist()
    model.save(tmp_path / "one.file")
    assert evo.load_fitted(tmp_path / "one.file").predict(new).tolist() == told.tolist()
    assert again._some_rows()["kind"].tolist() == model._some_rows()["kind"].tolist()
    assert "trees" in model.ensemble.weight_by_kind and any(
        note.startswith("trees beside the nets: ") and "boosting" in note for note in model.notes
    )
    with zipfile.ZipFile(again.export(tmp_path / "model.keras")) as archive:
        assert json.loads(archive.read("metadata.json"))["evo"]["target"]["labels"] == ["no", "yes"]
    import keras

    exported = keras.saving.load_model(tmp_path / "model.keras", compile=False)
    outputs = exported.predict(keras_input(model.space.prepare(new)), verbose=0)
    np.testing.assert_allclose(outputs[:, 0], probabilities[:, 1], atol=1e-5)

    for rows, words in ((new[:0], "is empty"), (new.drop(columns="kind"), "column 'kind' is missing"), (3, "rows")):
        with pytest.raises(DataError, match=words):
            model.predict(rows)
    with pytest.raises(EnsembleError, match="unknown label 'perhaps'"):
        model.evaluate(new, np.where(FRAME["churn"] == "no", "perhaps", "yes"))
    with pytest.raises(SettingsError, match="format: expected one of keras, savedmodel, onnx, litert, got 'h5'"):
        model.export(tmp_path / "model.h5", "h5")


def quick(directory: Path) -> dict[str, Any]:
    return {
        "directory": directory,
        "trials": 1,
        "epochs": 1,
        "members": 1,
        "executor": evo.workers.Serial(),
        "trees": False,
        "verbose": False,
    }


def test_pictures_words_and_a_table_in_one_model(tmp_path: Path) -> None:
    data = {
        "scan": RNG.integers(0, 255, (120, 8, 8), dtype=np.uint8),
        "size": FRAME["size"].to_numpy(),
        "kind": FRAME["kind"].to_numpy(str),
        "note": np.array([f"patient {number} was {'very' if number % 2 else 'not'} ill" for number in range(120)]),
    }
    model = evo.fit(data, FRAME["churn"], **quick(tmp_path / "c"))
    assert type(model.space).__name__ == "JointSpace" and "free text: 'note': read word by word" in model.notes
    told = model.predict(data)
    assert set(told) <= {"no", "yes"}
    again = evo.load_fitted(tmp_path / "c")
    some = {name: values[:5] for name, values in reversed(data.items())}
    assert again.predict(some).tolist() == told[:5].tolist()
    with pytest.raises(DataError, match="input 'scan' is missing"):
        again.predict({name: values for name, values in some.items() if name != "scan"})
    with pytest.raises(DataError, match=r"data\['scan'\]: expected shape"):
        again.predict({**some, "scan": data["scan"][:5, :7]})
    assert again.export(tmp_path / "model.keras").is_file()


def test_free_text_beside_other_columns(tmp_path: Path) -> None:
    words = [f"{kind} number {row} is here" for row, kind in enumerate(FRAME["kind"])]
    frame = pd.DataFrame({"note": [None, *words[1:]], "size": FRAME["size"], "churn": FRAME["churn"]})
    model = evo.fit(frame, "churn", **quick(tmp_path / "c"))
    assert set(model.predict(frame.drop(columns="churn"))) <= {"no", "yes"}
    alone = evo.fit(frame[["note", "churn"]], "churn", **quick(tmp_path / "d"))
    assert alone.predict(frame).tolist() == alone.predict(frame[["note"]]).tolist()


def test_several_columns_are_predicted_by_their_names(tmp_path: Path) -> None:
    frame = FRAME[["size", "kind"]].assign(rain=FRAME["size"] > 0, wind=(FRAME["kind"] == "x"))
    model = evo.fit(frame.astype({"rain": int, "wind": int}), ["rain", "wind"], **quick(tmp_path / "a"))
    assert model.names == ("rain", "wind") and model.target.labels == ("rain", "wind")
    assert model.predict(frame).shape == (120, 2) and "accuracy" in model.evaluate(frame.astype({"rain": int}))
    assert evo.load_fitted(tmp_path / "a").names == model.names
    two = {"a": frame["size"], "b": 2 * frame["size"], "c": frame["size"] ** 2}
    model = evo.fit(two, ["b", "c"], **quick(tmp_path / "b"))
    assert model.target == Regression(2) and model.predict(two).shape == (120, 2)


def test_columns_without_words_for_names(tmp_path: Path) -> None:
    """As ``pandas.read_csv(header=None)`` gives them."""
    frame = pd.DataFrame({0: FRAME["size"], 1: FRAME["kind"], 2: FRAME["churn"]})
    model = evo.fit(frame, 2, **quick(tmp_path / "c"))
    assert model.name == "2" and model.predict(frame).tolist() == model.predict(frame.drop(columns=2)).tolist()
    with pytest.raises(DataError, match="there is no column 7; there are 0, 1, 2"):
        evo.fit(frame, 7, **quick(tmp_path / "d"))


def test_a_dataset_is_fitted_predicted_and_judged(tmp_path: Path) -> None:
    import tensorflow as tf

    x = FRAME[["size"]].to_numpy(np.float32)
    dataset = tf.data.Dataset.from_tensor_slices((x, FRAME["churn"].to_numpy(str))).batch(16)
    model = evo.fit(dataset, **quick(tmp_path / "c"))
    told = model.predict(dataset)
    assert set(told) <= {"no", "yes"} and told.tolist() == model.predict(x).tolist()
    assert model.evaluate(dataset) == model.evaluate(x, FRAME["churn"])
    assert model.ensemble.predict(dataset).tolist() == told.tolist()
    assert model.ensemble.evaluate(dataset) == model.evaluate(dataset)
    with pytest.raises(DataError, match="a dataset gives its targets"):
        model.evaluate(dataset, FRAME["churn"])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((FRAME, "chrun"), "target: there is no column 'chrun'; there are 'size', 'kind', 'churn'"),
        ((FRAME,), "say what is to be predicted"),
        ((np.zeros((9, 2)), "churn"), "without column names"),
        ((FRAME.assign(churn=None), "churn"), "churn: 120 of 120 rows have no value"),
        ((FRAME.assign(churn=pd.Timestamp(0)), "churn"), "churn: holds dates or times"),
        ((FRAME.assign(churn="yes"), "churn"), "churn: holds one class only, 'yes'"),
        (("nowhere.csv", "churn"), "there is no file nowhere.csv"),
        ((np.zeros((20, 2, 2, 2, 2)), np.arange(20) % 2), "expected a table"),
        ((np.zeros((20, 3, 32, 32)), np.arange(20) % 2), "channels first"),
    ],
)
def test_a_newcomers_mistake_is_one_line_before_anything_is_made(
    arguments: tuple[Any, ...], words: str, tmp_path: Path
) -> None:
    with pytest.raises(DataError) as error:
        evo.fit(*arguments, directory=tmp_path / "c", verbose=False)
    assert words in str(error.value) and "\n" not in str(error.value) and not (tmp_path / "c").exists()


@pytest.mark.parametrize(
    ("x", "kind"),
    [
        (np.zeros((9, 4)), "TabularSpace"),
        (FRAME, "TabularSpace"),
        ({"a": np.zeros(9)}, "TabularSpace"),
        (["a text", "another one"], "TextSpace"),
        (np.zeros((9, 8, 8)), "ImageSpace"),
        (np.zeros((9, 8, 6), np.uint8), "ImageSpace"),
        (np.zeros((9, 8, 8, 3)), "ImageSpace"),
        (np.zeros((9, 30, 2)), "TimeSeriesSpace"),
    ],
)
def test_the_space_fits_the_inputs(x: Any, kind: str) -> None:
    assert type(space_for(x, Regression(1))).__name__ == kind


def test_what_is_absent_from_a_split_is_said() -> None:
    data = evo.Data(np.zeros((4, 1)), list("aabb"), validation=(np.zeros((2, 1)), list("ac")))
    assert remarks(data, Multiclass(3, labels=("a", "b", "c")), "y") == [
        "y: no training row of 'c': nothing can be learnt of what stands in the validation rows alone",
        "y: no validation row of 'b': they are not judged",
    ]


def test_an_effort_says_what_it_spends() -> None:
    good = effort_of("good")
    assert in_words("good", budget_of(good, None, None), 27, 2) == (
        'effort "good": 5 minutes on 2 workers, networks trained for up to 27 epochs'
    )
    assert in_words("good", budget_of(good, 1, 30), 9, 1) == (
        'effort "good": 1 minute or 30 trials on 1 worker, networks trained for up to 9 epochs'
    )
    with pytest.raises(SettingsError, match="effort: expected one of quick, good, best, got 'fast'"):
        effort_of("fast")


@pytest.mark.parametrize(
    ("effort", "rows", "epochs"),
    [
        ("good", 300, 243),
        ("good", 8_230, 243),  # 243 * 8,230 is a hair less than five minutes' two million rows
        ("good", 8_231, 81),
        ("good", 24_692, 27),
        ("good", 10**7, 27),
        ("quick", 100, 243),
        ("quick", 20_000, 9),
        ("best", 100, 243),
    ],
)
def test_small_tables_are_trained_for_longer(effort: str, rows: int, epochs: int) -> None:
    assert epochs_on(effort_of(effort), spaces.tabular(3, classes=2), rows) == epochs
    assert epochs_on(effort_of(effort), spaces.image((8, 8, 1), classes=2), rows) == effort_of(effort).epochs


def test_balanced_weights_are_those_of_scikit_learn() -> None:
    from sklearn.utils.class_weight import compute_sample_weight

    y = np.array(["a"] * 7 + ["b"] * 3)
    data = evo.Data(np.zeros((10, 1)), y, validation=(np.zeros((1, 1)), ["a"]), class_weight="balanced")
    np.testing.assert_allclose(data.weight_train, compute_sample_weight("balanced", y), rtol=1e-6)
    with pytest.raises(DataError, match="none given for"):
        evo.Data(np.zeros((10, 1)), y, class_weight={"a": 1.0})


def test_texts_get_linear_models_beside_the_nets_unless_they_are_left_out(tmp_path):
    texts = np.array([f"{'good fine nice' if row % 2 else 'bad awful poor'} thing number {row}" for row in range(80)])
    labels = np.where(np.arange(80) % 2, "praise", "blame")
    arguments = {"minutes": 1, "trials": 2, "epochs": 2, "workers": 0, "verbose": False}
    model = evo.fit(texts, labels, directory=tmp_path / "both", **arguments)
    assert {candidate.kind for candidate in model.result.companions} == {"linear"}
    assert any("linear models beside the nets: tf-idf of words" in note for note in model.notes)
    assert "linear" in {member.kind for member in model.ensemble.members}
    assert (model.predict(np.array(["a nice thing", "what a poor thing"])) == ["praise", "blame"]).all()
    again = evo.load_fitted(tmp_path / "both")
    assert again.predict_proba(texts).tobytes() == model.predict_proba(texts).tobytes()
    assert not evo.fit(texts, labels, directory=tmp_path / "nets", linear=False, **arguments).result.companions
    with pytest.raises(SettingsError, match="linear: expected True, False or 'auto'"):
        evo.fit(texts, labels, directory=tmp_path / "none", linear="yes", **arguments)
    with pytest.raises(SettingsError, match="for texts and time series alone"):
        evo.fit(np.arange(40.0).reshape(20, 2), np.arange(20) % 2, directory=tmp_path / "no", linear=True, **arguments)


def test_texts_beside_a_table_get_linear_models(tmp_path):
    rows = np.arange(120)
    frame = pd.DataFrame(
        {
            "review": [f"{'good fine nice' if row % 2 else 'bad awful poor'} thing number {row}" for row in rows],
            "age": rows % 7 + 0.5,
            "liked": rows % 2 == 1,
        }
    )
    model = evo.fit(
        frame, "liked", directory=tmp_path / "joint", minutes=1, trials=2, epochs=2, workers=0, verbose=False
    )
    assert {candidate.kind for candidate in model.result.companions} == {"linear"}
    assert model.evaluate(frame)["accuracy"] > 0.9


def test_time_series_get_ridge_on_convolutions_beside_the_nets(tmp_path):
    random = np.random.default_rng(0)
    y = np.arange(60) % 2
    x = np.sin(np.arange(30)[None] * np.where(y, 0.9, 0.5)[:, None] + random.uniform(0, 6, (60, 1)))[..., None]
    arguments = {"trials": 1, "epochs": 1, "workers": 0, "verbose": False}
    model = evo.fit(x.astype(np.float32), y, directory=tmp_path / "series", **arguments)
    assert next(c.load().name for c in model.result.companions) == "random convolutions"
    assert model.evaluate(x.astype(np.float32), y)["accuracy"] > 0.9
    path = model.export(tmp_path / "model.keras")
    assert path.is_file()


def test_a_table_for_which_there_was_no_time_to_train_a_net_has_trees(tmp_path):
    x = np.random.default_rng(0).normal(size=(80, 3))
    y = np.where(x[:, 0] > 0, "yes", "no")
    with pytest.warns(EnsembleWarning, match="no nets: no net could be trained"):
        model = evo.fit(x, y, directory=tmp_path / "trees", minutes=1e-6, workers=0, verbose=False)
    assert not model.result.history.completed() and set(model.ensemble.weight_by_kind) == {"trees"}
    assert set(model.predict(x)) <= {"yes", "no"}
    assert (evo.load_fitted(tmp_path / "trees").predict(x) == model.predict(x)).all()
    assert model.report().is_file()
    with pytest.raises(TrialError, match="no candidate could be trained"):
        evo.fit(x, y, directory=tmp_path / "none", minutes=1e-6, workers=0, verbose=False, trees=False)


def test_what_may_be_series_or_pictures_is_said() -> None:
    """Without channels the two have one shape: rows, and two numbers each."""
    from evo.fitting.columns import planned_inputs
    from evo.fitting.premade import readings

    def said(x: object) -> list[str]:
        return readings(x, planned_inputs(x))

    assert said(np.zeros((5, 8, 8))) == ["data: pictures of 8 x 8 pixels; should they be series, say space="]
    wanted = "series of 4 steps with 8 values each; should they be pictures, give them as (rows, 4, 8, 1)"
    assert said(np.zeros((5, 4, 8))) == [f"data: {wanted}"]
    assert said({"upper": np.zeros((5, 4, 8)), "age": np.arange(5.0)}) == [f"'upper': {wanted}"]
    assert said(np.zeros((5, 4, 8), np.uint8)) != said(np.zeros((5, 4, 8)))
    assert said(np.zeros((5, 4, 8, 1))) == said(np.zeros((5, 4))) == []


def test_a_budget_that_was_spent_before_a_trial_ended_is_said(tmp_path: Path) -> None:
    with pytest.raises(
        TrialError, match="the budget was spent before a trial ended; the same call with more goes on in"
    ):
        evo.fit(
            np.zeros((40, 3)), np.arange(40) % 2, minutes=1e-9, trees=False, verbose=False, directory=tmp_path / "a"
        )
