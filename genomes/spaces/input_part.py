"""One input of a joint space: where it is found in a user's data, and how its own space prepares and encodes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from genomes.errors import GenomeError, shown
from genomes.spaces.columns import as_texts, named_columns
from genomes.spaces.encoded import EncodedSpace
from genomes.spaces.image import ImageSpace
from genomes.spaces.layered import LayeredSpace
from genomes.spaces.tabular import TabularSpace
from genomes.spaces.text import TextSpace


@dataclass(frozen=True)
class InputPart:
    """One input of a joint space.

    Attributes:
        name: as the user calls it.
        input: name of the model's input; of a table with named columns these have names of their own.
        space: what prepares and encodes it; its target is of no account.
    """

    name: str
    input: str
    space: LayeredSpace

    @property
    def named(self) -> bool:
        """Whether it is a table whose columns are inputs of their own."""
        return isinstance(self.space, TabularSpace) and not self.space.plain

    @property
    def inputs(self) -> list[str]:
        """Names of the model's inputs."""
        if isinstance(self.space, TabularSpace) and self.named:
            return [column.input_name for column in self.space.columns]
        return [self.input]

    @property
    def size(self) -> int:
        """Numbers of one encoded sample."""
        shape = self.space.encoded_shape if isinstance(self.space, EncodedSpace) else self.space.input_shape
        return int(np.prod([length or 1 for length in shape]))

    def of(self, x: Any) -> Any:
        """This input of prepared samples."""
        return {name: x[name] for name in self.inputs} if self.named else x[self.input]

    def found_in(self, x: Any, name: str) -> Any:
        """This input of samples as a user gave them: under its name, or, of a table, its columns among the others.

        Raises:
            GenomeError: it is not there; the message calls the samples ``name``.
        """
        named = named_columns(x)
        if named is None:
            raise GenomeError(f"{name}: expected inputs by name, {self.name!r} among them, got {type(x).__name__}")
        for key in (self.name, self.input):
            if key in named and (not self.named or named_columns(named[key]) is not None):
                return named[key]
        inside = {key.removeprefix(f"{self.name}/"): v for key, v in named.items() if key.startswith(f"{self.name}/")}
        if self.named:
            return inside or named
        raise GenomeError(f"{name}: input {self.name!r} is missing; given are {shown(list(named), 300)}")

    def prepared(self, x: Any, name: str) -> dict[str, np.ndarray]:
        """The model's inputs, of samples as a user gave them.

        Raises:
            GenomeError: they are not there, or not of the right shape.
        """
        values, name = self.found_in(x, name), f"{name}[{self.name!r}]"
        if isinstance(self.space, TextSpace) and self.space.raw:
            array = np.asarray(values, dtype=object)
            values = as_texts(array[:, 0] if array.ndim == 2 and array.shape[1] == 1 else array, name)
        if isinstance(self.space, ImageSpace):
            self.space.check_inputs(values, name)
            return {self.input: self.space.prepare(values)}
        made = self.space._prepared(values, name)  # type: ignore[attr-defined]
        return dict(made) if self.named else {self.input: made}

    def encoded(self, x: Any, preprocessing: Mapping[str, np.ndarray]) -> np.ndarray:
        """Prepared samples as numbers: float32, (rows, size)."""
        values = self.of(x)
        if isinstance(self.space, ImageSpace):
            made = (values.astype(np.float32) - preprocessing["mean"]) / preprocessing["deviation"]
        else:
            made = self.space.encode(values, preprocessing)
        return np.asarray(made, np.float32).reshape(len(made), -1)

    def keras_inputs(self) -> dict[str, Any]:
        """``keras.Input`` by name."""
        import keras

        if self.named:
            return dict(self.space.inputs())
        if isinstance(self.space, TextSpace) and self.space.raw:
            return {self.input: keras.Input((1,), dtype="string", name=self.input)}
        dtype = "int32" if isinstance(self.space, TextSpace) else "float32"
        return {self.input: keras.Input(self.space.input_shape, dtype=dtype, name=self.input)}

    def preprocessed(self, inputs: Mapping[str, Any], preprocessing: Mapping[str, np.ndarray]) -> Any:
        """What :meth:`encoded` computes, by Keras layers without weights."""
        from keras import ops

        given = {name: inputs[name] for name in self.inputs} if self.named else inputs[self.input]
        made = self.space.preprocess(given, preprocessing)
        return ops.reshape(ops.cast(made, "float32"), (-1, self.size))
