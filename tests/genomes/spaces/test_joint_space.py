"""Several inputs in one model."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from evo.ensemble.keras_input import keras_input
from genomes import Space, spaces
from genomes.errors import GenomeError

ROWS = 12
RNG = np.random.default_rng(0)
WORDS = np.array(["good film", "bad, bad film", "größe"])[np.arange(ROWS) % 3]
TABLE = {"age": RNG.normal(size=ROWS), "job": np.array(["cook", "smith"])[np.arange(ROWS) % 2]}
SCAN = RNG.integers(0, 256, (ROWS, 8, 6, 3)).astype(np.uint8)
Y = np.arange(ROWS) % 2


def small(kind: str) -> Any:
    return {
        "image": lambda: spaces.image((8, 6, 3), 2, filters=8),
        "text": lambda: spaces.text(2, length=6, tokens=30, units=8),
        "series": lambda: spaces.timeseries((7, 2), 2, units=8),
        "table": lambda: spaces.tabular({"age": "numeric", "job": "text"}, 2, units=8),
        "plain": lambda: spaces.tabular(3, 2, units=8),
    }[kind]()


def joint(**kinds: str) -> Any:
    return spaces.joint({name: small(kind) for name, kind in kinds.items()}, units=8)


def built(space: Any, x: Any, dtype: str | None = None) -> tuple[np.ndarray, np.ndarray]:
    """What the model from raw input and the one from encoded input predict."""
    space.check_data(x, Y)
    prepared = space.prepare(x)
    preprocessing = space.adapt(prepared, Y)
    assert all(array.dtype.kind != "O" for array in preprocessing.values())
    encoded = space.encode(prepared, preprocessing)
    raw = space.build(space.default(), preprocessing, seed=3, dtype=dtype)
    inner = space.build(space.default(), preprocessing, seed=3, dtype=dtype, encoded=True)
    assert raw.count_params() == inner.count_params() == space.cost(space.default()).parameters
    return raw.predict(keras_input(prepared), verbose=0), inner.predict(encoded, verbose=0)


@pytest.mark.parametrize(
    ("kinds", "x"),
    [
        ({"scan": "image", "info": "table", "note": "text"}, {"scan": SCAN, **TABLE, "note": WORDS}),
        ({"a": "image", "b": "image"}, {"a": SCAN, "b": SCAN[::-1]}),
        ({"a": "text", "b": "text"}, {"a": WORDS, "b": WORDS[::-1]}),
        (
            {"beat": "series", "rest": "plain"},
            {"beat": RNG.normal(size=(ROWS, 7, 2)), "rest": RNG.normal(size=(ROWS, 3))},
        ),
        ({"a/b": "text", "units": "image"}, {"a/b": WORDS, "units": SCAN}),
        ({"note": "text"}, pd.DataFrame({"other": 1, "note": WORDS})),
    ],
)
def test_raw_and_encoded_input_give_the_same(kinds: dict[str, str], x: Any) -> None:
    raw, encoded = built(joint(**kinds), x)
    np.testing.assert_allclose(raw, encoded, atol=1e-5)


def test_numbers_of_words_are_exact_in_half_precision() -> None:
    """Float16 holds whole numbers to 2048 alone: token 4001 must not become 4000."""
    space = spaces.joint({"t": spaces.text(2, length=4, tokens=5000, units=8)}, units=8)
    words = np.array([f"w{number}" for number in range(4900)])
    preprocessing = space.adapt({"t": words.astype(np.bytes_)}, np.arange(4900) % 2)
    model = space.build(space.default(), preprocessing, seed=0, dtype="mixed_float16", encoded=True)
    tokens = np.array([[4001, 0, 0, 0], [4000, 0, 0, 0]], np.float32)
    different = model.predict(tokens, verbose=0)
    assert different[0] != different[1]


def test_forms_of_a_table_among_the_inputs() -> None:
    space = joint(info="table", note="text")
    wanted = space.prepare({**TABLE, "note": WORDS})
    for given in (
        {"info": pd.DataFrame(TABLE), "note": WORDS},
        {"info": TABLE, "note": list(WORDS)},
        {"info/age": TABLE["age"], "info/job": TABLE["job"], "note": WORDS},
        pd.DataFrame({**TABLE, "note": WORDS}),
        {"input_0": pd.DataFrame(TABLE), "input_1": WORDS},
        wanted,
    ):
        found = space.prepare(given)
        assert list(found) == ["age", "job", "note"]
        for name, values in wanted.items():
            np.testing.assert_array_equal(found[name], values)
    alone = joint(note="text")
    assert alone.prepare(list(WORDS))["note"].tolist() == alone.prepare({"note": WORDS})["note"].tolist()
    gone = space.prepare({**TABLE, "note": [None, *WORDS[1:]]})
    assert gone["note"][0] == b"" and [column.name for column in space.columns] == ["age", "job"]


def test_it_is_stored_and_varied() -> None:
    space = joint(scan="image", info="table", note="text", beat="series")
    again = Space.from_json(space.to_json())
    assert again.fingerprint == space.fingerprint and again.default() == space.default()
    rng = np.random.default_rng(1)
    genome, kinds = space.default(), set()
    for _ in range(150):
        genome = again.mutate(genome, rng)
        space.validate(genome)
        assert [type(gene).__name__ for gene in genome.genes[:4]] == [
            "ImageInput",
            "TableInput",
            "TextInput",
            "SeriesInput",
        ]
        kinds |= {type(gene).__name__ for one in genome.genes for _, gene in one.walk()}
    assert {"Conv", "SequenceConv", "Dense", "Pool"} <= kinds
    first, second = space.crossover(space.sample(rng), genome, rng)
    space.validate(first)
    space.validate(second)


def test_inputs_of_one_kind_and_several_shapes() -> None:
    """Each gene keeps its own input's shape, whatever is mutated, mixed or lost."""
    space = spaces.joint(
        {
            "a": small("image"),
            "b": spaces.image((5, 9, 1), 2, filters=8),
            "t": small("table"),
            "u": small("plain"),
            "v": spaces.tabular(40, 2),
            "note": small("text"),
            "long": spaces.text(2, length=9, tokens=50, units=16),
        }
    )
    rng = np.random.default_rng(5)
    genome, other = space.default(), space.sample(rng)
    for _ in range(200):
        genome = space.mutate(genome, rng)
        space.validate(genome)
    for child in (*space.crossover(genome, other, rng), *space.crossover(other, genome, rng)):
        space.validate(child)
        assert len(child) > len(space.smallest())
    first, second, *rest = genome.genes
    for broken in ((second, first, *rest), tuple(rest), (first.replace(height=5), second, *rest)):
        with pytest.raises(GenomeError):
            space.validate(genome.replace(genes=broken))
        mended = space.repair(genome.replace(genes=broken), rng)
        space.validate(mended)
        assert len(mended) > len(space.smallest())
    x = {"a": SCAN, "b": SCAN[:, :5, :, :1].repeat(2, axis=2)[:, :, :9], **TABLE, "note": WORDS, "long": WORDS}
    raw, encoded = built(space, {**x, "u": RNG.normal(size=(ROWS, 3)), "v": RNG.normal(size=(ROWS, 40))})
    np.testing.assert_allclose(raw, encoded, atol=1e-5)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: spaces.joint({}), "expected a space for each input"),
        (lambda: spaces.joint({"a": 3}), r"inputs\['a'\]: expected a space of"),
        (lambda: spaces.joint({"a": spaces.image((None, None, 3), 2)}), "need a known size"),
        (lambda: spaces.joint({"a": small("text"), "b": spaces.tabular(3, outputs=1)}), "predict different things"),
        (lambda: spaces.joint({"age": small("text"), "b": small("table")}), "names must differ"),
        (lambda: joint(a="text").check_data({"b": WORDS}, Y), "input 'a' is missing; given are"),
        (lambda: joint(a="text", b="text").check_data(WORDS, Y), "expected inputs by name"),
        (lambda: joint(a="image").check_data({"a": SCAN[..., 0]}, Y), r"x_train\['a'\]: expected shape"),
        (lambda: joint(a="text").check_data({"a": WORDS}, Y[:3]), "y_train: expected 12 rows"),
        (lambda: joint(a="text", b="image").check_data({"a": WORDS, "b": SCAN[:3]}, Y), "number of rows"),
    ],
)
def test_what_cannot_be_joined_is_named(make: Any, words: str) -> None:
    with pytest.raises(GenomeError, match=words):
        make()
