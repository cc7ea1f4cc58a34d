"""Compiled engines that a worker keeps, and when one serves another trial.

Tracing is most of what a small candidate costs. An engine serves again:

- for the very same genome (a promoted trial, the same genome with
  another seed): known before anything is built;
- for a model of the same structure whose numbers differ (learning rate and
  its schedule, weight decay, dropout rates, weights): the new model is
  built, which is quick, its weights and numbers are put into the engine.

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

import numpy as np

from evo.training.backends.engine import Engine, Recipe
from genomes.genome import Genome
from genomes.spaces.base import Space

#: Engines that a process keeps.
_KEPT = 6
#: Engines that go before garbage is collected.
_COLLECT_EVERY = 4
#: Fields of training genes that come in as numbers, step by step.
_NUMBERS = ("learning_rate", "schedule", "warmup", "decay", "weight_decay")


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
    return _digest([space, genome, context])


def structure_key(recipe: Recipe, context: Any) -> str | None:
    """Key of all that is fixed in a compiled function; None where that cannot be told.

    Layers that are neither Keras' nor genomes' may hold what their config
    does not tell: with one of them, only the very same genome matches.

    Args:
        recipe: what is to be trained.
        context: data, policy, devices: anything that JSON can hold.
    """
    model, genome = recipe.model, recipe.genome
    own = [layer for layer in model._flatten_layers() if not type(layer).__module__.startswith(("keras.", "genomes."))]
    if own:
        return None
    try:
        config = model.get_config()
    except Exception:
        return None
    inner = getattr(recipe.optimizer, "inner_optimizer", recipe.optimizer)
    optimizer = inner.get_config()
    optimizer["weight_decay"] = bool(optimizer.get("weight_decay"))
    optimizer.pop("learning_rate", None)
    excluded = getattr(inner, "_exclude_from_weight_decay_pattern", None)
    return _digest(
        [
            _without_numbers(config),
            type(recipe.optimizer).__name__,
            type(inner).__name__,
            optimizer,
            getattr(excluded, "pattern", None),
            recipe.batch_size,
            _loss(recipe),
            _augmentation(recipe.space, genome),
            bool(recipe.space.needs_soft_targets(genome)),
            type(recipe.space).__qualname__,
            context,
        ]
    )


def _without_numbers(config: Any) -> Any:
    """A model's config without the rates of dropout and without seeds."""
    if isinstance(config, Mapping):
        kept = {key: _without_numbers(value) for key, value in config.items() if key not in ("seed", "build_config")}
        if str(config.get("class_name", "")).endswith(("Dropout", "Dropout1D", "Dropout2D", "Dropout3D")) and (
            config.get("module") == "keras.layers"
        ):
            rate = kept["config"].get("rate", 0)
            kept["config"]["rate"] = "a number" if 0 < rate < 1 else rate
        return kept
    if isinstance(config, (list, tuple)):
        return [_without_numbers(value) for value in config]
    return config


def _loss(recipe: Recipe) -> Any:
    loss = recipe.space.loss(recipe.genome)
    parts = loss if isinstance(loss, Mapping) else {"": loss}
    return {name: [type(part).__qualname__, part.get_config()] for name, part in parts.items()}


def _augmentation(space: Any, genome: Genome) -> Any:
    """What may be fixed in the graph by ``space.augment``."""
    if type(space).augment is Space.augment or genome.training is None:
        return None
    gene = genome.training.canonical()[0]
    return {name: value for name, value in gene.values.items() if name not in _NUMBERS}


def _digest(parts: Any) -> str:
    text = json.dumps(parts, sort_keys=True, default=_as_json_text)
    return hashlib.sha256(text.encode()).hexdigest()


def _as_json_text(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"{value.dtype}{value.shape}{hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest()}"
    if hasattr(value, "get_config"):
        return json.dumps([type(value).__qualname__, value.get_config()], sort_keys=True, default=_as_json_text)
    return repr(value)
