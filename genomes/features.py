"""Genomes as numbers of a fixed length, for surrogates.

Per gene class of the space: how many there are, and the mean place of each
field in its domain ([0, 1]; the default's where the class does not occur).
Per training setting: its place in its domain. For the whole: number of
genes, deepest nesting, logarithms of parameters and FLOPs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from genomes.domains import Choice, Domain, Value
from genomes.gene import Gene
from genomes.genome import Genome
from genomes.grammar import Grammar

#: Divisors that bring counts and logarithms to about [0, 1].
_COUNT, _LOG_PARAMETERS, _LOG_FLOPS = 8.0, math.log(1e8), math.log(1e11)


def _one_hot(domain: Domain) -> Sequence[Value] | None:
    """The values of an unordered choice of three or more, which take a number each; None for other domains."""
    if isinstance(domain, Choice) and not domain.ordered and len(domain.values) > 2:
        return domain.values
    return None


def numbers_of(domain: Domain, value: Value) -> list[float]:
    """A value as numbers: its place in its domain, or one-hot for an unordered choice of three or more.

    Args:
        domain: the domain; one of a single value gives no number.
        value: a value of it.
    """
    if domain.size == 1:
        return []
    values = _one_hot(domain)
    if values is None:
        return [domain.to_unit(value)]
    index = int(domain.to_unit(value) * len(values))
    return [1.0 if place == index else 0.0 for place in range(len(values))]


def number_names(prefix: str, domain: Domain) -> list[str]:
    """Names of :func:`numbers_of`: the prefix, with ``=value`` behind it where a choice is one-hot."""
    if domain.size == 1:
        return []
    values = _one_hot(domain)
    return [prefix] if values is None else [f"{prefix}={value}" for value in values]


def feature_names(space: Grammar) -> tuple[str, ...]:
    """Names of :func:`features`, in order."""
    names = ["genes", "nesting", "log parameters", "log flops"]
    for kind in space.gene_classes:
        names.append(kind.__name__)
        for field, domain in space.domains(kind).items():
            names += number_names(f"{kind.__name__}.{field}", domain)
    for field, domain in space.domains(space.training).items():
        names += number_names(f"training.{field}", domain)
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
            rows = [numbers_of(domain, value if domain.contains(value) else domain.default) for value in values]
            numbers += [sum(column) / len(rows) for column in zip(*rows, strict=True)]
    assert genome.training is not None
    for field, domain in space.domains(space.training).items():
        value = genome.training.values[field]
        numbers += numbers_of(domain, value if domain.contains(value) else domain.default)
    return np.asarray(numbers, dtype=np.float64)
