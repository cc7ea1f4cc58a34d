"""KerasTuner's tuners, and ours in their place, metered exactly and otherwise untouched."""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.tasks import UPRIGHT, Task
from benchmarks.tuners import hypermodels
from benchmarks.tuners.metering import BudgetSpent, Meter
from benchmarks.tuners.numeric import Numeric, numeric
from benchmarks.tuners.products import best_and_average
from benchmarks.tuners.runs import Delivery, RunSpec

#: More trials than any budget allows: the budget ends a search, not a count of trials.
ENDLESS = 10**6
#: Random trials before BayesianOptimization models anything, where the budget is in epochs and proposing costs
#: nothing: as many as our initial design has. Its default, three for each dimension, would be random search under
#: another name. On the clock it keeps that default: a proposal by its model takes seconds that trials need more.
INITIAL_POINTS = 10
#: Smallest side that ResNet and Xception are meant for; smaller images are enlarged.
APPLICATION_SIZE = 32


def metered(tuner: type) -> type:
    """A tuner class that feeds ``self.meter`` and stops when that says so.

    Counting happens in the tuner's own hooks: callbacks that are passed to
    ``search`` are deep-copied for each trial and would count in the copy. So early
    stopping, retries and continued trials are counted as they really happen.
    """

    class Metered(tuner):  # type: ignore[misc, valid-type]
        meter: Meter

        def pre_create_trial(self) -> None:
            super().pre_create_trial()
            self.meter.ask()

        def on_trial_begin(self, trial: Any) -> None:
            super().on_trial_begin(trial)
            values = dict(trial.hyperparameters.values)
            first = int(values.get("tuner/initial_epoch", 0) or 0)
            shown = " ".join(f"{name}={value}" for name, value in sorted(values.items()))
            self.meter.begin(len(self.meter.trials), f"{trial.trial_id}: {shown}", first)

        def _build_hypermodel(self, hp: Any) -> Any:
            model = super()._build_hypermodel(hp)
            # XLA is Keras' default and does not pay on processors: see benchmarks/README.md.
            model.jit_compile = False
            if self.meter.trials and self.meter.trials[-1].status == "running":
                self.meter.trials[-1].parameters = int(model.count_params())
            return model

        def on_batch_end(self, trial: Any, model: Any, batch: int, logs: Any = None) -> None:
            super().on_batch_end(trial, model, batch, logs)
            if self.meter.batch():
                model.stop_training = True

        def on_epoch_end(self, trial: Any, model: Any, epoch: int, logs: Any = None) -> None:
            super().on_epoch_end(trial, model, epoch, logs)
            if self.meter.epoch(float((logs or {}).get(self.oracle.objective.name, math.nan))):
                model.stop_training = True

        def on_trial_end(self, trial: Any) -> None:
            super().on_trial_end(trial)
            known = self.oracle.get_trial(trial.trial_id)
            score = known.score if known.score is not None else math.nan
            lines = (known.message or "").strip().splitlines()
            self.meter.end(known.status.lower(), score, lines[-1][:300] if lines else "")

    Metered.__name__ = f"Metered{tuner.__name__}"
    return Metered


def _hypermodel(space: str, task: Task, data: Numeric, meter: Meter, precision: str) -> Any:
    """The hypermodel of a space: ``same``, ``own``, ``resnet`` or ``xception``."""
    import keras
    import keras_tuner

    def counted(base: type, build: Callable[[Any], Any] | None = None, tune_batch_size: bool = False) -> type:
        class Counted(base):  # type: ignore[misc, valid-type]
            def build(self, hp: Any) -> Any:
                # The tuner's clear_session has reset the policy: set it for each model.
                keras.config.set_dtype_policy(precision)
                return super().build(hp) if build is None else build(hp)

            def fit(self, hp: Any, model: Any, *args: Any, **kwargs: Any) -> Any:
                size = hypermodels.build_batch_size(hp) if tune_batch_size else hypermodels.BATCH_SIZE
                meter.fitting(size)
                return model.fit(*args, batch_size=size, **kwargs)

        return Counted

    arguments = hypermodels.arguments(task, data)
    mirror = task.name not in UPRIGHT
    if space == "same":
        return counted(keras_tuner.HyperModel, lambda hp: hypermodels.build_shared(hp, **arguments))()
    if space == "own":
        return counted(
            keras_tuner.HyperModel, lambda hp: hypermodels.build_generous(hp, **arguments, mirror=mirror), True
        )()
    application = {"resnet": keras_tuner.applications.HyperResNet, "xception": keras_tuner.applications.HyperXception}[
        space
    ]
    return counted(application)(input_shape=data.shape, classes=task.outputs)


