"""Ours: a campaign in the premade space, or in the ``build(hp)`` that KerasTuner gets."""

from __future__ import annotations

import dataclasses
import math
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import evo
from benchmarks.tasks import Task
from benchmarks.tuners import hypermodels
from benchmarks.tuners.metering import Meter, TrialRow
from benchmarks.tuners.numeric import numeric
from benchmarks.tuners.products import Product, best_and_average, judge
from benchmarks.tuners.runs import Delivery, RunSpec
from evo.algorithms import Algorithm, Problem, RandomSearch, ScreenedEvolution, Step
from evo.campaign import companions
from evo.core.events import Callback
from evo.core.history import History
from evo.core.trial import Status, Trial

#: Our algorithms by the name that a method gives them.
ALGORITHMS: dict[str, Algorithm] = {
    "default": ScreenedEvolution(),
    "random": RandomSearch(),
    "inherit": ScreenedEvolution(inherit=True),
}


def timed(settings: Algorithm, spend: Callable[[float], None]) -> Algorithm:
    """The same algorithm, with the seconds of each proposal told to ``spend``."""
    kind = type(settings)

    class Timed(kind):  # type: ignore[misc, valid-type]
        def bind(self, problem: Problem) -> Step:
            step = super().bind(problem)

            def propose(history: History, rng: np.random.Generator) -> Any:
                started = time.monotonic()
                try:
                    return step(history, rng)
                finally:
                    spend(time.monotonic() - started)

            return propose

        def to_json(self) -> dict[str, Any]:
            return {**super().to_json(), "algorithm": kind.__name__}

    return Timed(**{field.name: getattr(settings, field.name) for field in dataclasses.fields(settings)})


class Watch(Callback):
    """Fills a meter from a campaign's events: what an outcome cost, when it was known."""

    def __init__(self, meter: Meter, score_name: str) -> None:
        self.meter = meter
        self.score_name = score_name
        self._begun: dict[int, float] = {}
        self.proposed = 0.0

    def propose(self, seconds: float) -> None:
        """A proposal took this long."""
        self.proposed += seconds
        self.meter.proposing += seconds

    def on_submit(self, trial: Trial, history: History) -> None:
        """See :class:`evo.core.events.Callback`."""
        self._begun[trial.number] = self.meter.seconds

    def on_outcome(self, trial: Trial, history: History) -> None:
        """See :class:`evo.core.events.Callback`."""
        outcome, meter = trial.outcome, self.meter
        assert outcome is not None
        now = meter.seconds
        samples = outcome.epochs * meter.rows
        meter.epochs += outcome.epochs
        meter.samples += samples
        meter.training += sum(outcome.seconds.values())
        score = float(outcome.scores.get(self.score_name, math.nan)) if outcome.completed else math.nan
        meter.trials.append(
            TrialRow(
                trial=trial.number,
                status="completed" if outcome.status is Status.COMPLETED else outcome.status.value,
                first_epoch=trial.proposal.first_epoch,
                epochs=outcome.epochs,
                samples=samples,
                validation_score=score,
                parameters=outcome.parameters,
                started=self._begun.get(trial.number, now),
                finished=now,
                proposing=self.proposed,
                total_epochs=meter.epochs,
                total_samples=meter.samples,
                settings=f"{trial.proposal.origin} rung {trial.proposal.rung}: {trial.genome}"[:500],
                message=outcome.message[:300],
            )
        )
        self.proposed = 0.0
        meter.evaluations.append(
            {
                "trial": trial.number,
                "total_epochs": meter.epochs,
                "total_samples": meter.samples,
                "seconds": now,
                "validation_score": score,
            }
        )


def _space_and_data(space: str, task: Task) -> tuple[Any, Any, Any, Any]:
    """The space, and inputs for training, validation and test."""
    if space == "own":
        return task.space(), task.x_train, task.x_validation, task.x_test
    from genomes import spaces

    data = numeric(task)
    regression = task.target == "regression"
    shared = spaces.from_hypermodel(
        hypermodels.SharedModel(**hypermodels.arguments(task, data)),
        objective="-val_rmse" if regression else "val_accuracy",
        batch_size=hypermodels.BATCH_SIZE,
        classes=None if regression else task.outputs,
        outputs=1 if regression else None,
        corrected_statistics=True,
        falling_rate=True,
    )
    return shared, data.x_train, data.x_validation, data.x_test


