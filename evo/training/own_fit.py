"""Trials whose training is the user's own: ``HyperModel.fit(hp, model, x, y, ...)``."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from evo.training import precision
from evo.training.backends.engine import Engine, EpochResult, Recipe
from evo.training.resident_data import ResidentData, Split, computing_type
from evo.training.strategy import place, place_elsewhere
from evo.training.task import TrialTask
from genomes.errors import GenomeError
from genomes.genome import Genome


class OwnFitEngine(Engine):
    """Holds the model while the user's ``fit`` trains it."""

    def train_epoch(self, order: np.ndarray, rates: np.ndarray, seed: int, step: int) -> EpochResult:
        """Never called: the user's ``fit`` trains all epochs."""
        raise NotImplementedError

    def evaluate(self) -> tuple[dict[str, float], np.ndarray]:
        """No logs, and predictions for the validation rows."""
        import keras

        predicted = self.model.predict(_arrays(self.data.validation.x), verbose=0)
        flat = [np.asarray(part, np.float32) for part in keras.tree.flatten(predicted)]
        return {}, np.concatenate([part.reshape(len(part), -1) for part in flat], axis=1)


@dataclass(frozen=True)
class OwnFit:
    """What came of it.

    Attributes:
        engine: holds the trained model.
        curves: values per epoch, or one value each where no ``History`` was returned.
        predictions: for the validation rows.
        note: what differs from what was asked for; empty if nothing.
    """

    engine: OwnFitEngine
    curves: dict[str, list[float]]
    predictions: np.ndarray
    note: str


def prepare(space: Any, genome: Genome, task: TrialTask, data: ResidentData) -> OwnFitEngine:
    """The fresh model.

    Raises:
        GenomeError: it cannot be built.
    """
    import keras

    backend, strategy = keras.backend.backend(), task.settings.strategy
    by_name = isinstance(strategy, str) and backend != "tensorflow"
    placement = place_elsewhere(backend, strategy, task.final) if by_name else place(strategy, task.final)
    policy, _ = precision.choose(task.settings.precision, placement)
    keras.utils.clear_session(free_memory=False)
    model = space.build(genome, dtype=policy, seed=task.seed % 2**32)
    optimizer = getattr(model, "optimizer", None) or keras.optimizers.SGD()
    if not optimizer.built:
        optimizer.build(model.trainable_variables)
    return OwnFitEngine(Recipe(space, genome, model, optimizer, int(space.batch_size(genome))), data)


def seed(task: TrialTask) -> None:
    """Seed what the user's ``fit`` draws: a continued trial draws other numbers than its first epochs did."""
    import keras

    seeds = np.random.SeedSequence(task.seed, spawn_key=(2, task.first_epoch)).generate_state(1)
    keras.utils.set_random_seed(int(seeds[0]))


def train(engine: OwnFitEngine, task: TrialTask) -> OwnFit:
    """Call the user's ``fit`` for the epochs of a trial.

    Args:
        engine: of :func:`prepare`.
        task: its epochs are ``initial_epoch`` and ``epochs``.

    Raises:
        GenomeError: it failed, or returned nothing that tells a score.
    """
    began = time.perf_counter()
    data, space = engine.data, engine.recipe.space
    options: dict[str, Any] = {
        "validation_data": _rows(data.validation),
        "epochs": task.last_epoch,
        "initial_epoch": task.first_epoch,
        "callbacks": task.callbacks.fresh(task.number),
        "verbose": 0,
    }
    if data.train.weight is not None:
        options["sample_weight"] = _arrays(data.train.weight)
    try:
        returned, given = space.fit(engine.recipe.genome, engine.model, _rows(data.train)[:2], options)
    except SystemExit as error:
        raise GenomeError(f"fit failed: SystemExit: {error}", "genes[0]") from error
    engine.seconds["train"] = time.perf_counter() - began
    curves = _curves(returned, space.objective.lstrip("-"))
    notes = []
    asked = task.last_epoch - task.first_epoch
    lengths = {len(values) for values in curves.values()} if hasattr(returned, "history") else {asked}
    if not {"epochs", "initial_epoch"} <= given or lengths != {asked}:
        told = f"; it trained {max(lengths)}" if lengths != {asked} else ""
        notes.append(f"fit decides on its epochs itself: {task.first_epoch} to {task.last_epoch} were asked for{told}")
    if task.callbacks and "callbacks" not in given:
        notes.append("fit takes no callbacks: those of the campaign were not called")
    return OwnFit(engine, curves, engine.evaluate()[1], "; ".join(notes))


def _curves(returned: Any, objective: str) -> dict[str, list[float]]:
    """Values by name of what KerasTuner takes from a ``fit``: a History, a number, a dict, or a list of these."""
    if isinstance(returned, (list, tuple)) and returned:
        each = [_curves(part, objective) for part in returned]
        names = [name for name in each[0] if all(name in curves for curves in each)]
        return {name: [float(np.mean([curves[name][-1] for curves in each]))] for name in names}
    if hasattr(returned, "history") and isinstance(returned.history, Mapping):
        return {str(name): [float(v) for v in values] for name, values in returned.history.items() if len(values)}
    if isinstance(returned, Mapping):
        return {str(name): [float(value)] for name, value in returned.items()}
    try:
        return {objective: [float(returned)]}
    except (TypeError, ValueError):
        raise GenomeError(
            f"fit must return a History, a number, a dict or a list of these, got {type(returned).__name__}"
        ) from None


def diverged(curves: Mapping[str, list[float]]) -> str:
    """Names of what is not finite at the end; empty if all is."""
    return ", ".join(name for name, values in curves.items() if not math.isfinite(values[-1]))


def _rows(split: Split) -> tuple[Any, ...]:
    parts = (_arrays(split.x), _arrays(split.y))
    return parts if split.weight is None else (*parts, _arrays(split.weight))


def _arrays(arrays: Any) -> Any:
    """Arrays in memory, in the types that are computed in."""
    import keras

    return keras.tree.map_structure(lambda array: np.array(array, computing_type(array)), arrays)
