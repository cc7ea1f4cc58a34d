"""Applying genes to Keras tensors, and remembering which layers each gene made.

Layers are matched between a parent and a child by *marks*: the gene's
innovation number, how many times that gene was applied before (a repeated
block is applied several times), and the layer's place within the gene.
Keras' layer names cannot be used: users' genes do not name their layers.
"""

from __future__ import annotations

import contextlib
import contextvars
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Protocol, cast

from genomes import masks
from genomes.costs import Cost, Shape, positions
from genomes.errors import GenomeError, told


class Buildable(Protocol):
    """What is asked of a gene to apply it; every :class:`genomes.Gene` fulfils it."""

    @property
    def innovation(self) -> int:
        """Historical marking: what bears the same number in parent and child is the same gene."""

    @property
    def input_ranks(self) -> tuple[int, ...] | None:
        """Ranks (without the batch axis) of the input that it takes; None for any."""

    @property
    def declares_shape(self) -> bool:
        """Whether its class defines :meth:`output_shape` itself, and does not have it measured."""

    def build(self, x: Any) -> Any:
        """Keras tensor in, Keras tensor out."""

    def output_shape(self, shape: Shape) -> Shape:
        """Shape of what :meth:`build` gives for an input of ``shape``."""


@dataclass
class Recorder:
    """The layers of one model, by mark, in order of application.

    Attributes:
        layers: mark -> Keras layer. A mark reads ``INNOVATION.OCCURRENCE.INDEX``,
            or ``NAME.INDEX`` for what a space adds around the genes (``input``, ``head``).
    """

    layers: dict[str, Any] = field(default_factory=dict)
    _occurrences: dict[int, int] = field(default_factory=dict)
    _claimed: set[int] = field(default_factory=set)

    def occurrence(self, innovation: int) -> int:
        """How many times the gene of that number was applied before."""
        number = self._occurrences.get(innovation, 0)
        self._occurrences[innovation] = number + 1
        return number

    def claim(self, prefix: str, inputs: Any, outputs: Any) -> None:
        """Record the layers between ``inputs`` and ``outputs`` that are not yet recorded under ``prefix``."""
        import keras

        if outputs is inputs:
            return
        mask = masks.mask_of(inputs)
        index = 0
        for operation in keras.Function(inputs if mask is None else [inputs, mask], outputs).operations:
            if not isinstance(operation, keras.layers.Layer) or isinstance(operation, keras.layers.InputLayer):
                continue
            if id(operation) in self._claimed:
                continue
            self._claimed.add(id(operation))
            self.layers[f"{prefix}.{index}"] = operation
            index += 1


_recorder: contextvars.ContextVar[Recorder | None] = contextvars.ContextVar("recorder", default=None)
_path: contextvars.ContextVar[str] = contextvars.ContextVar("path", default="")


@contextlib.contextmanager
def recording() -> Iterator[Recorder]:
    """Record the layers of all genes applied inside the ``with`` block."""
    recorder = Recorder()
    token = _recorder.set(recorder)
    try:
        yield recorder
    finally:
        _recorder.reset(token)


def apply(genes: Sequence[Buildable], x: Any, slot: str = "genes") -> Any:
    """Apply genes one after the other.

    Args:
        genes: the genes, in order.
        x: a Keras tensor.
        slot: name of the sequence, for error messages (``body``).

    Returns:
        The Keras tensor that the last gene returned; ``x`` if there are no genes.

    Raises:
        GenomeError: a gene failed or returned something of the wrong rank; the message names
            the gene's path and what went wrong.
    """
    parent = _path.get()
    for index, gene in enumerate(genes):
        path = f"{parent}.{slot}[{index}]" if parent else f"{slot}[{index}]"
        token = _path.set(path)
        try:
            x = _applied(gene, x, path)
        finally:
            _path.reset(token)
    return x


def _applied(gene: Buildable, x: Any, path: str) -> Any:
    name = type(gene).__name__
    rank = len(x.shape) - 1
    if gene.input_ranks is not None and rank not in gene.input_ranks:
        raise GenomeError(f"{name} takes an input of rank {gene.input_ranks}, got shape {tuple(x.shape)}", path)
    recorder = _recorder.get()
    prefix = "" if recorder is None else f"{gene.innovation}.{recorder.occurrence(gene.innovation)}"
    try:
        y = gene.build(x)
    except GenomeError:
        raise
    except (Exception, SystemExit) as error:
        raise GenomeError(f"{name}.build failed: {told(error)}", path) from error
    if not hasattr(y, "shape") or not hasattr(y, "dtype"):
        raise GenomeError(f"{name}.build must return one Keras tensor, got {type(y).__name__}", path)
    if gene.declares_shape:
        expected = gene.output_shape(tuple(x.shape[1:]))
        if len(y.shape) - 1 != len(expected):
            raise GenomeError(
                f"{name}.build returned rank {len(y.shape) - 1} (shape {tuple(y.shape[1:])}), "
                f"expected rank {len(expected)} (shape {expected})",
                path,
            )
    masks.carry(x, y)
    if recorder is not None:
        recorder.claim(prefix, x, y)
    return y


#: Output shape and cost.
Measured = tuple[Shape, Cost]
_measure: contextvars.ContextVar[Callable[[Any, Shape], Measured] | None] = contextvars.ContextVar(
    "measure", default=None
)


@contextlib.contextmanager
def measured_by(measure: Callable[[Any, Shape], Measured]) -> Iterator[None]:
    """Inside the ``with`` block, genes that are not part of this package are measured by ``measure(gene, shape)``.

    It gives what :func:`measured_here` gives. What a gene's ``build`` does may end a process: whoever must live lets
    another one measure.
    """
    token = _measure.set(measure)
    try:
        yield
    finally:
        _measure.reset(token)


def measured(gene: Buildable, shape: Shape) -> Measured:
    """Output shape and cost of a gene that declares neither, found by building it symbolically once per shape.

    FLOPs are estimated as two per weight and output position.

    Raises:
        GenomeError: the gene cannot be built on that shape.
    """
    measure = _measure.get()
    if measure is None or type(gene).__module__.partition(".")[0] == "genomes":
        return measured_here(cast(Hashable, gene), shape)
    return measure(gene, shape)


@lru_cache(maxsize=4096)
def measured_here(gene: Any, shape: Shape) -> Measured:
    """:func:`measured`, in this process.

    Raises:
        GenomeError: the gene cannot be built on that shape.
    """
    import keras

    x = keras.Input(shape)
    with recording():
        y = _applied(gene, x, type(gene).__name__)
    parameters = 0
    if y is not x:
        for operation in keras.Function(x, y).operations:
            if isinstance(operation, keras.layers.Layer):
                parameters += operation.count_params()
    result = tuple(y.shape[1:])
    return result, Cost(parameters, 2 * parameters * max(1, positions(result)))
