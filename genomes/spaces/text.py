"""Text: raw strings, or token numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from genomes.checks import truth, whole_number
from genomes.costs import Shape
from genomes.domains import Choice, Domain, Fixed, Int
from genomes.errors import GenomeError, shown
from genomes.gene import Gene
from genomes.genes.layers import Dropout
from genomes.genes.sequence import SequenceConv, SequenceReduce, TokenEmbedding
from genomes.grammar import GenomeLimits, Stage, default_gene, merged_domains
from genomes.spaces import sequences
from genomes.spaces.columns import as_texts
from genomes.spaces.encoded import EncodedSpace
from genomes.spaces.words import chosen, word_table
from genomes.targets import Target


class TextSpace(EncodedSpace):
    """Networks on text; :func:`text` makes it."""

    encoded_dtype = "int32"

    def _check_options(self) -> None:
        for name in ("tokens", "length"):
            whole_number(self.options[name], name, 1, 2**31 - 1)
        truth(self.options["raw"], "raw")

    @property
    def tokens(self) -> int:
        """Number of tokens, padding (0) and unknown (1) included."""
        return int(self.options["tokens"])

    @property
    def raw(self) -> bool:
        """Whether inputs are strings, not token numbers."""
        return bool(self.options["raw"])

    @property
    def length(self) -> int:
        """Tokens of a sample; longer texts are truncated."""
        return int(self.options["length"])

    @property
    def encoded_shape(self) -> Shape:
        """One number per token."""
        return (self.length,)

    # -- data ------------------------------------------------------------------------
    def check_data(self, x: Any, y: Any, role: str = "train") -> None:
        """Check that inputs are strings, or tokens within the vocabulary, and the targets."""
        self.check_rows(self._prepared(x, f"x_{role}"), y, role)

    def prepare(self, x: Any) -> np.ndarray:
        """Strings as bytes, or token numbers of one length.

        Returns:
            Strings: fixed-width UTF-8 bytes, shape (rows,). Token numbers: int32, shape (rows,
            length), cut off or padded with 0.
        """
        return self._prepared(x, "x")

    def _prepared(self, x: Any, name: str) -> np.ndarray:
        if not self.raw:
            return self._tokens(x, name)
        # A list stays a list of objects: NumPy would turn its numbers into strings.
        array = np.asarray(x, dtype=object) if isinstance(x, (list, tuple)) else np.asarray(x)
        if array.ndim == 2 and array.shape[1] == 1:
            array = array[:, 0]
        if array.ndim != 1 or array.dtype.kind not in "OUST":
            raise GenomeError(f"{name}: expected strings of shape (rows,), got shape {array.shape} of {array.dtype}")
        if array.dtype.kind == "S":
            return array
        odd = next((v for v in array if not isinstance(v, (str, bytes))), "")
        if not isinstance(odd, (str, bytes)):
            raise GenomeError(f"{name}: expected strings, got {shown(odd)} of type {type(odd).__name__}")
        encoded = [v if isinstance(v, bytes) else str(v).encode("utf-8") for v in array]
        # Bytes, because fixed-width unicode takes four bytes for every letter of the longest text.
        return np.asarray(encoded, dtype=np.bytes_)

    def _tokens(self, x: Any, name: str) -> np.ndarray:
        if not (isinstance(x, np.ndarray) and x.ndim == 2) and isinstance(x, (Sequence, np.ndarray)):
            rows = [np.asarray(row) for row in x]
            if any(row.ndim != 1 for row in rows):
                raise GenomeError(f"{name}: expected token numbers of shape (rows, tokens)")
            padded = np.zeros((len(rows), self.length), np.int64)
            for place, row in enumerate(rows):
                if row.size and row.dtype.kind not in "iu":
                    raise GenomeError(f"{name}[{place}]: expected whole numbers, got dtype {row.dtype}")
                padded[place, : len(row)] = row[: self.length]
            array = padded
        else:
            array = np.asarray(x)
        whole = array.dtype.kind in "iu" or (array.dtype.kind == "f" and bool((array == np.round(array)).all()))
        if array.ndim != 2 or not whole:
            raise GenomeError(
                f"{name}: expected token numbers of shape (rows, tokens), got shape {array.shape} of {array.dtype}"
            )
        if array.size and (array.min() < 0 or array.max() >= self.tokens):
            raise GenomeError(f"{name}: expected tokens 0 to {self.tokens - 1}, got {array.min()} to {array.max()}")
        array = array[:, : self.length].astype(np.int32)
        return np.pad(array, [(0, 0), (0, self.length - array.shape[1])])

    def _vectorization(self, vocabulary: Sequence[str], split: str = "whitespace") -> Any:
        import keras

        characters = split == "character"
        return keras.layers.TextVectorization(
            standardize=None if characters else "lower_and_strip_punctuation",
            split=split,
            output_mode="int",
            output_sequence_length=self.length,
            vocabulary=vocabulary,
            name=f"{self.layer_prefix}{'characters' if characters else 'tokens'}",
        )

    def adapt(self, x: Any, y: Any) -> dict[str, np.ndarray]:
        """Forms of words and the numbers of their words (:mod:`genomes.spaces.words`); scale of the targets.

        Returns:
            ``vocabulary``: forms, unicode; ``numbers``: int32, of each the number of its word; where the texts have
            such, ``characters`` of scripts without spaces and ``character_numbers``; and what
            :meth:`genomes.targets.Target.statistics` gives.
        """
        found = super().adapt(x, y)
        if self.raw:
            table = word_table((text.decode("utf-8", "replace") for text in np.asarray(x).tolist()), self.tokens)
            # A look-up needs at least one word; this one never comes: the split is at whitespace.
            found["vocabulary"] = as_texts(np.asarray(table.forms or ["\t"]), "vocabulary")
            found["numbers"] = np.asarray(table.numbers or [1], np.int32)
            if table.characters:
                found["characters"] = as_texts(np.asarray(table.characters), "characters")
                found["character_numbers"] = np.asarray(table.character_numbers, np.int32)
        return found

    def encode(self, x: Any, preprocessing: Mapping[str, np.ndarray]) -> np.ndarray:
        """Token numbers, int32, shape (rows, length)."""
        if not self.raw:
            return np.asarray(x, np.int32)
        words = self._looked_up(x, preprocessing["vocabulary"], preprocessing.get("numbers"))
        if "characters" not in preprocessing:
            return words
        characters = self._looked_up(x, preprocessing["characters"], preprocessing["character_numbers"], "character")
        return chosen(words, characters).astype(np.int32)

    def _looked_up(
        self, x: Any, vocabulary: np.ndarray, numbers: np.ndarray | None, split: str = "whitespace"
    ) -> np.ndarray:
        layer = self._vectorization(vocabulary.tolist(), split)
        parts = [np.asarray(layer(_tensor(x[i : i + 4096]))) for i in range(0, len(x), 4096)]
        places = np.concatenate(parts).astype(np.int32)
        return places if numbers is None else _with_specials(numbers)[places]

    # -- model -----------------------------------------------------------------------
    def inputs(self) -> Any:
        """Strings (batch, 1), or token numbers (batch, length)."""
        import keras

        if self.raw:
            return keras.Input((1,), dtype="string", name="text")
        return keras.Input((self.length,), dtype="int32", name="tokens")

    def preprocess(self, inputs: Any, preprocessing: Mapping[str, np.ndarray]) -> Any:
        """From strings to token numbers by Keras' ``TextVectorization`` and a table; token numbers stay as they are."""
        import keras

        if not self.raw:
            return inputs
        if "vocabulary" not in preprocessing:
            raise GenomeError("preprocessing: text needs what adapt() found in the training data; got nothing")
        words = self._number_tensors(inputs, preprocessing["vocabulary"], preprocessing.get("numbers"))
        if "characters" not in preprocessing:
            return words
        characters = self._number_tensors(
            inputs, preprocessing["characters"], preprocessing["character_numbers"], "character"
        )
        known = [
            keras.ops.sum(keras.ops.cast(keras.ops.greater(codes, 1), "int32"), axis=1, keepdims=True)
            for codes in (characters, words)
        ]
        return keras.ops.where(keras.ops.greater(*known), characters, words)

    def _number_tensors(
        self, inputs: Any, vocabulary: np.ndarray, numbers: np.ndarray | None, split: str = "whitespace"
    ) -> Any:
        from keras import ops

        places = ops.cast(self._vectorization(vocabulary.tolist(), split)(inputs), "int32")
        # Campaigns that were begun before words had forms have none of these numbers.
        return places if numbers is None else ops.take(_with_specials(numbers), places, axis=0)


