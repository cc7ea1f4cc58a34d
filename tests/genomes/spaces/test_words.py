"""Texts in any language become the numbers of their words, in NumPy and in Keras alike."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evo.ensemble.keras_input import keras_input
from genomes import spaces
from genomes.spaces.words import forms_in, number_of_words, word_of, word_table

TEXTS = [
    "Äpfel und Über „gut“ — ja.",
    "äpfel ÜBER gut, straße",
    "Это очень ХОРОШО и быстро!",
    "это плохо",
    "我喜欢这个产品",
    "とても良いです",
    "don't stop",
]
Y = np.arange(len(TEXTS)) % 2


def numbers(texts: list[str], length: int = 6, seen: list[str] | None = None) -> np.ndarray:
    space = spaces.text(2, length=length, tokens=100, units=8)
    train = space.prepare(np.array(TEXTS if seen is None else seen))
    return space.encode(space.prepare(np.array(texts)), space.adapt(train, Y))


def test_case_and_punctuation_make_no_words() -> None:
    found = numbers(["Äpfel", "äpfel", "ÄPFEL", "äpfel", "gut", "„gut“", "GUT.", "ХОРОШО", "Хорошо", "хорошо"], 1)[:, 0]
    assert len(set(found[:4])) == len(set(found[4:7])) == len(set(found[7:])) == 1 and found.min() > 1
    assert len({found[0], found[4], found[7]}) == 3
    assert numbers(["—", "nie gesehen"], 2).tolist() == [[0, 0], [1, 1]]
    assert word_of("STRASSE".lower()) == word_of("straße")


def test_scripts_without_spaces_are_read_by_character() -> None:
    one, same, other = numbers(["这个产品", "这个产品", "产品"], 4)
    assert one.tolist() == same.tolist() and (one > 1).all()
    assert other[:2].tolist() == one[2:].tolist() and other[2:].tolist() == [0, 0]
    mixed = numbers(["äpfel und 品", "我喜欢 gut"], 4)
    assert mixed[0, :2].min() > 1 and (mixed[1, :3] > 1).all()


def test_the_saved_model_reads_as_the_space_encodes(tmp_path: object) -> None:
    space = spaces.text(2, length=6, tokens=60, units=8)
    prepared = space.prepare(np.array(TEXTS))
    preprocessing = space.adapt(prepared, Y)
    raw = space.build(space.default(), preprocessing, seed=0)
    inner = space.build(space.default(), preprocessing, seed=0, encoded=True)
    raw.save(f"{tmp_path}/m.keras")
    loaded = keras.saving.load_model(f"{tmp_path}/m.keras")
    texts = space.prepare(np.array([*TEXTS, "ÄPFEL „über“", "品质", "", "   ", "neu\u00a0und\tja"]))
    wanted = inner.predict(space.encode(texts, preprocessing), verbose=0)
    for model in (raw, loaded):
        np.testing.assert_allclose(model.predict(keras_input(texts), verbose=0), wanted, atol=1e-6)


def test_what_was_learnt_before_words_had_forms_is_read_as_before() -> None:
    space = spaces.text(2, length=3, tokens=60, units=8)
    old = {"vocabulary": np.array(["gut", "Äpfel"])}
    assert space.encode(space.prepare(np.array(["äpfel Äpfel gut"])), old).tolist() == [[1, 3, 2]]


@given(st.lists(st.text(max_size=30), min_size=1, max_size=8), st.integers(2, 12))
def test_a_table_is_one_function(texts: list[str], most: int) -> None:
    """Forms are different, numbers within bounds, and a form leads to its own word's number."""
    table = word_table(texts, most)
    assert len(set(table.forms)) == len(table.forms) and len(set(table.characters)) == len(table.characters)
    assert table == word_table(list(reversed(texts)), most)
    used = [*(n for n in table.numbers if n), *table.character_numbers]
    assert all(2 <= number < most for number in used)
    by_word: dict[str, set[int]] = {}
    for form, number in zip(table.forms, table.numbers, strict=True):
        if form in {found for text in texts for found in forms_in(text)}:
            by_word.setdefault(word_of(form), set()).add(number)
    assert all(len(found) == 1 for found in by_word.values())


@pytest.mark.parametrize("text", ["a b  c", "one", "我喜欢这个产品", "два слова"])
def test_forms_are_those_of_keras(text: str) -> None:
    layer = keras.layers.TextVectorization(split="whitespace", output_mode="int")
    layer.adapt([text or "x"])
    assert set(forms_in(text)) == set(layer.get_vocabulary(include_special_tokens=False)) - (
        {"x"} if not text else set()
    )


def test_words_are_counted_in_any_script() -> None:
    assert [number_of_words(text) for text in ("a b c", "", "我喜欢这个产品", "два слова")] == [3, 0, 4, 2]
