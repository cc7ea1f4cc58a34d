"""The engine for a trial: from this process' cache, or built for it."""

from __future__ import annotations

import functools
import os
import re
from typing import Any

from evo.training import precision
from evo.training.backends.cache import EngineCache, genome_key
from evo.training.backends.compiled_models import build_as_fit, has_own_steps, start_session
from evo.training.backends.engine import Engine, Recipe
from evo.training.backends.fit_on_replicas import every_replica_has_rows
from evo.training.backends.independent_rows import has_independent_rows
from evo.training.backends.structure import structure_key
from evo.training.resident_data import ResidentData
from evo.training.state import read_weights
from evo.training.strategy import Placement, place, place_elsewhere
from evo.training.task import TrialTask
from evo.training.task_inputs import load_preprocessing
from genomes.genome import Genome

#: Data larger than this stay in their memory-mapped files, and are trained on by ``fit``.
_RESIDENT_BYTES = 4 * 2**30
#: Which fold the fingerprint of a fold's data names.
_FOLD = re.compile(r"-fold\d+")


@functools.cache
def engine_cache() -> EngineCache:
    """The engines of this process."""
    return EngineCache()


def engine_for(
    space: Any, genome: Genome, task: TrialTask, data: ResidentData, restored: bool, divisor: int = 1
) -> Engine:
    """An engine whose model is fresh: initialised from the task's seed, inherited weights in place.

    Args:
        space: the task's space.
        genome: the task's genome.
        task: what is to be done.
        data: the task's data.
        restored: the caller puts a stored state into it, so that fresh weights are not needed.
        divisor: divides the genome's batch size.

    Raises:
        GenomeError: the genome cannot be built; the message names the path.
        SettingsError: precision or strategy cannot be had here.
    """
    placement = _placement(task)
    found = _engine_on(placement, space, genome, task, data, restored, divisor)
    if found is None:
        found = _engine_on(placement.of_one_device(), space, genome, task, data, restored, divisor)
    assert found is not None, "one device takes batches of any size"
    return found


def _engine_on(
    placement: Placement, space: Any, genome: Genome, task: TrialTask, data: ResidentData, restored: bool, divisor: int
) -> Engine | None:
    """An engine where a placement says; None where its replicas cannot share the batches."""
    import keras

    policy, _ = precision.choose(task.settings.precision, placement)
    # Between two epochs of the compiled function Keras' own callbacks find what they need, of TensorFlow's alone.
    by_fit = bool(task.callbacks) and (task.callbacks.needs_fit or keras.backend.backend() != "tensorflow")
    size = max(1, int(space.batch_size(genome)) // divisor)
    shared = every_replica_has_rows(data.train.rows, size, placement.replicas)
    context = [
        policy,
        placement.kind,
        placement.replicas,
        placement.device,
        divisor,
        repr(task.settings.strategy),
        task.data.encoded,
        by_fit,
        shared,
    ]
    learnt = [data.fingerprint, _stamp(task.preprocessing)]
    cache = engine_cache()
    own_key = genome_key(task.space, task.genome, [*learnt, *context])
    if task.fold is not None:
        # Data are arguments of compiled functions, and what models hold of preprocessing is in their structure: one
        # engine serves all folds.
        learnt = [_FOLD.sub("", data.fingerprint)]
    engine = cache.for_genome(own_key)
    if engine is not None and restored:
        return engine
    # Names and seeds that Keras makes up are counted from here, whatever the worker did before.
    start_session()
    keras.utils.set_random_seed(task.seed % 2**32)
    with placement.scope():
        preprocessing = load_preprocessing(task.preprocessing)
        # The very model, without the look-ups that were done once for all trials.
        front = {"encoded": True} if task.data.encoded else {}
        model = space.build(genome, preprocessing, dtype=policy, seed=task.seed % 2**32, **front)
        if space.compiles_models:
            build_as_fit(model, data.train)
        optimizer = precision.scaled(model.optimizer if space.compiles_models else space.optimizer(genome), policy)
        if task.inherit is not None and not restored:
            from genomes.inheritance import inherit

            parent = Genome.from_json(task.inherit_genome or task.genome)
            inherit(parent, read_weights(task.inherit, task.fold), genome, model)
        recipe = Recipe(space, genome, model, optimizer, size, preprocessing)
        if engine is None:
            structure = structure_key(recipe, [*learnt, *context]) if keras.backend.backend() == "tensorflow" else None
            engine = cache.for_structure(structure, own_key)
            if engine is None:
                engine = _new_engine(recipe, data, placement, by_fit, shared)
                if engine is None:
                    return None
                cache.put(structure, own_key, engine)
                return engine
        engine.data = data
        engine.adopt(recipe)
    return engine


def _new_engine(recipe: Recipe, data: ResidentData, placement: Placement, by_fit: bool, shared: bool) -> Engine | None:
    """The fastest engine that is right for the backend, the model, the callbacks and the size of the data.

    None where Keras' own ``fit`` must train, and not every replica would have rows of every batch (``shared``).
    """
    import keras

    backend = keras.backend.backend()
    by_fit = by_fit or backend not in ("tensorflow", "jax")
    by_fit = by_fit or has_own_steps(recipe.model) or data.nbytes > _RESIDENT_BYTES
    if backend == "jax" and not recipe.model.jit_compile:
        # Some of Keras' layers cannot be compiled by JAX, and `fit` leaves them uncompiled.
        by_fit = True
    if backend == "tensorflow" and placement.replicas > 1 and not by_fit:
        # Where what a replica makes of its rows depends on their number, only Keras can say what is right.
        by_fit = not has_independent_rows(recipe, data.train)
    if by_fit:
        if backend == "tensorflow" and not shared:
            return None
        from evo.training.backends.fit import FitEngine

        return FitEngine(recipe, data)
    if backend == "jax":
        from evo.training.backends.jax import JaxEngine

        return JaxEngine(recipe, data, placement.strategy)
    from evo.training.backends.tensorflow.engine import TensorFlowEngine

    return TensorFlowEngine(recipe, data, placement.strategy)


def _placement(task: TrialTask) -> Placement:
    import keras

    strategy = task.settings.strategy
    if not isinstance(strategy, str):
        return place(strategy)
    if keras.backend.backend() != "tensorflow":
        return place_elsewhere(keras.backend.backend(), strategy, task.final)
    placement = _named_placement(strategy, task.final)
    if placement.kind == "gpu" and task.settings.deterministic:
        import tensorflow as tf

        tf.config.experimental.enable_op_determinism()
    return placement


@functools.cache
def _named_placement(strategy: str, final: bool) -> Placement:
    return place(strategy, final)


def _stamp(path: str | None) -> Any:
    """A file as a cache key: its path and when it was written."""
    return None if path is None else [path, os.stat(path).st_mtime_ns]