def _tuner(kind: str, hypermodel: Any, task: Task, spec: RunSpec) -> Any:
    import keras_tuner

    direction = "min" if task.target == "regression" else "max"
    common = {
        "hypermodel": hypermodel,
        "objective": keras_tuner.Objective(task.objective, direction),
        "seed": spec.seed,
        "directory": str(Path(spec.folder) / "keras_tuner"),
        "project_name": "search",
        "max_consecutive_failed_trials": ENDLESS,
    }
    if kind == "evolution":
        from evo.integrations.keras_tuner import EvolutionTuner

        tuner, longest = metered(EvolutionTuner), spec.trial_epochs
        # Told of its budget as a campaign is, and trained as evo@same trains a build(hp).
        length: dict[str, Any] = {"max_trials": ENDLESS}
        if spec.epochs is not None:
            length = {"hyperband_iterations": spec.epochs / (longest * max(1.0, math.log(longest, 3) ** 2))}
        return tuner(max_epochs=longest, falling_rate=True, corrected_statistics=True, **length, **common)
    if kind == "hyperband":
        tuner = metered(keras_tuner.Hyperband)
        return tuner(max_epochs=spec.trial_epochs, factor=3, hyperband_iterations=ENDLESS, **common)
    if kind == "bayesian":
        bayesian = metered(keras_tuner.BayesianOptimization)
        initial = INITIAL_POINTS if spec.epochs is not None else None
        return bayesian(max_trials=ENDLESS, num_initial_points=initial, **common)
    return metered(keras_tuner.RandomSearch)(max_trials=ENDLESS, **common)


def run(kind: str, space: str, task: Task, spec: RunSpec, meter: Meter) -> Delivery:
    """One search by one of KerasTuner's tuners, or by ours in its place.

    Args:
        kind: ``random``, ``bayesian``, ``hyperband``, or ``evolution`` for ours.
        space: ``same``, ``own``, ``resnet`` or ``xception``.
        task: the task.
        spec: the run.
        meter: what is fed; its clock is running.
    """
    import keras

    keras.utils.set_random_seed(spec.seed)
    application = space in ("resnet", "xception")
    data = numeric(task, APPLICATION_SIZE if application else 0)
    targets = [task.y_train, task.y_validation]
    if application:  # these two models take one-hot targets
        targets = [np.eye(task.outputs, dtype=np.float32)[y] for y in targets]
    tuner = _tuner(kind, _hypermodel(space, task, data, meter, spec.precision), task, spec)
    tuner.meter = meter
    # Ours is stopped by its rungs, as in a campaign.
    stopping = keras.callbacks.EarlyStopping(
        monitor=task.objective, mode="min" if task.target == "regression" else "max", patience=spec.patience
    )
    ended = "exhausted"
    try:
        tuner.search(
            data.x_train,
            targets[0],
            validation_data=(data.x_validation, targets[1]),
            epochs=spec.trial_epochs,
            callbacks=[] if kind == "evolution" else [stopping],
            verbose=0,
        )
    except BudgetSpent:
        ended = "budget"
    return _deliver(tuner, task, data, spec.top, ended)


def _deliver(tuner: Any, task: Task, data: Numeric, top: int, ended: str) -> Delivery:
    """The best trials' stored models (best epoch of each), judged; the plain average of the top k."""
    trials = tuner.oracle.get_best_trials(top)
    if not trials:
        return Delivery([], ended)
    validation, test, parameters = [], [], []
    for trial in trials:
        model = tuner.load_model(trial)
        validation.append(model.predict(data.x_validation, batch_size=256, verbose=0))
        test.append(model.predict(data.x_test, batch_size=256, verbose=0))
        parameters.append(int(model.count_params()))
    shutil.rmtree(tuner.project_dir, ignore_errors=True)
    return Delivery(best_and_average(task, validation, test, parameters), ended)
