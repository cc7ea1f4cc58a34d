"""Genomes as people look at them: one short line, and HTML in which every gene is a block."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from html import escape

from genomes.domains import Value
from genomes.gene import Gene
from genomes.slots import Genes

#: Fields of training settings that the short line names, where there are such.
_TRAINING = ("optimizer", "learning_rate")
_ROW = "display:flex;flex-wrap:wrap;align-items:center;gap:4px"
_BLOCK = "border:1px solid currentColor;border-radius:4px;padding:2px 6px;margin:2px 0"


def summary(genes: Sequence[Gene], training: Gene | None = None) -> str:
    """One short line: every gene by its name and its first number, equal neighbours counted.

    Genomes of one gene that holds values and no layers (tables, hypermodels) give these values by name.

    Args:
        genes: the architecture, in order.
        training: the training settings; of these the optimizer and its rate are named.
    """
    genes = tuple(genes)
    if len(genes) == 1 and not genes[0].slots and training is None:
        return ", ".join(f"{name}={_short(value)}" for name, value in genes[0].values.items())
    if training is None:
        return _names(genes)
    known = [_short(training.values[name]) for name in _TRAINING if name in training.values]
    return f"{_names(genes)}; {' '.join(known)}" if known else _names(genes)


def blocks(genes: Sequence[Gene], training: Gene | None = None) -> str:
    """HTML: a block per gene from input to head, genes inside others inside their blocks, training settings below.

    Args:
        genes: the architecture, in order.
        training: the training settings.
    """
    settings = "" if training is None else f"<div><small>training: {_fields(training, ', ')}</small></div>"
    return f'<div style="font-size:small;line-height:1.3">{_sequence(genes)}{settings}</div>'


def _names(genes: Sequence[Gene]) -> str:
    parts = []
    for name, run in itertools.groupby(map(_name, genes)):
        count = len(list(run))
        parts.append(name if count == 1 else f"{count} x {name}")
    return ", ".join(parts)


def _name(gene: Gene) -> str:
    values = list(gene.values.values())
    name = type(gene).__name__
    numbered = bool(values) and isinstance(values[0], (int, float)) and not isinstance(values[0], bool)
    if numbered or (len(values) == 1 and not gene.slots):
        name += f" {_short(values[0])}"
    for slot, branches in _slots(gene):
        del slot
        name += f"[{' | '.join(_names(branch) for branch in branches)}]"
    return name


def _slots(gene: Gene) -> list[tuple[str, Sequence[Sequence[Gene]]]]:
    """The slots of a gene, each as a sequence of branches."""
    return [
        (slot, (getattr(gene, slot),) if isinstance(declared, Genes) else getattr(gene, slot))
        for slot, declared in gene.slots.items()
    ]


def _sequence(genes: Sequence[Gene]) -> str:
    arrow = '<span aria-hidden="true">→</span>'
    return f'<div style="{_ROW}">{arrow.join(map(_block, genes)) or "nothing"}</div>'


def _block(gene: Gene) -> str:
    inner = "".join(_sequence(branch) for _, branches in _slots(gene) for branch in branches)
    shown = _fields(gene, "<br>")
    values = f"<br><small>{shown}</small>" if shown else ""
    return f'<div style="{_BLOCK}"><strong>{escape(type(gene).__name__)}</strong>{values}{inner}</div>'


def _fields(gene: Gene, between: str) -> str:
    return between.join(escape(f"{name} {_short(value)}") for name, value in gene.values.items())


def _short(value: Value) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
