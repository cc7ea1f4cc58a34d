"""What differs between two genomes, in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from genomes.gene import Gene
from genomes.genes.hyperparameters import ChosenValues
from genomes.genome import Genome


def changes(before: Genome, after: Genome) -> list[str]:
    """What became of a genome, one entry per gene and field.

    Genes are told by their innovation numbers, which they keep through mutation and crossover; where several share one
    (a space without numbers, a repeated block), by their place.

    Args:
        before: the parent.
        after: the child.

    Returns:
        ``"Dense.units 32 → 64"``, ``"new Dense(units=16)"``, ``"without Dropout"``, ``"Conv became SeparableConv"``,
        ``"Conv moved"``, training settings last; empty where both build the same.
    """
    old, new = _by_identity(before), _by_identity(after)
    found = [f"without {type(old[key][1]).__name__}" for key in old if key not in new]
    for key, (_, gene) in new.items():
        if key not in old:
            found.append(
                f"new {type(gene).__name__}({', '.join(f'{n}={_short(v)}' for n, v in _values(gene).items())})"
            )
        else:
            found += _differences(old[key][1], gene)
    # What stands between the others unchanged has not moved.
    kept = [key for key in old if key in new]
    order = [key for key in new if key in old]
    found += [f"{type(new[key][1]).__name__} moved" for key in _moved(kept, order)]
    if before.training is not None and after.training is not None:
        found += _differences(before.training, after.training)
    return found


def _by_identity(genome: Genome) -> dict[Any, tuple[str, Gene]]:
    """Genes with their paths, by innovation where that is one gene's alone."""
    walked = list(genome.walk())
    numbers = [gene.innovation for _, gene in walked]
    return {
        (gene.innovation if gene.innovation and numbers.count(gene.innovation) == 1 else path): (path, gene)
        for path, gene in walked
    }


def _values(gene: Gene) -> dict[str, Any]:
    """Fields by name; a field that holds named values gives each of them."""
    found: dict[str, Any] = {}
    for name, value in gene.values.items():
        domain = gene.fields[name]
        found |= domain.parts(value) if isinstance(domain, ChosenValues) else {name: value}
    return found


def _differences(before: Gene, after: Gene) -> list[str]:
    if type(before) is not type(after):
        return [f"{type(before).__name__} became {type(after).__name__}"]
    old, new = _values(before), _values(after)
    prefix = "" if any(isinstance(domain, ChosenValues) for domain in after.fields.values()) else type(after).__name__
    named = {name: f"{prefix}.{name}" if prefix else name for name in [*old, *new]}
    return [
        f"{named[name]} {_place(old, name)} → {_place(new, name)}"
        for name in dict.fromkeys([*old, *new])
        if _place(old, name) != _place(new, name)
    ]


def _place(values: Mapping[str, Any], name: str) -> str:
    return _short(values[name]) if name in values else "–"


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _moved(before: Iterable[Any], after: Iterable[Any]) -> list[Any]:
    """The fewest keys that must move to turn one order into the other: all but a longest common subsequence."""
    first, second = list(before), list(after)
    longest: list[list[list[Any]]] = [[[] for _ in range(len(second) + 1)] for _ in range(len(first) + 1)]
    for i, one in enumerate(first):
        for j, other in enumerate(second):
            if one == other:
                longest[i + 1][j + 1] = [*longest[i][j], one]
            else:
                longest[i + 1][j + 1] = max(longest[i][j + 1], longest[i + 1][j], key=len)
    stays = longest[-1][-1]
    return [key for key in second if key not in stays]
