"""Genes that hold other genes: residuals, parallel branches, repetitions."""

from __future__ import annotations

from typing import Any

from genomes.build import apply
from genomes.costs import Shape, flow_through
from genomes.domains import Choice, Int
from genomes.errors import GenomeError
from genomes.gene import Gene, canonical_sequence, changed_children, fitted_sequence
from genomes.genes.layers import ACTIVATIONS, Activation, activated, normalized
from genomes.genes.tally import CountedGene, Tally
from genomes.slots import Branches, Genes

#: Length that stands for an unknown one when a body's strides are determined.
_PROBE = 4096

#: Largest total strides of a body.
_MOST_STRIDES = 64


def _body_strides(body: tuple[Gene, ...], shape: Shape, after: Shape) -> tuple[int, ...]:
    """Strides of a shortcut around a body that turns ``shape`` into ``after``.

    Raises:
        GenomeError: no strides with "same" padding give that shape.
    """
    if len(after) != len(shape):
        raise GenomeError(f"the body turns rank {len(shape)} into rank {len(after)}: nothing can be added to it")
    before = shape
    if any(length is None for length in shape[:-1]):
        before = (*(_PROBE if length is None else length for length in shape[:-1]), shape[-1])
        after = flow_through(body, before, "body")[0]
    strides = []
    for axis, (long, short) in enumerate(zip(before[:-1], after[:-1], strict=True)):
        assert long is not None
        found = next((s for s in range(1, _MOST_STRIDES + 1) if -(-long // s) == short), None)
        if found is None:
            raise GenomeError(f"the body turns length {long} of axis {axis} into {short}: no strides do that")
        strides.append(found)
    return tuple(strides)


def projected(x: Any, channels: int, strides: tuple[int, ...] = (), normalization: str = "none") -> Any:
    """A pointwise linear layer from ``x`` to ``channels`` channels; ``x`` itself where nothing changes."""
    import keras

    moved = any(step > 1 for step in strides)
    if not moved and x.shape[-1] == channels:
        return x
    bias = normalization == "none"
    if len(x.shape) == 4:
        x = keras.layers.Conv2D(channels, 1, strides=strides or 1, padding="same", use_bias=bias)(x)
    elif len(x.shape) == 3 and moved:
        x = keras.layers.Conv1D(channels, 1, strides=strides[0], padding="same", use_bias=bias)(x)
    else:
        x = keras.layers.Dense(channels, use_bias=bias)(x)
    return normalized(x, normalization)


def count_projection(tally: Tally, channels: int, strides: tuple[int, ...] = (), normalization: str = "none") -> None:
    """Count :func:`projected`."""
    moved = any(step > 1 for step in strides)
    if not moved and tally.shape[-1] == channels:
        return
    bias = normalization == "none"
    if moved:
        tally.convolution(channels, 1, strides, bias=bias)
    else:
        tally.dense(channels, bias=bias)
    tally.normalization(normalization)


class Residual(CountedGene):
    """The input added to what the body makes of it (He et al. 2016, arXiv 1512.03385).

    Where the body changes the shape, the input passes a pointwise convolution.

    Fields: ``activation`` (after the addition). Slots: ``body``.
    """

    activation = Choice(list(ACTIVATIONS), default="linear", ordered=False)
    body = Genes()

    def build(self, x: Any) -> Any:
        """The body and the shortcut around it, added; then the activation."""
        import keras

        if not canonical_sequence(self.body):
            return activated(x, self.activation)
        shape = tuple(x.shape[1:])
        y = apply(self.body, x, "body")
        strides = _body_strides(self.body, shape, tuple(y.shape[1:]))
        shortcut = projected(x, int(y.shape[-1]), strides)
        return activated(keras.layers.Add()([shortcut, y]), self.activation)

    def count(self, tally: Tally) -> None:
        """Count the layers of :meth:`build`."""
        # A body without effect is left out: twice the input would be of no use.
        if canonical_sequence(self.body):
            before = tally.shape
            after, cost = flow_through(self.body, before, "body")
            strides = _body_strides(self.body, before, after)
            count_projection(tally, Tally(after).channels, strides)
            tally.add(cost, after)
            tally.elementwise()
        tally.elementwise(int(self.activation != "linear"))

    def fitted(self, shape: Shape) -> Gene | None:
        """The gene with a body that fits; None if no shortcut has the strides of that body."""
        body, after = fitted_sequence(self.body, shape)
        try:
            _body_strides(body, shape, after)
        except GenomeError:
            return None
        return self if body == self.body else self.replace(body=body)

    def canonical(self) -> tuple[Gene, ...]:
        """With nothing in its body only the activation is left."""
        gene = self.with_canonical_children()
        if gene.body:
            return (gene,)
        return Activation(function=self.activation, innovation=self.innovation).canonical()


class Parallel(CountedGene):
    """Branches side by side, joined (Szegedy et al. 2015, arXiv 1409.4842).

    An empty branch passes the input on. For ``add``, branches with fewer channels than the
    widest pass a pointwise layer.

    Fields: ``merge`` (``concat`` or ``add``). Slots: ``branches``.
    """

    merge = Choice(["concat", "add"])
    branches = Branches(least=2, most=8)

    def build(self, x: Any) -> Any:
        """Every branch on the same input, then joined."""
        import keras

        outputs = [apply(branch, x, f"branches[{number}]") for number, branch in enumerate(self.branches)]
        if self.merge == "concat":
            return keras.layers.Concatenate()(outputs)
        widest = max(int(y.shape[-1]) for y in outputs)
        return keras.layers.Add()([projected(y, widest) for y in outputs])

    def count(self, tally: Tally) -> None:
        """Count the layers of :meth:`build`."""
        ends = []
        for number, branch in enumerate(self.branches):
            after, cost = flow_through(branch, tally.shape, f"branches[{number}]")
            end = Tally(after)
            end.add(cost, after)
            ends.append(end)
        if len({end.shape[:-1] for end in ends}) != 1:
            shapes = ", ".join(str(end.shape) for end in ends)
            raise GenomeError(f"branches must agree in all axes but the last, got {shapes}")
        self._check_unknown(tally.shape)
        if self.merge == "concat":
            channels = sum(end.channels for end in ends)
        else:
            channels = max(end.channels for end in ends)
            for end in ends:
                count_projection(end, channels)
        for end in ends:
            tally.parameters += end.parameters
            tally.flops += end.flops
        tally.shape = (*ends[0].shape[:-1], channels)
        if self.merge == "add":
            tally.elementwise(len(ends) - 1)

    def _check_unknown(self, shape: Shape) -> None:
        """Raise an error for branches that shorten axes of unknown length differently."""
        if any(length is None for length in shape[:-1]):
            probe = (*(_PROBE if length is None else length for length in shape[:-1]), shape[-1])
            ends = {flow_through(branch, probe)[0][:-1] for branch in self.branches}
            if len(ends) != 1:
                raise GenomeError("branches must shorten the sequence alike")

    def fitted(self, shape: Shape) -> Gene | None:
        """The gene with branches that fit; without their strides if they would end in different sizes."""
        gene = self.replace(branches=tuple(fitted_sequence(branch, shape)[0] for branch in self.branches))
        for candidate in (gene, _unstrided(gene)):
            try:
                candidate.output_shape(shape)
            except GenomeError:
                continue
            return self if candidate == self else candidate
        return None


class Repeat(CountedGene):
    """The body several times in a row, each time with its own weights.

    Fields: ``times``. Slots: ``body``.
    """

    times = Int(1, 32, default=2)
    body = Genes()

    def build(self, x: Any) -> Any:
        """Apply the body ``times`` times, with new layers each time."""
        for _ in range(self.times):
            x = apply(self.body, x, "body")
        return x

    def count(self, tally: Tally) -> None:
        """Count the body ``times`` times."""
        for _ in range(self.times):
            shape, cost = flow_through(self.body, tally.shape, "body")
            tally.add(cost, shape)

    def fitted(self, shape: Shape) -> Gene | None:
        """The gene, if need be with a body that fits; without strides if it does not fit every time."""
        for gene in (self, self.replace(body=fitted_sequence(self.body, shape)[0]), _unstrided(self)):
            try:
                gene.output_shape(shape)
            except GenomeError:
                continue
            return gene
        return None

    def canonical(self) -> tuple[Gene, ...]:
        """The body written out."""
        return canonical_sequence(self.body) * int(self.times)


def _unstrided(gene: Gene) -> Gene:
    """The gene with all strides, its own and those of its children, set to 1."""
    changes: dict[str, Any] = changed_children(gene, lambda genes: tuple(_unstrided(child) for child in genes))
    if gene.values.get("strides", 1) != 1:
        changes["strides"] = 1
    return gene.replace(**changes) if changes else gene
