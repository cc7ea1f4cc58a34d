"""Words and characters of texts, and their n-grams, as numbers.

All of it can be said by Keras' own layers, too: a text is split as ``TextVectorization`` splits it, a form of a word
(or a character) leads by a table to a number (:mod:`genomes.spaces.words`), and an n-gram of numbers is one whole
number, which is looked up among those that the training texts have.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np

from genomes.spaces.words import forms_in, word_table

#: Units of which n-grams are made.
UNITS = ("words", "characters")
#: Most numbers of words and of characters; that of characters, to the fifth power, is a whole number of 64 bits.
_MOST = {"words": 100_000, "characters": 3_000}
#: Texts that an n-gram must be in, and n-grams of all lengths together.
LEAST_TEXTS, MOST_TERMS = 2, 100_000
#: Numbers below stand for padding and for what is not known; no n-gram holds them.
FIRST = 2
#: Texts whose n-grams are looked up at once.
_AT_ONCE = 2048


@dataclass(frozen=True, eq=False)
class Terms:
    """N-grams of one unit, and how rare they are.

    Attributes:
        unit: ``words`` or ``characters``.
        forms: forms of words, or characters, all different.
        numbers: int64, the number that each form leads to.
        keys: by the length of n-grams the known ones, int64, sorted: numbers as the digits of one whole number.
        idf: float64 (terms,), those of the shortest n-grams first.
    """

    unit: str
    forms: Sequence[str]
    numbers: np.ndarray
    keys: Mapping[int, np.ndarray]
    idf: np.ndarray

    def __post_init__(self) -> None:
        if self.unit not in UNITS or len(self.forms) != len(self.numbers) or len(set(self.forms)) != len(self.forms):
            raise ValueError("terms of another kind")
        if len(self.numbers) and (self.numbers.min() < 0 or self.numbers.max() >= _MOST[self.unit]):
            raise ValueError("numbers that no term has")
        if sum(len(keys) for keys in self.keys.values()) != len(self.idf):
            raise ValueError("terms and their weights do not match")
        if any(not 1 <= order <= 5 or (np.diff(keys) <= 0).any() for order, keys in self.keys.items()):
            raise ValueError("n-grams that are not in order")

    # -- learning --------------------------------------------------------------------------
    @classmethod
    def learn(cls, texts: Sequence[str], unit: str, orders: Sequence[int]) -> Self:
        """The n-grams that at least two texts have; of very many the most frequent ones.

        Args:
            texts: of the training rows.
            unit: ``words`` or ``characters``.
            orders: lengths of n-grams.
        """
        if unit == "words":
            table = word_table(texts, _MOST[unit])
            forms, numbers = table.forms, table.numbers
        else:
            forms, numbers = _character_table(texts)
        bare = cls(unit, forms, np.asarray(numbers, np.int64), {}, np.zeros(0))
        flat, rows = bare._numbered(texts)
        found: list[tuple[int, np.ndarray, np.ndarray]] = []
        for order in orders:
            key, row = bare._grams(flat, rows, order)
            different, place = np.unique(key, return_inverse=True)
            # Every n-gram once for each text that has it.
            pairs = np.unique(row * np.int64(len(different)) + place) if len(key) else np.zeros(0, np.int64)
            texts_with = np.bincount(pairs % max(1, len(different)), minlength=len(different))
            kept = texts_with >= LEAST_TEXTS
            found.append((order, different[kept], texts_with[kept]))
        counts = np.concatenate([texts_with for _, _, texts_with in found])
        if len(counts) > MOST_TERMS:
            chosen = np.zeros(len(counts), bool)
            chosen[np.argsort(-counts, kind="stable")[:MOST_TERMS]] = True
        else:
            chosen = np.ones(len(counts), bool)
        keys, start = {}, 0
        for order, known, _ in found:
            keys[order] = known[chosen[start : start + len(known)]]
            start += len(known)
        # As scikit-learn smooths it: as if one more text had every term.
        idf = np.log((1 + len(texts)) / (1 + counts[chosen])) + 1
        return cls(unit, bare.forms, bare.numbers, keys, idf)

    # -- texts as numbers ------------------------------------------------------------------
    @cached_property
    def base(self) -> int:
        """One more than the greatest number."""
        return int(self.numbers.max(initial=FIRST - 1)) + 1

    @cached_property
    def _by_form(self) -> dict[str, int]:
        return dict(zip(self.forms, self.numbers.tolist(), strict=True))

    def _numbered(self, texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """The numbers of all texts, one text after the other, and the text of each; a 0 behind every text."""
        parts: list[np.ndarray] = []
        if self.unit == "words":
            known = self._by_form
            parts = [np.array([*(known.get(form, 1) for form in forms_in(text)), 0], np.int64) for text in texts]
        else:
            table = np.ones(0x110000, np.int64)
            for form, number in self._by_form.items():
                table[ord(form)] = number
            parts = [np.append(table[_code_points(text)], 0) for text in texts]
        lengths = [len(part) for part in parts]
        flat = np.concatenate(parts) if parts else np.zeros(0, np.int64)
        return flat, np.repeat(np.arange(len(parts)), lengths)

    def _grams(self, flat: np.ndarray, rows: np.ndarray, order: int) -> tuple[np.ndarray, np.ndarray]:
        """All n-grams of a length, and the texts that they are of; none holds what is not known."""
        count = max(0, len(flat) - order + 1)
        key, whole = np.zeros(count, np.int64), np.ones(count, bool)
        for place in range(order):
            digit = flat[place : place + count]
            key = key * self.base + digit
            whole &= digit >= FIRST
        return key[whole], rows[:count][whole]

    def weights(self, texts: Sequence[str]) -> Any:
        """Sublinear tf-idf, each text of length 1 (Salton & Buckley 1988): a sparse matrix (texts, terms), float64."""
        from scipy import sparse

        blocks = [texts[start : start + _AT_ONCE] for start in range(0, max(1, len(texts)), _AT_ONCE)]
        return sparse.vstack([self._weights(block) for block in blocks], format="csr")

    def _weights(self, texts: Sequence[str]) -> Any:
        from scipy import sparse

        flat, rows = self._numbered(texts)
        columns, owners, start = [], [], 0
        for order, known in self.keys.items():
            key, row = self._grams(flat, rows, order)
            place = np.minimum(np.searchsorted(known, key), max(0, len(known) - 1))
            hit = known[place] == key if len(known) else np.zeros(len(key), bool)
            columns.append(start + place[hit])
            owners.append(row[hit])
            start += len(known)
        column, owner = np.concatenate(columns), np.concatenate(owners)
        counts = sparse.coo_matrix((np.ones(len(column)), (owner, column)), (len(texts), start)).tocsr()
        counts.sum_duplicates()
        counts.data = (1 + np.log(counts.data)) * self.idf[counts.indices]
        norm = np.sqrt(np.asarray(counts.multiply(counts).sum(axis=1)).ravel())
        return sparse.diags(1 / np.where(norm > 0, norm, 1.0)) @ counts

    # -- in Keras ----------------------------------------------------------------------------
    def keras_weights(self, texts: Any, name: str) -> Any:
        """:meth:`weights` of a tensor of strings (batch, 1), float32.

        Args:
            texts: the tensor.
            name: of the layer that splits it.
        """
        import keras
        from keras import ops

        words = self.unit == "words"
        places = keras.layers.TextVectorization(
            standardize="lower_and_strip_punctuation" if words else None,
            split="whitespace" if words else "character",
            output_mode="int",
            vocabulary=list(self.forms),
            name=name,
        )(texts)
        table = np.concatenate([[0, 1], self.numbers])
        numbers = ops.take(ops.convert_to_tensor(table, dtype="int64"), ops.cast(places, "int32"), axis=0)
        # Behind the last one, so that there is an n-gram of every length.
        numbers = ops.pad(numbers, [[0, 0], [0, max(self.keys, default=1)]])
        counts = []
        for order, known in self.keys.items():
            if not len(known):
                continue
            parts = [numbers[:, place : numbers.shape[1]] for place in range(order)]
            key, whole = None, None
            for place, part in enumerate(parts):
                digit = ops.pad(part, [[0, 0], [0, place]])
                key = digit if key is None else key * self.base + digit
                fits = digit >= FIRST
                whole = fits if whole is None else ops.logical_and(whole, fits)
            key = ops.where(whole, key, ops.full_like(key, -1))
            look_up = keras.layers.IntegerLookup(
                vocabulary=known, num_oov_indices=1, mask_token=None, oov_token=-1, output_mode="count"
            )
            counts.append(ops.cast(look_up(key), "float32")[:, 1:])
        count = counts[0] if len(counts) == 1 else ops.concatenate(counts, axis=1)
        weights = ops.where(count > 0, 1 + ops.log(ops.maximum(count, 1.0)), ops.zeros_like(count))
        weights = weights * self.idf.astype(np.float32)
        return weights / ops.sqrt(ops.maximum(ops.sum(weights**2, axis=1, keepdims=True), 1e-12))

    # -- storage -----------------------------------------------------------------------------
    def to_arrays(self) -> dict[str, np.ndarray]:
        """Arrays of numbers by name; forms as UTF-8, one after the other, with their lengths in bytes."""
        encoded = [form.encode("utf-8", "surrogatepass") for form in self.forms]
        return {
            "forms": np.frombuffer(b"".join(encoded), np.uint8),
            "lengths": np.array([len(form) for form in encoded], np.int32),
            "numbers": self.numbers,
            "idf": self.idf,
            **{f"keys{order}": keys for order, keys in self.keys.items()},
        }

    @classmethod
    def from_arrays(cls, unit: str, arrays: Mapping[str, np.ndarray]) -> Self:
        """What :meth:`to_arrays` gave.

        Raises:
            ValueError, KeyError: they do not fit together.
        """
        lengths = _plain(arrays["lengths"], "i")
        content = _plain(arrays["forms"], "u").tobytes()
        if (lengths <= 0).any() or lengths.sum(dtype=np.int64) != len(content):
            raise ValueError("forms that are cut short")
        ends = np.cumsum(lengths, dtype=np.int64).tolist()
        starts = [0, *ends[:-1]]
        forms = [content[a:b].decode("utf-8", "surrogatepass") for a, b in zip(starts, ends, strict=True)]
        if unit == "characters" and any(len(form) != 1 for form in forms):
            raise ValueError("characters that are none")
        orders = sorted(int(name[4:]) for name in arrays if name.startswith("keys"))
        keys = {order: _plain(arrays[f"keys{order}"], "i").astype(np.int64) for order in orders}
        numbers = _plain(arrays["numbers"], "i").astype(np.int64)
        return cls(unit, forms, numbers, keys, _plain(arrays["idf"], "f").astype(np.float64))


def _plain(array: np.ndarray, kind: str) -> np.ndarray:
    if array.dtype.kind != kind or array.ndim != 1:
        raise ValueError(f"an array of {array.dtype} and shape {array.shape}")
    return array


def _code_points(text: str) -> np.ndarray:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)


def _character_table(texts: Sequence[str]) -> tuple[list[str], list[int]]:
    """Characters and their numbers, frequent ones first; upper and lower case have one number."""
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(text)
    plain: Counter[str] = Counter()
    for character, count in counts.items():
        plain[_lower(character)] += count
    ranked = sorted(plain.items(), key=lambda item: (-item[1], item[0]))[: _MOST["characters"] - FIRST]
    number_of = {character: number for number, (character, _) in enumerate(ranked, FIRST)}
    forms = dict.fromkeys([*number_of, *(c.upper() for c in number_of), *sorted(counts)])
    known = [form for form in forms if len(form) == 1 and _is_text(form) and _lower(form) in number_of]
    return known, [number_of[_lower(form)] for form in known]


def _is_text(character: str) -> bool:
    """Whether a look-up of Keras may hold it: NumPy takes NUL for the empty text, and a lone surrogate is none."""
    return character != "\0" and not "\ud800" <= character <= "\udfff"


def _lower(character: str) -> str:
    lower = character.lower()
    return lower if len(lower) == 1 else character
