"""Function-preserving morphisms: the child computes what its parent computed.

Net2Net (Chen, Goodfellow & Shlens 2016, arXiv 1511.05641) and network
morphism (Wei et al. 2016, arXiv 1603.01670), on genomes and the weights that
:func:`genomes.inheritance.weights_by_mark` gives. What is preserved is
inference; batch normalization in training goes by the batch, as always.

Each morphism takes ``(genome, weights, rng, space)`` and returns the child
and its weights, complete for :func:`genomes.inheritance.assign_weights`; or
None where the genome has no place for it. Nothing given is changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from genomes.costs import Shape, flow_through
from genomes.domains import Choice
from genomes.errors import GenomeError
from genomes.gene import Gene, new_innovation
from genomes.genes.blocks import Residual
from genomes.genes.layers import GROUPS, Activation, Conv, Dense, Dropout, Flatten, GlobalPool, Normalization, Pool
from genomes.genes.sequence import SequenceConv, SequencePool, SequenceReduce
from genomes.genes.tally import groups_of
from genomes.genome import Genome
from genomes.grammar import Grammar
from genomes.variation.sites import Site, rewritten, sites

Weights = Mapping[str, np.ndarray]
Child = tuple[Genome, dict[str, np.ndarray]]
Morphism = Callable[[Genome, Weights, np.random.Generator, Grammar], Child | None]

#: Genes that are one linear layer, normalization, activation; and the field of their width.
WIDTH = {Dense: "units", Conv: "filters", SequenceConv: "filters"}

#: Genes that treat every channel by itself, and have no weights.
_CHANNELWISE = (Activation, Dropout, Pool, GlobalPool, SequencePool)

#: Activations f with f(0) = 0 and a slope there: a layer of zeros behind them still learns.
_THROUGH_ZERO = ("linear", "gelu", "swish", "elu", "selu", "mish", "hard_swish", "tanh")


# -- widening -------------------------------------------------------------------------------
@dataclass(frozen=True)
class _Copies:
    """Where each channel of the child comes from.

    Attributes:
        source: for each channel of the child, the parent's channel that it copies.
        share: the part of the parent's outgoing weight that the copy takes; the shares of one
            channel's copies add up to 1.
        doubled: every channel has exactly one copy, next to it.
    """

    source: np.ndarray
    share: np.ndarray
    doubled: bool


def widen(genome: Genome, weights: Weights, rng: np.random.Generator, space: Grammar) -> Child | None:
    """Widen one layer: some channels are copied, and what they feed is shared out among the copies.

    The shares are drawn, not equal: equal copies would get equal gradients and stay copies.

    Args:
        genome: a valid genome.
        weights: its weights by mark.
        rng: draws the layer, the width, the copies and the shares.
        space: the space that both genomes are in.

    Returns:
        Child and its weights; None if no layer can be widened.
    """
    candidates = [
        (site, index)
        for site in sites(space, genome)
        for index, gene in enumerate(site.genes)
        if type(gene) in WIDTH and _once(gene, weights)
    ]
    for place in rng.permutation(len(candidates)):
        site, index = candidates[int(place)]
        gene = site.genes[index]
        child = _widened(genome, weights, rng, space, site, index, WIDTH[type(gene)])
        if child is not None:
            return child
    return None


def _widened(
    genome: Genome,
    weights: Weights,
    rng: np.random.Generator,
    space: Grammar,
    site: Site,
    index: int,
    field: str,
) -> Child | None:
    gene = site.genes[index]
    domain = space.domains(type(gene))[field]
    old = int(gene.values[field])  # type: ignore[arg-type]
    wide = [n for n in range(old + 1, 2 * old + 1) if domain.contains(n)]
    for new in [wide[int(rng.integers(len(wide)))], 2 * old] if wide else []:
        if new not in wide:
            continue
        copies = _copies(old, new, rng)
        changed = dict(weights)
        changed[_name(gene, 0, 0)] = weights[_name(gene, 0, 0)][..., copies.source]
        if gene.normalization == "none":
            changed[_name(gene, 0, 1)] = weights[_name(gene, 0, 1)][copies.source]
        elif not _normalized(gene, 1, gene.normalization, copies, weights, changed):
            continue
        if not _fed(genome, space, site, index, copies, weights, changed):
            continue
        wider = gene.replace(**{field: new})
        genes = (*site.genes[:index], wider, *site.genes[index + 1 :])
        child = genome.replace(genes=rewritten(genome.genes, site, genes))
        if _valid(space, child):
            return child, changed
    return None


def _copies(old: int, new: int, rng: np.random.Generator) -> _Copies:
    if new == 2 * old:
        source = np.repeat(np.arange(old), 2)
    else:
        source = np.concatenate([np.arange(old), rng.choice(old, new - old, replace=False)])
    drawn = rng.uniform(0.5, 1.5, new)
    total = np.bincount(source, weights=drawn, minlength=old)
    return _Copies(source, drawn / total[source], new == 2 * old)


def _normalized(
    gene: Gene, place: int, kind: Any, copies: _Copies, weights: Weights, changed: dict[str, np.ndarray]
) -> bool:
    """Copy the channels of a normalization layer; whether its statistics stay what they were."""
    old = len(set(copies.source.tolist()))
    if kind == "layer" and not copies.doubled:
        return False
    if kind == "group" and not (copies.doubled and groups_of(old, GROUPS) == groups_of(len(copies.source), GROUPS)):
        return False
    number = 0
    while (name := _name(gene, place, number)) in weights:
        changed[name] = weights[name][copies.source]
        number += 1
    return True


def _fed(
    genome: Genome,
    space: Grammar,
    site: Site,
    index: int,
    copies: _Copies,
    weights: Weights,
    changed: dict[str, np.ndarray],
) -> bool:
    """Change the weights of what the widened layer feeds; False if that cannot be done."""
    whole = not site.address
    following = genome.genes[site.start + index + 1 :] if whole else site.genes[index + 1 :]
    for offset, gene in enumerate(following):
        if isinstance(gene, _CHANNELWISE):
            continue
        if isinstance(gene, Normalization):
            if not _once(gene, weights) or not _normalized(gene, 0, gene.kind, copies, weights, changed):
                return False
        elif isinstance(gene, Flatten) and whole:
            shape = flow_through(genome.genes[: site.start + index + 1 + offset], space.gene_shape)[0]
            copies = _flattened(copies, shape)
        elif isinstance(gene, SequenceReduce):
            copies = _reduced(gene, copies, weights, changed)
        elif type(gene) in WIDTH and _once(gene, weights):
            _split(_name(gene, 0, 0), copies, weights, changed)
            return True
        else:
            return False
    if not whole or "head.0/0" not in weights:
        return False
    _split("head.0/0", copies, weights, changed)
    return True


def _split(name: str, copies: _Copies, weights: Weights, changed: dict[str, np.ndarray]) -> None:
    kernel = weights[name]
    share = copies.share[:, None].astype(np.float64)
    changed[name] = (kernel[..., copies.source, :] * share).astype(kernel.dtype)


def _flattened(copies: _Copies, shape: Shape) -> _Copies:
    width = shape[-1]
    assert width is not None
    places = int(np.prod([n for n in shape[:-1] if n is not None], dtype=np.int64))
    source = (np.arange(places)[:, None] * width + copies.source[None, :]).reshape(-1)
    return _Copies(source, np.tile(copies.share, places), copies.doubled)


def _reduced(gene: SequenceReduce, copies: _Copies, weights: Weights, changed: dict[str, np.ndarray]) -> _Copies:
    if gene.kind == "attention":
        _split(_name(gene, 0, 0), copies, weights, changed)
    if gene.kind != "both":
        return copies
    width = int(copies.source.max()) + 1
    source = np.concatenate([copies.source, width + copies.source])
    return _Copies(source, np.tile(copies.share, 2), copies.doubled)


# -- deepening ------------------------------------------------------------------------------
def deepen(genome: Genome, weights: Weights, rng: np.random.Generator, space: Grammar) -> Child | None:
    """Insert a layer that passes on what it gets behind one of the same kind.

    Its kernel is the identity. Its activation is linear, or relu behind relu, which
    changes nothing either; its batch normalization, if it has one, undoes itself.

    Args:
        genome: a valid genome.
        weights: its weights by mark.
        rng: draws the place, the fields and the innovation number.
        space: the space that both genomes are in.

    Returns:
        Child and its weights; None if no layer can be inserted.
    """
    candidates = [
        (site, index)
        for site in sites(space, genome)
        if site.room
        for index, gene in enumerate(site.genes)
        if type(gene) in WIDTH and _once(gene, weights)
    ]
    for place in rng.permutation(len(candidates)):
        site, index = candidates[int(place)]
        gene = site.genes[index]
        fields = _identity_fields(space, gene, rng)
        if fields is None:
            continue
        inserted = gene.replace(innovation=new_innovation(rng), **fields)
        genes = (*site.genes[: index + 1], inserted, *site.genes[index + 1 :])
        child = genome.replace(genes=rewritten(genome.genes, site, genes))
        if _valid(space, child):
            width = int(gene.values[WIDTH[type(gene)]])  # type: ignore[arg-type]
            return child, {**weights, **_identity(inserted, width)}
    return None


def _identity_fields(space: Grammar, gene: Gene, rng: np.random.Generator) -> dict[str, Any] | None:
    """Fields of a layer that can be an identity behind ``gene``; None if the space allows none."""
    domains = space.domains(type(gene))
    activations = [name for name in ("linear", "relu") if domains["activation"].contains(name)]
    if gene.activation != "relu":
        activations = [name for name in activations if name == "linear"]
    normalizations = [name for name in ("none", "batch") if domains["normalization"].contains(name)]
    if not activations or not normalizations:
        return None
    fields: dict[str, Any] = {
        "activation": activations[int(rng.integers(len(activations)))],
        "normalization": normalizations[int(rng.integers(len(normalizations)))],
    }
    for name, neutral in (("strides", 1), ("dilation", 1), ("dropout", 0.0)):
        if name in domains:
            if not domains[name].contains(neutral):
                return None
            fields[name] = neutral
    return fields


def _identity(gene: Gene, width: int) -> dict[str, np.ndarray]:
    shape = _kernel_shape(gene, width)
    kernel = np.zeros(shape, np.float32)
    # With "same" padding of an even kernel the extra place is behind: the middle is the lower one.
    kernel[tuple((n - 1) // 2 for n in shape[:-2])] = np.eye(width, dtype=np.float32)
    return _linear(gene, kernel, scale=None)


# -- inserting ------------------------------------------------------------------------------
def insert_residual(genome: Genome, weights: Weights, rng: np.random.Generator, space: Grammar) -> Child | None:
    """Insert a residual block whose body gives 0, so that the block passes on what it gets.

    The body is one layer or two. The last one has weights of 0 (or, where the space
    wants it normalized, a scale of 0: Goyal et al. 2017, arXiv 1706.02677), and learns from there.

    Args:
        genome: a valid genome.
        weights: its weights by mark.
        rng: draws the place, the fields, fresh weights and the innovation numbers.
        space: the space that both genomes are in.

    Returns:
        Child and its weights; None if no block can be inserted.
    """
    candidates = list(_residual_places(space, genome))
    for place in rng.permutation(len(candidates)):
        site, position, shape, kind = candidates[int(place)]
        width = shape[-1]
        assert width is not None
        domains = space.domains(kind)
        if not domains[WIDTH[kind]].contains(width):
            continue
        last = _zero_fields(space, kind, rng)
        if last is None:
            continue
        added: dict[str, np.ndarray] = {}
        body: list[Gene] = []
        inner = width
        if rng.random() < 0.5:
            values: dict[str, Any] = {name: domain.sample(rng) for name, domain in domains.items()}
            values |= {"strides": 1} if "strides" in domains else {}
            first = kind(innovation=new_innovation(rng), **values)
            added |= _fresh(first, inner, rng)
            inner = int(first.values[WIDTH[kind]])  # type: ignore[arg-type]
            body.append(first)
        zero = kind(innovation=new_innovation(rng), **{**last, WIDTH[kind]: width})
        added |= _fresh(zero, inner, rng, scale=0.0)
        body.append(zero)
        block = Residual(innovation=new_innovation(rng), activation="linear", body=body)
        genes = (*site.genes[:position], block, *site.genes[position:])
        child = genome.replace(genes=rewritten(genome.genes, site, genes))
        if _valid(space, child):
            return child, {**weights, **added}
    return None


def _residual_places(space: Grammar, genome: Genome) -> Iterator[tuple[Site, int, Shape, type[Gene]]]:
    for site in sites(space, genome):
        limit = space.limits.nesting
        if site.address or not site.room or Residual not in site.stage.allowed(0, limit):
            continue
        for position in range(len(site.genes) + 1):
            shape = flow_through(genome.genes[: site.start + position], space.gene_shape)[0]
            kind: type[Gene] | None = {1: Dense, 2: SequenceConv, 3: Conv}.get(len(shape))
            if kind is not None and kind in site.stage.allowed(1, limit):
                yield site, position, shape, kind


def _zero_fields(space: Grammar, kind: type[Gene], rng: np.random.Generator) -> dict[str, Any] | None:
    """Fields of a layer that gives 0 and can learn; None if the space allows none."""
    domains = space.domains(kind)
    activations = [name for name in _THROUGH_ZERO if domains["activation"].contains(name)]
    if not activations:
        return None
    fields: dict[str, Any] = {name: domain.sample(rng) for name, domain in domains.items()}
    fields["activation"] = activations[0]
    if isinstance(domains["normalization"], Choice) and domains["normalization"].contains("none"):
        fields["normalization"] = "none"
    if "strides" in domains:
        if not domains["strides"].contains(1):
            return None
        fields["strides"] = 1
    return fields


# -- weights of one gene -----------------------------------------------------------------
def _name(gene: Gene, layer: int, weight: int) -> str:
    return f"{gene.innovation}.0.{layer}/{weight}"


def _once(gene: Gene, weights: Weights) -> bool:
    """Whether the gene was applied exactly once (not inside a repetition)."""
    return _name(gene, 0, 0) in weights and f"{gene.innovation}.1.0/0" not in weights


def _kernel_shape(gene: Gene, inputs: int) -> tuple[int, ...]:
    axes = {Dense: 0, SequenceConv: 1, Conv: 2}[type(gene)]  # type: ignore[index]
    area = () if axes == 0 else (int(gene.kernel),) * axes
    return (*area, inputs, int(gene.values[WIDTH[type(gene)]]))  # type: ignore[arg-type]


def _fresh(gene: Gene, inputs: int, rng: np.random.Generator, scale: float | None = None) -> dict[str, np.ndarray]:
    """Fresh weights (He et al. 2015, arXiv 1502.01852); with ``scale`` 0 of a layer that gives 0."""
    shape = _kernel_shape(gene, inputs)
    deviation = np.sqrt(2.0 / np.prod(shape[:-1]))
    kernel = (deviation * rng.standard_normal(shape)).astype(np.float32)
    if scale == 0.0 and gene.normalization == "none":
        kernel = np.zeros_like(kernel)
    return _linear(gene, kernel, 1.0 if scale is None else scale)


def _linear(gene: Gene, kernel: np.ndarray, scale: float | None) -> dict[str, np.ndarray]:
    """Weights of a linear layer and its normalization; a batch normalization undoes itself without ``scale``."""
    width = kernel.shape[-1]
    found = {_name(gene, 0, 0): kernel}
    zeros, ones = np.zeros(width, np.float32), np.ones(width, np.float32)
    if gene.normalization == "none":
        found[_name(gene, 0, 1)] = zeros
        return found
    statistics: Sequence[np.ndarray] = (zeros, ones) if gene.normalization == "batch" else ()
    gamma = ones * np.float32(np.sqrt(1.0 + _EPSILON) if scale is None else scale)
    for number, array in enumerate((gamma, zeros, *statistics)):
        found[_name(gene, 1, number)] = array
    return found


#: Keras' epsilon of batch normalization.
_EPSILON = 1e-3


def _valid(space: Grammar, genome: Genome) -> bool:
    try:
        space.validate(genome)
    except GenomeError:
        return False
    return True


#: All morphisms by name.
MORPHISMS: dict[str, Morphism] = {"deepen": deepen, "widen": widen, "insert_residual": insert_residual}