def _with_specials(numbers: np.ndarray) -> np.ndarray:
    """Numbers by place in the vocabulary: before it stand padding and unknown."""
    return np.concatenate([[0, 1], numbers]).astype(np.int32)


def _tensor(x: np.ndarray) -> Any:
    import tensorflow as tf

    return tf.constant(x)


def text(
    classes: int | None = None,
    *,
    labels: int | None = None,
    outputs: int | None = None,
    task: str | None = None,
    length: int = 128,
    tokens: int = 10_000,
    raw: bool = True,
    recurrent: bool = True,
    genes: Sequence[type[Gene]] = (),
    domains: Mapping[str, Mapping[str, Domain]] | None = None,
    units: int = 256,
    parameters: int | None = None,
    flops: int | None = None,
    max_genes: int = 30,
) -> TextSpace:
    """Networks on text.

    Give exactly one of ``classes``, ``labels`` and ``outputs``. Strings are
    lowercased, stripped of punctuation, split at whitespace (in scripts without spaces, Chinese, Japanese or Thai, at
    every character) and looked up in the vocabulary of the training data, inside the model (on TensorFlow).

    Args:
        classes: number of exclusive classes; labels are 0 to classes - 1 (two: binary).
        labels: number of labels that may hold together.
        outputs: number of regression targets.
        task: states the task where the number does not.
        length: tokens of a text; longer ones are truncated.
        tokens: size of the vocabulary, with padding (0) and unknown words (1).
        raw: inputs are strings of shape (rows,); False: token numbers 0 to tokens - 1 of shape (rows,
            up to any length), 0 for padding at the end.
        recurrent: whether LSTM and GRU may occur; they are slow on long texts.
        genes: your own gene classes, which may stand among the layers.
        domains: domains of fields, in place of the space's.
        units: most channels of a layer.
        parameters: most weights of a model; by default 2 million in addition to the largest embedding.
        flops: most FLOPs of one text; no limit by default.
        max_genes: most genes of a genome.

    Returns:
        The space.

    Raises:
        GenomeError: a wrong number or domain; the message names the argument.
    """
    length = whole_number(length, "length", 1)
    tokens = whole_number(tokens, "tokens", 3)
    units = whole_number(units, "units", 1)
    target = Target.infer(classes, outputs, labels, task)
    widest = min(256, units)
    own = sequences.domains(target, length, units, recurrent)
    own["TokenEmbedding"] = {
        "tokens": Fixed(tokens),
        "units": Int(min(8, widest), widest, log=True, default=min(64, widest)),
        "dropout": Choice([0.0, 0.1, 0.2, 0.3, 0.4, 0.5], default=0.1),
    }
    own = merged_domains(own, domains)
    embedding = default_gene(TokenEmbedding, own, 1)
    smallest = embedding.replace(units=own["TokenEmbedding"]["units"].from_unit(0.0))
    width = own["SequenceConv"]["filters"].default
    default = [
        embedding,
        default_gene(SequenceConv, own, 2, filters=width),
        default_gene(SequenceReduce, own, 90, kind="both"),
        default_gene(Dropout, own, 91),
    ]
    return TextSpace(
        (1,) if raw else (length,),
        target,
        sequences.stages((Stage("embedding", (TokenEmbedding,), 1, 1, ()),), genes, recurrent),
        default=sequences.genome(own, default),
        smallest=sequences.genome(own, [smallest, default_gene(SequenceReduce, own, 90, kind="average")]),
        domains=own,
        limits=GenomeLimits(
            parameters=2_000_000 + tokens * widest if parameters is None else int(parameters),
            flops=None if flops is None else int(flops),
            genes=max_genes,
            nesting=1,
        ),
        options={"tokens": tokens, "length": length, "raw": bool(raw)},
    )
