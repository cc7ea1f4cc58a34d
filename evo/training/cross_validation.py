"""One cross-validated trial: a training on each fold, one after the other, and what they make together."""

from __future__ import annotations

import dataclasses
import os
import time
from collections.abc import Callable, Sequence

import numpy as np

from evo.core.errors import StorageError
from evo.core.trial import Outcome
from evo.training.state import STATE_FILE, read_state, write_folds
from evo.training.task import TrialReport, TrialTask


def train_folds(task: TrialTask, train: Callable[[TrialTask], TrialReport]) -> TrialReport:
    """Train on each fold.

    A fold that a killed worker had finished is not trained again: its state is in its folder. All folds are trained
    for the same number of epochs, also where a deadline ends the first one early.

    Args:
        task: its ``folds`` say on what.
        train: does one training.

    Returns:
        Scores and curves are means over the folds; ``val_..._std`` is the standard deviation of what was measured on
        validation rows. Parameters are those of the largest model. The report of the first fold that did not
        complete, if there is one.

    Raises:
        StorageError: as ``train``.
    """
    reports: list[TrialReport] = []
    stop = None
    for fold in range(len(task.folds)):
        part = _part(task, fold, stop)
        report = train(part)
        if not report.outcome.completed:
            said = f"fold {fold + 1} of {len(task.folds)}: {report.outcome.message}"
            seconds = _summed([*(r.outcome for r in reports), report.outcome])
            return TrialReport(task.number, dataclasses.replace(report.outcome, message=said, seconds=seconds))
        reports.append(report)
        stop = task.first_epoch + report.outcome.epochs
    path = os.path.join(task.directory, STATE_FILE)
    write_folds(path, (read_state(_left(report)) for report in reports))
    predictions = [report.predictions for report in reports if report.predictions is not None]
    return TrialReport(
        task.number,
        _together([report.outcome for report in reports]),
        np.concatenate(predictions) if len(predictions) == len(reports) else None,
        path,
    )


def _part(task: TrialTask, fold: int, stop: int | None) -> TrialTask:
    """The training on one fold."""
    deadline = None
    if task.deadline is not None and fold == 0:
        # The others take as long, and have no choice.
        now = time.time()
        deadline = now + max(0.0, task.deadline - now) / len(task.folds)
    return dataclasses.replace(
        task,
        data=task.folds[fold].data,
        preprocessing=task.folds[fold].preprocessing,
        seed=int(np.random.SeedSequence(task.seed, spawn_key=(3, fold)).generate_state(1, np.uint64)[0] >> 1),
        directory=os.path.join(task.directory, f"fold{fold}"),
        deadline=deadline,
        folds=(),
        fold=fold,
        stop=stop,
    )


def _left(report: TrialReport) -> str:
    if report.state is None:
        raise StorageError(f"state: a fold of trial {report.number} left none")
    return report.state


def _together(outcomes: Sequence[Outcome]) -> Outcome:
    """One outcome of those of the folds, all of them complete."""
    first = outcomes[0]
    scores: dict[str, float] = {}
    for name in first.scores:
        values = [outcome.scores[name] for outcome in outcomes if name in outcome.scores]
        scores[name] = float(np.mean(values))
        if name.startswith("val_"):
            scores[f"{name}_std"] = float(np.std(values))
    curves = {
        name: tuple(float(value) for value in np.mean([outcome.curves[name] for outcome in outcomes], axis=0))
        for name in first.curves
        if all(len(outcome.curves.get(name, ())) == len(first.curves[name]) for outcome in outcomes)
    }
    known = [outcome.parameters for outcome in outcomes if outcome.parameters is not None]
    return dataclasses.replace(
        first,
        scores=scores,
        curves=curves,
        parameters=max(known) if known else None,
        message="; ".join(dict.fromkeys(outcome.message for outcome in outcomes if outcome.message)),
        seconds=_summed(outcomes),
    )


def _summed(outcomes: Sequence[Outcome]) -> dict[str, float]:
    names = dict.fromkeys(name for outcome in outcomes for name in outcome.seconds)
    return {name: sum(outcome.seconds.get(name, 0.0) for outcome in outcomes) for name in names}
