"""Any column name works, and any two columns stay two."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from genomes import GenomeError, Space, spaces
from genomes.spaces.columns import Column, distinct_names, with_input_names

pandas = pytest.importorskip("pandas")

#: Names of layers of our models, of Keras' own layers, and names that no layer may bear.
NAMES = [
    "units",
    "head",
    "output",
    "dense",
    "string_lookup",
    "concatenate",
    "input",
    "a.b",
    "x:0",
    "Größe",
    "日本",
    " ",
]
NAMES += ["km/h", "km_h", "x" * 300, "column_0", "self", "class", "a\nb", "%", "input_1", ""]


def table(rows: int = 40) -> Any:
    rng = np.random.default_rng(0)
    columns = {name: rng.normal(size=rows) for name in NAMES}
    columns["text"] = rng.choice(["a", "b"], rows)
    return pandas.DataFrame(columns)


def test_a_model_of_columns_with_any_name(tmp_path: Path) -> None:
    import keras

    x = table()
    space = spaces.tabular(x, outputs=1)
    prepared = space.prepare(x)
    assert len(prepared) == len(x.columns)
    preprocessing = space.adapt(prepared, np.arange(40.0))
    model = space.build(space.default(), preprocessing, seed=0)
    twin = space.build(space.default(), preprocessing, seed=0, encoded=True)
    twin.set_weights(model.get_weights())
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    expected = np.asarray(twin(space.encode(prepared, preprocessing)))
    given = {name: values.astype(object) if values.dtype.kind == "U" else values for name, values in prepared.items()}
    np.testing.assert_allclose(again.predict(given, verbose=0), expected, atol=1e-5)


def test_the_model_takes_the_users_own_names_where_keras_does() -> None:
    space = spaces.tabular(table(), outputs=1)
    mapped = {c.name: c.input_name for c in space.columns if c.input_name != c.name}
    assert set(mapped) == {"km/h", "x" * 300, "a\nb", " "}
    assert len(set(mapped.values()) | set(NAMES)) == len(mapped) + len(NAMES)


def test_km_per_hour_is_not_km_h() -> None:
    x = pandas.DataFrame({"km/h": np.arange(10.0), "km_h": np.zeros(10)})
    space = spaces.tabular(x, classes=2)
    values = list(space.prepare(x).values())
    np.testing.assert_array_equal(values[0], np.arange(10))
    np.testing.assert_array_equal(values[1], np.zeros(10))
    again = Space.from_json(space.to_json())
    assert list(again.prepare(x[["km_h", "km/h"]])) == list(space.prepare(x))
    with pytest.raises(GenomeError, match="column 'km/h' is missing"):
        space.prepare(x[["km_h"]])


def test_stored_columns_keep_their_form() -> None:
    assert Column("age").to_json() == {"name": "age", "kind": "numeric", "categories": 0, "missing": False}
    old = Column.from_json({"name": "gain/loss", "kind": "numeric", "categories": 0, "missing": False})
    assert old.input_name == "gain_loss"
    new = with_input_names([Column("gain/loss")])[0]
    assert new.input_name == "column_0" and Column.from_json(new.to_json()) == new


def test_columns_of_one_name_stay_apart() -> None:
    assert distinct_names(["a", "a", "a (2)", 1, "1"]) == ["a", "a (3)", "a (2)", "1", "1 (2)"]
    x = pandas.DataFrame(np.arange(8.0).reshape(4, 2), columns=["a", "a"])
    space = spaces.tabular(x, outputs=1)
    assert [c.name for c in space.columns] == ["a", "a (2)"]
    np.testing.assert_array_equal(space.prepare(x)["a (2)"], [1, 3, 5, 7])
    integers = pandas.DataFrame(np.arange(8.0).reshape(4, 2))
    assert list(spaces.tabular(integers, outputs=1).prepare(integers)) == ["0", "1"]


def test_a_text_column_that_is_empty_in_training() -> None:
    x = {"n": np.arange(4.0), "t": np.array([None, None, "", None], object)}
    space = spaces.tabular(x, outputs=1)
    prepared = space.prepare(x)
    preprocessing = space.adapt(prepared, np.arange(4.0))
    model = space.build(space.default(), preprocessing, seed=0)
    later = space.prepare({"n": [1.0, 2.0], "t": ["only in test rows", None]})
    encoded = space.encode(later, preprocessing)
    assert encoded[:, -1].tolist() == [1, 0]
    objects = {"n": later["n"], "t": later["t"].astype(object)}
    assert np.isfinite(model.predict(objects, verbose=0)).all()
