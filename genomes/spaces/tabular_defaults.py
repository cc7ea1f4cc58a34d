"""The best known default net for tables, and the domains of its training settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from genomes.costs import flow_through
from genomes.domains import Choice, Domain, Value
from genomes.gene import Gene
from genomes.genes.layers import Dropout
from genomes.genes.neural_tangent import NeuralTangentDense
from genomes.genes.periodic_embedding import PeriodicEmbedding
from genomes.genome import Genome
from genomes.grammar import GenomeLimits, default_gene
from genomes.spaces.encoded import training_domains
from genomes.targets import Target
from genomes.targets.classifier import Classifier

#: Activations of ordinary layers.
ACTIVATIONS = ["relu", "gelu", "swish", "elu", "selu"]

#: Layers of the default net.
_DEPTH = 3
#: What RealMLP has (Holzmüller, Grinsztajn & Steinwart 2024, arXiv 2407.04491, table A.1), in units of
#: :data:`genomes.genes.rate_factors.RATE_FACTOR`: learning rates 0.2 and 0.04, weight decay 0.02 of them.
_SETTINGS: Mapping[str, Value] = {"batch_size": 256, "weight_decay": 1.0, "label_smoothing": 0.1, "warmup": 0.0}
_REGRESSION: Mapping[str, Value] = {**_SETTINGS, "learning_rate": 0.004}
_CLASSES: Mapping[str, Value] = {**_SETTINGS, "learning_rate": 0.0008}
_DROPOUT = 0.15


def settings_domains(target: Target) -> dict[str, Domain]:
    """Domains of :class:`genomes.genes.training.TabularTraining` for tables."""
    return {
        **training_domains(target),
        "optimizer": Choice(["adam", "nadam", "rmsprop", "lion", "sgd", "muon"]),
        "weight_decay": Choice([0.0, 1e-3, 1e-2, 3e-2, 0.1, 0.3, 1.0], default=1e-2),
        "schedule": Choice(["constant", "log-cosine"], default="log-cosine"),
        "second_momentum": Choice([0.0, 0.95, 0.99], default=0.95),
    }


def default_genome(
    domains: Mapping[str, Mapping[str, Domain]], target: Target, training: Gene, limits: GenomeLimits
) -> Genome:
    """RealMLP's tuned defaults ("RealMLP-TD") as far as the space's domains and limits have room for them.

    Regression is without RealMLP's dropout: there it falls to 0 during a training, and as a constant it is worse
    than none (docs/decisions/genomes.md).

    Of a table so wide that this net passes the limits, first the periodic functions are left out, then layers
    become narrower.

    Args:
        domains: the space's, by class of gene and field.
        target: what is predicted.
        training: settings with the domains' defaults.
        limits: of the space.
    """
    classes = isinstance(target, Classifier)
    activation = "selu" if classes else "mish"
    settings = _CLASSES if classes else _REGRESSION
    fields = domains[type(training).__name__]
    training = training.replace(**_possible(fields, settings))
    first = default_gene(PeriodicEmbedding, domains, 1)
    units = int(domains["NeuralTangentDense"]["units"].default)  # type: ignore[arg-type]
    dropout = _possible(domains["Dropout"], {"rate": _DROPOUT})
    shape = (first.row,)

    def net(units: int, first: Gene) -> Genome:
        genes = [first]
        dense = _possible(domains["NeuralTangentDense"], {"activation": activation, "units": units})
        for layer in range(_DEPTH):
            genes.append(default_gene(NeuralTangentDense, domains, 2 + 2 * layer, **dense))
            if classes:
                genes.append(default_gene(Dropout, domains, 3 + 2 * layer, **dropout))
        return Genome(genes, training)

    found = net(units, first)
    plain = first.replace(**_possible(domains["PeriodicEmbedding"], {"frequencies": 0}))
    while not _within(found, shape, target, limits) and units > 1:
        found = net(units, plain)
        units //= 2
    return found


def _possible(domains: Mapping[str, Domain], values: Mapping[str, Value]) -> dict[str, Any]:
    """Those of the values that their domains have."""
    return {name: value for name, value in values.items() if name in domains and domains[name].contains(value)}


def parameters_of(genome: Genome, shape: tuple[int, ...], target: Target) -> int:
    """Weights of a genome's model, with its head.

    Args:
        genome: of the space.
        shape: of an encoded row.
        target: what is predicted.
    """
    after, cost = flow_through(genome.genes, shape)
    return int(cost.parameters + target.head_cost(int(after[0] or 0))[0])


def _within(genome: Genome, shape: tuple[int, ...], target: Target, limits: GenomeLimits) -> bool:
    after, cost = flow_through(genome.genes, shape)
    parameters, flops = target.head_cost(int(after[0] or 0))
    return (limits.parameters is None or cost.parameters + parameters <= limits.parameters) and (
        limits.flops is None or cost.flops + flops <= limits.flops
    )
