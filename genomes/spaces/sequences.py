"""What spaces of sequences share: genes, domains, stages, the premade genomes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from genomes.domains import Boolean, Choice, Domain, Fixed, Float, Int
from genomes.gene import Gene
from genomes.genes.blocks import Residual
from genomes.genes.layers import Dense, Dropout, Normalization, SpatialDropout
from genomes.genes.sequence import (
    Attention,
    PositionEncoding,
    Recurrent,
    SequenceConv,
    SequencePool,
    SequenceReduce,
    TransformerEncoder,
)
from genomes.genes.training import Training
from genomes.genome import Genome
from genomes.grammar import Stage, default_gene, training_class
from genomes.spaces.encoded import training_domains
from genomes.targets import Target

BODY = (
    SequenceConv,
    SequencePool,
    Recurrent,
    TransformerEncoder,
    Attention,
    PositionEncoding,
    SpatialDropout,
    Residual,
)
#: Attention by itself forgets what a step was: it stands in residuals, and in transformer blocks.
INSIDE = (SequenceConv, Recurrent, Attention, Normalization, SpatialDropout)
TAIL = (Dense, Dropout)
WEIGHTS = {
    "SequenceConv": 5.0,
    "SequencePool": 2.0,
    "Recurrent": 2.0,
    "TransformerEncoder": 1.5,
    "Attention": 0.5,
    "PositionEncoding": 0.5,
    "SpatialDropout": 0.7,
    "Residual": 1.5,
    "Normalization": 0.5,
    "Dense": 2.0,
    "Dropout": 1.0,
}


def stages(
    first: tuple[Stage, ...],
    genes: Sequence[type[Gene]],
    recurrent: bool,
    reductions: tuple[type[Gene], ...] = (SequenceReduce,),
) -> tuple[Stage, ...]:
    """Stages of a sequence space, after those that are its own.

    Args:
        first: its own stages.
        genes: gene classes of a user.
        recurrent: whether recurrent layers may occur.
        reductions: genes that make a vector of a sequence.
    """
    body = tuple(kind for kind in BODY if recurrent or kind is not Recurrent)
    inside = tuple(kind for kind in INSIDE if recurrent or kind is not Recurrent)
    steps = tuple(kind for kind in genes if kind.input_ranks is None or 2 in kind.input_ranks)
    vector = tuple(kind for kind in genes if kind.input_ranks is not None and 1 in kind.input_ranks)
    weights = {**WEIGHTS, **{kind.__name__: 5.0 for kind in genes if kind.__name__ not in WEIGHTS}}
    return (
        *first,
        Stage("body", (*body, *steps), 0, 8, (*inside, *steps), weights),
        Stage("reduction", reductions, 1, 1, ()),
        Stage("tail", (*TAIL, *vector), 0, 4, (), weights),
    )


def domains(target: Target, length: int, units: int, recurrent: bool) -> dict[str, dict[str, Domain]]:
    """Domains of a sequence space's genes.

    Args:
        target: what is predicted.
        length: steps of a sequence.
        units: most channels of a layer.
        recurrent: whether recurrent layers may occur.
    """
    low, middle = min(8, units), min(64, units)
    heads = Choice([1, 2, 4, 8], default=4)
    widest = min(64, max(8, units))
    key = Int(4, widest, log=True, default=min(16, widest))
    kernels = [k for k in (1, 3, 5, 7, 9, 15, 31) if k == 1 or k <= max(3, length // 2)]
    rate = Float(0.0, 0.5, step=0.05)
    found: dict[str, dict[str, Domain]] = {
        "SequenceConv": {
            "filters": Int(low, units, log=True, default=middle),
            "kernel": Choice(kernels, default=3),
            "dilation": Choice([1, 2, 4]) if length >= 16 else Fixed(1),
            "normalization": Choice(["none", "batch", "layer"], default="batch", ordered=False),
            "activation": Choice(["relu", "gelu", "swish"], ordered=False),
            "dropout": rate,
        },
        "SequencePool": {"steps": Choice([2, 3, 4]) if length >= 8 else Fixed(2)},
        "TransformerEncoder": {
            "heads": heads,
            "key_dimension": key,
            "dropout": Float(0.0, 0.5, step=0.05, default=0.1),
        },
        "Attention": {"heads": heads, "key_dimension": key, "dropout": rate},
        "SpatialDropout": {"rate": Float(0.0, 0.5, step=0.05, default=0.1)},
        "Residual": {"activation": Fixed("linear")},
        "Normalization": {"kind": Fixed("layer")},
        "Dense": {
            "units": Int(low, units, log=True, default=middle),
            "normalization": Choice(["none", "batch", "layer"], ordered=False),
            "activation": Choice(["relu", "gelu", "swish"], ordered=False),
        },
        "Dropout": {"rate": Float(0.0, 0.6, step=0.05, default=0.2)},
        "Training": training_domains(target, (16, 32, 64, 128, 256)),
    }
    if recurrent:
        found["Recurrent"] = {
            "units": Int(low, min(units, 256), log=True, default=middle),
            "bidirectional": Boolean(default=True),
            "dropout": rate,
        }
    return found


def genome(own: Mapping[str, Mapping[str, Domain]], genes: Sequence[Gene]) -> Genome:
    """These genes with the default training settings of the space's domains."""
    return Genome(genes, default_gene(training_class(Training, own), own, 0))
