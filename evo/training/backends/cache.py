"""Compiled engines that a worker keeps, and when one serves another trial.

Tracing is most of what a small candidate costs. An engine serves again:

- for the very same genome (a promoted trial, the same genome with
  another seed): known before anything is built;
- for a model of the same structure whose numbers differ (learning rate and
  its schedule, weight decay, dropout rates, weights): the new model is
  built, which is quick, its weights and numbers are put into the engine
  (:mod:`evo.training.backends.structure` says what is proven equal).

What an engine computes depends on its arguments alone: with and without the
cache results are the same to the bit.
"""

from __future__ import annotations

import gc
import hashlib
import json
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from evo.training.backends.engine import Engine

#: Engines that a process keeps.
_KEPT = 6
#: Engines that go before garbage is collected.
_COLLECT_EVERY = 4


class EngineCache:
    """The engines of one process, the most recently used last."""

    def __init__(self, kept: int = _KEPT) -> None:
        self.kept = kept
        self.hits = 0
        self._dropped = 0
        self._engines: OrderedDict[str, tuple[Engine, set[str]]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._engines)

    def for_genome(self, genome_key: str) -> Engine | None:
        """The engine that trained this very genome last, or None."""
        for structure, (engine, last) in self._engines.items():
            if genome_key in last:
                self._engines.move_to_end(structure)
                self.hits += 1
                return engine
        return None

    def for_structure(self, structure: str | None, genome_key: str) -> Engine | None:
        """The engine of a model of this structure, or None; it is the engine of that genome from now on."""
        if structure is None or structure not in self._engines:
            return None
        engine, last = self._engines[structure]
        last.clear()
        last.add(genome_key)
        self._engines.move_to_end(structure)
        self.hits += 1
        return engine

    def put(self, structure: str | None, genome_key: str, engine: Engine) -> None:
        """Keep an engine; the one that was used least recently goes."""
        self._engines[structure if structure is not None else f"genome {genome_key}"] = (engine, {genome_key})
        while len(self._engines) > self.kept:
            self._engines.popitem(last=False)
            self._dropped += 1
            if self._dropped % _COLLECT_EVERY == 0:
                # Graphs and models are full of cycles; Python alone would let many of them gather.
                gc.collect()

    def drop(self, engine: Engine) -> None:
        """Forget an engine: it failed in the middle of something."""
        for structure, (known, _) in list(self._engines.items()):
            if known is engine:
                del self._engines[structure]

    def clear(self) -> None:
        """Forget all engines."""
        self._engines.clear()


def genome_key(space: Mapping[str, Any], genome: Mapping[str, Any], context: Any) -> str:
    """Key of a genome exactly as it is written (innovation numbers name weights), and of its context."""
    return digest([space, genome, context])


def digest(parts: Any) -> str:
    """Short name of anything that JSON can hold; equal for equal parts."""
    text = json.dumps(parts, sort_keys=True, default=repr)
    return hashlib.sha256(text.encode()).hexdigest()
