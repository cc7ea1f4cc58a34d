"""Optuna (TPE with median pruning) on the very ``build(hp)`` that the others get."""

from __future__ import annotations

import gc
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.tasks import Task
from benchmarks.tuners import hypermodels
from benchmarks.tuners.metering import BudgetSpent, Meter, meter_callback
from benchmarks.tuners.numeric import numeric
from benchmarks.tuners.products import best_and_average
from benchmarks.tuners.runs import Delivery, RunSpec


class SuggestedParameters:
    """KerasTuner's ``hp`` methods, answered by an Optuna trial; a name asked for twice has one value.

    Args:
        trial: an ``optuna.trial.Trial``.

    Attributes:
        values: what was asked for so far.
        seconds: time that the answers took.
    """

    def __init__(self, trial: Any) -> None:
        self.trial = trial
        self.values: dict[str, Any] = {}
        self.seconds = 0.0

    def _suggested(self, name: str, suggest: Callable[..., Any], *arguments: Any, **settings: Any) -> Any:
        if name not in self.values:
            started = time.monotonic()
            self.values[name] = suggest(name, *arguments, **settings)
            self.seconds += time.monotonic() - started
        return self.values[name]

    def Int(
        self,
        name: str,
        min_value: int,
        max_value: int,
        step: int | None = None,
        sampling: str | None = None,
        default: int | None = None,
    ) -> int:
        """An integer in [min_value, max_value]."""
        log = sampling == "log"
        return int(self._suggested(name, self.trial.suggest_int, min_value, max_value, step=step or 1, log=log))

    def Float(
        self,
        name: str,
        min_value: float,
        max_value: float,
        step: float | None = None,
        sampling: str | None = None,
        default: float | None = None,
    ) -> float:
        """A number in [min_value, max_value]."""
        log = sampling == "log"
        return float(self._suggested(name, self.trial.suggest_float, min_value, max_value, step=step, log=log))

    def Choice(self, name: str, values: list[Any], ordered: bool | None = None, default: Any = None) -> Any:
        """One of the values."""
        return self._suggested(name, self.trial.suggest_categorical, values)

    def Boolean(self, name: str, default: bool = False) -> bool:
        """True or False."""
        return bool(self.Choice(name, [False, True]))

    def Fixed(self, name: str, value: Any) -> Any:
        """The value."""
        return self.values.setdefault(name, value)

    @contextmanager
    def conditional_scope(self, parent_name: str, parent_values: Any) -> Iterator[None]:
        """Optuna's spaces are defined by running: nothing to do."""
        yield


def run(task: Task, spec: RunSpec, meter: Meter) -> Delivery:
    """One search by Optuna; arguments as for the other methods' ``run``."""
    import keras
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    keras.utils.set_random_seed(spec.seed)
    data = numeric(task)
    build = hypermodels.SharedModel(**hypermodels.arguments(task, data)).build
    regression = task.target == "regression"
    folder = Path(spec.folder) / "optuna"
    folder.mkdir(parents=True, exist_ok=True)
    study = optuna.create_study(
        direction="minimize" if regression else "maximize",
        sampler=optuna.samplers.TPESampler(seed=spec.seed),
        pruner=optuna.pruners.MedianPruner(n_warmup_steps=2),
    )
    mode = "min" if regression else "max"

    def objective(trial: Any) -> float:
        keras.backend.clear_session()
        gc.collect()
        keras.config.set_dtype_policy(spec.precision)
        parameters = SuggestedParameters(trial)
        model = build(parameters)
        model.jit_compile = False
        # Optuna draws while the model is built: what that took is counted apart.
        shown = " ".join(f"{name}={value}" for name, value in sorted(parameters.values.items()))
        meter.begin(trial.number, shown, proposing=parameters.seconds).parameters = int(model.count_params())
        meter.fitting(hypermodels.BATCH_SIZE)
        scores: list[float] = []
        pruned = [False]

        class Report(keras.callbacks.Callback):  # type: ignore[misc]
            def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
                scores.append(float((logs or {}).get(task.objective, math.nan)))
                trial.report(scores[-1], epoch)
                if trial.should_prune():
                    pruned[0] = True
                    self.model.stop_training = True

        model.fit(
            data.x_train,
            task.y_train,
            validation_data=(data.x_validation, task.y_validation),
            epochs=spec.trial_epochs,
            batch_size=hypermodels.BATCH_SIZE,
            verbose=0,
            callbacks=[
                meter_callback(meter, task.objective),
                Report(),
                keras.callbacks.EarlyStopping(monitor=task.objective, mode=mode, patience=spec.patience),
                keras.callbacks.ModelCheckpoint(
                    str(folder / f"{trial.number}.keras"), monitor=task.objective, mode=mode, save_best_only=True
                ),
            ],
        )
        finite = [score for score in scores if math.isfinite(score)]
        if not finite:
            raise optuna.TrialPruned("no finite score")
        score = min(finite) if regression else max(finite)
        trial.set_user_attr("score", score)
        meter.end("completed", score, "pruned" if pruned[0] else "")
        if pruned[0]:
            raise optuna.TrialPruned
        return score

    try:
        while True:
            meter.ask()
            try:
                study.optimize(objective, n_trials=1, catch=(ValueError, RuntimeError, ArithmeticError))
            finally:
                if meter.trials and meter.trials[-1].status == "running":
                    meter.end("failed", math.nan, "the trial raised an error or had no finite score")
    except BudgetSpent:
        pass
    scored = [trial for trial in study.trials if "score" in trial.user_attrs]
    scored.sort(key=lambda trial: trial.user_attrs["score"], reverse=not regression)
    validation, test, parameters = [], [], []
    for trial in scored[: spec.top]:
        model = keras.models.load_model(folder / f"{trial.number}.keras")
        validation.append(model.predict(data.x_validation, batch_size=256, verbose=0))
        test.append(model.predict(data.x_test, batch_size=256, verbose=0))
        parameters.append(int(model.count_params()))
    for path in folder.glob("*.keras"):
        path.unlink()
    return Delivery(best_and_average(task, validation, test, parameters) if scored else [])