def run(tuner: str, space: str, task: Task, spec: RunSpec, meter: Meter) -> Delivery:
    """One campaign.

    Args:
        tuner: one of :data:`ALGORITHMS`.
        space: ``own`` or ``same``.
        task: the task.
        spec: the run.
        meter: what is fed; its clock is running.
    """
    genome_space, x_train, x_validation, x_test = _space_and_data(space, task)
    data = evo.Data(x_train, task.y_train, validation=(x_validation, task.y_validation))
    watch = Watch(meter, task.objective)
    settings = ALGORITHMS[tuner]
    directory = Path(spec.folder) / "campaign"
    # What was spent before (imports, preparing the data) and what choosing takes are on the same clock.
    reserve = float(spec.extra.get("reserve", 0.0))
    minutes = None if spec.minutes is None else max(0.01, spec.minutes - (meter.seconds + reserve) / 60)
    campaign = evo.Campaign(
        genome_space,
        data,
        directory,
        budget=evo.Budget(epochs=spec.epochs, minutes=minutes),
        epochs=spec.trial_epochs,
        seed=spec.seed,
        **_width(spec),
        algorithm=timed(settings, watch.propose),
        precision=spec.precision,
        callbacks=[watch],
        verbose=False,
    )
    # Models beside the nets cost no epochs: with a budget in epochs, which all methods have alike, there are none.
    beside = companions.wanted(campaign.space, {"trees": False}) if spec.minutes is not None and space == "own" else {}
    campaign.companions.plan = companions.Plan(beside, 1 / 3)
    result = campaign.run()
    if result.reason == "stopped":
        raise SystemExit("stopped by a signal: what a part of the budget gave is no result")
    searched = meter.seconds
    if not result.history.completed():
        return Delivery([], result.reason)
    chosen = result.ensemble(size=spec.ensemble, trees=False, linear=bool(beside))
    chosen_seconds = meter.seconds - searched
    trees_seconds, with_trees = 0.0, None
    if spec.extra.get("trees") and task.kind == "tabular" and space == "own":
        with_trees = result.ensemble(size=spec.ensemble, trees=True, linear=False)
        trees_seconds = meter.seconds - searched - chosen_seconds
    # The incumbent and the plain average as for the others: by the objective, not by what the ensemble looks at.
    ranked = [result.best, *(one for one in result.population if one.number != result.best.number)][: spec.top]
    tops = [_predictions(genome_space, individual, task, x_validation, x_test) for individual in ranked]
    sizes = [int(individual.parameters or 0) for individual in ranked]
    products: list[Product] = best_and_average(task, [top[0] for top in tops], [top[1] for top in tops], sizes)
    for name, product, seconds in (
        ("ensemble", chosen, chosen_seconds),
        ("ensemble+trees", with_trees, trees_seconds),
    ):
        if product is None:
            continue
        validation, test = product.outputs(x_validation), product.outputs(x_test)
        products.append(judge(task, name, validation, test, len(product.members), product.parameters, seconds))
    notes = {"ensemble": str(chosen.report), "members": [member.number for member in chosen.members]}
    if not spec.extra.get("keep_models"):
        shutil.rmtree(directory, ignore_errors=True)
    return Delivery(products, result.reason, after_search=chosen_seconds, notes=notes)


def _width(spec: RunSpec) -> dict[str, Any]:
    """On the clock one worker per core; with a budget in epochs one trial after the other, as all others do it."""
    if spec.epochs is None:
        return {"workers": spec.cores}
    return {"workers": 1, "threads": spec.cores, "concurrency": 1}


def _predictions(space: Any, individual: Any, task: Task, *inputs: Any) -> list[np.ndarray]:
    """Outputs of one trained individual on some inputs."""
    from evo.ensemble import Member

    member = Member(individual.model, individual.number)
    return [member.predict(space.prepare(x), space.task) for x in inputs]
