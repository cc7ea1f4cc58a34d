"""MAP-Elites: an archive of the best models of every kind, instead of the best model."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from evo.algorithms.algorithm import Algorithm, Step
from evo.algorithms.designs import CostBlind, InitialDesign
from evo.algorithms.ladder import Ladder
from evo.algorithms.new_phenotypes import NewPhenotypes
from evo.algorithms.phenotypes import Keys, Phenotype, PhenotypeFold, phenotypes
from evo.algorithms.problem import Problem
from evo.algorithms.ranking import best_first, evaluated
from evo.algorithms.toolbox import Candidate, Operators
from evo.core.checks import whole_number
from evo.core.errors import SettingsError
from evo.core.history import History
from evo.core.trial import Proposal, Trial
from genomes.gene import Gene
from genomes.slots import Genes
from genomes.spaces.base import Space

#: One coordinate per descriptor; None where a trial does not have it.
Cell = tuple[int | None, ...]

#: What a model may be described by.
DESCRIPTORS = ("parameters", "flops", "depth", "latency")


@dataclass(frozen=True)
class MapElites(Algorithm):
    """MAP-Elites (Mouret & Clune 2015, arXiv 1504.04909): the best model of every kind, by variation of all of them.

    A kind is a cell of a grid over what models are described by. Parameters, operations and latency are divided at
    powers of two, so that no range has to be known beforehand and a cell's models differ by less than a factor
    of two; a depth is a cell of its own. The archive holds the best completed trial of every cell. After an initial
    design, each proposal is a mutant of an elite that is drawn uniformly from the archive, trained to the full length.
    :meth:`archive` reads the elites off a history: models to deploy where one is too large, and unlike
    members for an ensemble.

    Args:
        initial: genomes to train first.
        descriptors: what kinds of models differ in: ``parameters``, ``flops``, ``depth`` (layers on the longest path,
            those that repeat counted once), ``latency`` (where the campaign measures it; the others have one kind).
        design: genomes that are trained before anything is bred.

    Example:
        >>> MapElites(descriptors=("parameters", "depth")).descriptors
        ('parameters', 'depth')
    """

    descriptors: tuple[str, ...] = ("parameters", "depth", "latency")
    design: int = 10

    def __post_init__(self) -> None:
        super().__post_init__()
        given = (self.descriptors,) if isinstance(self.descriptors, str) else tuple(self.descriptors)
        object.__setattr__(self, "descriptors", given)
        unknown = [name for name in given if name not in DESCRIPTORS]
        if not given or unknown or len(set(given)) != len(given):
            raise SettingsError(f"descriptors: expected some of {', '.join(DESCRIPTORS)}, each once, got {given!r}")
        whole_number(self.design, "design", 1)

    def bind(self, problem: Problem) -> Step:
        """The callable that proposes the design, then mutants of elites; it never waits."""
        keys, ladder, design = Keys(problem.space), Ladder((problem.epochs,)), InitialDesign(self.design, CostBlind())
        fold = PhenotypeFold(keys)

        def propose(history: History, rng: np.random.Generator) -> Proposal | None:
            found = fold(history)
            new = NewPhenotypes(problem.space, keys, history, found.keys())
            with problem.operators(history, rng) as operators:
                candidate = new.given(self.initial)
                if candidate is None and len(found) < self.design:
                    candidate = design.next(new, operators)
                elif candidate is None:
                    candidate = self._mutant(new, operators, found.values()) or new.drawn(operators)
            return new.proposal(candidate, ladder.start)

        return propose

    def archive(self, history: History, space: Space) -> dict[Cell, int]:
        """The elite of every cell that is filled: numbers of trials, the best trial first.

        Args:
            history: of any algorithm's campaign.
            space: says which genomes are one phenotype.

        Returns:
            By cell: per descriptor the logarithm to base 2, rounded down, or the depth; None where it is not known.
        """
        return self._elites(history, phenotypes(history, Keys(space)).values())

    def _elites(self, history: History, found: Iterable[Phenotype]) -> dict[Cell, int]:
        elites: dict[Cell, int] = {}
        # Scores after unlike lengths of training do not compare: only the longest count.
        trained = [p for p in found if p.best is not None and not p.failed]
        longest = max((p.reached for p in trained), default=0)
        for number in best_first(history, [p.best for p in trained if p.best is not None and p.reached == longest]):
            elites.setdefault(cell(history[number], self.descriptors), number)
        return elites

    def _mutant(self, new: NewPhenotypes, operators: Operators, found: Iterable[Phenotype]) -> Candidate | None:
        """A new mutant of a random elite; None if there is none."""
        elites = [evaluated(new.history, number) for number in self._elites(new.history, found).values()]
        if not elites:
            return None

        def brood() -> Iterable[Candidate]:
            parent = elites[int(operators.rng.integers(len(elites)))]
            return operators.mutate(operators.clone(parent))

        return new.bred(brood)


def cell(trial: Trial, descriptors: Sequence[str]) -> Cell:
    """The cell that a completed trial belongs to; see :class:`MapElites`."""
    return tuple(_coordinate(trial, name) for name in descriptors)


def _coordinate(trial: Trial, name: str) -> int | None:
    if name == "depth":
        return depth(trial.genome.genes)
    value = None if trial.outcome is None else trial.outcome.value(name)
    return math.floor(math.log2(value)) if value is not None and 0 < value < math.inf else None


def depth(genes: Iterable[Gene]) -> int:
    """Layers on the longest path through a sequence of genes; a gene that contains others counts as these do."""
    return sum(_layers(gene) for gene in genes)


def _layers(gene: Gene) -> int:
    if not gene.slots:
        return 1
    paths = [0]
    for slot, declared in gene.slots.items():
        inside = getattr(gene, slot)
        paths += [depth(inside)] if isinstance(declared, Genes) else [depth(branch) for branch in inside]
    return max(paths)
