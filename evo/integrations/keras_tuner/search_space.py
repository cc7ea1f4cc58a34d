"""KerasTuner's ``HyperParameters`` as one of evo's spaces, and genomes as values for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from genomes.costs import Cost
from genomes.genes.hyperparameters import Parameter, Rule, Values
from genomes.genome import Genome
from genomes.spaces.hypermodel.exploration import _to_domain
from genomes.spaces.hypermodel.space import HypermodelSpace


class OracleSpace(HypermodelSpace):
    """The space of an oracle's hyperparameters: nothing is built from it, and so it needs no hypermodel."""

    def __init__(self, parameters: Sequence[Parameter]) -> None:
        super().__init__(None, parameters)

    def cost(self, genome: Genome) -> Cost:
        """Unknown to an oracle, and so 0: it never sees a model."""
        return Cost()


def space_of(hyperparameters: Any, explored: Sequence[Parameter] = ()) -> OracleSpace:
    """The space of all hyperparameters that are known.

    Args:
        hyperparameters: KerasTuner's; their ranges count where exploration found others.
        explored: what exploration of ``build`` found: adds hyperparameters that no trial has reached yet, and the
            rules by which they exist.

    Raises:
        GenomeError: a hyperparameter of an unknown kind.
    """
    left = list(explored)
    found: list[Parameter] = []
    for hp in hyperparameters.space:
        conditions = tuple(Rule(c.name, tuple(c.values)) for c in hp.conditions)
        same = [p for p in left if p.name == hp.name and p.rules[: len(conditions)] == conditions]
        rules = conditions
        if same:
            # Of several the one with the fewest rules beyond the conditions is the same hyperparameter.
            known = min(same, key=lambda p: len(p.rules))
            left.remove(known)
            rules = known.rules
        found.append(Parameter(hp.name, _to_domain(hp), rules))
    return OracleSpace(_parents_first([*found, *left]))


def _parents_first(parameters: list[Parameter]) -> list[Parameter]:
    placed: list[Parameter] = []
    waiting = list(parameters)
    while waiting:
        names = {p.name for p in waiting}
        ready = [p for p in waiting if not any(r.parent in names and r.parent != p.name for r in p.rules)]
        placed += ready or waiting[:1]
        waiting = [p for p in waiting if p not in placed]
    return placed


def values_for(hyperparameters: Any, chosen: Values) -> Values:
    """A value for every hyperparameter that KerasTuner holds for active.

    What a genome has no value for is not used by ``build`` with these values: it is at its default, where KerasTuner
    itself would draw one.

    Args:
        hyperparameters: KerasTuner's; a copy of them is changed.
        chosen: the genome's values; those that KerasTuner does not know yet are kept as well.
    """
    hps = hyperparameters.copy()
    hps.values = dict(chosen)
    for hp in hps.space:
        if hps.is_active(hp):
            hps.values.setdefault(hp.name, hp.default)
    return dict(hps.values)
