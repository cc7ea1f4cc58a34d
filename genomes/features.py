"""Genomes as numbers of a fixed length, for surrogates.

Per gene class of the space: how many there are, and the mean place of each
field in its domain ([0, 1]; the default's where the class does not occur).
Per training setting: its place in its domain. For the whole: number of
genes, deepest nesting, logarithms of parameters and FLOPs.
"""

from __future__ import annotations

import math

import numpy as np

from genomes.domains import Choice, Domain, Value
from genomes.gene import Gene
from genomes.genome import Genome
from genomes.grammar import Grammar

#: Divisors that bring counts and logarithms to about [0, 1].
_COUNT, _LOG_PARAMETERS, _LOG_FLOPS = 8.0, math.log(1e8), math.log(1e11)


def _width(domain: Domain) -> int:
    """Numbers that a field takes: one, or one per value of an unordered choice of three or more."""
    unordered = isinstance(domain, Choice) and not domain.ordered and len(domain.values) > 2
    return len(domain.values) if unordered and isinstance(domain, Choice) else int(domain.size != 1)


def _numbers(domain: Domain, value: Value) -> list[float]:
    width = _width(domain)
    if width == 0:
        return []
    if width == 1:
        return [domain.to_unit(value)]
    assert isinstance(domain, Choice)
    return [1.0 if known == value else 0.0 for known in domain.values]


def _names(prefix: str, domain: Domain) -> list[str]:
    width = _width(domain)
    if width == 0:
        return []
    if width == 1:
        return [prefix]
    assert isinstance(domain, Choice)
    return [f"{prefix}={value}" for value in domain.values]


def feature_names(space: Grammar) -> tuple[str, ...]:
    """Names of :func:`features`, in order."""
    names = ["genes", "nesting", "log parameters", "log flops"]
    for kind in space.gene_classes:
        names.append(kind.__name__)
        for field, domain in space.domains(kind).items():
            names += _names(f"{kind.__name__}.{field}", domain)
    for field, domain in space.domains(space.training).items():
        names += _names(f"training.{field}", domain)
    return tuple(names)


def features(space: Grammar, genome: Genome) -> np.ndarray:
    """The numbers of a valid genome's phenotype: float64, shape (len(feature_names(space)),)."""
    genome = genome.canonical()
    cost = space.cost(genome)
    by_kind: dict[str, list[Gene]] = {}
    genes = nesting = 0
    for path, gene in genome.walk():
        by_kind.setdefault(type(gene).__name__, []).append(gene)
        genes += 1
        nesting = max(nesting, path.count("."))
    numbers = [
        genes / (4 * _COUNT),
        nesting / 2,
        math.log(cost.parameters + 1) / _LOG_PARAMETERS,
        math.log(cost.flops + 1) / _LOG_FLOPS,
    ]
    for kind in space.gene_classes:
        found = by_kind.get(kind.__name__, [])
        numbers.append(len(found) / _COUNT)
        for field, domain in space.domains(kind).items():
            values = [gene.values[field] for gene in found] or [domain.default]
            rows = [_numbers(domain, value if domain.contains(value) else domain.default) for value in values]
            numbers += [sum(column) / len(rows) for column in zip(*rows, strict=True)]
    assert genome.training is not None
    for field, domain in space.domains(space.training).items():
        value = genome.training.values[field]
        numbers += _numbers(domain, value if domain.contains(value) else domain.default)
    return np.asarray(numbers, dtype=np.float64)
