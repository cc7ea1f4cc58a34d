"""Words of texts in any language, by look-ups that Keras' own layers can do.

Keras' ``TextVectorization`` lowers ASCII letters alone, strips ASCII punctuation alone and splits at ASCII white space:
to it ``Über``, ``über`` and ``„über“`` are three words, and a Chinese sentence is one. A layer of our own would have to
be imported wherever a model is loaded. So the look-up table does the work: every *form* that a word takes in the
training texts, and the forms that it may take elsewhere (upper case, capitalized, composed and decomposed letters), has
an entry of its own that leads to the word's one number. Scripts without spaces are read character by character.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

#: What ``TextVectorization`` strips.
_STRIPPED = str.maketrans("", "", r"""!"#$%&()*+,-./:;<=>?@[\]^_`{|}~'""")
_LOWERED = str.maketrans({chr(code): chr(code + 32) for code in range(65, 91)})
#: TensorFlow splits at white space of ASCII alone.
_BETWEEN_SPACES = re.compile(r"[^ \t\n\r\f\v]+")
#: Longer forms are not looked up: addresses and encoded data.
_LONGEST = 64
#: Scripts that are written without spaces between words: first and last code point.
_UNSEGMENTED = (
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x0F00, 0x0FFF),  # Tibetan
    (0x1000, 0x109F),  # Burmese
    (0x1780, 0x17FF),  # Khmer
    (0x3040, 0x30FF),  # Hiragana, Katakana
    (0x3400, 0x4DBF),  # Han
    (0x4E00, 0x9FFF),
    (0xF900, 0xFAFF),
    (0x20000, 0x323AF),
)
#: Characters of such a script that stand for one word, on average.
_CHARACTERS_OF_A_WORD = 2


def is_unsegmented(character: str) -> bool:
    """Whether a character belongs to a script that is written without spaces."""
    code = ord(character)
    return code >= _UNSEGMENTED[0][0] and any(first <= code <= last for first, last in _UNSEGMENTED)


def forms_in(text: str) -> list[str]:
    """The words of a text as ``TextVectorization`` leaves and splits it."""
    return _BETWEEN_SPACES.findall(text.translate(_LOWERED).translate(_STRIPPED))


def number_of_words(text: str) -> int:
    """Words of a text, about: in scripts without spaces two characters are one."""
    if text.isascii():
        return len(text.split())
    characters = sum(map(is_unsegmented, text))
    return len(text.split()) + characters // _CHARACTERS_OF_A_WORD


@lru_cache(maxsize=100_000)
def word_of(form: str) -> str:
    """The word that a form stands for: case, compositions and punctuation make no difference; "" for punctuation."""
    if form.isascii():
        return form
    word = unicodedata.normalize("NFKC", form).casefold()
    kept = [place for place, character in enumerate(word) if unicodedata.category(character)[0] not in "PSZC"]
    return word[kept[0] : kept[-1] + 1] if kept else ""


def _forms_of(form: str) -> list[str]:
    """The form, and those that its word may take in other texts."""
    if form.isascii():
        return [form]
    lower = unicodedata.normalize("NFC", form).lower()
    cases = dict.fromkeys((form, lower, lower.capitalize(), lower.upper()))
    written = [unicodedata.normalize(how, case) for case in cases for how in ("NFC", "NFD")]
    return list(dict.fromkeys(case.translate(_LOWERED) for case in (*cases, *written)))


@dataclass(frozen=True)
class WordTable:
    """What is looked up, and the number that it leads to.

    Attributes:
        forms: forms of words, all different.
        numbers: the number of each one's word: 2 and up, frequent words first; 0 for punctuation.
        characters: characters of scripts without spaces.
        character_numbers: likewise.
    """

    forms: list[str]
    numbers: list[int]
    characters: list[str]
    character_numbers: list[int]


def word_table(texts: Iterable[str], most: int) -> WordTable:
    """The most frequent words of texts, and their forms.

    Args:
        texts: of the training rows.
        most: numbers that there may be, with 0 (padding) and 1 (unknown).
    """
    counts: Counter[str] = Counter()
    characters: Counter[str] = Counter()
    for text in texts:
        counts.update(forms_in(text))
        if not text.isascii():
            characters.update(filter(is_unsegmented, text))
    words: Counter[str] = Counter()
    forms: dict[str, list[str]] = {}
    for form, count in sorted(counts.items()):
        if len(form) <= _LONGEST and (word := word_of(form)) != "" and not _is_sentence(word):
            words[word] += count
            forms.setdefault(word, []).append(form)
    # Keys of both kinds compete for the numbers; by count, ties in order, so that nothing depends on the rows' order.
    ranked = sorted([(-count, 0, word) for word, count in words.items()] + [(-n, 1, c) for c, n in characters.items()])
    table = WordTable([], [], [], [])
    taken: set[str] = set()
    for number, (_, kind, key) in enumerate(ranked[: max(0, most - 2)], 2):
        if kind:
            table.characters.append(key)
            table.character_numbers.append(number)
            continue
        _add(table, taken, forms[key], number)
    # Only now what no text had: a form that one word really has is not taken by another one.
    for number, (_, kind, key) in enumerate(ranked[: max(0, most - 2)], 2):
        if not kind:
            _add(table, taken, [other for form in forms[key] for other in _forms_of(form)], number)
    marks = [form for form in sorted(counts) if len(form) <= _LONGEST and word_of(form) == ""]
    _add(table, taken, marks[:most], 0)
    return table


def _is_sentence(word: str) -> bool:
    """Whether a "word" is of a script without spaces, which is read by its characters."""
    return not word.isascii() and any(map(is_unsegmented, word))


def _add(table: WordTable, taken: set[str], forms: Sequence[str], number: int) -> None:
    for form in forms:
        if form not in taken:
            taken.add(form)
            table.forms.append(form)
            table.numbers.append(number)


def chosen(words: np.ndarray, characters: np.ndarray) -> np.ndarray:
    """For each text its words, or its characters where more of these are known: (rows, length)."""
    by_character = (characters > 1).sum(axis=1, keepdims=True) > (words > 1).sum(axis=1, keepdims=True)
    return np.where(by_character, characters, words)
